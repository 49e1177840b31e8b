"""Users who need no second factor yet: they pass, and are reminded of it when they open a page (R41)."""

from __future__ import annotations

from wsgi_mfa.core import rollout
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.gating import is_insisted_on
from wsgi_mfa.core.outcome import Outcome
from wsgi_mfa.core.standing import SIGNED_IN
from wsgi_mfa.web import rules
from wsgi_mfa.web.site import Caller, WebRequest


def eased(request: WebRequest, caller: Caller, *, opens_page: bool) -> Outcome:
    """What is asked of somebody without a phone: to set one up now, to think of it, or nothing.

    A reminder is for a person who opens a page by a GET. It stands in the way of no form that is sent, since what is
    in it would be lost, and of no program.
    """
    if not lets_go(request, caller, request.account):
        return Outcome.MUST_ENROLL
    due = opens_page and request.is_https and rollout.is_reminder_due(request.account, request.context)
    return Outcome.MAY_ENROLL if due else SIGNED_IN


def lets_go(request: WebRequest, caller: Caller, account: Account | None) -> bool:
    """Whether ``caller`` may do without a second factor what this request asks for.

    A rule that asks for one at a path, of a user or of a group, asks everybody for whom it holds.
    """
    if not may_go_without(request, caller, account):
        return False
    return not request.site.rules or not is_insisted_on(request.site.rules, rules.asking(request, caller))


def may_go_without(request: WebRequest, caller: Caller, account: Account | None) -> bool:
    """Whether the roll-out has not come to ``caller`` yet."""
    return rollout.may_go_without(account, caller.user, caller.groups, request.context)
