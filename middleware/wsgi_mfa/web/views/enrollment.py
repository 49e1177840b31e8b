"""``enroll`` and ``enroll/manual``: scan a QR code or type a key, then prove it by a code (R33-R39)."""

from __future__ import annotations

from collections.abc import Mapping

from wsgi_mfa.core.account import PendingEnrollment
from wsgi_mfa.core.decision import Decision, Outcome, Reason
from wsgi_mfa.core.instants import MINUTE, SECOND
from wsgi_mfa.core.key_uri import base32_key, grouped_key, key_uri
from wsgi_mfa.web import forms
from wsgi_mfa.web.qr import qr_svg
from wsgi_mfa.web.reply import STATUS, Reply, rejection
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.long_codes import counted, rejected_for_now
from wsgi_mfa.web.views.navigation import NEW_PHONE, accepted, next_of, redirect_to, reject_embedding, url_of


def show_enroll(request: WebRequest) -> Reply:
    """The QR code of this browser's pending key."""
    return _show(request, "enroll")


def show_manual(request: WebRequest) -> Reply:
    """The same key for typing by hand."""
    return _show(request, "enroll_manual")


def post_enroll(request: WebRequest) -> Reply:
    """A code of the pending key, the desk's enrollment code, or the wish to start again."""
    return _post(request, "enroll")


def post_manual(request: WebRequest) -> Reply:
    return _post(request, "enroll_manual")


def _show(request: WebRequest, page: str) -> Reply:
    reject_embedding(request)
    sealed = next_of(request)
    if request.account is None:
        request.site.cookies.alert_of_other_stores(request.sanitized.own_cookies, request.names)
    decision = request.site.service.begin_enrollment(request.visit)
    return _key_page(request, page, decision, sealed)


def _post(request: WebRequest, page: str) -> Reply:
    reject_embedding(request)  # a wrong code is answered with the key page again
    fields = forms.posted(request)
    sealed = next_of(request, fields)
    service = request.site.service
    if "enrollment_code" in fields:
        waiting = rejected_for_now(request, "enrollment_code", sealed)
        if waiting is not None:
            return waiting
        decision = service.present_enrollment_code(request.visit, fields["enrollment_code"])
        if decision.outcome is Outcome.MUST_ENROLL:
            return _redirect_to_key(request, sealed)
        return counted(request, decision, rejection("enrollment_code", decision, next=sealed))
    if forms.asks_for(fields, "restart"):
        decision = service.begin_enrollment(request.visit, restart=True)
        return (
            _redirect_to_key(request, sealed)
            if decision.pending
            else _key_page(request, page, decision, sealed)
        )
    return _confirm(request, page, fields, sealed)


def _confirm(request: WebRequest, page: str, fields: Mapping[str, str], sealed: str) -> Reply:
    service = request.site.service
    decision = service.confirm_enrollment(
        request.visit, fields.get("code", ""), pending_id=fields.get("pending")
    )
    if decision.outcome is Outcome.SIGNED_IN:
        replaced = request.account is not None and request.account.authenticator is not None
        return accepted(request, decision, sealed, **({"done": NEW_PHONE} if replaced else {}))
    if decision.outcome in (Outcome.WRONG_CODE, Outcome.LOCKED) and not request.wants_json:
        # The same key again: a mistyped code must not cost the entry that was scanned already.
        shown = service.begin_enrollment(request.visit)
        if shown.pending is not None:
            return rejection(page, decision, next=sealed, **_key_context(request, page, shown.pending))
    return _rejected(request, decision, sealed)


def _redirect_to_key(request: WebRequest, sealed: str) -> Reply:
    return Reply(page="enroll", outcome=Outcome.MUST_ENROLL, location=url_of(request, "enroll", sealed))


def _key_page(request: WebRequest, page: str, decision: Decision, sealed: str) -> Reply:
    pending = decision.pending
    if pending is None:
        return _rejected(request, decision, sealed)
    if request.wants_json:  # who reads no page is drawn no picture
        return Reply(page=page, outcome=Outcome.MUST_ENROLL, members=_key_members(request, pending))
    context = {"next": sealed, **_key_context(request, page, pending)}
    return Reply(page=page, outcome=Outcome.MUST_ENROLL, context=context)


def _rejected(request: WebRequest, decision: Decision, sealed: str) -> Reply:
    if decision.reason is Reason.ENROLLMENT_CODE_NEEDED:
        return Reply(
            page="enrollment_code",
            outcome=decision.outcome,
            reason=decision.reason,
            context={"next": sealed},
        )
    if decision.outcome in (Outcome.MUST_VERIFY, Outcome.STEP_UP_REQUIRED):
        return redirect_to(request, decision.outcome, request.site.targets.sealed(f"{request.mount}/enroll"))
    return Reply(
        page="refused",
        status=STATUS[decision.outcome],
        outcome=decision.outcome,
        hint=decision.hint,
        reason=decision.reason,
        retry_after_seconds=decision.retry_after_seconds,
        context={
            "next": sealed,
            "enrollment_minutes": request.site.service.policy.enrollment_seconds_max * SECOND // MINUTE,
        },
    )


def _key_context(request: WebRequest, page: str, pending: PendingEnrollment) -> dict[str, object]:
    """What the page shows of the key: the QR code, or the text of it, never both."""
    key = request.site.service.vault.pending_key(request.visit.user, pending) or b""
    until = pending.made_at + request.site.service.policy.enrollment_seconds_max * SECOND
    context: dict[str, object] = {
        "pending_id": pending.id,
        "seconds_left": max(1, (until - request.now) // SECOND),
        "digits": pending.parameters.digits,
        "replaces": request.account is not None and request.account.authenticator is not None,
    }
    if page == "enroll":
        uri = _uri(request, key, pending)
        return context | {"qr": qr_svg(uri), "otpauth_uri": uri}
    return context | {
        "account": request.visit.name,
        "grouped_key": grouped_key(key),
        "algorithm": pending.parameters.algorithm,
        "period_seconds": pending.parameters.period_seconds,
    }


def _key_members(request: WebRequest, pending: PendingEnrollment) -> dict[str, object]:
    key = request.site.service.vault.pending_key(request.visit.user, pending) or b""
    return {
        "account": request.visit.name,
        "key": base32_key(key),
        "otpauth_uri": _uri(request, key, pending),
        "digits": pending.parameters.digits,
        "period_seconds": pending.parameters.period_seconds,
    }


def _uri(request: WebRequest, key: bytes, pending: PendingEnrollment) -> str:
    return key_uri(
        issuer=request.site.issuer, account=request.visit.name, key=key, parameters=pending.parameters
    )
