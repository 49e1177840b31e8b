"""Turns of the requests with one credential, for portals that keep the session id over a sign-in.

There a request that began as a visitor's could finish as the user who signs in meanwhile with the same session. So a
body is read to its end before its sender is identified, and a sign-in waits for the requests with the same
credential, as they wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.adapters.chain import parts_of
from wsgi_mfa.identity.observed_login.binding import ObservedLogin
from wsgi_mfa.identity.request.cookie_header import CanonicalCookies
from wsgi_mfa.identity.request.credential_digest import digest_of
from wsgi_mfa.identity.request.sanitizer import declared_cookies
from wsgi_mfa.identity.sign_in_fields.names import comparable_path
from wsgi_mfa.web.body_spool import has_body, spool_body
from wsgi_mfa.web.http_errors import RejectedRequestError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ONE_PROCESS, ACCEPT = "one_process", "accept"
WAIT_SECONDS_MAX = 5.0
_SHARE_OF_WAITERS = 4  # so that waiting requests leave most threads to others


class SessionTurns:
    """Lets requests with one credential run together, and a sign-in with it alone."""

    def __init__(
        self, *, names: Iterable[str], paths: Iterable[str], body_bytes_max: int, refuses_processes: bool
    ) -> None:
        """``names`` are the portal's session cookies, and ``paths`` those at which users sign in."""
        self._names = frozenset(names)
        self._paths = frozenset(map(comparable_path, paths))
        self._body_bytes_max = body_bytes_max
        self._refuses_processes = refuses_processes
        self._changed = threading.Condition()
        #: For each credential the number of requests that run; -1 is a sign-in.
        self._running: dict[str, int] = {}
        self._waiting: set[str] = set()

    def call(
        self,
        application: WSGIApplication,
        cookies: CanonicalCookies,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Call ``application`` when it is this request's turn; 503 where that takes too long."""
        if self._refuses_processes and environ.get("wsgi.multiprocess"):
            return _plain("503 Service Unavailable", _PROCESSES, start_response)
        # Not the label of an observed login, which is another one in each browser.
        credential = digest_of(
            ("cookie", name, value) for name, value in cookies.credentials.items() if name in self._names
        )
        if credential is None:
            return application(environ, start_response)
        if has_body(environ):
            try:
                spool_body(environ, bytes_max=self._body_bytes_max)
            except RejectedRequestError as error:
                status = _STATUSES.get(error.status, "400 Bad Request")
                return _plain(status, f"{error}\n".encode(), start_response)
        is_sign_in = self._is_sign_in(environ)
        if not self._enter(credential, alone=is_sign_in):
            return _plain("503 Service Unavailable", _BUSY, start_response)
        turn = _Turn(self, credential, start_response)
        try:
            return application(environ, turn.start_response)
        finally:
            turn.leave()

    def _is_sign_in(self, environ: Mapping[str, Any]) -> bool:
        path = comparable_path(str(environ.get("PATH_INFO", "")))
        return environ.get("REQUEST_METHOD") == "POST" and path in self._paths

    def _enter(self, credential: str, *, alone: bool) -> bool:
        """Wait for this request's turn; False where it does not come."""

        def is_free() -> bool:
            running = self._running.get(credential, 0)
            return running == 0 if alone else running >= 0

        with self._changed:
            if not is_free() and not self._has_waited(credential, is_free):
                return False
            self._running[credential] = -1 if alone else self._running.get(credential, 0) + 1
            return True

    def _has_waited(self, credential: str, is_free: Callable[[], bool]) -> bool:
        waiters_max = max(1, threading.active_count() // _SHARE_OF_WAITERS)
        if credential in self._waiting or len(self._waiting) >= waiters_max:
            return False
        self._waiting.add(credential)
        try:
            return self._changed.wait_for(is_free, timeout=WAIT_SECONDS_MAX)
        finally:
            self._waiting.discard(credential)

    def leave(self, credential: str) -> None:
        """End one request's turn."""
        with self._changed:
            left = self._running.get(credential, 0) - 1
            if left > 0:
                self._running[credential] = left
            else:
                self._running.pop(credential, None)
            self._changed.notify_all()


class _Turn:
    """One request's turn, which ends when its response has started."""

    def __init__(self, turns: SessionTurns, credential: str, start_response: StartResponse) -> None:
        self._turns = turns
        self._credential: str | None = credential
        self._start_response = start_response

    def start_response(self, *given: Any) -> Callable[[bytes], object]:  # noqa: ANN401 - handed on as it comes
        write = self._start_response(*given)
        self.leave()
        return write

    def leave(self) -> None:
        credential, self._credential = self._credential, None
        if credential is not None:
            self._turns.leave(credential)


def session_turns(
    identity: Adapter,
    *,
    keeps_session_id: str | None,
    renews_sessions: bool,
    sign_in_paths: Iterable[str],
    body_bytes_max: int,
) -> SessionTurns | None:
    """Return the turns of a portal; None where each sign-in gets a new session id.

    :raises ConfigurationError: the portal may keep it, and nothing is said of that.
    """
    if keeps_session_id not in (None, ONE_PROCESS, ACCEPT):
        raise ConfigurationError(
            f'keeps_session_id is {keeps_session_id!r}: legal are "{ONE_PROCESS}" and "{ACCEPT}"',
            setting="keeps_session_id",
        )
    traits = identity.traits
    paths = [*traits.sign_in_paths, *sign_in_paths]
    is_observed = any(isinstance(part, ObservedLogin) for part in parts_of(identity))
    may_keep = traits.keeps_session_id and not renews_sessions
    if keeps_session_id == ACCEPT or not (may_keep or is_observed or keeps_session_id):
        return None
    if may_keep and keeps_session_id is None:
        raise ConfigurationError(
            "keeps_session_id is missing: this portal may keep the session id over a sign-in, so that a request that"
            " began as a visitor's could finish as the user who signs in meanwhile. Legal are"
            f' renews_sessions = true, if each sign-in gets a new session id; keeps_session_id = "{ONE_PROCESS}", if'
            f" one process serves the portal, where requests of one session wait for a sign-in; and"
            f' keeps_session_id = "{ACCEPT}"',
            setting="keeps_session_id",
        )
    if not paths:
        raise ConfigurationError(
            f'sign_in_paths is missing: with keeps_session_id = "{ONE_PROCESS}" it names the paths at which users sign'
            ' in, such as ["/sign-in"]',
            setting="sign_in_paths",
        )
    return SessionTurns(
        names=declared_cookies(identity),
        paths=paths,
        body_bytes_max=body_bytes_max,
        refuses_processes=keeps_session_id == ONE_PROCESS,
    )


_STATUSES = {400: "400 Bad Request", 413: "413 Content Too Large"}
_PROCESSES = b"keeps_session_id is one_process, and several processes serve this portal.\n"
_BUSY = b"A sign-in with this session has not ended yet. Try again.\n"


def _plain(status: str, text: bytes, start_response: StartResponse) -> Iterable[bytes]:
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(text))),
        ("Cache-Control", "no-store"),
    ]
    if status.startswith("503"):
        headers.append(("Retry-After", "5"))
    start_response(status, headers)
    return [text]
