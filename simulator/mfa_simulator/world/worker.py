"""One process of the server: the real middleware around a portal, with a clock and a chance of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mfa_simulator.world.clocks import WorkerClock
from mfa_simulator.world.entropy import SeededEntropy
from mfa_simulator.world.http import Headers, Request, Response, environ_of, serve
from wsgi_mfa import MfaMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The key of the environment below which the calls of the portal are noted.
WATCH = "mfa_simulator.calls"


@dataclass(kw_only=True, slots=True)
class Worker:
    """One process of the server; its clock and its chance outlive a restart."""

    clock: WorkerClock
    entropy: SeededEntropy
    application: MonitoredMiddleware | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AppCall:
    """One call of the portal: its environ, with what it came with, and what was answered."""

    environ: WSGIEnvironment
    user: str | None
    cookie: str | None
    remote_user: str | None
    headers_given: list[tuple[str, str]] = field(default_factory=list)

    @property
    def acted_for(self) -> str | None:
        """The user that the portal has noted in the environ, where it does so."""
        noted: str | None = self.environ.get("REMOTE_USER")
        return noted if noted != self.remote_user else None


class MonitoredMiddleware:
    """The middleware around a portal of its own; notes whether and as which user the portal was called."""

    def __init__(self, make: Callable[[WSGIApplication], MfaMiddleware], portal: WSGIApplication) -> None:
        self._portal = portal
        self.middleware = make(self._watch)

    def replace_portal(self, portal: WSGIApplication) -> None:
        """Put another portal in the place of the one that is wrapped."""
        self._portal = portal

    def _watch(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        called = AppCall(
            environ=environ,
            user=environ.get("wsgi_mfa.user"),
            cookie=environ.get("HTTP_COOKIE"),
            remote_user=environ.get("REMOTE_USER"),
        )
        environ[WATCH].append(called)
        given = called.headers_given

        def noted(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:  # noqa: ANN401  # PEP 3333
            given[:] = headers
            return start_response(status, headers, *exc_info)

        return self._portal(environ, noted)

    def answer(self, request: Request) -> Response:
        """Answer a request; an error that escapes becomes a reply with status 500, as a server makes it."""
        calls: list[AppCall] = []
        environ = environ_of(request)
        environ[WATCH] = calls
        status, body, crash = 500, b"", None
        headers: Headers = ()
        try:
            status, headers, body = serve(self.middleware, environ)
        except Exception as error:  # noqa: BLE001  # a server answers 500 whatever the application raises
            place = traceback.extract_tb(error.__traceback__)[-1]
            crash = f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})"
        last = calls[-1] if calls else None
        return Response(
            status=status,
            headers=headers,
            body=body,
            crash=crash,
            from_app=bool(calls),
            user_seen=last.user if last is not None else None,
            cookie_seen=last.cookie if last is not None else None,
            headers_given=tuple(last.headers_given) if last is not None else (),
            acted_for=last.acted_for if last is not None else None,
        )
