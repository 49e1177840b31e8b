"""Right uses of the public API: mypy finds no error here, and infers the types that are asserted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import assert_type

from wsgi_mfa import Event, FlaskSession, HttpBasic, KeyRing, MfaMiddleware, Person, Policy, RemoteUser
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.support import Outcome

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def portal(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(environ["wsgi_mfa.user"]).encode()]


def person(user: str) -> Person | None:
    return Person(name=user, email=user, groups=("staff",)) if user.endswith("@example.com") else None


def note(event: Event) -> None:
    assert_type(event.kind, str)
    assert_type(event.at, int)
    assert_type(event.details, tuple[tuple[str, str], ...])


keys = KeyRing.from_environment()
assert_type(keys, KeyRing)
assert_type(keys.ids, tuple[str, ...])
assert_type(KeyRing.generate_text(SystemEntropy(), "k1"), str)

policy = Policy(period_seconds=30)
assert_type(policy.period_seconds, int)

# The middleware is an application itself, and wraps one in any of its forms.
application = MfaMiddleware(
    portal,
    issuer="Client Portal",
    identity=RemoteUser(),
    store="sqlite:///mfa.db",
    keys=keys,
    policy=policy,
    directory=person,
    notify=note,
)
outer = MfaMiddleware(
    application,
    issuer="Client Portal",
    identity=FlaskSession("a key of sixteen bytes or more", user_key="_user_id"),
    store="memory://",
    keys=keys,
)


def served(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return outer(environ, start_response)


def checked(name: str, password: str) -> bool:
    return (name, password) == ("user1", "password")


MfaMiddleware(portal, issuer="x", identity=HttpBasic(checked), store="memory://", keys=keys)

outcome = Outcome("signed_in")
assert_type(outcome, Outcome)
words: Mapping[str, Any] = {outcome.value: outcome}
