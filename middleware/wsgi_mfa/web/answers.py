"""What the application's answers change (R51, D3, D34).

A response that signs somebody in is held; one that signs out or changes the user ends the second factor.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from wsgi_mfa.core.outcome import Outcome
from wsgi_mfa.errors import InvalidUserError, StoreError
from wsgi_mfa.identity.clean import RequestCleaner
from wsgi_mfa.identity.observe import identify_after, may_change_user
from wsgi_mfa.service import Visit
from wsgi_mfa.web import pages, rollout, rules, targets
from wsgi_mfa.web.cookies import expire_cookie
from wsgi_mfa.web.gate import caller_of, led_from_application, refused_user
from wsgi_mfa.web.remembered import browser_cookie
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.site import Caller, Directory, WebRequest

logger = logging.getLogger("wsgi_mfa")


def judged(
    request: WebRequest, cleaner: RequestCleaner, directory: Directory | None, headers: list[tuple[str, str]]
) -> tuple[list[tuple[str, str]], Reply | None]:
    """What a response with ``headers`` did to the user: the headers to send, or the reply to give instead."""
    if request.caller is not None and not may_change_user(cleaner, headers):
        return headers, None
    now = request.site.service.clock.now()
    after = identify_after(cleaner, request.environ, headers, now=now)
    if request.caller is not None and after.identification == request.cleaned.identification:
        return headers, None  # and the directory is asked once a request
    try:
        caller = caller_of(after.identification, directory)
    except InvalidUserError as error:
        logger.warning("held a sign-in: %s", error)
        return headers, refused_user()
    before = request.caller
    if (caller and caller.user) == (before and before.user):
        if caller is not None and before is not None and caller.login != before.login:
            _carry(request, caller.login)
        return headers, None
    try:
        ended = _ended(request, "signed_out" if caller is None else "user_changed")
    except StoreError as error:
        logger.error("a second factor could not be ended on the server: %s", error)
        return headers, _not_ended(request, _set_cookies(headers) if caller is None else [])
    if caller is None:
        return headers + ended + _fresh_browser(request), None
    if request.site.rules and rules.rule_of(request, caller).age_seconds_max is None:
        return headers + ended + _fresh_browser(request), None  # this user may see this page without
    signing_in = _signing_in(request, caller, after.carriers_digest)
    if request.site.is_rolling_out and rollout.lets_go(signing_in, caller, signing_in.account):
        return headers + ended + _fresh_browser(request), None  # and is reminded by the next page
    return headers, _held(request, signing_in, headers, ended)


def _carry(request: WebRequest, login: str | None) -> None:
    """Let the session that this request was verified by follow its login to a new fingerprint (D34)."""
    if request.standing.session is None:
        return
    try:
        request.site.service.carry_login(_visit_now(request), login)
    except StoreError as error:
        # The portal's answer is as good as before; it is the next request that asks for a second factor.
        logger.warning("a login could not be carried over: %s", error)


def _visit_now(request: WebRequest) -> Visit:
    """The visit at the moment of the response: an application may take longer than a decision keeps (D21)."""
    return replace(request.visit, now=request.site.service.clock.now())


def _ended(request: WebRequest, cause: str) -> list[tuple[str, str]]:
    """End the second factor of this browser, if it has one; the headers that take its cookie away."""
    if request.standing.session is None:
        return []
    request.site.service.end_session(_visit_now(request), request.standing.session.id, cause=cause)
    return [expire_cookie(request.names.session, secure=request.names.secure)]


def _not_ended(request: WebRequest, signing_out: list[tuple[str, str]]) -> Reply:
    """The end of a second factor could not be saved: at least this browser gives up what it holds (D34).

    ``signing_out`` are the portal's cookies where it signed somebody out; those of a sign-in stay here.
    """
    expired = expire_cookie(request.names.session, secure=request.names.secure)
    reply = pages.unavailable()
    return replace(
        reply,
        context={"not_ended": True},
        headers=(*signing_out, expired, *_fresh_browser(request)),
    )


def _fresh_browser(request: WebRequest) -> list[tuple[str, str]]:
    """A new browser cookie: who comes next must not go on with what was begun under another user (D20)."""
    if not request.is_https:
        return []
    return [browser_cookie(request, request.site.service.vault.new_id())]


def _set_cookies(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() == "set-cookie"]


def _signing_in(request: WebRequest, caller: Caller, carriers_digest: str | None) -> WebRequest:
    """The request as that of ``caller``, whom its response signs in; such a login counts, whatever was before."""
    site = request.site
    signing_in = WebRequest(
        site, request.environ, request.names, request.cleaned, now=site.service.clock.now()
    )
    signing_in.take(caller, site.service.load(caller.user))
    if carriers_digest is not None and signing_in.account is not None:
        site.service.admit_login(signing_in.visit, carriers_digest)
    return signing_in


def _held(
    request: WebRequest,
    signing_in: WebRequest,
    headers: list[tuple[str, str]],
    ended: list[tuple[str, str]],
) -> Reply:
    """The answer in place of a response that signed somebody in: its cookies go out, its body does not."""
    # A new sign-in asks for a new second factor, also where the old one has not run out.
    ended = ended or _ended(signing_in, "new_sign_in")
    enrolled = signing_in.account is not None and signing_in.account.authenticator is not None
    outcome = Outcome.MUST_VERIFY if enrolled else Outcome.MUST_ENROLL
    location = next((value for name, value in headers if name.lower() == "location"), None)
    reply = led_from_application(request, outcome, targets.redirected(location, request.environ))
    return replace(reply, headers=(*_set_cookies(headers), *ended, *_fresh_browser(request)))
