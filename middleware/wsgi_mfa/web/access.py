"""The policy's rules at the gate: nothing to ask for, or a second factor of now, for browsers and programs (R78)."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from wsgi_mfa.core import rollout
from wsgi_mfa.core.access_rules import AccessRule, Asking, is_at_any, is_insisted_on, rule_for
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.authentication_state import SIGNED_IN, factor_is_younger
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.web.request import Caller, WebRequest

# By which an application takes another path or root than the server (calibre-web and pgAdmin: X-Script-Name).
_MOVING_HEADERS = frozenset(
    {
        "HTTP_X_ORIGINAL_URL",
        "HTTP_X_ORIGINAL_URI",
        "HTTP_X_REWRITE_URL",
        "HTTP_X_SCRIPT_NAME",
        "HTTP_SCRIPT_NAME",
    }
    | {"HTTP_X_FORWARDED_PREFIX", "HTTP_X_FORWARDED_PATH", "HTTP_X_FORWARDED_SCRIPT_NAME", "HTTP_PATH_INFO"}
    # repoze.vhm, Zope, Envoy, and portals that are told under which address they are reached from outside.
    | {"HTTP_X_OUTSIDE_URL", "HTTP_X_VHM_HOST", "HTTP_X_VHM_ROOT", "HTTP_X_ENVOY_ORIGINAL_PATH"}
    | {"HTTP_X_FORWARDED_ROOT", "HTTP_X_FORWARDED_BASE", "HTTP_X_SCRIPT_ROOT", "HTTP_X_ROOT_PATH"}
    | {"HTTP_X_BASE_URL", "HTTP_X_BASE_PATH", "HTTP_X_INGRESS_PATH", "HTTP_X_REQUEST_URI"}
    | {"HTTP_X_FORWARDED_URI", "HTTP_X_FORWARDED_URL", "HTTP_X_PATH_INFO", "HTTP_X_ORIGINAL_PATH"}
)
# Roundup's REST interface reads the first.
_METHOD_ARGUMENT = re.compile(r"(?:^|[&;])\s*_method=", re.IGNORECASE)
_METHOD_HEADERS = frozenset({"HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD", "HTTP_X_METHOD_OVERRIDE"})


def by_rule(request: WebRequest, caller: Caller, outcome: Outcome) -> Outcome:
    """``outcome``, or what the policy's rule for this request makes of it: nothing to ask for, or a fresh factor."""
    age_seconds_max = rule_of(request, caller).age_seconds_max
    if age_seconds_max is None:
        return SIGNED_IN
    session = request.state.session
    if outcome is not SIGNED_IN or age_seconds_max == 0 or session is None:
        return outcome
    young = factor_is_younger(session, request.context, seconds=age_seconds_max)
    return SIGNED_IN if young else Outcome.STEP_UP_REQUIRED


def rule_of(request: WebRequest, caller: Caller) -> AccessRule:
    return rule_for(request.site.rules, asking(request, caller))


def asking(request: WebRequest, caller: Caller) -> Asking:
    """What the rules go by."""
    return Asking(
        method=None if _names_another_method(request) else request.method,
        path_info=path_in(request),
        user=caller.user,
        groups=caller.groups,
        spelling=caller.spelling,
    )


def path_in(request: WebRequest) -> str | None:
    """The path by which the application finds its page; None where a header may name another one.

    Applications were seen to take their root or the whole path from such a header.
    """
    if not _MOVING_HEADERS.isdisjoint(request.environ):
        return None
    return str(request.environ.get("PATH_INFO", ""))


def is_closed(request: WebRequest) -> bool:
    """Whether a request is for a path at which credentials may be in the body or in the path itself (D4)."""
    return bool(request.site.closed_paths) and is_at_any(path_in(request), request.site.closed_paths)


def _names_another_method(request: WebRequest) -> bool:
    if not _METHOD_HEADERS.isdisjoint(request.environ):
        return True
    query = str(request.environ.get("QUERY_STRING", ""))
    return _METHOD_ARGUMENT.search(unquote_plus(query)) is not None


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


def relaxed(request: WebRequest, caller: Caller, *, opens_page: bool) -> Outcome:
    """What is asked of somebody without a phone: to set one up now, to think of it, or nothing.

    A reminder is for a person who opens a page by a GET. It stands in the way of no form that is sent, since what is
    in it would be lost, and of no program.
    """
    if not is_released(request, caller, request.account):
        return Outcome.MUST_ENROLL
    due = opens_page and request.is_https and rollout.is_reminder_due(request.account, request.context)
    return Outcome.MAY_ENROLL if due else SIGNED_IN


def is_released(request: WebRequest, caller: Caller, account: Account | None) -> bool:
    """Whether ``caller`` may do without a second factor what this request asks for.

    A rule that asks for one at a path, of a user or of a group, asks everybody for whom it holds.
    """
    if not may_postpone(request, caller, account):
        return False
    return not request.site.rules or not is_insisted_on(request.site.rules, asking(request, caller))


def may_postpone(request: WebRequest, caller: Caller, account: Account | None) -> bool:
    """Whether the roll-out has not come to ``caller`` yet."""
    if rollout.is_chosen(caller.shown, (), request.context.policy):
        return False
    return rollout.may_go_without(account, caller.user, caller.groups, request.context)
