"""``unlock``: the one-time code of the support desk, which makes a browser known."""

from __future__ import annotations

from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.web import forms
from wsgi_mfa.web.browser_cookie import header_after_success
from wsgi_mfa.web.reply import Reply, rejection
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.long_codes import counted, rejected_for_now
from wsgi_mfa.web.views.navigation import asked_for, next_of, redirect_to, url_of


def show_unlock(request: WebRequest) -> Reply:
    """Show the page that asks for the unlock code."""
    return asked_for(request, "unlock", next=next_of(request))


def post_unlock(request: WebRequest) -> Reply:
    """Judge the unlock code; the page that asks for a code of the phone comes next."""
    fields = forms.posted(request)
    sealed = next_of(request, fields)
    waiting = rejected_for_now(request, "unlock", sealed)
    if waiting is not None:
        return waiting
    service = request.site.service
    decision, secret = service.present_unlock_code(request.visit, fields.get("unlock_code", ""))
    if decision.outcome is Outcome.MUST_ENROLL:
        return redirect_to(request, decision.outcome, sealed)
    if decision.outcome is not Outcome.UNLOCKED:
        return counted(request, decision, rejection("unlock", decision, next=sealed))
    account = decision.account or service.load(request.visit.user)
    return Reply(
        page="unlock",
        outcome=decision.outcome,
        location=url_of(request, "verify", sealed),
        members={"next": url_of(request, "verify", sealed)},
        headers=() if account is None else header_after_success(request, account, secret),
    )
