"""App passwords in requests: judged in place of a code behind the password, without a session."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from wsgi_mfa.core import app_passwords
from wsgi_mfa.core.account import AppPassword
from wsgi_mfa.core.commands import NoteAppPasswordUse
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.web import access
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import IdentifiedRequest
from wsgi_mfa.web.response_hold import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

logger = logging.getLogger("wsgi_mfa")

METHOD = "app_password"


class ProgramRequest(IdentifiedRequest):
    """A request of a program whose app password is right."""

    def __init__(self, request: IdentifiedRequest, app_password: AppPassword) -> None:
        super().__init__(request.incoming, request.caller, request.account, None, request.state)
        self.app_password: Final = app_password


def judged(request: IdentifiedRequest, typed: str) -> tuple[IdentifiedRequest, Reply | None]:
    """Judge the app password ``typed``; return the request of its program, or the reply that rejects it."""
    site, account = request.site, request.account
    wait = site.app_password_tries.wait_seconds(request.source, request.now)
    if wait is not None:
        return request, _rejection(429, Outcome.LOCKED, retry_after_seconds=wait)
    found = None
    code = app_passwords.code_in(typed)
    if account is not None:
        found = app_passwords.find(account, code, request.context)
    if found is None:
        if code is not None:
            site.app_password_tries.count(request.source, request.now)
            site.watch.wrong_answer(request.source, request.now)
        return request, _rejection(401, Outcome.WRONG_CODE)
    if not app_passwords.reaches(found, access.path_in(request)):
        logger.warning(
            "rejected an app password of %r at another path than %s", request.caller.user, found.path
        )
        return request, _rejection(403, Outcome.REFUSED, reason=Reason.NOT_THIS_PATH)
    age = access.rule_of(request, request.caller).age_seconds_max if site.rules else 0
    if age:
        return request, _rejection(401, Outcome.STEP_UP_REQUIRED)
    if app_passwords.use_is_due(found, request.now):
        site.service.note(request.visit, NoteAppPasswordUse(id=found.id))
    return ProgramRequest(request, found), None


def told(request: ProgramRequest) -> dict[str, object]:
    """Return what the application is told: the second factor is that behind which the app password was made."""
    return {
        "wsgi_mfa.user": request.caller.user,
        "wsgi_mfa.method": METHOD,
        "wsgi_mfa.verified_at": request.app_password.made_at // SECOND,
    }


def without_cookies(start_response: StartResponse) -> StartResponse:
    """Return a ``start_response`` that lets no cookie go out: it would be a credential without a second factor."""

    def start(status: str, headers: Headers, exc_info: Any = None, /) -> Callable[[bytes], object]:  # noqa: ANN401
        try:
            kept = [(name, value) for name, value in headers if name.lower() != "set-cookie"]
            return (
                start_response(status, kept) if exc_info is None else start_response(status, kept, exc_info)
            )
        finally:
            exc_info = None  # the traceback of what is raised here leads to this frame

    return start


def _rejection(
    status: int, outcome: Outcome, *, reason: Reason | None = None, retry_after_seconds: int | None = None
) -> Reply:
    reply = Reply(page="refused", status=status, outcome=outcome, reason=reason, context={"next": ""})
    return replace(reply, retry_after_seconds=retry_after_seconds)
