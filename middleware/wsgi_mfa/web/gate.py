"""A browser that changes hands: who comes with it next has not shown the second factor of the one before (R51, D19)."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from wsgi_mfa.core import access_rules, app_passwords
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.authentication_state import SIGNED_IN, activity_is_due
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.core.expiry import login_is_ended
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.spellings import find
from wsgi_mfa.core.usernames import UserNames, names_of
from wsgi_mfa.errors import InvalidUserError
from wsgi_mfa.identity.adapter import CHANGING_IDS, FirstFactor, Identification
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer
from wsgi_mfa.service import Visit
from wsgi_mfa.web import access, app_password, appended_code, return_to, routes
from wsgi_mfa.web.reply import Reply, rejection
from wsgi_mfa.web.request import (
    Caller,
    Directory,
    IdentifiedRequest,
    IncomingRequest,
    Site,
    VerifiedRequest,
    WebRequest,
)
from wsgi_mfa.web.views.navigation import PAGE_OF, url_of
from wsgi_mfa.web.worker_cache import CachedRequest


def identified(incoming: IncomingRequest, caller: Caller, account: Account | None) -> IdentifiedRequest:
    """Return the request as one of ``caller``; a session of this browser as another user ends, also on the server.

    :raises StoreError: its end cannot be saved, and nobody gets further before it is.
    """
    request = incoming.identified(caller, account)
    if not request.user_changed:
        return request
    owned = request.site.cookies.session_of(request.session_cookie)
    if owned is not None:
        session_id, user = owned
        origin = Origin(browser="", next_browser="", source=request.source)
        visit = Visit(user=user, origin=origin, now=request.now)
        request.site.service.end_session(visit, session_id, cause="user_changed")
    return request


if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger("wsgi_mfa")


class UnknownUserError(InvalidUserError):
    """The directory does not know the user whom the portal has signed in (D1)."""


def caller_of(
    site: Site, identification: Identification, directory: Directory | None
) -> tuple[Caller, Account | None] | None:
    """Return the caller behind an adapter's answer, and the account; None for a visitor and an unproven credential.

    :raises InvalidUserError: a user who can have no account, or whose name is spelt as none of those bound to it.
    :raises StoreError: the account cannot be loaded.
    """
    if not isinstance(identification, FirstFactor):
        return None
    if directory is None:
        if identification.changing:
            raise InvalidUserError(CHANGING_IDS)
        user, account, spelling = _found(site, identification.user)
        return _undirected(user, spelling, identification.login), account
    person = directory(identification.user)
    if person is None:
        raise UnknownUserError("the directory does not know it")
    if person.key is None:
        user, account, spelling = _found(site, person.name)
    else:
        site.service.require_keyed_accounts()
        user, account, spelling = find(person.key, UserNames.EXACT, site.service.load)
    caller = Caller(
        user=user,
        login=identification.login,
        address=person.email,
        groups=person.groups,
        spelling=spelling,
        name=None if person.key is None else person.name,
    )
    return caller, account


def _found(site: Site, name: str) -> tuple[str, Account | None, str | None]:
    if site.user_names is UserNames.ASK:  # as the rules say, by the shortest way for a bound spelling
        own, folded = names_of(name)
        account = site.service.load(folded)
        if account is not None and own in account.spellings:
            return folded, account, own
    found = find(name, site.user_names, site.service.load)
    if found.account is None and site.user_names is UserNames.ASK:
        site.service.require_guarded_names()
    return found


@lru_cache(maxsize=4096)
def _undirected(user: str, spelling: str | None, login: str | None) -> Caller:
    """The caller where there is no directory: an id that looks like an address is its own address."""
    address = names_of(user)[1] if "@" in user else None
    return Caller(user=user, login=login, address=address, spelling=spelling)


def admitted(request: IncomingRequest, directory: Directory | None) -> WebRequest | None:
    """Return the request as one of the user whom the adapter named; None for a login that was ended (D19).

    :raises InvalidUserError: a user who can have no account.
    """
    found = caller_of(request.site, request.sanitized.identification, directory)
    if found is None:
        return request
    caller, account = found
    service = request.site.service
    if account is None:
        return identified(request, caller, None)
    known = request.site.passes.find(
        request.session_cookie, account, login=caller.login, ring=service.keys.ring, now=request.now
    )
    if known is not None:
        return VerifiedRequest(request, caller, account, known.session_id, known.state, known.told)
    if account.ended_logins:
        for fingerprint in (request.sanitized.credentials_digest, caller.login):
            if fingerprint is not None and login_is_ended(account, fingerprint, request.context):
                return None
    return identified(request, caller, account)


def is_exempt(request: WebRequest) -> bool:
    """Whether policy lets this request pass without a second factor: by its path, or as a CORS preflight.

    Only PATH_INFO counts, by which the application finds its page. A preflight carries both of its headers; any
    other request with its method does not pass (R63-R65).
    """
    policy, environ = request.site.service.policy, request.environ
    if access.is_closed(request):
        return False
    if access_rules.is_exempt(environ.get("PATH_INFO", ""), policy.exempt_paths):
        return True
    return (
        request.method in policy.exempt_methods
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def challenge(request: WebRequest) -> tuple[WebRequest, Reply | None]:
    """Return the reply that keeps a request from the application, None where it may pass, and the request itself.

    A code that came with the password makes it one of the session that the code has opened.
    """
    is_closed = bool(request.site.closed_paths) and access.is_closed(request)
    if request.caller is None:
        return request, routes.sign_in_first(request) if is_closed else None
    outcome = request.state.outcome
    if request.site.rules and not (is_closed and outcome is not SIGNED_IN):
        outcome = access.by_rule(request, request.caller, outcome)
    if outcome is SIGNED_IN:
        return request, None
    if outcome is Outcome.MUST_ENROLL and request.site.is_rolling_out and not is_closed:
        opens_page = request.method == "GET" and request.is_navigation
        outcome = access.relaxed(request, request.caller, opens_page=opens_page)
        if outcome is not Outcome.MUST_ENROLL:
            return request, None if outcome is SIGNED_IN else challenge_reply(request, outcome)
    code = appended_code.code_in(request)
    if code is not None and app_passwords.is_form(code) and isinstance(request, IdentifiedRequest):
        return app_password.judged(request, code)
    if code is not None:
        request, decision = appended_code.judged(request, code)
        if decision.outcome is Outcome.SIGNED_IN:
            return request, None
        if decision.outcome not in PAGE_OF:
            return request, _code_rejected(request, decision)
        outcome = decision.outcome
    return request, challenge_reply(request, outcome)


def challenge_reply(request: WebRequest, outcome: Outcome) -> Reply:
    """:func:`redirect_to_page` for a request that was not carried out, and what it asked for."""
    target = return_to.requested(request.environ, request.site.public)
    return redirect_to_page(request, outcome, target, unsent=request.method == "POST")


def _code_rejected(request: WebRequest, decision: Decision) -> Reply:
    """The code behind the password was refused: a browser is led to the page for codes, a program asked anew."""
    asked = redirect_to_page(
        request, Outcome.MUST_VERIFY, return_to.requested(request.environ, request.site.public)
    )
    if request.is_navigation:
        return asked
    locked = decision.outcome is Outcome.LOCKED
    return replace(
        rejection("verify", decision), status=429 if locked else 401, headers=() if locked else asked.headers
    )


def redirect_to_page(request: WebRequest, outcome: Outcome, target: str, *, unsent: bool = False) -> Reply:
    """303 to our page for a person's browser, a problem of status 401 for any other client (R77).

    ``unsent`` has the page say that a form was not carried out: it is neither lost silently nor sent again by itself.
    """
    stepping_up = outcome is Outcome.STEP_UP_REQUIRED
    arguments = {"asked": "1"} if stepping_up else {}
    sealed = request.site.targets.sealed(target)
    return Reply(
        page="continue",
        status=401,
        outcome=outcome,
        location=url_of(
            request, PAGE_OF[outcome], sealed, **arguments, **({"unsent": "1"} if unsent else {})
        ),
        headers=(
            _asking_for_credentials(request) + (access.asking_for_step_up(request) if stepping_up else ())
        ),
    )


def _asking_for_credentials(request: WebRequest) -> tuple[tuple[str, str], ...]:
    """How a program is asked to send its password with a code; a browser would show a dialog for it."""
    authenticate = request.site.authenticate
    if authenticate is None or request.is_navigation or "HTTP_SEC_FETCH_MODE" in request.environ:
        return ()
    return (("WWW-Authenticate", authenticate),)


def tell_application(request: WebRequest, environ: dict[str, object]) -> None:
    """What the application may know of the second factor (R59), and that it was used just now (D23)."""
    if isinstance(request, app_password.ProgramRequest):
        environ.update(app_password.told(request))
    if not isinstance(request, VerifiedRequest):
        return
    if request.told is not None:
        environ.update(request.told)
        return
    session = request.session
    told: dict[str, object] = {
        "wsgi_mfa.user": request.caller.user,
        "wsgi_mfa.method": session.method.value,
        "wsgi_mfa.verified_at": session.verified_at // SECOND,
    }
    environ.update(told)
    if activity_is_due(session, request.context):
        request.site.service.note_activity(request.visit, session.id)
    else:
        _remember(request, told)


def _remember(request: VerifiedRequest, told: dict[str, object]) -> None:
    """Let the next request with this cookie pass by what this one has found out.

    Not where a login was ended, since then the credentials count too, nor where no cookie named the session.
    """
    cookie, account, caller = request.session_cookie, request.account, request.caller
    if cookie is None or account is None or account.ended_logins:
        return
    ring = (
        request.site.service.keys.ring
    )  # before the check: should it change now, the pass is good for nothing
    if request.site.cookies.session_id_of(cookie, caller.user) != request.session.id:
        return
    known = CachedRequest(
        user=caller.user,
        login=caller.login,
        revision=account.revision,
        ring=ring,
        session_id=request.session.id,
        state=request.state,
        told=told,
    )
    request.site.passes.keep(cookie, known)


def reply_to(
    incoming: IncomingRequest,
    sanitizer: RequestSanitizer,
    environ: WSGIEnvironment,
    path: str | None,
    directory: Directory | None,
) -> tuple[WebRequest, Reply | None]:
    """Return our page, a challenge, or None for a request that may pass, and the request as it is known then."""
    request = admitted(incoming, directory)
    if request is None:
        request = stripped(incoming, sanitizer, environ)
    if path is not None:
        return request, routes.answer(request, path)
    return challenge(request)


def exempted(
    incoming: IncomingRequest,
    sanitizer: RequestSanitizer,
    environ: WSGIEnvironment,
    directory: Directory | None,
) -> WebRequest:
    """Let a request for an exempt path pass: as its user after the second factor, without one before it.

    Neither a missing second factor nor a store that fails keeps a client from an exempt path.
    """
    try:
        request, reply = reply_to(incoming, sanitizer, environ, None, directory)
        if reply is None:
            admit(request, sanitizer, environ)
            return request
    except Exception:
        logger.exception("an exempt path was answered as to a visitor")
    return stripped(incoming, sanitizer, environ)


def admit(request: WebRequest, sanitizer: RequestSanitizer, environ: WSGIEnvironment) -> None:
    """Let a request pass: the application is told of its user, and gets the cookies that are this user's."""
    tell_application(request, environ)
    if request.caller is not None and request.sanitized.cookies.of_users:
        sanitizer.admit_cookies_of(environ, request.sanitized, request.caller.user)


def stripped(
    incoming: IncomingRequest, sanitizer: RequestSanitizer, environ: WSGIEnvironment
) -> IncomingRequest:
    """Take the user's credentials out of the environ, and return the request that is left."""
    sanitizer.remove_credentials(environ, incoming.sanitized)
    return IncomingRequest(incoming.site, environ.copy(), incoming.names, incoming.sanitized, incoming.now)
