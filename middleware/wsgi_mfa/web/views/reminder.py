"""``reminder``: a second factor is offered before it is required, and may be put off."""

from __future__ import annotations

from datetime import datetime, timezone

from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.rollout import required_since
from wsgi_mfa.web import access, forms
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.navigation import next_of, redirect_to, return_url_of, url_of


def show_reminder(request: WebRequest) -> Reply:
    """From when on a second factor is needed, with the choice to set it up now or later."""
    sealed = next_of(request)
    if request.caller is None or not access.may_postpone(request, request.caller, request.account):
        return redirect_to(request, request.state.outcome, sealed)
    policy = request.site.service.policy
    since = required_since(policy)
    moment = None if since is None else datetime.fromtimestamp(since // SECOND, tz=timezone.utc)
    return Reply(
        page="reminder",
        outcome=Outcome.MAY_ENROLL,
        context={"next": sealed, "moment": moment, "reminder_seconds": policy.reminder_seconds},
        members={
            "required_from": None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "next": return_url_of(request, sealed),
        },
    )


def post_reminder(request: WebRequest) -> Reply:
    """The wish to be reminded later, which is kept in the account: it holds for all browsers of the user."""
    fields = forms.posted(request)
    sealed = next_of(request, fields)
    groups = () if request.caller is None else request.caller.groups
    decision = request.site.service.postpone_enrollment(request.visit, groups=groups)
    if decision.outcome is not Outcome.MAY_ENROLL:
        return redirect_to(request, decision.outcome, sealed)
    return Reply(
        page="continue",
        outcome=decision.outcome,
        location=url_of(request, "continue", sealed),
        members={"next": return_url_of(request, sealed)},
    )
