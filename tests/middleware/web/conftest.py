"""A server, a browser and a portal in one process, with the validator of PEP 3333 on both sides of the middleware."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, quote, unquote_to_bytes, urlencode, urlsplit
from wsgiref.validate import validator

import itsdangerous
import pytest

from wsgi_mfa import FlaskSession, MfaMiddleware, RemoteUser

ISSUER = "Client Portal"
SECRET_KEY = "the secret of a portal in tests"
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


# The server


@dataclass
class Answer:
    """What a server has seen of one answer; ``chunks`` are the pieces in which the body came."""

    status: int
    headers: list[tuple[str, str]]
    chunks: list[bytes]
    written: list[bytes]
    closes: int
    url: str
    error: BaseException | None = None

    @property
    def body(self) -> bytes:
        return b"".join([*self.written, *self.chunks])

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        return [value for other, value in self.headers if other.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times"
        return values[0] if values else None

    @property
    def location(self) -> str | None:
        return self.header("Location")

    @property
    def set_cookies(self) -> dict[str, str]:
        """Name -> the whole ``Set-Cookie`` header, the last one of each name."""
        return {value.partition("=")[0]: value for value in self.all("Set-Cookie")}

    @property
    def page(self) -> Page:
        return Page(self.text)

    @property
    def problem(self) -> str:
        """The outcome in the ``type`` of a problem (RFC 9457)."""
        assert self.header("Content-Type") == "application/problem+json"
        assert self.json["status"] == self.status
        return str(self.json["type"].removeprefix("urn:wsgi-mfa:"))


def serve(application: Any, environ: dict[str, Any], *, chunks_max: int | None = None) -> Answer:
    """Answer one request as a server does; after ``chunks_max`` chunks the client goes away.

    The first chunk sends the headers, and then no other ones are taken (PEP 3333). An error of the application
    is raised when it gave no answer at all, and else stands in the answer.
    """
    answer = Answer(0, [], [], [], 0, environ.get("PATH_INFO", ""))
    sent = False

    def write(data: bytes) -> None:
        nonlocal sent
        sent = True
        answer.written.append(data)

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
        try:
            if exc_info is not None and sent:
                raise exc_info[1].with_traceback(exc_info[2])
            assert exc_info is not None or not answer.status, "start_response came twice without exc_info"
        finally:
            exc_info = None
        answer.status, answer.headers = int(status[:3]), list(headers)
        return write

    iterable = application(environ, start_response)
    try:
        for chunk in iterable:
            if chunk:
                assert answer.status, "a body before its headers"
                sent = True
            answer.chunks.append(chunk)
            if chunks_max is not None and len(answer.chunks) >= chunks_max:
                break
    except Exception as error:
        if not sent:
            raise
        answer.error = error
    finally:
        close = getattr(iterable, "close", None)
        if close is not None:
            close()
            answer.closes += 1
    return answer


# The browser


@dataclass
class Form:
    """A form of a page; ``boxes`` are its tick boxes."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """What a page says: to machines in ``data``, to people in ``words``, and its forms and links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.by_id: dict[str, str] = {}
        self.refresh: str | None = None
        self._words: list[str] = []
        self._open: list[tuple[str, str | None]] = []
        self._hidden = False
        self.feed(html)
        self.close()

    @property
    def words(self) -> str:
        return " ".join(" ".join(self._words).split())

    @property
    def name(self) -> str | None:
        return self.data.get("page")

    @property
    def outcome(self) -> str | None:
        return self.data.get("outcome")

    def form(self, action: str) -> Form:
        """The first form whose action ends with ``action``."""
        return next(form for form in self.forms if form.action.endswith(action))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "body":
            self.data = {name[5:]: value for name, value in given.items() if name.startswith("data-")}
        elif tag == "form":
            self.forms.append(Form(given["action"]))
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "meta" and given.get("http-equiv") == "refresh":
            self.refresh = given["content"]
        elif tag == "input" and self.forms:
            form, kind = self.forms[-1], given.get("type", "text")
            if kind == "checkbox":
                form.boxes[given["name"]] = given.get("value", "on")
            else:
                form.fields[given["name"]] = given.get("value", "")
                if kind != "hidden":
                    form.typed.append(given["name"])
        self._hidden = tag in ("style", "script")
        if given.get("id"):
            self._open.append((tag, given["id"]))

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._words.append(data)
            for _, element in self._open:
                self.by_id[str(element)] = self.by_id.get(str(element), "") + data


@dataclass
class Browser:
    """A client of one portal: it keeps cookies, follows redirects and fills in forms.

    ``environ`` is what the server adds to each request, such as REMOTE_USER.
    """

    application: Any
    origin: str = "https://portal.example"
    script_name: str = ""
    environ: dict[str, Any] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    validated: bool = True

    def environ_of(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, environ: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The environ of one request, as PEP 3333 wants it; ``None`` in ``environ`` takes a key out."""
        site, target = urlsplit(self.origin), urlsplit(url)
        path = unquote_to_bytes(target.path).decode("latin-1")
        assert path.startswith(self.script_name)
        port = site.port or {"https": 443, "http": 80}[site.scheme]
        made: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": self.script_name,
            "PATH_INFO": path[len(self.script_name) :],
            "QUERY_STRING": target.query,
            "SERVER_NAME": site.hostname,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "HTTP_HOST": site.netloc,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": site.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if body or method in ("POST", "PUT"):
            made["CONTENT_LENGTH"] = str(len(body))
        if self.cookies:
            made["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            made[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        made.update(self.environ)
        made.update(environ)
        return {key: value for key, value in made.items() if value is not None}

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        environ: Mapping[str, Any] | None = None,
        chunks_max: int | None = None,
    ) -> Answer:
        """Send exactly this, with the cookies of the jar, and keep those that come back."""
        made = self.environ_of(method, url, headers or {}, body, environ or {})
        errors = made["wsgi.errors"]
        application = validator(self.application) if self.validated else self.application
        answer = serve(application, made, chunks_max=chunks_max)
        answer.url = url
        assert errors.getvalue() == "", "the validator found an iterable that was not closed"
        for text in answer.all("Set-Cookie"):
            self._keep(text)
        return answer

    def _keep(self, text: str) -> None:
        pair, *rest = text.split(";")
        name, value = (part.strip() for part in pair.split("=", 1))
        attributes = {
            key.strip().lower(): setting for key, _, setting in (part.partition("=") for part in rest)
        }
        secure = "secure" in attributes
        if secure and not self.origin.startswith("https:"):
            return
        if name.startswith("__Host-"):
            assert secure, text
            assert attributes.get("path") == "/", text
            assert "domain" not in attributes, text
        if attributes.get("max-age") == "0":
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value

    def navigate(self, url: str, **settings: Any) -> Answer:
        """GET as a person does who types an address or follows a link."""
        return self.request("GET", url, headers={**NAVIGATION, **settings.pop("headers", {})}, **settings)

    def open(self, url: str) -> Answer:
        """:meth:`navigate`, and follow wherever it leads."""
        return self.follow(self.navigate(url))

    def follow(self, answer: Answer) -> Answer:
        for _ in range(10):
            if answer.location is None:
                return answer
            answer = self.navigate(answer.location)
        raise AssertionError("the redirects have no end")

    def post_form(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Answer:
        sent = {
            **NAVIGATION,
            "Origin": self.origin,
            "Referer": f"{self.origin}/",  # which Django 3.2 asks for
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
            **(headers or {}),
        }
        return self.request("POST", url, headers=sent, body=urlencode(fields).encode())

    def post_json(self, url: str, members: Any, headers: Mapping[str, str] | None = None) -> Answer:
        sent = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        return self.request("POST", url, headers=sent, body=json.dumps(members).encode())

    def get_json(self, url: str) -> Answer:
        return self.request("GET", url, headers={"Accept": "application/json"})

    def submit(self, answer: Answer, action: str, *, tick: bool = True, **typed: str) -> Answer:
        """Fill in the page's form of this action, and follow wherever it leads."""
        return self.follow(self.submit_only(answer, action, tick=tick, **typed))

    def submit_only(self, answer: Answer, action: str, *, tick: bool = True, **typed: str) -> Answer:
        form = answer.page.form(action)
        assert set(typed) <= set(form.fields), f"{action} has the fields {sorted(form.fields)}"
        return self.post_form(form.action, form.fields | (form.boxes if tick else {}) | typed)

    # What a person does.

    def enroll(self, url: str, phone_of: Callable[[str], Any]) -> Any:
        """Set up a phone at the first request for ``url``, tick the box, and give the phone back."""
        page = self.open(url)
        assert page.page.outcome == "must_enroll", page.page.data
        manual = self.navigate(next(link for link in page.page.links if "/enroll/manual" in link))
        phone = phone_of(manual.page.by_id["key"])
        saving = self.submit(manual, "/enroll/manual", code=phone.code())
        assert saving.page.outcome == "must_save_recovery_code", saving.page.data
        done = self.submit(saving, "/recovery-code")
        assert done.page.outcome == "signed_in", done.page.data
        return phone

    def enter_code(self, url: str, phone: Any) -> Answer:
        """Ask for ``url``, which leads to the page for the code, and type the code."""
        page = self.open(url)
        assert page.page.outcome == "must_verify", page.page.data
        return self.submit(page, "/verify", code=phone.code())


# The portal


@dataclass
class Portal:
    """An application that keeps what it was called with, and has the session cookie of Flask.

    ``/sign-in?user=NAME&next=URL`` signs in, ``/sign-out`` out, everything else says who is there.
    """

    secret_key: str = SECRET_KEY
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.calls.append(dict(environ))
        arguments = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        path, headers = environ["PATH_INFO"], [("Content-Type", "text/plain; charset=utf-8")]
        if path == "/sign-in":
            headers.append(("Set-Cookie", self.signed_in(arguments["user"])))
        elif path == "/sign-out":
            headers.append(("Set-Cookie", "session=; Path=/; Max-Age=0"))
        if "next" in arguments:
            headers.append(("Location", arguments["next"]))
            start_response("302 Found", headers)
            return [b"you are led on"]
        start_response("200 OK", headers)
        return [f"welcome to {environ['PATH_INFO']}".encode()]

    def cookie(self, user: str) -> str:
        """A session as Flask signs it."""
        signer = itsdangerous.URLSafeTimedSerializer(
            self.secret_key,
            salt="cookie-session",
            serializer=json,
            signer_kwargs={"key_derivation": "hmac"},
        )
        signed = signer.dumps({"_user_id": user})
        return signed if isinstance(signed, str) else signed.decode()

    def signed_in(self, user: str) -> str:
        return f"session={self.cookie(user)}; Path=/; HttpOnly"

    @property
    def paths(self) -> list[str]:
        return [call["PATH_INFO"] for call in self.calls]


@pytest.fixture
def portal() -> Portal:
    return Portal()


@pytest.fixture
def wrapped(memory_store, keys, clock, entropy):
    """``wrapped(application, **settings)``: the middleware around it, validated towards the application.

    The identity is REMOTE_USER unless a setting says otherwise; ``validated=False`` leaves the validator out,
    for what it would hide.
    """

    def make(application: Any, *, validated: bool = True, **settings: Any) -> MfaMiddleware:
        chosen = {
            "issuer": ISSUER,
            "identity": RemoteUser(),
            "store": memory_store,
            "keys": keys,
            "clock": clock,
            "entropy": entropy,
            **({} if settings.get("plain_http") else {"cookie_label": "portal"}),
            # Tests put the portal's own cookies into browsers; test_sealing and test_frameworks have them sealed.
            "seal_credentials": False,
            "keeps_session_id": "accept",
            **settings,
        }
        return MfaMiddleware(validator(application) if validated else application, **chosen)

    return make


@pytest.fixture
def browser_of(wrapped, portal):
    """``browser_of(user)``: a browser with the REMOTE_USER of this name before the wrapped portal."""

    def make(user: str | None = None, application: Any = None, **settings: Any) -> Browser:
        environ = {} if user is None else {"REMOTE_USER": user}
        return Browser(wrapped(portal) if application is None else application, environ=environ, **settings)

    return make


@pytest.fixture
def flask_portal(wrapped, portal):
    """The portal behind its own session cookie."""
    return wrapped(portal, identity=FlaskSession(SECRET_KEY, user_key="_user_id"))


@pytest.fixture
def sign_in(portal):
    """``sign_in(browser, user)``: type the password at the portal's sign-in page; the answer to it."""

    def send(
        browser: Browser, user: str, *, then: str | None = None, method: str = "POST", **settings: Any
    ) -> Answer:
        query = f"user={quote(user)}" + (f"&next={quote(then, safe='')}" if then is not None else "")
        headers = {**NAVIGATION, **settings.pop("headers", {})}
        return browser.request(method, f"/sign-in?{query}", headers=headers, **settings)

    return send


@pytest.fixture
def new_browser():
    """``new_browser(application, **settings)``: a browser without cookies."""
    return Browser


@pytest.fixture
def page_of():
    """``page_of(html)``: what a page says."""
    return Page


@pytest.fixture
def serve_once():
    """``serve_once(application, environ, chunks_max=None)``: one request, as a server sees it."""
    return serve


@pytest.fixture(params=["nobody", "REMOTE_USER", "session cookie"])
def inside(request, wrapped, portal, new_browser, phone_of):
    """``inside(application)``: a browser whose requests reach it, with a user or without one."""

    def make(application, **settings):
        identity = (
            {}
            if request.param == "REMOTE_USER"
            else {"identity": FlaskSession(SECRET_KEY, user_key="_user_id")}
        )
        browser = new_browser(
            wrapped(application, **identity, **settings), validated=settings.get("validated", True)
        )
        if request.param == "REMOTE_USER":
            browser.environ["REMOTE_USER"] = "alice"
        elif request.param == "session cookie":
            browser.cookies["session"] = portal.cookie("alice")
        if request.param != "nobody":
            browser.enroll("/", phone_of)
        return browser

    return make


@pytest.fixture
def flask_identity():
    return FlaskSession(SECRET_KEY, user_key="_user_id")


@pytest.fixture
def signing_in(wrapped):
    """``signing_in(application)``: a browser before an application whose answer signs alice in."""

    def make(application, *, validated=True, **settings):
        held = wrapped(
            application,
            identity=FlaskSession(SECRET_KEY, user_key="_user_id"),
            validated=validated,
            **settings,
        )
        return Browser(held, validated=validated)

    return make


@pytest.fixture
def verifying(browser_of, phone_of, clock):
    """``verifying(user)``: a browser on the page that asks for the code, its form, and the phone."""

    def make(user="alice"):
        phone = browser_of(user).enroll("/", phone_of)
        clock.wait_for_step()
        browser = browser_of(user)
        return browser, browser.open("/").page.form("/verify"), phone

    return make


@pytest.fixture
def failures(memory_store):
    """``failures(user)``: how many wrong codes were charged."""
    return lambda user="alice": memory_store.load(user).code_failures.consecutive_count
