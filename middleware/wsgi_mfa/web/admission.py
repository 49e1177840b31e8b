"""Whether a request may pass to the application, and in what form: with its user, or without one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wsgi_mfa.identity.request.sanitizer import RequestSanitizer
from wsgi_mfa.web import gate, routes
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import Directory, IncomingRequest, WebRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger("wsgi_mfa")


def reply_to(
    incoming: IncomingRequest,
    sanitizer: RequestSanitizer,
    environ: WSGIEnvironment,
    path: str | None,
    directory: Directory | None,
) -> tuple[WebRequest, Reply | None]:
    """Return our page, a challenge, or None for a request that may pass, and the request as it is known then."""
    request = gate.admitted(incoming, directory)
    if request is None:
        request = _stripped(incoming, sanitizer, environ)
    if path is not None:
        return request, routes.answer(request, path)
    return gate.challenge(request)


def exempted(
    incoming: IncomingRequest,
    sanitizer: RequestSanitizer,
    environ: WSGIEnvironment,
    directory: Directory | None,
) -> WebRequest:
    """Let a request for an exempt path pass: as its user after the second factor, without one before it.

    Neither a missing second factor nor a store that fails keeps a client from an exempt path (R80).
    """
    try:
        request, reply = reply_to(incoming, sanitizer, environ, None, directory)
        if reply is None:
            admit(request, sanitizer, environ)
            return request
    except Exception:
        logger.exception("an exempt path was answered as to nobody")
    return _stripped(incoming, sanitizer, environ)


def admit(request: WebRequest, sanitizer: RequestSanitizer, environ: WSGIEnvironment) -> None:
    """Let a request pass: the application is told of its user, and gets the cookies that are this user's."""
    gate.tell_application(request, environ)
    if request.caller is not None and request.sanitized.cookies.of_users:
        sanitizer.admit_cookies_of(environ, request.sanitized, request.caller.user)


def _stripped(
    incoming: IncomingRequest, sanitizer: RequestSanitizer, environ: WSGIEnvironment
) -> IncomingRequest:
    """Take the user's credentials out of the environ, and return the request that is left."""
    sanitizer.remove_credentials(environ, incoming.sanitized)
    return IncomingRequest(incoming.site, environ.copy(), incoming.names, incoming.sanitized, incoming.now)
