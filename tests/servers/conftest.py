"""The servers, each with the same application, and a client that can be as odd as clients are."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest

from legacy_portals import DEMO_USERS
from wsgi_mfa import KeyFile, KeyRing, Policy, SqliteStore
from wsgi_mfa.clock import SystemClock
from wsgi_mfa.configuration.build import new_identity
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.service import MfaService
from wsgi_mfa.support import SupportDesk

HERE = Path(__file__).parent
_SPEC = importlib.util.spec_from_file_location("servers_fronts", HERE / "fronts.py")
fronts = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fronts)
APPLICATION = HERE / "application.py"
PATIENCE_SECONDS = 30
TLS_AHEAD = {"X-Forwarded-Proto": "https"}  # what a proxy in front would say
USERS = list(DEMO_USERS.values())
SECRET = "the secret of a portal behind servers"

#: The same settings as those of application.py, for the ways in that read a file.
SETTINGS = """
issuer = "Client Portal"
store = "sqlite:///{folder}/mfa.db"
scheme_from = "X-Forwarded-Proto"

[identity]
kind = "flask-session"
user_key = "_user_id"
secret_env = "PORTAL_SECRET"

[policy]
exempt_paths = ["/static"]
trusted_peers = ["127.0.0.1"]
"""


@dataclass
class Answer:
    """A response: ``cut`` says that the connection ended before the body was whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    cut: bool = False

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Browser:
    """A client with cookies, on plain sockets; ``Secure`` is taken as if there were TLS in front."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def ask(self, method: str, path: str, body=None, **headers: str | None) -> Answer:
        """One request on a connection of its own; header names are written with ``_`` for ``-``."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        ahead = {} if self.tls else TLS_AHEAD
        sent = {**ahead, "Cookie": self.cookie_header, **given}
        connection = self.connect()
        try:
            connection.request(
                method,
                path,
                body,
                {name: value for name, value in sent.items() if value},
                encode_chunked=sent.get("Transfer-Encoding") == "chunked",
            )
            return self._answer(connection.getresponse())
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPConnection:
        if self.tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        return http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE_SECONDS, context=self.tls)

    def raw(self, text: str | bytes, *, patience_seconds: float = PATIENCE_SECONDS) -> Answer:
        """Send these very bytes, and read what comes back."""
        data = text.replace("\n", "\r\n").encode("latin-1") if isinstance(text, str) else text
        with socket.create_connection(("127.0.0.1", self.port), timeout=patience_seconds) as connection:
            connection.sendall(data)
            method = data.split(b" ", 1)[0].decode()
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            return self._answer(response)

    def _answer(self, response: http.client.HTTPResponse) -> Answer:
        cut = False
        try:
            body = response.read()
        except http.client.IncompleteRead as error:
            body, cut = error.partial, True
        for line in response.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            if value and "max-age=0" not in line.lower():
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return Answer(response.status, response.headers, body, cut)

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def post_form(self, path: str, **fields: str) -> Answer:
        return self.ask("POST", path, urlencode(fields), Content_Type="application/x-www-form-urlencoded")

    def as_program(self, method: str, path: str, **members: object) -> Answer:
        body = json.dumps(members) if members else None
        return self.ask(method, path, body, Content_Type="application/json", Accept="application/json")

    def pass_first_factor(self, user) -> Answer:
        return self.post_form("/sign-in", username=user.name, password=user.password)

    def enroll(self, user) -> None:
        """Password, key, code, tick box: afterwards the portal is open to this browser."""
        assert self.pass_first_factor(user).status in (302, 303, 401)
        key = self.as_program("GET", "/mfa/enroll").json["key"]
        done = self.as_program("POST", "/mfa/enroll", code=code_of(key))
        assert done.json["outcome"] == "must_save_recovery_code", done.body
        assert self.as_program("POST", "/mfa/recovery-code", saved=True).json["outcome"] == "signed_in"


def code_of(key: str, steps: int = 0) -> str:
    """What an authenticator app shows now, or so many steps from now, by RFC 4226 and RFC 6238."""
    counter = int(time.time()) // 30 + steps
    digest = hmac.digest(base64.b32decode(key), counter.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


@dataclass
class Running:
    """One server with its application, and what is known of it."""

    name: str
    port: int
    folder: Path
    signed_in: Browser = field(init=False)  # with a second factor
    half_way: Browser = field(init=False)  # with a password alone

    def browser(self) -> Browser:
        return Browser(self.port)

    def called(self) -> list[str]:
        """The paths for which the application was called so far, with their users."""
        trace = self.folder / "called"
        return trace.read_text().splitlines() if trace.exists() else []

    @property
    def desk(self) -> SupportDesk:
        store = SqliteStore(self.folder / "mfa.db", create=False, new_identity=new_identity())
        keys = KeyFile(self.folder / "keys")
        return SupportDesk(
            MfaService(store=store, keys=keys, policy=Policy(), clock=SystemClock(), entropy=SystemEntropy())
        )


#: Name -> the command that serves the application on a port, given the running server's folder.
Command = Callable[[int, Path], list[str]]


def _module(name: str, *arguments: str) -> Command:
    return lambda port, _: [sys.executable, "-m", name, *(each.format(port=port) for each in arguments)]


def _alone(kind: str) -> Command:
    return lambda port, _: [sys.executable, str(HERE / "serve_alone.py"), kind, str(port)]


def _packages(folder: Path) -> str:
    """The folders from which this Python imports packages; its own library is not Debian's.

    Root's Apache serves as another user, from whom tox hides its environments: those get a copy in ``folder``.
    """
    library = Path(os.__file__).parent
    found = [Path(each) for each in sys.path if each and Path(each).is_dir()]
    ours = [each for each in found if library not in (each, each.parent) or each.name == "site-packages"]
    unneeded = shutil.ignore_patterns(
        "__pycache__", "_pytest", "django", "hypothesis", "pip", "pygments", "setuptools"
    )
    for number, path in enumerate(ours):
        hidden = any(not parent.stat().st_mode & 0o001 for parent in (path, *path.parents))
        if os.geteuid() == 0 and hidden:
            ours[number] = folder / f"packages-{number}"
            shutil.copytree(path, ours[number], ignore=unneeded)
    return ":".join(map(str, ours))


def _apache(port: int, folder: Path) -> list[str]:
    shutil.copy(APPLICATION, folder)
    (folder / "apache.conf").write_text(
        (HERE / "apache.conf")
        .read_text()
        .format(
            user="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
            port=port,
            folder=folder,
            packages=_packages(folder),
        )
    )
    return ["apache2", "-f", str(folder / "apache.conf"), "-DFOREGROUND"]


SERVERS: dict[str, Command] = {
    "wsgi-mfa serve": lambda port, folder: [
        *(sys.executable, "-m", "wsgi_mfa", "serve", "application:portal_and_probes"),
        *("--config", str(folder / "mfa.toml"), "--port", str(port), "--workers", "4"),
    ],
    "waitress": _module(
        "waitress",
        "--listen=127.0.0.1:{port}",
        "--no-clear-untrusted-proxy-headers",
        "application:application",
    ),
    "gunicorn sync": _module("gunicorn", "-w4", "-b127.0.0.1:{port}", "application:application"),
    "gunicorn gthread": _module(
        "gunicorn", "-kgthread", "-w2", "--threads=4", "-b127.0.0.1:{port}", "application:application"
    ),
    "uWSGI": lambda port, _: [
        str(Path(sys.executable).with_name("pyuwsgi")),
        *("--http-socket", f"127.0.0.1:{port}", "--wsgi-file", str(APPLICATION), "--need-app"),
        *(
            "--master",
            "--die-on-term",
            "--processes",
            "4",
            "--threads",
            "2",
            "--enable-threads",
            "--lazy-apps",
        ),
        *("--buffer-size", "16384", "--disable-logging"),
    ],
    "mod_wsgi": _apache,
    "cheroot": _alone("cheroot"),
    "wsgiref": _alone("wsgiref"),
    "Werkzeug": _alone("werkzeug"),
}
PACKAGES = {
    "wsgi-mfa serve": "waitress",
    "gunicorn sync": "gunicorn",
    "gunicorn gthread": "gunicorn",
    "uWSGI": "pyuwsgi",
}


def _what_is_missing(name: str) -> str | None:
    if name == "mod_wsgi":
        if shutil.which("apache2") is None or not Path("/usr/lib/apache2/modules/mod_wsgi.so").exists():
            return "Debian's apache2 with libapache2-mod-wsgi-py3"
        # Compiled for one Python, whose extension modules it can load.
        return None if sys.version_info[:2] == (3, 11) else "Python 3.11, for Debian's mod_wsgi"
    package = PACKAGES.get(name, name.lower())
    return None if importlib.util.find_spec(package) else f"the package {package}"


def old_python() -> str | None:
    """A Python 2.7, from the path or from pyenv, whose shim answers only for versions that it was told to use."""
    roots = [os.environ.get("PYENV_ROOT", ""), str(Path.home() / ".pyenv")]
    builds = [path for root in roots if root for path in Path(root).glob("versions/2.7*/bin/python2.7")]
    return str(builds[0]) if builds else shutil.which("python2.7")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())


def end(processes: list[subprocess.Popen]) -> None:
    """End processes and whatever they have started: all are told at once, and none is waited for long."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    until = time.monotonic() + 5
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(until - time.monotonic(), 0))
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """The folder of a certificate for localhost, ``portal.pem``, and of its key, ``portal.key``."""
    return fronts.write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def front_command():
    """``front_command("nginx", program, folder, port, server)``: the command that serves this configuration."""
    return fronts.command_of


@pytest.fixture(scope="session")
def until_it_answers():
    """``until_it_answers(port, certificate)`` waits for a front that was just started."""
    return fronts.wait_until_it_answers


@pytest.fixture(scope="session")
def code_at():
    """``code_at(key, steps=0)``: the code of the present step, or of one so far from it."""
    return code_of


@pytest.fixture(scope="session")
def users():
    return USERS


@pytest.fixture(scope="session")
def new_port():
    """``new_port()``: a port that nobody listens on."""
    return free_port


@pytest.fixture(scope="session")
def running():
    """``running(name, port, folder)``: what is known of a server that was started by hand."""
    return Running


@pytest.fixture(scope="session")
def browser_at():
    """``browser_at(port, tls=None)``: a browser without cookies."""
    return lambda port, tls=None: Browser(port, tls=tls)


@pytest.fixture(scope="session")
def place() -> Iterator[Callable[[], Path]]:
    """``place()``: a folder with a store and its keys, which a server may read that is not run by us."""
    made: list[Path] = []

    def make() -> Path:
        folder = Path(tempfile.mkdtemp(prefix="wsgi-mfa-servers-"))
        made.append(folder)
        (folder / "keys").write_text(KeyRing.generate_text(SystemEntropy(), "k1") + "\n")
        (folder / "closed").mkdir()
        (folder / "mfa.toml").write_text(SETTINGS.format(folder=folder))
        SqliteStore(folder / "mfa.db", create=True, new_identity=new_identity()).close()
        if os.geteuid() == 0:
            owner = pwd.getpwnam("www-data")
            for path in (folder, *folder.iterdir()):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        return folder

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., subprocess.Popen]]:
    """``launch(command, port, folder)``: a server as a child, once it accepts connections."""
    started: list[subprocess.Popen] = []

    def start(command: list[str], port: int, folder: Path, **variables: str) -> subprocess.Popen:
        paths = [str(HERE), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "MFA_TEST_FOLDER": str(folder),
            "PORTAL_SECRET": SECRET,
            "WSGI_MFA_KEYS": (folder / "keys").read_text().strip(),
        }
        log = folder / f"log-{port}"
        with log.open("w") as file:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**environment, **variables},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        wait_for(port, process, log)
        return process

    yield start
    end(started)


@pytest.fixture(scope="session")
def old_portal(place, launch, missing):
    """``old_portal()``: a portal on Python 2.7, which cannot load the middleware: its port and its folder."""

    def start() -> tuple[int, Path]:
        python = old_python()
        if python is None:
            missing("a Python 2.7")
        port, folder = free_port(), place()
        launch([python, str(HERE / "portal27.py"), str(port)], port, folder, PYTHONPATH="")
        return port, folder

    return start


@pytest.fixture(scope="session", params=list(SERVERS))
def server(request, place, launch, missing) -> Running:
    """Each server in turn, with one browser that is signed in and one that has shown a password only."""
    absent = _what_is_missing(request.param)
    if absent is not None:
        missing(absent)
    folder, port = place(), free_port()
    launch(SERVERS[request.param](port, folder), port, folder)
    running = Running(request.param, port, folder)
    running.signed_in, running.half_way = running.browser(), running.browser()
    running.signed_in.enroll(USERS[0])
    running.half_way.pass_first_factor(USERS[1])
    return running
