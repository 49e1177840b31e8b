"""Who may reach the application (R49-R52, R62, D19).

Not signed in at the portal: the request passes. Signed in without a second factor: the application is not
called.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import lru_cache

from wsgi_mfa.core import exempt
from wsgi_mfa.core.aging import login_is_ended
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.outcome import Decision, Outcome, Reason
from wsgi_mfa.core.standing import SIGNED_IN, activity_is_due
from wsgi_mfa.core.user import canonical
from wsgi_mfa.errors import AmbiguousCarrierError, InvalidUserError
from wsgi_mfa.identity.adapter import CHANGING_IDS, FirstFactor, Identification
from wsgi_mfa.web import appended, hands, pages, rollout, rules, targets
from wsgi_mfa.web.passes import Pass
from wsgi_mfa.web.reply import Reply, refusal
from wsgi_mfa.web.site import Caller, Directory, WebRequest
from wsgi_mfa.web.views.leading import PAGE_OF, url_of

logger = logging.getLogger("wsgi_mfa")


class UnknownUserError(InvalidUserError):
    """The directory does not know the user whom the portal has signed in (D1)."""


def caller_of(identification: Identification, directory: Directory | None) -> Caller | None:
    """The caller behind what an adapter answered; None for nobody and for a carrier that proves nothing.

    :raises InvalidUserError: a user who can have no account.
    """
    if not isinstance(identification, FirstFactor):
        return None
    if directory is None:
        if identification.changing:
            raise InvalidUserError(CHANGING_IDS)
        return _undirected(identification.user, identification.login)
    person = directory(identification.user)
    if person is None:
        raise UnknownUserError("the directory does not know it")
    return Caller(
        user=canonical(person.name),
        login=identification.login,
        address=person.email,
        groups=person.groups,
    )


@lru_cache(maxsize=4096)
def _undirected(name: str, login: str | None) -> Caller:
    """The caller where there is no directory: an id that looks like an address is its own address."""
    user = canonical(name)
    return Caller(user=user, login=login, address=user if "@" in user else None)


def admit(request: WebRequest, directory: Directory | None) -> bool:
    """Take whom the adapter named as the one who asks; False when this login was ended and must be taken out (D19).

    :raises InvalidUserError: a user who can have no account.
    """
    caller = caller_of(request.cleaned.identification, directory)
    if caller is None:
        return True
    service = request.site.service
    account = service.load(caller.user)
    if account is None:
        hands.take(request, caller, None)
        return True
    known = request.site.passes.find(
        request.session_cookie, account, login=caller.login, ring=service.keys.ring, now=request.now
    )
    if known is not None:
        request.take_known(known, caller, account)
        return True
    if account.ended_logins:
        for fingerprint in (request.cleaned.carriers_digest, caller.login):
            if fingerprint is not None and login_is_ended(account, fingerprint, request.context):
                return False
    hands.take(request, caller, account)
    return True


def is_exempt(request: WebRequest) -> bool:
    """Whether policy lets this request pass without a second factor: by its path, or as a CORS preflight.

    Only PATH_INFO counts, by which the application finds its page. A preflight carries both of its headers; any
    other request with its method does not pass (R63-R65).
    """
    policy, environ = request.site.service.policy, request.environ
    if rules.is_closed(request):
        return False
    if exempt.is_exempt(environ.get("PATH_INFO", ""), policy.exempt_paths):
        return True
    return (
        request.method in policy.exempt_methods
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def challenge(request: WebRequest) -> Reply | None:
    """What stands between this request and the application; None when nothing does."""
    is_closed = rules.is_closed(request)
    if request.caller is None:
        return pages.sign_in_first(request) if is_closed else None
    outcome = request.standing.outcome
    if request.site.rules and not (is_closed and outcome is not SIGNED_IN):
        outcome = rules.by_rule(request, request.caller, outcome)
    if outcome is SIGNED_IN:
        return None
    if outcome is Outcome.MUST_ENROLL and request.site.is_rolling_out and not is_closed:
        opens_page = request.method == "GET" and request.is_navigation
        outcome = rollout.eased(request, request.caller, opens_page=opens_page)
        if outcome is not Outcome.MUST_ENROLL:
            return None if outcome is SIGNED_IN else led_on(request, outcome)
    code = appended.code_in(request)
    if code is not None:
        decision = appended.judge(request, code)
        if decision.outcome is Outcome.SIGNED_IN:
            return None
        if decision.outcome not in PAGE_OF:
            return _code_refused(request, decision)
        outcome = decision.outcome
    return led_on(request, outcome)


def led_on(request: WebRequest, outcome: Outcome) -> Reply:
    """:func:`led_from_application` for a request that was not carried out, and what it asked for."""
    target = targets.requested(request.environ)
    return led_from_application(request, outcome, target, unsent=request.method == "POST")


def _code_refused(request: WebRequest, decision: Decision) -> Reply:
    """The code behind the password was refused: a browser is led to the page for codes, a program asked anew."""
    asked = led_from_application(request, Outcome.MUST_VERIFY, targets.requested(request.environ))
    if request.is_navigation:
        return asked
    locked = decision.outcome is Outcome.LOCKED
    return replace(
        refusal("verify", decision), status=429 if locked else 401, headers=() if locked else asked.headers
    )


def led_from_application(
    request: WebRequest, outcome: Outcome, target: str, *, unsent: bool = False
) -> Reply:
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
            _asking_for_credentials(request) + (rules.asking_for_step_up(request) if stepping_up else ())
        ),
    )


def _asking_for_credentials(request: WebRequest) -> tuple[tuple[str, str], ...]:
    """How a program is asked to send its password with a code; a browser would show a dialog for it."""
    authenticate = request.site.authenticate
    if authenticate is None or request.is_navigation or "HTTP_SEC_FETCH_MODE" in request.environ:
        return ()
    return (("WWW-Authenticate", authenticate),)


def refused_user() -> Reply:
    """The portal signed in a user who can have no account: refused, never enrolled (D1)."""
    return Reply(
        page="refused",
        status=403,
        outcome=Outcome.REFUSED,
        reason=Reason.UNKNOWN_USER,
        context={"next": "", "doubled": ()},
    )


def treat_as_nobody(request: WebRequest) -> None:
    """Go on as nobody, who may have this browser's sign-in taken away.

    The portal's own sign-out cannot be reached, and where there is no account no login can be ended in it (D19).
    """
    request.forget_caller()
    request.cleaned = replace(request.cleaned, doubled=tuple(request.cleaned.cookies.carriers))


def ambiguous(error: AmbiguousCarrierError) -> Reply:
    """The request names two users at once, as no honest client's does: not read any further (R57)."""
    return Reply(page="bad_request", status=400, word="bad_request", context={"message": str(error)})


def tell_application(request: WebRequest, environ: dict[str, object]) -> None:
    """What the application may know of the second factor (R59), and that it was used just now (D23)."""
    if request.told is not None:
        environ.update(request.told)
        return
    session, caller = request.standing.session, request.caller
    if caller is None or session is None:
        return
    told: dict[str, object] = {
        "wsgi_mfa.user": caller.user,
        "wsgi_mfa.method": session.method.value,
        "wsgi_mfa.verified_at": session.verified_at // SECOND,
    }
    environ.update(told)
    if activity_is_due(session, request.context):
        request.site.service.note_activity(request.visit, session.id)
    else:
        _remember(request, session.id, told)


def _remember(request: WebRequest, session_id: str, told: dict[str, object]) -> None:
    """Let the next request with this cookie pass by what this one has found out.

    Not where a login was ended, since then the carriers count too, nor where it was no cookie that named the session.
    """
    cookie, account, caller = request.session_cookie, request.account, request.caller
    if cookie is None or account is None or caller is None or account.ended_logins:
        return
    ring = (
        request.site.service.keys.ring
    )  # before the check: should it change now, the pass is good for nothing
    if request.site.cookies.session_id_of(cookie, caller.user) != session_id:
        return
    known = Pass(
        user=caller.user,
        login=caller.login,
        revision=account.revision,
        ring=ring,
        session_id=session_id,
        standing=request.standing,
        told=told,
    )
    request.site.passes.keep(cookie, known)
