"""Every setting of the adapters that read a session, mis-set one at a time, generated from their signatures (D43)."""

from __future__ import annotations

import inspect
import logging
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from wsgi_mfa import (
    AuthTkt,
    BeakerSession,
    ConfigurationError,
    FlaskSession,
    LoginForm,
    PyramidSession,
    SqlSession,
)
from wsgi_mfa.adapters import SignInProbe
from wsgi_mfa.identity.sign_in_check import SignIn, SignInCheck

pytestmark = [
    pytest.mark.requirement("D43"),
    pytest.mark.any_python,
    pytest.mark.filterwarnings("ignore:pkg_resources is deprecated"),  # Pyramid imports it
    pytest.mark.filterwarnings("ignore:Deprecated call to `pkg_resources"),
]
SECRET = "the secret of a portal in tests"
PASSWORD = "correct horse"
#: The names that messages use for a setting, where they are not its own.
SAID_AS = {"secret_key": ("secret",), "fallbacks": ("secret",), "salt": ("salt", "secret")}


class Keeping:
    """One way to keep who is signed in: ``user_of(environ)``, and ``remember(environ, user)``, which gives headers."""

    def __init__(self, user_of: Any, remember: Any, around: Any = None) -> None:
        self.user_of, self.remember = user_of, remember
        self.application = self.portal if around is None else around(self.portal)

    def portal(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = [("Content-Type", "text/plain")]
        if environ["PATH_INFO"] == "/sign-in":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
            if "password=correct+horse" in body:
                headers += self.remember(environ, "alice")
            start_response("200 OK", headers)
            return [b"a form"]
        user = self.user_of(environ)
        start_response("200 OK" if user else "401 Unauthorized", headers)
        return [f"user: {user}".encode()]


def flask_portal() -> Any:
    flask = pytest.importorskip("flask")
    app = flask.Flask("portal")
    app.config.update(SECRET_KEY=SECRET, SESSION_COOKIE_NAME="portal_login")

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in():
        if flask.request.form.get("password") == PASSWORD:
            flask.session["user"] = "alice"
        return "a form"

    @app.route("/")
    def home():
        user = flask.session.get("user")
        return (f"user: {user}", 200 if user else 401)

    return app


def pyramid_portal() -> Any:
    pytest.importorskip("pyramid")
    from pyramid.request import Request
    from pyramid.response import Response
    from pyramid.session import JSONSerializer, SignedCookieSessionFactory

    factory = SignedCookieSessionFactory(SECRET, cookie_name="portal_login", serializer=JSONSerializer())

    def portal(environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        session = factory(request)
        response = Response("a form", content_type="text/plain")
        if request.path_info == "/sign-in":
            if request.POST.get("password") == PASSWORD:
                session["user"] = "alice"
        else:
            user = session.get("user")
            response.text, response.status = f"user: {user}", 200 if user else 401
        request._process_response_callbacks(response)
        return response(environ, start_response)

    return portal


def beaker_portal() -> Any:
    middleware = pytest.importorskip("beaker.middleware")

    def remember(environ: dict[str, Any], user: str) -> list[tuple[str, str]]:
        environ["beaker.session"]["user"] = user
        environ["beaker.session"].save()
        return []

    options = {"session.type": "memory", "session.key": "portal_login", "session.secret": SECRET}
    return Keeping(
        lambda environ: environ["beaker.session"].get("user"),
        remember,
        lambda portal: middleware.SessionMiddleware(portal, options),
    ).application


def ticket_portal() -> Any:
    pytest.importorskip("pyramid")
    from pyramid.authentication import AuthTktCookieHelper
    from webob import Request

    helper = AuthTktCookieHelper(SECRET, cookie_name="portal_login", hashalg="sha512")
    return Keeping(
        lambda environ: (helper.identify(Request(environ)) or {}).get("userid"),
        lambda environ, user: helper.remember(Request(environ), user),
    ).application


def sql_portal(path: str) -> Any:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (c TEXT, user TEXT, nobody TEXT)")
        connection.execute("INSERT INTO t VALUES ('0123456789abcdef', 'alice', NULL)")
    connection.close()

    def user_of(environ: dict[str, Any]) -> str | None:
        cookies = dict(part.partition("=")[::2] for part in environ.get("HTTP_COOKIE", "").split("; "))
        return "alice" if cookies.get("portal_login") == "0123456789abcdef" else None

    cookie = ("Set-Cookie", "portal_login=0123456789abcdef; Path=/; HttpOnly")
    return Keeping(user_of, lambda *_: [cookie]).application


ADAPTERS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "flask": (
        flask_portal,
        FlaskSession,
        {"secret_key": SECRET, "user_key": "user", "cookie": "portal_login"},
    ),
    "pyramid": (
        pyramid_portal,
        PyramidSession,
        {"secret": SECRET, "user_key": "user", "cookie": "portal_login"},
    ),
    "beaker": (
        beaker_portal,
        BeakerSession,
        {"options": {"type": "memory", "key": "portal_login"}, "secret": SECRET, "user_key": "user"},
    ),
    "ticket": (ticket_portal, AuthTkt, {"secret": SECRET, "cookie": "portal_login"}),
    "sql": (
        sql_portal,
        SqlSession,
        {
            "database": "sqlite:///{path}",
            "query": "SELECT user FROM t WHERE c = ?",
            "cookie": "portal_login",
            "user_key": "user",
        },
    ),
}
#: Settings that change nothing about who is signed in, or that only a test hands in.
HARMLESS = {"clock", "anonymous_keys", "fallbacks", "include_ip", "aliases"}


def wrong_values(name: str, right: Any) -> Iterator[Any]:
    """Values that are legal in kind and are not the portal's."""
    if name == "user":
        yield lambda value: [value]
    elif name == "timeout_seconds":
        yield 1
    elif name == "serializer":
        yield from ("pickle", "yaml")
    elif name == "digest":
        yield from ("md5", "sha256", "sha9")
    elif name == "query":
        yield from ("SELECT user FROM t WHERE c = ? AND 0", "SELECT user FROM t WHERE user = ?")
    elif isinstance(right, dict):
        for key, value in right.items():
            yield from ({**right, key: wrong} for wrong in wrong_values(key, value))
    elif isinstance(right, str):
        yield from ("something else altogether", right + "x", right.upper())


def cases() -> Iterator[Any]:
    for kind, (_, adapter, right) in ADAPTERS.items():
        for name, parameter in inspect.signature(adapter).parameters.items():
            if name in HARMLESS:
                continue
            value = right.get(name, parameter.default)
            for number, wrong in enumerate(wrong_values(name, value)):
                yield pytest.param(kind, name, wrong, id=f"{kind}-{name}-{number}")


CASES = list(cases())


def test_every_setting_of_each_adapter_is_mis_set() -> None:
    for kind, (_, adapter, _right) in ADAPTERS.items():
        missing = set(inspect.signature(adapter).parameters) - HARMLESS
        assert missing == {case.values[1] for case in CASES if case.values[0] == kind}


@pytest.fixture
def closing() -> Iterator[list[Any]]:
    """A list of adapters that are closed after the test."""
    adapters: list[Any] = []
    yield adapters
    for each in adapters:
        if isinstance(each, SqlSession):
            each._close()


@pytest.mark.parametrize(("kind", "name", "wrong"), CASES)
def test_a_mis_set_adapter_opens_no_page_and_is_told_of(
    wrapped, new_browser, tmp_path, caplog, closing, kind, name, wrong
) -> None:
    make, adapter, right = ADAPTERS[kind]
    path = str(tmp_path / "portal.db")
    application = make(path) if kind == "sql" else make()
    given = {**right, name: wrong}
    given = {
        key: value.replace("{path}", path) if key == "database" and isinstance(value, str) else value
        for key, value in given.items()
    }
    words = (name, *SAID_AS.get(name, ()))
    caplog.set_level(logging.WARNING, logger="wsgi_mfa")
    try:
        identity = adapter(**given)
        closing.append(identity)
        portal = wrapped(application, identity=identity, seal_credentials=True, validated=False)
        sign_in = SignIn(
            path="/sign-in", page="/", user="alice", password=PASSWORD, origin="https://localhost"
        )
        report = SignInCheck(application, identity, sign_in).run()
    except ConfigurationError as error:
        start = str(error)
    else:
        start = ""
    if start:
        assert any(word in start for word in (*words, "cookie name")), start
        return
    browser = new_browser(portal, validated=False)
    browser.post_form("/sign-in", {"username": "alice", "password": PASSWORD})
    for _ in range(2):
        assert "user: alice" not in browser.request("GET", "/").text
    if name == "timeout_seconds":
        return  # a session that is too old looks like any that has ended
    told = "\n".join([*report.problems, *(record.getMessage() for record in caplog.records)])
    assert any(word in told for word in words), told


def test_a_key_that_no_list_knows_is_named_by_the_check() -> None:
    """A portal may keep its users under any key; then a sign-in alone shows that the adapter sees visitors."""
    identity = FlaskSession(SECRET, user_key="login_of", cookie="portal_login")
    flask = pytest.importorskip("flask")
    app = flask.Flask("portal")
    app.config.update(SECRET_KEY=SECRET, SESSION_COOKIE_NAME="portal_login")

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in():
        if flask.request.form.get("password") == PASSWORD:
            flask.session["insured_person"] = 7
        return "a form"

    @app.route("/")
    def home():
        return ("in", 200) if "insured_person" in flask.session else ("out", 401)

    played = SignIn(path="/sign-in", page="/", user="alice", password=PASSWORD, origin="https://localhost")
    (problem,) = SignInCheck(app, identity, played).run().problems
    assert "user_key" in problem


class FormPortal:
    """Signs users in by a form, into a session of its own."""

    def __init__(self) -> None:
        self.sessions: dict[str, str] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = [("Content-Type", "text/plain")]
        cookies = dict(part.partition("=")[::2] for part in environ.get("HTTP_COOKIE", "").split("; "))
        user = self.sessions.get(cookies.get("portal_login", ""))
        if environ["PATH_INFO"] == "/sign-in" and environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
            if "password=correct+horse" in body:
                session = f"s{len(self.sessions)}"
                self.sessions[session] = "alice"
                headers += [("Set-Cookie", f"portal_login={session}; Path=/; HttpOnly"), ("Location", "/")]
                start_response("302 Found", headers)
                return [b""]
        is_shown = user or environ["PATH_INFO"] == "/sign-in"
        start_response("200 OK" if is_shown else "401 Unauthorized", headers)
        return [f"user: {user}".encode() if user else b"a form"]


FORM: dict[str, Any] = {
    "path": "/sign-in",
    "field": "username",
    "cookies": ["portal_login"],
    "succeeded": ["status=302"],
    "failed": ["status=200"],
}
WRONG_FORMS = [
    ("path", "/sign-in-here"),
    ("path", "/"),
    ("field", "user"),
    ("cookies", ["portal"]),
    ("succeeded", ["status=303"]),
    ("succeeded", ["status=200"]),
    ("failed", ["status=302"]),
    ("failed", ["status=401"]),
    ("media_types", ["application/json"]),
    ("sign_out", ["/sign-in"]),
    ("harmless_cookies", ["portal_login"]),
    ("renews_in_responses", True),
    ("secure", False),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG_FORMS)
def test_a_mis_set_form_opens_no_page(wrapped, new_browser, name, wrong) -> None:
    given = {**FORM, name: wrong}
    try:
        portal = wrapped(FormPortal(), identity=LoginForm(**given), seal_credentials=True, validated=False)
    except ConfigurationError as error:
        start = str(error)
    else:
        start = ""
    if start:
        assert name in start
        return
    browser = new_browser(portal, validated=False)
    browser.navigate("/sign-in")
    browser.post_form("/sign-in", {"username": "alice", "password": PASSWORD})
    for _ in range(2):
        assert "user: alice" not in browser.request("GET", "/").text


@pytest.mark.parametrize(
    ("name", "wrong"), [each for each in WRONG_FORMS if each[0] in ("path", "cookies", "succeeded", "failed")]
)
def test_the_rehearsal_names_what_is_mis_set_in_a_form(name, wrong) -> None:
    rehearsal = SignInProbe(FormPortal(), user="alice", password=PASSWORD, password_field="password")
    problems = LoginForm(**{**FORM, name: wrong}, rehearsal=rehearsal).selftest()
    assert any(name in problem for problem in problems), problems
