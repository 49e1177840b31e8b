"""The policy's rules at the gate: nothing to ask for, or a second factor of now, for browsers and programs (R78)."""

from __future__ import annotations

from wsgi_mfa.core.aging import younger
from wsgi_mfa.core.gating import Rule, rule_for
from wsgi_mfa.core.outcome import Outcome
from wsgi_mfa.core.standing import SIGNED_IN
from wsgi_mfa.web.site import Caller, WebRequest


def by_rule(request: WebRequest, caller: Caller, outcome: Outcome) -> Outcome:
    """``outcome``, or what the policy's rule for this request makes of it: nothing to ask for, or a fresh factor."""
    age_seconds_max = rule_of(request, caller).age_seconds_max
    if age_seconds_max is None:
        return SIGNED_IN
    session = request.standing.session
    if outcome is not SIGNED_IN or age_seconds_max == 0 or session is None:
        return outcome
    young = younger(session.verified_at, age_seconds_max, request.now, request.site.service.policy)
    return SIGNED_IN if young else Outcome.STEP_UP_REQUIRED


def rule_of(request: WebRequest, caller: Caller) -> Rule:
    return rule_for(
        request.site.rules,
        method=request.method,
        path_info=str(request.environ.get("PATH_INFO", "")),
        user=caller.user,
        groups=caller.groups,
    )


def asking_for_step_up(request: WebRequest) -> tuple[tuple[str, str], ...]:
    """How an OAuth-style client is told of the factor's greatest age (RFC 9470 section 3); browsers are led (R78)."""
    if request.caller is None or request.is_navigation or "HTTP_SEC_FETCH_MODE" in request.environ:
        return ()
    age_seconds_max = rule_of(request, request.caller).age_seconds_max
    challenge = (
        'Bearer error="insufficient_user_authentication",'
        f' error_description="A more recent second factor is needed", max_age="{age_seconds_max}"'
    )
    return (("WWW-Authenticate", challenge),)
