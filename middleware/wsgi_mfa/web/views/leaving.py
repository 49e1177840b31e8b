"""``continue``, ``sign-out`` and ``help``: on to the portal, out of it, and what it is all about."""

from __future__ import annotations

from wsgi_mfa.core.outcome import Outcome
from wsgi_mfa.web import forms
from wsgi_mfa.web.cookies import expire_cookie, set_cookie
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.site import WebRequest
from wsgi_mfa.web.views.leading import led_to, next_of, target_of


def show_continue(request: WebRequest) -> Reply:
    """A page that goes on by itself to what was first asked for.

    A redirect would do the same, but ``form-action 'self'`` also stops a chain of redirects that leaves the
    site, and a portal may well lead elsewhere from its first page.
    """
    sealed = next_of(request)
    if request.standing.outcome is not Outcome.SIGNED_IN:
        return led_to(request, request.standing.outcome, sealed)
    target = target_of(request, sealed)
    return Reply(
        page="continue",
        outcome=Outcome.SIGNED_IN,
        context={"target": target, "next": sealed},
        members={"next": target},
    )


def show_signed_out(request: WebRequest) -> Reply:
    """The end of a visit, for a browser that is nobody now."""
    return Reply(page="continue", outcome=Outcome.SIGNED_OUT, context={"target": request.root, "next": ""})


def post_sign_out(request: WebRequest) -> Reply:
    """End the second factor, and the portal's login behind it until it changes (D19)."""
    forms.posted(request)
    site, names = request.site, request.names
    decision = site.service.sign_out(request.visit, login_fingerprint=request.cleaned.carriers_digest)
    browser = site.cookies.browser_value(request.visit.origin.next_browser)
    return Reply(
        page="continue",
        outcome=decision.outcome,
        location=f"{request.mount}/continue?signed-out=1",
        members={"next": request.root},
        headers=(
            expire_cookie(names.session, secure=names.secure),
            set_cookie(names.browser, browser, secure=names.secure),
        ),
    )


def show_help(request: WebRequest) -> Reply:
    """How to sign in, for the portal's users; open to everybody."""
    site = request.site
    return Reply(
        page="help",
        context={"next": next_of(request)},
        members={"issuer": site.issuer, "support_contact": site.support_contact},
    )
