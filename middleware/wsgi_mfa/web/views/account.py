"""``account``: what a user may see and do about the own second factor, remembered browsers above all (R55)."""

from __future__ import annotations

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.expiry import without_expired
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.web import forms
from wsgi_mfa.web.browser_cookie import days_of, own_of
from wsgi_mfa.web.http_errors import BadRequestError, NotFoundError
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.navigation import next_of, redirect_to, url_of

EVERY = "all"


def show_account(request: WebRequest) -> Reply:
    """The browsers that are remembered, for who has a second factor in this session."""
    sealed, account = next_of(request), request.account
    if request.state.outcome is not Outcome.SIGNED_IN or account is None:
        return redirect_to(request, request.state.outcome, sealed or _back_here(request))
    own, caller = own_of(request), request.caller
    browsers = without_expired(account, request.context).remembered_browsers
    return Reply(
        page="account",
        outcome=Outcome.SIGNED_IN,
        context={
            "next": sealed,
            "browsers": browsers,
            "own_id": None if own is None else own[0],
            "remembered_browser_days": days_of(request),
            "takes_app_passwords": request.site.takes_app_passwords,
            "is_agent": caller is not None and request.site.agents.has(caller.user, caller.groups),
        },
        members={
            "remembered_browsers": [
                {
                    "browser": browser.id,
                    "label": browser.label,
                    "made_at": browser.made_at // SECOND,
                    "used_at": browser.used_at // SECOND,
                    "this_browser": own is not None and own[0] == browser.id,
                }
                for browser in browsers
            ]
        },
    )


def post_account(request: WebRequest) -> Reply:
    """Forget one remembered browser, or all of them; what is not this user's is not there (R47).

    :raises NotFoundError: no such browser.
    """
    fields = forms.posted(request)
    wanted = fields.get("browser", "")
    if not wanted:
        raise BadRequestError("the field 'browser' names none")
    decision = request.site.service.forget_browser(request.visit, None if wanted == EVERY else wanted)
    if decision.reason is Reason.CHANGED_MEANWHILE:
        raise NotFoundError("there is no such remembered browser")
    if decision.outcome is not Outcome.SIGNED_IN:
        return redirect_to(request, request.state.outcome, _back_here(request))
    location = url_of(request, "account", next_of(request, fields))
    return Reply(page="account", outcome=Outcome.SIGNED_IN, location=location, members={"next": request.root})


def _back_here(request: WebRequest) -> str:
    return request.site.targets.sealed(url_of(request, "account"))
