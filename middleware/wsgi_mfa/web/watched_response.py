"""The application's response where it may change the user: judged as it starts, or once it has ended.

A directory is never asked while the application answers, since it may use the application's own database connection.
A response that signs in another user than that of the request is therefore drawn to its end, and judged then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from wsgi_mfa.directory import Person
from wsgi_mfa.identity.request.sanitizer import without_own_cookies
from wsgi_mfa.web import app_response, routes
from wsgi_mfa.web.reply import response_to
from wsgi_mfa.web.request import Directory, WebRequest
from wsgi_mfa.web.response_hold import (
    DirectoryNeededError,
    Headers,
    ResponseHold,
    drawn_within_bounds,
    first_drawn,
)
from wsgi_mfa.web.sealing import sealed
from wsgi_mfa.web.session_cookie import SessionCookieCheck
from wsgi_mfa.web.way import Way

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger("wsgi_mfa")


def _asked_later(user: str) -> Person | None:
    raise DirectoryNeededError(user)


class ResponseWatch:
    """Calls an application, and judges what its response does to the user."""

    def __init__(self, directory: Directory | None, session_cookie: SessionCookieCheck) -> None:
        self._directory = directory
        self._session_cookie = session_cookie

    def response(
        self,
        application: WSGIApplication,
        request: WebRequest,
        way: Way,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Return the application's own response, or the one in its place."""
        later = None if self._directory is None else _asked_later
        hold = ResponseHold(partial(self._judged, request, way, later), start_response)
        iterable = application(environ, hold.start_response)
        if not hold.started:
            iterable = first_drawn(iterable, hold)
        if hold.is_deferred:
            iterable = drawn_within_bounds(iterable, request.site.service.clock)
            iterable = hold.decided(partial(self._judged, request, way, self._directory), iterable)
        return app_response.answered(request, hold, iterable, start_response)

    def _judged(
        self, request: WebRequest, way: Way, directory: Directory | None, status: str, headers: Headers
    ) -> tuple[Headers, WSGIApplication | None]:
        sanitizer = way.sanitizer
        if app_response.is_left_alone(request, sanitizer, status, headers):
            return headers, None
        headers = sanitizer.clean_location(without_own_cookies(headers, sanitizer.own_cookie_names))
        try:
            judged = app_response.judged_response(request, sanitizer, directory, headers)
            headers, reply, _ = judged
            if reply is None and status.startswith("401"):
                headers, reply = app_response.judged_challenge(request, headers)
            if judged.user is None:
                headers = self._session_cookie.without_misnamed(request, headers)
            if reply is None:
                return sealed(request, way.sealer, headers, judged), None
            if judged.reply is not None and judged.user is not None:
                self._session_cookie.look_at_path(request, list(reply.headers))
            # What the portal sets goes out with a reply in its place as well.
            reply = replace(reply, headers=tuple(sealed(request, way.sealer, list(reply.headers), judged)))
            return headers, response_to(request, reply, as_json=not request.is_navigation)
        except DirectoryNeededError:
            raise
        except Exception:
            # Not raised here: the application called us, and would take it for its own failure.
            logger.exception("a response was held and answered 503")
            as_json = not request.is_navigation
            return headers, response_to(request.incoming, routes.unavailable(), as_json=as_json)
