"""``continue``, ``sign-out`` and ``help``: on to the portal, out of it, and what it is all about."""

from __future__ import annotations

from wsgi_mfa.core.authentication_state import is_fresh
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.web import access, forms
from wsgi_mfa.web.browser_cookie import browser_cookie, days_of, header_after_forgetting, held_by, own_of
from wsgi_mfa.web.cookies import clearing_cookies, expire_cookie
from wsgi_mfa.web.public_url import host_of
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.navigation import NEW_PHONE, next_of, redirect_to, return_url_of


def show_continue(request: WebRequest) -> Reply:
    """A page that goes on by itself to what was first asked for.

    A redirect would do the same, but ``form-action 'self'`` also stops a chain of redirects that leaves the
    site, and a portal may well lead elsewhere from its first page.
    """
    sealed = next_of(request)
    outcome = request.state.outcome
    caller, account = request.caller, request.account
    if (
        outcome is Outcome.MUST_ENROLL
        and caller is not None
        and access.may_postpone(request, caller, account)
    ):
        outcome = Outcome.MAY_ENROLL
    if outcome not in (Outcome.SIGNED_IN, Outcome.MAY_ENROLL):
        return redirect_to(request, outcome, sealed, insisting=outcome is Outcome.MUST_VERIFY)
    target = return_url_of(request, sealed)
    return Reply(
        page="continue",
        outcome=outcome,
        context={"target": target, "next": sealed, "has_new_phone": _has_new_phone(request)},
        members={"next": target},
    )


def _has_new_phone(request: WebRequest) -> bool:
    """Return whether this session was opened by the code that has just confirmed a phone in place of another."""
    session, account = request.state.session, request.account
    if request.argument("done") != NEW_PHONE or session is None or account is None:
        return False
    confirmed_at = account.authenticator.confirmed_at if account.authenticator is not None else None
    return session.verified_at == confirmed_at and is_fresh(session, request.context)


def show_signed_out(request: WebRequest) -> Reply:
    """The end of a visit, for a browser that is nobody now."""
    return Reply(
        page="continue",
        outcome=Outcome.SIGNED_OUT,
        context={"target": request.root, "next": "", "has_new_phone": False},
    )


def post_sign_out(request: WebRequest) -> Reply:
    """End the second factor, and the portal's login behind it until it changes (D19)."""
    fields = forms.posted(request, of_before=True)
    site, names = request.site, request.names
    forgetting = bool(fields.get("forget"))
    own = own_of(request) if forgetting else None
    decision = site.service.sign_out(
        request.visit,
        login_fingerprint=_login_of_this_browser(request),
        forget_browser=None if own is None else own[0],
        forget_known=forgetting,
    )
    held = [each for each in held_by(request) if each != own]
    return Reply(
        page="continue",
        outcome=decision.outcome,
        location=f"{request.mount}/continue?signed-out=1",
        members={"next": request.root},
        headers=(
            expire_cookie(names.session, secure=names.secure),
            browser_cookie(request, request.visit.origin.next_browser, held),
            *(header_after_forgetting(request) if forgetting else ()),
        ),
    )


def _login_of_this_browser(request: WebRequest) -> str | None:
    """What names the portal's login in this browser alone; None where every browser of the user sends the same.

    A password, or a user whom a proxy tells, would else be refused from everywhere, and for good.
    """
    told = (
        request.caller is not None
        and request.caller.login is None
        and not request.sanitized.cookies.credentials
    )
    return None if told else request.sanitized.credentials_digest


def show_doubled(request: WebRequest) -> Reply:  # noqa: ARG001 - a view
    """Two different sign-ins in one browser prove nothing; the way out is to be rid of both (D6)."""
    return Reply(page="two_sign_ins", status=401, word="sign_in_required")


def post_clear_doubled(request: WebRequest) -> Reply:
    """Take away every cookie of the doubled names that this host could have set, and begin at the portal anew."""
    forms.posted(request)
    return Reply(
        page="continue",
        outcome=Outcome.SIGNED_OUT,
        location=request.root,
        members={"next": request.root},
        headers=clearing_cookies(
            request.sanitized.doubled,
            mount=request.mount,
            host=host_of(request.environ, request.site.public.scheme),
        ),
    )


def show_session_ended(request: WebRequest) -> Reply:
    """Say that the portal's session was ended when its cookies were sealed, and lead on to the portal."""
    target = return_url_of(request, next_of(request))
    return Reply(page="session_ended", context={"target": target}, members={"next": target})


def show_help(request: WebRequest) -> Reply:
    """How to sign in, for the portal's users; open to everybody."""
    site = request.site
    return Reply(
        page="help",
        context={"next": next_of(request), "remembered_browser_days": days_of(request)},
        members={"issuer": site.issuer, "support_contact": site.support_contact},
    )
