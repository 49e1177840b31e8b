"""``account``: what users see of their own second factor, and their known and remembered browsers (R55, D46)."""

from __future__ import annotations

from collections.abc import Mapping

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.expiry import without_expired
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.web import forms
from wsgi_mfa.web.browser_cookie import days_of, header_after_forgetting, is_known, own_of
from wsgi_mfa.web.http_errors import BadRequestError, NotFoundError
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.navigation import next_of, redirect_to, url_of

THIS, EVERY = "this", "all"


def show_account(request: WebRequest) -> Reply:
    """Show the state of the second factor, and the browsers that are known or remembered, to its user."""
    sealed, account = next_of(request), request.account
    if request.state.outcome is not Outcome.SIGNED_IN or account is None:
        return redirect_to(request, request.state.outcome, sealed or _back_here(request))
    own, caller = own_of(request), request.caller
    counting = without_expired(account, request.context)
    browsers, known_count = counting.remembered_browsers, len(counting.known_browsers)
    phone, code = counting.authenticator, counting.recovery_code
    return Reply(
        page="account",
        outcome=Outcome.SIGNED_IN,
        context={
            "next": sealed,
            "phone_at": None if phone is None else phone.confirmed_at,
            "code_at": None if code is None else code.made_at,
            "code_is_stored": code is not None and code.acknowledged,
            "session_count": len(counting.sessions),
            "browsers": browsers,
            "known_count": known_count,
            "own_id": None if own is None else own[0],
            "remembered_browser_days": days_of(request),
            "takes_app_passwords": request.site.takes_app_passwords,
            "is_agent": caller is not None
            and request.site.agents.allows(caller.user, caller.groups, spelling=caller.spelling),
        },
        members={
            "authenticator": {"confirmed_at": None if phone is None else phone.confirmed_at // SECOND},
            "recovery_code": {
                "made_at": None if code is None else code.made_at // SECOND,
                "stored": code is not None and code.acknowledged,
            },
            "sessions": {"count": len(counting.sessions)},
            "known_browsers": {"count": known_count, "this_browser": is_known(request)},
            "remembered_browsers": [
                {
                    "browser": browser.id,
                    "label": browser.label,
                    "made_at": browser.made_at // SECOND,
                    "used_at": browser.used_at // SECOND,
                    "this_browser": own is not None and own[0] == browser.id,
                }
                for browser in browsers
            ],
        },
    )


def post_account(request: WebRequest) -> Reply:
    """Forget one remembered browser, this known browser, or all of a kind; others' are not there (R47).

    :raises BadRequestError: the fields name no browser, or one of each kind.
    :raises NotFoundError: no such browser.
    """
    fields = forms.posted(request)
    if "known" in fields and "browser" in fields:
        raise BadRequestError("the fields 'browser' and 'known' exclude each other")
    if "known" in fields:
        return _forget_known(request, fields)
    wanted = fields.get("browser", "")
    if not wanted:
        raise BadRequestError("neither of the fields 'browser' and 'known' names one")
    decision = request.site.service.forget_browser(request.visit, None if wanted == EVERY else wanted)
    if decision.reason is Reason.CHANGED_MEANWHILE:
        raise NotFoundError("there is no such remembered browser")
    if decision.outcome is not Outcome.SIGNED_IN:
        return redirect_to(request, request.state.outcome, _back_here(request))
    location = url_of(request, "account", next_of(request, fields))
    return Reply(page="account", outcome=Outcome.SIGNED_IN, location=location, members={"next": request.root})


def _forget_known(request: WebRequest, fields: Mapping[str, str]) -> Reply:
    """Make this browser unknown, or with ``all`` every one of this user (D46)."""
    if fields["known"] not in (THIS, EVERY):
        raise BadRequestError(f"the field 'known' is none of {THIS}, {EVERY}")
    decision = request.site.service.forget_known_browsers(request.visit, every=fields["known"] == EVERY)
    if decision.outcome is not Outcome.SIGNED_IN:
        return redirect_to(request, request.state.outcome, _back_here(request))
    return Reply(
        page="account",
        outcome=Outcome.SIGNED_IN,
        location=url_of(request, "account", next_of(request, fields)),
        members={"next": request.root},
        headers=header_after_forgetting(request),
    )


def _back_here(request: WebRequest) -> str:
    return request.site.targets.sealed(url_of(request, "account"))
