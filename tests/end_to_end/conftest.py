"""A person at a browser that knows nothing of us but HTTP, and two ways to a portal: in process, and the demo."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from html.parser import HTMLParser
from http.client import responses
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote_to_bytes, urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPSHandler, ProxyHandler, Request, build_opener
from urllib.response import addinfourl

import pytest

from legacy_portals import DEMO_USERS, make_portal
from wsgi_mfa import FlaskSession, KeyRing, MfaMiddleware
from wsgi_mfa.support import Rejected

COMMAND = str(Path(sys.executable).with_name("wsgi-mfa"))
PATIENCE_SECONDS = 30


# What a person sees


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """A page as it is read: words, and what the words of links, buttons and labels do."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.words = ""
        self.links: dict[str, str] = {}
        self.buttons: dict[str, Form] = {}
        self.labels: dict[str, str] = {}  # words of a label -> the id or name of its field
        self.named: dict[str, str] = {}  # id -> name of a field
        self.by_id: dict[str, str] = {}
        self.refresh: str | None = None
        self._form: Form | None = None
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(html)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").upper())
        elif tag == "input" and given.get("type") == "submit" and self._form is not None:
            self.buttons.setdefault(given.get("value", ""), self._form)
        elif tag == "input" and "name" in given:
            self._take_field(given)
        elif tag == "meta" and given.get("http-equiv") == "refresh":
            self.refresh = given["content"].partition("url=")[2]
        elif tag not in ("meta", "link", "br", "hr", "img", "input"):
            self._open.append((tag, given, []))

    def _take_field(self, given: dict[str, str]) -> None:
        assert self._form is not None, "a field outside of a form"
        fields = self._form.boxes if given.get("type") == "checkbox" else self._form.fields
        fields[given["name"]] = given.get("value", "on")
        self.named[given.get("id", given["name"])] = given["name"]
        for tag, attributes, _ in self._open:
            if tag == "label":  # around its field
                attributes["for"] = given["name"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        while self._open:
            name, given, spoken = self._open.pop()
            self._close(name, given, " ".join("".join(spoken).split()))
            if name == tag:
                return

    def _close(self, tag: str, given: dict[str, str], words: str) -> None:
        if tag == "a" and "href" in given:
            self.links.setdefault(words, given["href"])
        elif tag == "button" and self._form is not None and given.get("type") != "button":
            self.buttons.setdefault(words, self._form)
        elif tag == "label":
            self.labels[words] = given.get("for", "")
        if "id" in given:
            self.by_id[given["id"]] = words

    def handle_data(self, data: str) -> None:
        if any(tag in ("style", "script", "title") for tag, _, _ in self._open):
            return
        self.words += data
        for _, _, spoken in self._open:
            spoken.append(data)


@dataclass
class Person:
    """Somebody at one browser, who reads words, presses what they say, and types into fields by their labels."""

    address: str
    handlers: tuple[Any, ...] = ()
    cookies: CookieJar = field(default_factory=CookieJar)
    page: Page = field(default_factory=lambda: Page(""))
    status: int = 0
    typed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.cookies), *self.handlers)

    def open(self, address: str = "/") -> Page:
        return self._send(address)

    def press(self, words: str) -> Page:
        """Follow the link, or press the button, with exactly these words."""
        if words in self.page.links:
            return self.open(self.page.links[words])
        assert words in self.page.buttons, f"no {words!r} among {[*self.page.links, *self.page.buttons]}"
        form = self.page.buttons[words]
        sent = {**form.fields, **{name: text for name, text in self.typed.items() if name in form.fields}}
        sent |= {name: value for name, value in form.boxes.items() if name in self.typed}
        data = urlencode(sent).encode()
        return self._send(form.action, data)

    def type(self, label: str, text: str) -> None:
        """Type into the field whose label begins so."""
        self.typed[self._field(label)] = text

    def tick(self, label: str) -> None:
        self.typed[self._field(label)] = "ticked"

    def _field(self, label: str) -> str:
        found = [target for words, target in self.page.labels.items() if words.startswith(label)]
        assert len(found) == 1, f"{label!r} is not one of {list(self.page.labels)}"
        return self.page.named[found[0]]

    def _send(self, address: str, data: bytes | None = None) -> Page:
        url = urljoin(self.address, address)
        assert urlsplit(url).netloc == urlsplit(self.address).netloc, f"{url} is another site"
        request = Request(url, data, {"Accept": "text/html,application/xhtml+xml"})  # noqa: S310 - asserted above
        try:
            answer = self.opener.open(request, timeout=PATIENCE_SECONDS)
        except HTTPError as error:
            answer = error
        with answer:
            self.status, self.address = answer.status, answer.url
            self.page = Page(answer.read().decode())
        self.typed = {}
        return self.open(self.page.refresh) if self.page.refresh else self.page

    # What the portal's help page tells its users to do.

    def sign_in(self, user: str, password: str, *, address: str = "/") -> Page:
        self.open(address)
        self.type("User name", user)
        self.type("Password", password)
        return self.press("Sign in")

    def enter_code(self, code: str) -> Page:
        self.type("Code from the app", code)
        return self.press("Continue")

    def store_recovery_code(self) -> str:
        """Write the code down, tick the box and go on."""
        code = self.page.by_id["recovery-code"]
        self.tick("I have stored this recovery code")
        self.press("Continue")
        return code

    def recover(self, code: str) -> Page:
        self.press("Try another method")
        self.press("Recovery code")
        self.type("Recovery code", code)
        return self.press("Continue")


@dataclass
class Phone:
    """An authenticator app, written from RFC 4226 alone; ``steps_ahead`` is how far its clock is off."""

    key: str

    def code(self, steps_ahead: int = 0) -> str:
        secret = base64.b32decode(self.key.replace(" ", ""))
        counter = int(time.time()) // 30 + steps_ahead
        digest = hmac.digest(secret, counter.to_bytes(8, "big"), hashlib.sha1)
        start = digest[-1] & 15
        return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


# The ways to a portal


class InProcess(HTTPSHandler):
    """Answers the requests of an opener by a WSGI application."""

    def __init__(self, application: Any) -> None:
        super().__init__()
        self._application = application

    def https_open(self, request: Request) -> addinfourl:
        target, body = urlsplit(request.full_url), request.data or b""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.get_method(),
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(target.path).decode("latin-1"),
            "QUERY_STRING": target.query,
            "SERVER_NAME": target.hostname,
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in {**request.unredirected_hdrs, **request.headers}.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        environ.setdefault("HTTP_HOST", target.netloc)
        started: list[Any] = []
        iterable = self._application(environ, lambda *given: started.append(given))
        content = b"".join(iterable)
        iterable.close()
        headers = Message()
        for name, value in started[-1][1]:
            headers.add_header(name, value)
        code = int(started[-1][0][:3])
        answer = addinfourl(io.BytesIO(content), headers, request.full_url, code)
        answer.msg = responses[code]
        return answer


@dataclass
class Demo:
    """A running ``wsgi-mfa demo``, and what it has said so far."""

    process: subprocess.Popen[str]
    lines: queue.Queue[str]
    database: Path
    port: int
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def wait_until_it_serves(self) -> None:
        while not any(line.startswith("Client Portal: ") for line in self.said):
            line = self.lines.get(timeout=PATIENCE_SECONDS)
            assert line, f"the demo ended early: {self.said}"
            self.said.append(line.rstrip("\n"))

    def account(self, number: int) -> tuple[str, str]:
        """User and password of one of the accounts that it has printed."""
        lines = [line for line in self.said if line.startswith("account: ")]
        _, user, password, _ = lines[number].split(" ")
        return user, password

    def person(self) -> Person:
        """Somebody with a fresh browser."""
        return Person(self.url)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """End it by a signal: its exit code, and how many seconds that took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_SECONDS), time.monotonic() - begun


@dataclass
class CommandContext:
    """A portal with its users, its support desk, and browsers in front of it."""

    url: str
    accounts: list[tuple[str, str]]
    reset: Callable[..., tuple[bool, str]]  # whether it was done, and what the desk was told
    application: Any = None

    def person(self) -> Person:
        return Person(self.url, () if self.application is None else (InProcess(self.application),))


@pytest.fixture
def run_command():
    """``run_command("support", "reset", ...)``: a command as a child, 80 columns wide, in no special folder."""

    def run(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, "COLUMNS": "80", **settings.pop("env", {})}
        variables = {name: value for name, value in variables.items() if value is not None}
        return subprocess.run(
            [COMMAND, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            env=variables,
            **settings,
        )

    return run


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Any]:
    """``start_demo()``: the demo, serving; the same database again where it is started a second time."""
    started: list[Demo] = []

    def start(*options: str, env: dict[str, str] | None = None) -> Demo:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        database = tmp_path / "demo.db"
        process = subprocess.Popen(
            [COMMAND, "demo", "--port", str(port), "--database", str(database), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(env or {})},
        )
        lines: queue.Queue[str] = queue.Queue()

        def read() -> None:
            for line in process.stdout:
                lines.put(line)
            lines.put("")

        threading.Thread(target=read, daemon=True).start()
        demo = Demo(process, lines, database, port)
        started.append(demo)
        demo.wait_until_it_serves()
        return demo

    yield start
    for demo in started:
        demo.process.kill()
        demo.process.wait()
        demo.process.stdout.close()


@pytest.fixture
def place_of(start_demo, run_command, tmp_path):
    """``place_of("in process")`` or ``place_of("demo")``."""

    def in_process() -> CommandContext:
        secret = "the secret of a portal in tests"
        application = MfaMiddleware(
            make_portal(DEMO_USERS, secret, secure_cookie=True),
            issuer="Client Portal",
            identity=FlaskSession(secret, user_key="_user_id"),
            store=f"sqlite:///{tmp_path}/mfa.db",
            keys=KeyRing([("k1", bytes(range(32)))]),
        )
        desk = application.support_desk

        def reset(user: str, email: str) -> tuple[bool, str]:
            answer = desk.reset(user, email=email, reason="lost the phone", agent="edith@example.com")
            if isinstance(answer, Rejected):
                return False, answer.message
            return True, f"{answer.message}\nenrollment code: {answer.enrollment_code}"

        accounts = [(user.name, user.password) for user in DEMO_USERS.values()]
        return CommandContext("https://portal.example/", accounts, reset, application)

    def over_http() -> CommandContext:
        demo = start_demo()

        def reset(user: str, email: str) -> tuple[bool, str]:
            options = ["--email", email, "--reason", "lost the phone", "--database", str(demo.database)]
            done = run_command("support", "reset", user, *options)
            return done.returncode == 0, done.stdout + done.stderr

        return CommandContext(demo.url, [demo.account(number) for number in range(4)], reset)

    return lambda way: in_process() if way == "in process" else over_http()


@pytest.fixture
def phone_of():
    """``phone_of(key)``: a phone that holds the key."""
    return Phone


@pytest.fixture
def seconds_in_hand():
    """``seconds_in_hand(8)``: let a step pass that would end too soon for what the test does within one."""

    def wait(seconds: int) -> None:
        left = 30 - time.time() % 30
        if left < seconds:
            time.sleep(left + 0.1)

    return wait
