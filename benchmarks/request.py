"""What one request costs over the bare application, beside a hand-written check and other middleware.

The floor is the least that a second factor may cost which another process can end at any moment: find the cookie,
check an HMAC, one SELECT by primary key in a SQLite file, call the application. Everybody serves a request with
eight cookies to the same application, and proves at first that it knows the user and turns a forged cookie away.

Run ``python benchmarks/request.py``, or all with ``tox run -e benchmarks``.
"""

from __future__ import annotations

import hmac
import logging
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import pyotp
from beaker.middleware import SessionMiddleware
from harness import Action, fastest, heading, line, processor_time, side_by_side
from itsdangerous import URLSafeTimedSerializer
from repoze.who.classifiers import default_challenge_decider, default_request_classifier
from repoze.who.middleware import PluggableAuthenticationMiddleware
from repoze.who.plugins.auth_tkt import AuthTktCookiePlugin
from werkzeug.test import Client

from wsgi_mfa import AuthTkt, FlaskSession, KeyRing, MfaMiddleware, RemoteUser
from wsgi_mfa.adapters import Adapter

USER = "user1@example.com"
SECRET = "the secret of a portal in benchmarks"
COOKIES = 8
ROUNDS = 300
CALLS = 40

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


def application(environ: Environ, start_response: Any) -> Iterable[bytes]:
    """The application that everybody wraps; it leaves its environ for those who ask whom it saw.

    At ``/sign-in`` it sets the cookies that the environ names.
    """
    application.seen = environ  # type: ignore[attr-defined]
    headers = [("Content-Type", "text/plain")]
    if environ["PATH_INFO"] == "/sign-in":
        cookies = environ["benchmark.cookies"]
        headers += [("Set-Cookie", f"{name}={value}; Path=/; HttpOnly") for name, value in cookies.items()]
    start_response("200 OK", headers)
    return [b"welcome"]


def environ_of(cookies: Mapping[str, str], remote_user: str | None = None) -> Environ:
    """A browser's request as a server behind https gives it, with other cookies up to eight."""
    environ: Environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/reports",
        "QUERY_STRING": "",
        "SERVER_NAME": "portal.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": "portal.example",
        "HTTP_ACCEPT": "text/html",
        "HTTP_ACCEPT_LANGUAGE": "en",
        "HTTP_USER_AGENT": "benchmark",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if remote_user is not None:
        environ["REMOTE_USER"] = remote_user
    if cookies:
        others = {f"other{number}": f"value{number}" for number in range(COOKIES - len(cookies))}
        environ["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in {**others, **cookies}.items())
    return environ


def case(wrapped: Application, environ: Environ) -> Action:
    """One request: a new environ, the call, and the body drawn."""

    def request() -> None:
        for _ in wrapped(environ.copy(), _start_response):
            pass

    return request


def _start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
    assert status == "200 OK", f"{status} {headers}"


def by_hand(path: Path) -> tuple[Application, dict[str, str]]:
    """The floor, and the cookies of a browser that passes it."""
    key, session = os.urandom(32), os.urandom(16).hex()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE sessions (id TEXT PRIMARY KEY NOT NULL, user TEXT NOT NULL)")
    connection.execute("INSERT INTO sessions VALUES (?, ?)", (session, USER))

    def signed(session_id: str) -> str:
        return hmac.digest(key, session_id.encode(), "sha256").hex()

    def floor(environ: Environ, start_response: Any) -> Iterable[bytes]:
        for part in environ["HTTP_COOKIE"].split("; "):
            if part.startswith("session="):
                session_id, _, mac = part[8:].partition(".")
                if hmac.compare_digest(signed(session_id), mac):
                    row = connection.execute(
                        "SELECT user FROM sessions WHERE id = ?", (session_id,)
                    ).fetchone()
                    if row is not None:
                        return application(environ, start_response)
        start_response("401 Unauthorized", [])
        return []

    return floor, {"session": f"{session}.{signed(session)}"}


def ours(
    path: Path, identity: Adapter, cookies: dict[str, str], remote_user: str | None = None, **settings: Any
) -> Any:
    """A middleware over its own SQLite file, and the environ of a browser with both factors."""
    keys = KeyRing([("k1", os.urandom(32))])
    # Checkouts from before there were labels are compared, too.
    label = {"cookie_label": "bench"} if "cookie_label" in signature(MfaMiddleware).parameters else {}
    end = "_bench" if label else ""
    wrapped = MfaMiddleware(
        application,
        issuer="Client Portal",
        identity=identity,
        store=f"sqlite:///{path}",
        keys=keys,
        **label,
        **settings,
    )
    client = Client(wrapped)
    asked = {
        "base_url": "https://portal.example",
        "environ_overrides": {"REMOTE_USER": remote_user} if remote_user else {},
        "headers": {"Accept": "application/json"},
    }
    # The portal signs in, so that the browser holds its cookies as the middleware seals them.
    client.get(
        "/sign-in", base_url="https://portal.example", environ_overrides={"benchmark.cookies": cookies}
    )
    key = client.get("/mfa/enroll", **asked).json["key"]
    client.post("/mfa/enroll", json={"code": pyotp.TOTP(key.replace(" ", "")).now()}, **asked)
    client.post("/mfa/recovery-code", json={"saved": True}, **asked)
    jar = {
        name: cookie.value
        for name in (*cookies, f"__Host-wsgi_mfa_browser{end}", f"__Host-wsgi_mfa_session{end}")
        if (cookie := client.get_cookie(name, domain="portal.example")) is not None
    }
    return wrapped, environ_of(jar, remote_user)


def flask_cookie() -> str:
    """The session cookie that Flask writes for a user of Flask-Login."""
    signer = URLSafeTimedSerializer(SECRET, salt="cookie-session", signer_kwargs={"key_derivation": "hmac"})
    text = signer.dumps({"_user_id": USER, "_fresh": True})
    return text if isinstance(text, str) else text.decode()


def repoze_who() -> tuple[Application, dict[str, str]]:
    """repoze.who with its auth_tkt cookie, and that cookie."""
    plugin = AuthTktCookiePlugin(SECRET, "auth_tkt", digest_algo="sha512")
    wrapped = PluggableAuthenticationMiddleware(
        application,
        identifiers=[("auth_tkt", plugin)],
        authenticators=[("auth_tkt", plugin)],
        challengers=[],
        mdproviders=[],
        classifier=default_request_classifier,
        challenge_decider=default_challenge_decider,
    )
    headers = plugin.remember(environ_of({}), {"repoze.who.userid": USER})
    ticket = headers[0][1].partition(";")[0].partition("=")[2]
    return wrapped, {"auth_tkt": ticket.strip('"')}


def beaker() -> tuple[Application, dict[str, str]]:
    """Beaker's cookie session, which an application asks for its user, and the cookie."""
    options = {
        "session.type": "cookie",
        "session.key": "beaker",
        "session.validate_key": SECRET,
        "session.data_serializer": "json",
    }

    def asking(environ: Environ, start_response: Any) -> Iterable[bytes]:
        environ["REMOTE_USER"] = environ["beaker.session"].get("user")
        return application(environ, start_response)

    def signing_in(environ: Environ, start_response: Any) -> Iterable[bytes]:
        environ["beaker.session"]["user"] = USER
        environ["beaker.session"].save()
        return application(environ, start_response)

    sent: list[tuple[str, str]] = []
    SessionMiddleware(signing_in, options)(environ_of({}), lambda status, headers, *_: sent.extend(headers))
    cookie = next(value for name, value in sent if name.lower() == "set-cookie")
    return SessionMiddleware(asking, options), {"beaker": cookie.partition(";")[0].partition("=")[2]}


def user_seen(wrapped: Application, environ: Environ) -> object:
    """Whom the application behind ``wrapped`` is told of."""
    case(wrapped, environ)()
    seen = application.seen  # type: ignore[attr-defined]
    return seen.get("wsgi_mfa.user") or seen.get("REMOTE_USER")


def run(folder: Path) -> None:
    floor, session = by_hand(folder / "floor.db")
    who, ticket = repoze_who()
    session_middleware, beaker_cookie = beaker()
    remote_user = ours(folder / "remote.db", RemoteUser(), {}, USER)
    served = {
        "wsgi-mfa, RemoteUser": remote_user,
        "wsgi-mfa, FlaskSession": ours(
            folder / "flask.db", FlaskSession(SECRET, user_key="_user_id"), {"session": flask_cookie()}
        ),
        "wsgi-mfa, AuthTkt": ours(folder / "ticket.db", AuthTkt(SECRET), ticket),
        "repoze.who, auth_tkt": (who, environ_of(ticket)),
        "Beaker, cookie session": (session_middleware, environ_of(beaker_cookie)),
    }
    for name, (wrapped, environ) in served.items():
        assert user_seen(wrapped, environ) == USER, f"{name} does not know the user"
    served = {
        "bare application": (application, environ_of(session)),
        "floor: cookie, HMAC, SELECT": (floor, environ_of(session)),
        **served,
        "wsgi-mfa, RemoteUser, nobody signed in": (remote_user[0], environ_of({})),
    }
    cases = {name: case(wrapped, environ) for name, (wrapped, environ) in served.items()}
    costs = fastest(side_by_side(cases, rounds=ROUNDS, calls=CALLS, clock=processor_time))
    bare, *_ = costs.values()
    unit = costs["floor: cookie, HMAC, SELECT"] - bare
    heading("one request", "us", "over bare", "of the floor")
    for name, cost in costs.items():
        line(name, cost, cost - bare, (cost - bare) / unit)


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # that each store is a new one
    with tempfile.TemporaryDirectory() as temporary:
        run(Path(temporary))
