"""``verify``, ``methods`` and ``resync``: the code at each sign-in, and what to do when it does not come."""

from __future__ import annotations

from wsgi_mfa.core.decision import Hint, Outcome
from wsgi_mfa.core.totp import seconds_left_in_step
from wsgi_mfa.web import forms
from wsgi_mfa.web.browser_cookie import days_of, label_of, own_of
from wsgi_mfa.web.reply import Reply, rejection
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.navigation import accepted, asked_for, is_embedded, next_of, redirect_to, url_of

LATE = "late"


def show_verify(request: WebRequest) -> Reply:
    """The page that asks for the code; also for a session that needs a fresh second factor (R40)."""
    sealed = next_of(request)
    own = own_of(request)
    if own is not None and _may_sign_in_by_remembered_browser(request):
        decision = request.site.service.sign_in_by_remembered_browser(request.visit, *own)
        if decision.outcome is Outcome.SIGNED_IN:
            return accepted(request, decision, sealed)
    offered = {"remembered_browser_days": days_of(request)} if _offers(request) else {}
    return asked_for(request, "verify", members=offered, **_step_context(request, sealed))


def _may_sign_in_by_remembered_browser(request: WebRequest) -> bool:
    """Whether this is the first question for a code: one that was asked for by name is never answered so (R55, D22)."""
    asked = request.argument("asked") is not None
    embedded = not request.wants_json and is_embedded(request)
    return (
        request.method == "GET" and request.state.outcome is Outcome.MUST_VERIFY and not (asked or embedded)
    )


def _offers(request: WebRequest) -> bool:
    """Whether the page has the box.

    Not for a step-up, nor beside a recovery code or an enrollment: those are for moments that are not like the others.
    """
    return days_of(request) > 0 and request.state.outcome is Outcome.MUST_VERIFY


def post_verify(request: WebRequest) -> Reply:
    fields = forms.posted(request)
    sealed = next_of(request, fields)
    own, label = own_of(request), None
    if fields.get("remember") and days_of(request):
        label = label_of(str(request.environ.get("HTTP_USER_AGENT", "")))
    decision = request.site.service.verify_code(
        request.visit,
        fields.get("code", ""),
        remember_as=label,
        replaces=None if own is None else own[0],
    )
    if decision.outcome is Outcome.SIGNED_IN:
        return accepted(request, decision, sealed)
    if decision.outcome is Outcome.MUST_ENROLL:
        return redirect_to(request, decision.outcome, sealed)
    return rejection("verify", decision, **_step_context(request, sealed))


def _step_context(request: WebRequest, sealed: str) -> dict[str, object]:
    period_seconds = request.site.service.policy.period_seconds
    return {
        "next": sealed,
        "seconds_left": seconds_left_in_step(request.now, period_seconds=period_seconds),
        "remembered_browser_days": days_of(request) if _offers(request) else 0,
    }


def show_methods(request: WebRequest) -> Reply:
    """The other ways to sign in."""
    return Reply(page="methods", outcome=request.state.outcome, context={"next": next_of(request)})


def show_resync(request: WebRequest) -> Reply:
    """Ask for the first of two consecutive codes, or for the second (D17)."""
    sealed = next_of(request)
    if request.state.outcome is Outcome.MUST_ENROLL:
        return redirect_to(request, Outcome.MUST_ENROLL, sealed)
    return Reply(
        page="resync",
        outcome=request.state.outcome,
        context={
            "next": sealed,
            "first_code_kept": request.argument("second") in ("1", LATE),
            "first_code_late": request.argument("second") == LATE,
            **_step_context(request, sealed),
        },
    )


def post_resync(request: WebRequest) -> Reply:
    fields = forms.posted(request)
    sealed = next_of(request, fields)
    is_first = fields.get("which") == "first"
    decision = request.site.service.resync_clock(
        request.visit, fields.get("code", ""), asked_for_first=is_first
    )
    if decision.outcome is Outcome.MUST_VERIFY:
        # A second code that comes too late is kept as a first one.
        location = url_of(request, "resync", sealed, second="1" if is_first else LATE)
        return Reply(page="resync", outcome=decision.outcome, hint=decision.hint, location=location)
    if decision.outcome is Outcome.MUST_ENROLL:
        return redirect_to(request, decision.outcome, sealed)
    # What is no code at all leaves the first one as it is.
    is_kept = decision.hint is Hint.MALFORMED and not is_first
    return rejection(
        "resync", decision, first_code_kept=is_kept, first_code_late=False, **_step_context(request, sealed)
    )
