"""Real programs with an app password, as docs/programs.md tells their users: curl, twine and pip (D50)."""

from __future__ import annotations

import base64
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from email import message_from_bytes

import pyotp
import pytest

from wsgi_mfa import HttpBasic, MfaMiddleware
from wsgi_mfa.core import app_passwords, commands
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.service import Visit

pytestmark = pytest.mark.requirement("D50")

PASSWORD = "correct horse"
SECONDS_MAX = 60


class Portal:
    """A portal for programs: files below ``/files``, and packages below ``/simple``; it reads the password alone."""

    def __init__(self):
        self.files = {"/files/notes.txt": b"notes"}
        self.packages = {}

    def __call__(self, environ, start_response):
        sent = environ.get("HTTP_AUTHORIZATION", "")
        if sent != "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode():
            start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="files"')])
            return [b"user name and password are needed"]
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        body = environ["wsgi.input"].read()
        status, kind, answer = self._answer(method, path, body, environ.get("CONTENT_TYPE", ""))
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(answer)))])
        return [answer]

    def _answer(self, method, path, body, kind):
        if method == "PUT":
            self.files[path] = body
            return "201 Created", "text/plain", b""
        if method == "PROPFIND":
            listed = "".join(f"<response><href>{name}</href></response>" for name in self.files)
            return "207 Multi-Status", "application/xml", f"<multistatus>{listed}</multistatus>".encode()
        if method == "POST":
            form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
            for part in form.walk():
                if part.get_filename():
                    self.packages[part.get_filename()] = part.get_payload(decode=True)
            return "200 OK", "text/plain", b""
        if path in self.files:
            return "200 OK", "text/plain", self.files[path]
        name = path.rpartition("/")[2]
        if name in self.packages:
            return "200 OK", "application/gzip", self.packages[name]
        links = "".join(f'<a href="/simple/files/{each}">{each}</a>' for each in self.packages)
        return "200 OK", "text/html", f"<html><body>{links}</body></html>".encode()


@pytest.fixture
def portal():
    return Portal()


@pytest.fixture
def application(portal, tmp_path):
    from wsgi_mfa import KeyRing
    from wsgi_mfa.entropy import SystemEntropy

    return MfaMiddleware(
        portal,
        issuer="Files",
        identity=HttpBasic(lambda name, password: (name, password) == ("ann", PASSWORD)),
        store=f"sqlite:///{tmp_path}/mfa.db",
        keys=KeyRing.from_text(KeyRing.generate_text(SystemEntropy(), "k1")),
        plain_http=True,
    )


@pytest.fixture
def app_password(application):
    """An app password of a user who has enrolled."""
    service = application.service
    visit = Visit(
        user="ann",
        origin=Origin(browser="b", next_browser="b", source="127.0.0.1"),
        now=service.clock.now(),
    )
    pending = service.begin_enrollment(visit).pending
    code = pyotp.TOTP(base64.b32encode(service.vault.pending_key("ann", pending)).decode()).now()
    session_id = service.confirm_enrollment(visit, code, pending_id=pending.id).session_id
    text = "0123456789ABCDEFGHJKMNPQ"
    command = commands.MakeAppPassword(
        origin=Origin(browser="b", next_browser="b", session_id=session_id, source="127.0.0.1"),
        id=service.vault.new_id(),
        digest=app_passwords.digest_of("ann", text),
        name="programs",
        path="/",
        days=1,
    )
    assert service.apply(visit, command).account.app_passwords
    return app_passwords.written(text)


@pytest.fixture
def url(application):
    from waitress.server import create_server

    server = create_server(application, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(5)


def run(*command, **environ):
    given = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        command, env={**given, **environ}, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def curl(tmp_path, url, app_password):
    """``curl(*arguments)``: curl with the password from a file, as the guide has it."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f'machine 127.0.0.1 login ann password "{PASSWORD}{app_password}"\n')
    netrc.chmod(0o600)

    def call(path, *arguments):
        return run("curl", "-sS", "--fail-with-body", "--netrc-file", str(netrc), *arguments, url + path)

    return call


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_curl_reads_lists_and_writes_files(curl, portal, tmp_path, url):
    assert curl("/files/notes.txt") == (0, "notes")
    code, listed = curl("/files/", "-X", "PROPFIND", "-H", "Depth: 1")
    assert (code, "/files/notes.txt" in listed) == (0, True)
    (tmp_path / "new.txt").write_text("written by curl")
    assert curl("/files/new.txt", "-T", str(tmp_path / "new.txt"))[0] == 0
    assert portal.files["/files/new.txt"] == b"written by curl"
    code, told = run("curl", "-sS", "--fail-with-body", "-u", f"ann:{PASSWORD}", url + "/files/notes.txt")
    assert (code, "must_verify" in told) == (22, True)


def a_package(folder):
    """A source distribution of the smallest kind."""
    base = folder / "smallest-1.0"
    base.mkdir()
    (base / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: smallest\nVersion: 1.0\n")
    (base / "setup.py").write_text("from setuptools import setup\nsetup(name='smallest', version='1.0')\n")
    path = folder / "smallest-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(base, base.name)
    return path


@pytest.mark.skipif(importlib.util.find_spec("twine") is None, reason="twine is not installed")
def test_twine_uploads_and_pip_downloads(url, portal, app_password, tmp_path):
    package = a_package(tmp_path)
    code, told = run(
        sys.executable, "-m", "twine", "upload", "--non-interactive", "--disable-progress-bar",
        "--repository-url", f"{url}/simple/", str(package),
        TWINE_USERNAME="ann", TWINE_PASSWORD=PASSWORD + app_password,
    )  # fmt: skip
    assert code == 0, told
    assert portal.packages == {"smallest-1.0.tar.gz": package.read_bytes()}
    netrc = tmp_path / ".netrc"
    netrc.write_text(f'machine 127.0.0.1 login ann password "{PASSWORD}{app_password}"\n')
    netrc.chmod(0o600)
    code, told = run(
        sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation", "--no-input",
        "--no-cache-dir", "--disable-pip-version-check", "--index-url", f"{url}/simple/",
        "-d", str(tmp_path / "got"), "smallest==1.0", HOME=str(tmp_path),
    )  # fmt: skip
    got = tmp_path / "got" / "smallest-1.0.tar.gz"
    assert re.search("Saved|Collecting", told), told
    assert got.exists(), told
