"""``keep-app-passwords``: which app passwords go on after a new phone or a recovery."""

from __future__ import annotations

from wsgi_mfa.core.commands import ChooseAppPasswords
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.web import forms
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.app_passwords import member_of
from wsgi_mfa.web.views.navigation import next_of, redirect_to

#: The prefix of an app password's id in the name of its tick box.
KEEP = "keep-"


def show_choice(request: WebRequest) -> Reply:
    """Return the page that asks which app passwords to keep; the way on where there is nothing to ask."""
    sealed = next_of(request)
    account = request.account
    if request.state.outcome is not Outcome.MUST_CHOOSE_APP_PASSWORDS or account is None:
        return redirect_to(request, request.state.outcome, sealed)
    asked = tuple(each for each in account.app_passwords if each.asked_at is not None)
    return Reply(
        page="keep_app_passwords",
        outcome=Outcome.MUST_CHOOSE_APP_PASSWORDS,
        context={"next": sealed, "passwords": asked},
        members={"app_passwords": [member_of(each) for each in asked]},
    )


def post_choice(request: WebRequest) -> Reply:
    """Keep the app passwords whose box is ticked, and end the others."""
    fields = forms.posted(request)
    sealed = next_of(request, fields)
    if request.state.outcome is not Outcome.MUST_CHOOSE_APP_PASSWORDS:
        return redirect_to(request, request.state.outcome, sealed)
    kept = frozenset(
        name.removeprefix(KEEP) for name, value in fields.items() if name.startswith(KEEP) and value
    )
    decision = request.site.service.apply(
        request.visit, ChooseAppPasswords(origin=request.visit.origin, kept=kept)
    )
    return redirect_to(request, decision.outcome, sealed)
