"""``recover`` and ``recovery-code``: sign in without the phone, and store the one code that allows it."""

from __future__ import annotations

from wsgi_mfa.core.authentication_state import is_fresh
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.web import forms
from wsgi_mfa.web.reply import Reply, rejection
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.long_codes import counted, rejected_for_now
from wsgi_mfa.web.views.navigation import (
    accepted,
    asked_for,
    next_of,
    redirect_to,
    reject_embedding,
    return_url_of,
    url_of,
)


def show_recover(request: WebRequest) -> Reply:
    """The page that asks for the recovery code."""
    sealed = next_of(request)
    return asked_for(request, "recover", next=sealed)


def post_recover(request: WebRequest) -> Reply:
    fields = forms.posted(request)
    sealed = next_of(request, fields)
    waiting = rejected_for_now(request, "recover", sealed)
    if waiting is not None:
        return waiting
    decision = request.site.service.sign_in_by_recovery_code(request.visit, fields.get("recovery_code", ""))
    if decision.outcome is Outcome.SIGNED_IN:
        return accepted(request, decision, sealed)
    if decision.outcome is Outcome.MUST_ENROLL:
        return redirect_to(request, decision.outcome, sealed)
    return counted(request, decision, rejection("recover", decision, next=sealed))


def show_recovery_code(request: WebRequest) -> Reply:
    """The code that nobody has acknowledged yet; afterwards only that there is one."""
    reject_embedding(request)
    sealed = next_of(request)
    if request.state.outcome is not Outcome.MUST_SAVE_RECOVERY_CODE:
        return _stored(request, sealed)
    return _shown(request, sealed)


def post_recovery_code(request: WebRequest) -> Reply:
    """The tick box, or the wish for a new code."""
    reject_embedding(request)  # without the tick the code is shown again
    fields = forms.posted(request)
    sealed = next_of(request, fields)
    service = request.site.service
    if forms.asks_for(fields, "replace"):
        decision = service.replace_recovery_code(request.visit)
        if decision.outcome is Outcome.MUST_SAVE_RECOVERY_CODE and not request.wants_json:
            return redirect_to(request, decision.outcome, sealed)
        if decision.outcome is Outcome.MUST_SAVE_RECOVERY_CODE:
            return _shown(request, sealed)
        return redirect_to(request, decision.outcome, _back_here(request))
    if not fields.get("saved"):
        if request.state.outcome is Outcome.MUST_SAVE_RECOVERY_CODE:
            return _shown(request, sealed, status=422, tick_missing=True)
        return _stored(request, sealed)
    decision = service.acknowledge_recovery_code(
        request.visit, recovery_code_id=fields.get("recovery_code_id")
    )
    if decision.outcome is Outcome.SIGNED_IN:
        return redirect_to(request, decision.outcome, sealed)
    if decision.reason is Reason.CHANGED_MEANWHILE:
        return rejection("refused", decision, next=sealed)
    return redirect_to(request, decision.outcome, sealed)


def _shown(request: WebRequest, sealed: str, *, status: int = 200, tick_missing: bool = False) -> Reply:
    decision, code = request.site.service.show_recovery_code(request.visit)
    account = decision.account
    if code is None or account is None or account.recovery_code is None:
        # Too long after the second factor: another code shows that it is still the same person (D13).
        return redirect_to(request, Outcome.STEP_UP_REQUIRED, sealed or _back_here(request))
    session = account.session(request.session_id)
    return Reply(
        page="recovery_code",
        status=status,
        outcome=decision.outcome,
        context={
            "next": sealed,
            "recovery_code": code,
            "recovery_code_id": account.recovery_code.id,
            "method": session.method.value if session else None,
            "tick_missing": tick_missing,
            "may_replace": False,
        },
        members={"recovery_code": code},
    )


def _stored(request: WebRequest, sealed: str) -> Reply:
    """There is nothing to show: a new code can be made after a fresh second factor."""
    state = request.state
    if state.session is None or state.outcome is not Outcome.SIGNED_IN:
        return redirect_to(request, state.outcome, sealed)
    return Reply(
        page="recovery_code",
        outcome=Outcome.SIGNED_IN,
        context={
            "next": sealed,
            "recovery_code": None,
            "recovery_code_id": None,
            "method": state.session.method.value,
            "tick_missing": False,
            "may_replace": is_fresh(state.session, request.context),
        },
        members={"next": return_url_of(request, sealed)},
    )


def _back_here(request: WebRequest) -> str:
    return request.site.targets.sealed(url_of(request, "recovery-code"))
