"""Requests whose user can have no account here, that name two users, or at which something failed."""

from __future__ import annotations

import logging
from dataclasses import replace

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.spellings import OtherSpellingError
from wsgi_mfa.errors import AmbiguousCredentialError, InvalidUserError
from wsgi_mfa.identity.request.head_limits import HeadTooLargeError
from wsgi_mfa.log_once import LogOnce
from wsgi_mfa.web import routes
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import IncomingRequest, WebRequest

logger = logging.getLogger("wsgi_mfa")
_told = LogOnce(logger)


def rejected_user(request: WebRequest, error: InvalidUserError) -> Reply:
    """Return the answer to a user who can have no account here, and log why: no enrollment begins."""
    reason = Reason.UNKNOWN_USER
    if isinstance(error, OtherSpellingError):
        reason = Reason.OTHER_SPELLING
        _told.warning(
            (error.user, error.spelling),
            "rejected a user: %s, which is bound. Run `wsgi-mfa accounts spellings` to say whether both are one user",
            error,
        )
        request.site.service.note_spelling(error.user, error.spelling, source=request.source, now=request.now)
    else:
        logger.warning("rejected a user: %s", error)
    return Reply(
        page="refused",
        status=403,
        outcome=Outcome.REFUSED,
        reason=reason,
        context={"next": "", "doubled": ()},
    )


def without_user(request: WebRequest) -> IncomingRequest:
    """Return the request without its user, who may have this browser's sign-in taken away.

    The portal's own sign-out cannot be reached, and where there is no account no login can be ended in it.
    """
    doubled = tuple(request.sanitized.cookies.credentials)
    return request.incoming.with_cleaned(replace(request.sanitized, doubled=doubled))


def failed(error: Exception) -> Reply:
    """Return the answer to a request at which ``error`` was raised."""
    if isinstance(error, AmbiguousCredentialError | HeadTooLargeError):
        return unreadable(error)
    logger.error("a request was answered 503", exc_info=error)
    return routes.unavailable(error)


def unreadable(error: AmbiguousCredentialError | HeadTooLargeError) -> Reply:
    """Return the answer to a request that is not read any further: it names two users, or is too long."""
    context = {"message": str(error)}
    if isinstance(error, HeadTooLargeError):
        return Reply(page="head_too_large", status=error.status, word="too_large", context=context)
    return Reply(page="bad_request", status=400, word="bad_request", context=context)
