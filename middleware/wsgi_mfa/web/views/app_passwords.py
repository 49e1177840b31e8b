"""``app-passwords``: the passwords of single programs, which their user makes, sees and ends."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wsgi_mfa.core import app_passwords, recovery_codes
from wsgi_mfa.core.account import AppPassword
from wsgi_mfa.core.authentication_state import is_fresh
from wsgi_mfa.core.commands import EndAppPassword, MakeAppPassword
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.expiry import without_expired
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.web import forms
from wsgi_mfa.web.http_errors import BadRequestError, NotFoundError
from wsgi_mfa.web.reply import STATUS, Reply
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.navigation import PAGE_OF, next_of, redirect_to, reject_embedding, url_of

PAGE = "app-passwords"
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_DAYS = re.compile(r"[0-9]{1,4}", re.ASCII)


def show_app_passwords(request: WebRequest) -> Reply:
    """The app passwords of a user who has shown a second factor just now, and the form for another one."""
    rejection = _way_to_a_fresh_factor(request)
    return rejection or _page(request)


def post_app_passwords(request: WebRequest) -> Reply:
    """Make an app password, which the reply shows once, or end one.

    :raises NotFoundError: there is no such app password, or the adapter takes none.
    :raises BadRequestError: a field is missing or not legal.
    """
    reject_embedding(request)
    rejection = _way_to_a_fresh_factor(request)
    fields = forms.posted(request)
    if rejection is not None:
        return rejection
    if "end" in fields:
        return _ended(request, fields)
    name, path, form_id = fields.get("name", "").strip(), fields.get("path", "") or "/", fields.get("form")
    if not app_passwords.is_path(path):
        return _page(request, status=422, reason=Reason.NOT_THIS_PATH, name=name, path=path)
    if not app_passwords.is_name(name):
        return _page(request, status=422, reason=Reason.UNPRINTABLE, name=name, path=path)
    days = _days(fields.get("days", str(app_passwords.DAYS_MAX)))
    if form_id is not None and _ID.fullmatch(form_id) is None:
        raise BadRequestError("the field 'form' is not what the page had")
    service = request.site.service
    entropy = service.entropy.token_bytes(recovery_codes.entropy_bytes(app_passwords.SYMBOLS))
    code = recovery_codes.code_from(entropy, app_passwords.SYMBOLS)
    command = MakeAppPassword(
        origin=request.visit.origin,
        id=form_id or service.vault.new_id(),
        digest=app_passwords.digest_of(request.visit.user, code),
        name=name,
        path=path,
        days=days,
    )
    decision = service.apply(request.visit, command)
    if decision.outcome is not Outcome.SIGNED_IN or decision.account is None:
        return _page(request, status=STATUS.get(decision.outcome, 422), reason=decision.reason)
    added = decision.account.app_passwords[-1]
    return _page(
        request, passwords=decision.account.app_passwords, made=added, code=app_passwords.written(code)
    )


def _ended(request: WebRequest, fields: Mapping[str, str]) -> Reply:
    command = EndAppPassword(origin=request.visit.origin, id=fields["end"])
    decision = request.site.service.apply(request.visit, command)
    if decision.reason is Reason.CHANGED_MEANWHILE:
        raise NotFoundError("there is no such app password")
    location = url_of(request, PAGE, next_of(request, fields))
    return Reply(page="app_passwords", outcome=decision.outcome, location=location)


def _way_to_a_fresh_factor(request: WebRequest) -> Reply | None:
    """Lead a user whose second factor is not fresh to the page for a code; None for one whose is.

    :raises NotFoundError: the adapter takes no app passwords.
    """
    if not request.site.takes_app_passwords:
        raise NotFoundError("this portal has no app passwords")
    sealed = request.site.targets.sealed(url_of(request, PAGE))
    session = request.state.session
    if request.state.outcome is not Outcome.SIGNED_IN or session is None:
        return redirect_to(request, request.state.outcome, sealed)
    if not is_fresh(session, request.context):
        return Reply(
            page="continue",
            status=401,
            outcome=Outcome.STEP_UP_REQUIRED,
            location=url_of(request, PAGE_OF[Outcome.STEP_UP_REQUIRED], sealed, asked="1"),
        )
    return None


def _page(
    request: WebRequest,
    *,
    status: int = 200,
    reason: Reason | None = None,
    passwords: tuple[AppPassword, ...] | None = None,
    made: AppPassword | None = None,
    code: str | None = None,
    name: str = "",
    path: str = "/",
) -> Reply:
    account = request.account
    if passwords is None:
        passwords = () if account is None else without_expired(account, request.context).app_passwords
    listed = [member_of(each) for each in passwords]
    members: dict[str, object] = {"app_passwords": listed}
    if made is not None:
        members = {"app_password": code, "made": member_of(made), **members}
    return Reply(
        page="app_passwords",
        status=status,
        outcome=Outcome.SIGNED_IN if reason is None else Outcome.REFUSED,
        reason=reason,
        context={
            "next": next_of(request),
            "passwords": passwords,
            "made": made,
            "code": code,
            "form_id": request.site.service.vault.new_id(),
            "days_max": app_passwords.DAYS_MAX,
            "passwords_max": app_passwords.APP_PASSWORDS_MAX,
            "typed_name": name,
            "typed_path": path,
        },
        members=members,
    )


def member_of(app_password: AppPassword) -> dict[str, object]:
    """Return an app password as JSON has it, without its secret."""
    used = app_password.used_at
    return {
        "id": app_password.id,
        "name": app_password.name,
        "path": app_password.path,
        "made_at": app_password.made_at // SECOND,
        "expires_at": app_password.expires_at // SECOND,
        "used_at": None if used is None else used // SECOND,
    }


def _days(text: str) -> int:
    if _DAYS.fullmatch(text) is None or not 1 <= int(text) <= app_passwords.DAYS_MAX:
        raise BadRequestError(f"the field 'days' is not a number from 1 to {app_passwords.DAYS_MAX}")
    return int(text)
