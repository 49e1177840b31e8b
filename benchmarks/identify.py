"""What each adapter takes to say who is signed in, beside a hand-written check of a second factor.

Cookies, tickets and headers are made by the frameworks whose they are. "First seen" is a browser that the worker has
not met: a new value at each call, out of more than any adapter remembers. "Again" is the same value at each call; an
adapter that may remember nothing (D3) asks its portal's store there too. The floor is that of ``request.py``.

Run ``python benchmarks/identify.py``, or all with ``tox run -e benchmarks``.
"""

from __future__ import annotations

import base64
import logging
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any

import django
import flask
import flask_login
from beaker.middleware import SessionMiddleware
from django.conf import settings
from django.core.management import call_command
from harness import Action, fastest, heading, line, processor_time, side_by_side
from pyramid.request import Request
from pyramid.response import Response
from pyramid.session import SignedCookieSessionFactory
from repoze.who.plugins.auth_tkt import AuthTktCookiePlugin
from request import SECRET, USER, application, by_hand, case, environ_of

from wsgi_mfa import (
    AuthTkt,
    BeakerSession,
    Chain,
    DjangoSession,
    EnvironKey,
    FlaskApp,
    FlaskSession,
    HttpBasic,
    KeyRing,
    LoginForm,
    PyramidSession,
    RemoteUser,
    ResponseHeader,
    SqlSession,
    TrustedHeader,
)
from wsgi_mfa.adapters import Adapter
from wsgi_mfa.identity.adapter import FirstFactor

BROWSERS = 2500  # more than any adapter remembers
ROUNDS = 40
CALLS = 250
DJANGO_ENGINES = ("db", "cached_db", "cache", "file", "signed_cookies")

Environ = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One adapter and the request of a browser that is signed in; ``of_others`` are those of other browsers."""

    adapter: Adapter
    environ: Environ
    of_others: list[Environ]

    def again(self) -> Action:
        identify, environ = self.adapter.identify, self.environ
        return lambda: identify(environ)

    def first_seen(self) -> Action:
        identify, environs = self.adapter.identify, cycle(self.of_others)
        return lambda: identify(next(environs))


def by_cookie(
    adapter: Adapter, cookie: Callable[[str], dict[str, str]], *, remembers: bool = False
) -> Subject:
    """``cookie(user)`` is what the portal's framework gives that user; it comes first in a cleaned request."""

    def environ(user: str) -> Environ:
        cookies = cookie(user)
        request = environ_of(cookies)
        others = [
            part for part in request["HTTP_COOKIE"].split("; ") if part.partition("=")[0] not in cookies
        ]
        own = [f"{name}={value}" for name, value in cookies.items()]
        return {**request, "HTTP_COOKIE": "; ".join([*own, *others])}

    of_others = [environ(f"user{number}") for number in range(BROWSERS)] if remembers else []
    return Subject(adapter=adapter, environ=environ(USER), of_others=of_others)


def by_environ(
    adapter: Adapter, key: str, value: Callable[[str], object], *, remembers: bool = False
) -> Subject:
    """``environ[key]`` is ``value(user)``."""
    of_others = (
        [{**environ_of({}), key: value(f"user{number}")} for number in range(BROWSERS)] if remembers else []
    )
    return Subject(adapter=adapter, environ={**environ_of({}), key: value(USER)}, of_others=of_others)


def flask_portal() -> flask.Flask:
    portal = flask.Flask("portal")
    portal.secret_key = SECRET
    flask_login.LoginManager(portal).user_loader(lambda user_id: None)
    return portal


def flask_cookies(portal: flask.Flask) -> Callable[[str], dict[str, str]]:
    serializer = portal.session_interface.get_signing_serializer(portal)
    assert serializer is not None
    return lambda user: {"session": str(serializer.dumps({"_user_id": user, "_fresh": True}))}


def tickets(user: str) -> dict[str, str]:
    """repoze.who's auth_tkt cookie."""
    plugin = AuthTktCookiePlugin(SECRET, "auth_tkt", digest_algo="sha512")
    headers = plugin.remember(environ_of({}), {"repoze.who.userid": user})
    return {"auth_tkt": headers[0][1].partition(";")[0].partition("=")[2].strip('"')}


def pyramid_cookies(user: str) -> dict[str, str]:
    """Pyramid's session, as its own factory signs it."""
    asked, answer = Request.blank("/"), Response()
    session: Any = SignedCookieSessionFactory(SECRET)(asked)
    session["auth.userid"] = user
    asked._process_response_callbacks(answer)
    return {"session": answer.headers["Set-Cookie"].partition(";")[0].partition("=")[2]}


def beaker_cookies(options: dict[str, str]) -> Callable[[str], dict[str, str]]:
    def cookie(user: str) -> dict[str, str]:
        sent: list[tuple[str, str]] = []

        def signing_in(environ: Environ, start_response: Any) -> Any:
            environ["beaker.session"]["user"] = user
            environ["beaker.session"].save()
            return application(environ, start_response)

        SessionMiddleware(signing_in, options)(
            environ_of({}), lambda status, headers, exc_info=None: sent.extend(headers)
        )
        value = next(value for name, value in sent if name.lower() == "set-cookie")
        return {"beaker": value.partition(";")[0].partition("=")[2]}

    return cookie


def set_up_django(folder: Path) -> None:
    """A project over a SQLite file, whose connections stay open, as the adapter's documentation asks for."""
    sessions = folder / "sessions"
    sessions.mkdir()
    database = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(folder / "django.db"),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"init_command": "PRAGMA journal_mode = WAL;"},
    }
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        SECRET_KEY=SECRET,
        SESSION_FILE_PATH=str(sessions),
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def django_subjects() -> Iterator[tuple[str, Subject]]:
    for engine in DJANGO_ENGINES:
        name = f"django.contrib.sessions.backends.{engine}"
        settings.SESSION_ENGINE = name

        session = import_module(name).SessionStore()
        session["_auth_user_id"] = USER
        session.save()
        key = session.session_key
        yield f"DjangoSession, {engine}", by_cookie(DjangoSession(), lambda user, key=key: {"sessionid": key})


def sql_subject(folder: Path) -> Subject:
    """A table of sessions in SQLite, as Trac has one."""
    path = folder / "portal.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE auth_cookie (cookie TEXT PRIMARY KEY, name TEXT)")
        connection.execute("INSERT INTO auth_cookie VALUES ('0123456789abcdef', ?)", (USER,))
        connection.commit()
    adapter = SqlSession(
        f"sqlite:///{path}",
        "SELECT name FROM auth_cookie WHERE cookie = ?",
        cookie="trac_auth",
        user_key="name",
    )
    return by_cookie(adapter, lambda user: {"trac_auth": "0123456789abcdef"})


def paired_subject(adapter: LoginForm | ResponseHeader) -> Subject:
    """A portal's cookie with the label that the middleware signed for it."""
    ring = KeyRing([("k1", b"1" * 32)])
    adapter.bind(
        sign=lambda message: ring.sign_value("label", message),
        check=lambda message, value: ring.check_value("label", message, value),
    )
    label = adapter.label("sid=0123456789abcdef", USER)
    assert label is not None
    return by_cookie(adapter, lambda user: {"sid": "0123456789abcdef", adapter.label_cookie: label})


def basic(user: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:correct horse".encode()).decode()


def subjects(folder: Path) -> Iterator[tuple[str, Subject]]:
    portal = flask_portal()
    cookies = flask_cookies(portal)
    beaker = {"session.type": "cookie", "session.key": "beaker", "session.validate_key": SECRET}
    beaker |= {"session.data_serializer": "json"}
    yield "RemoteUser", by_environ(RemoteUser(), "REMOTE_USER", str, remembers=True)
    yield "EnvironKey", by_environ(EnvironKey("repoze.who.identity"), *_who())
    yield (
        "TrustedHeader",
        by_environ(TrustedHeader("X-Forwarded-User", peers=["192.0.2.0/24"]), "HTTP_X_FORWARDED_USER", str),
    )
    yield (
        "HttpBasic, a checker that costs nothing",
        by_environ(HttpBasic(lambda name, password: True), "HTTP_AUTHORIZATION", basic, remembers=True),
    )
    yield "FlaskSession", by_cookie(FlaskSession(SECRET, user_key="_user_id"), cookies, remembers=True)
    yield "AuthTkt", by_cookie(AuthTkt(SECRET), tickets, remembers=True)
    yield "PyramidSession", by_cookie(PyramidSession(SECRET, user_key="auth.userid"), pyramid_cookies)
    yield (
        "LoginForm",
        paired_subject(
            LoginForm("/sign-in", "user", cookies=["sid"], succeeded=["status=302"], failed=["status=200"])
        ),
    )
    yield "ResponseHeader", paired_subject(ResponseHeader("X-User", path="/sign-in", cookies=["sid"]))
    yield (
        "Chain of AuthTkt and FlaskSession",
        by_cookie(
            Chain(AuthTkt(SECRET), FlaskSession(SECRET, user_key="_user_id")),
            lambda user: tickets(user) | cookies(user),
        ),
    )
    yield "SqlSession", sql_subject(folder)
    yield "FlaskApp", by_cookie(FlaskApp(portal), cookies)
    yield "BeakerSession, cookie", by_cookie(BeakerSession(beaker, user_key="user"), beaker_cookies(beaker))
    yield from django_subjects()


def _who() -> tuple[str, Callable[[str], object]]:
    return "repoze.who.identity", lambda user: {"repoze.who.userid": user}


def run(folder: Path) -> None:
    set_up_django(folder)
    floor, session = by_hand(folder / "floor.db")
    cases: dict[str, Action] = {"floor": case(floor, environ_of(session))}
    every = dict(subjects(folder))
    for name, subject in every.items():
        for environ in (subject.environ, *subject.of_others[-1:]):
            assert isinstance(subject.adapter.identify(environ), FirstFactor), (
                f"{name} does not know the user"
            )
        cases[name] = subject.again()
        if subject.of_others:
            cases[f"{name}, first seen"] = subject.first_seen()
    costs = fastest(side_by_side(cases, rounds=ROUNDS, calls=CALLS, clock=processor_time))
    unit = costs["floor"]
    heading("who is signed in", "us, first", "of the floor", "us, again", "of the floor")
    line("floor: cookie, HMAC, SELECT", unit, 1.0, unit, 1.0)
    for name in every:
        first = costs.get(f"{name}, first seen")
        told = ("", "") if first is None else (first, first / unit)
        line(name, *told, costs[name], costs[name] / unit)


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # that Flask's portal has no views
    with tempfile.TemporaryDirectory() as temporary:
        run(Path(temporary))
