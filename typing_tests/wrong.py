"""Wrong uses of the public API: mypy reports each line, with the code that its comment names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from wsgi_mfa import (
    Event,
    FlaskSession,
    HttpBasic,
    KeyRing,
    MemoryStore,
    MfaMiddleware,
    Person,
    Policy,
    RemoteUser,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def portal(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    return []


def no_application(environ: WSGIEnvironment) -> list[bytes]:
    return []


class NoAdapter:
    def identify(self, environ: WSGIEnvironment) -> str:
        return str(environ["REMOTE_USER"])


keys, user = KeyRing.from_environment(), RemoteUser()

# The middleware
MfaMiddleware(portal, issuer="x", identity=user, store="memory://")  # type: ignore[call-arg]
MfaMiddleware(portal, "x", identity=user, store="memory://", keys=keys)  # type: ignore[call-arg]
MfaMiddleware(no_application, issuer="x", identity=user, store="memory://", keys=keys)  # type: ignore[arg-type]
MfaMiddleware(portal, issuer="x", identity=NoAdapter(), store="memory://", keys=keys)  # type: ignore[arg-type]
MfaMiddleware(portal, issuer="x", identity=user, store="memory://", keys="k1:text")  # type: ignore[arg-type]
MfaMiddleware(portal, issuer="x", identity=user, store=MemoryStore, keys=keys)  # type: ignore[arg-type]

# Values do not change, take keywords only, and know their fields.
policy = Policy(period_seconds=30)
policy.period_seconds = 60  # type: ignore[misc]
Policy(30)  # type: ignore[call-arg,arg-type]
Policy(period_seconds="30")  # type: ignore[arg-type]
Policy(lockout=30)  # type: ignore[call-arg]
Person("user1")  # type: ignore[call-arg]
Person(name="user1", groups="staff")  # type: ignore[arg-type]

# Adapters
HttpBasic(lambda name: name == "user1")  # type: ignore[arg-type,misc]
FlaskSession()  # type: ignore[call-arg]


def note(event: Event) -> None:
    event.kind = "sign_out"  # type: ignore[misc]
    event.secret  # type: ignore[attr-defined]
