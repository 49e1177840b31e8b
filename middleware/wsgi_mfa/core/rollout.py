"""Who needs a second factor yet, while a portal's users are led to one step by step.

By default everybody does. ``Policy.required_from`` names the instant from which everybody does, and before it only
those whom ``required_users`` and ``required_groups`` name; others are reminded. Whoever has ever bound a phone is
asked for it whatever the roll-out says: a reset means "must enroll", never "no second factor" (R45).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import PostponeEnrollment
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.expiry import younger
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.policy import ALWAYS, NEVER, Policy
from wsgi_mfa.core.usernames import canonical, names_of


def is_rolling_out(policy: Policy) -> bool:
    """Whether there is, or was, a time at which not everybody needs a second factor."""
    return policy.required_from != ALWAYS


def required_since(policy: Policy) -> int | None:
    """The instant from which everybody needs one; None where none is fixed. Only for a policy that rolls out."""
    return _instant(policy.required_from)


def is_chosen(user: str, groups: tuple[str, ...], policy: Policy) -> bool:
    """Whether the policy names this user, or one of these groups, as who needs one before everybody does."""
    is_named = names_of(user)[1] in _names(policy.required_users)
    return is_named or not set(policy.required_groups).isdisjoint(groups)


def may_go_without(account: Account | None, user: str, groups: tuple[str, ...], context: Context) -> bool:
    """Whether ``user``, whom the portal has signed in, needs no second factor at ``context.now``."""
    if not is_rolling_out(context.policy) or is_chosen(user, groups, context.policy):
        return False
    if account is not None and (account.authenticator is not None or was_bound(account)):
        return False
    since = required_since(context.policy)
    return since is None or context.now < since


def was_bound(account: Account) -> bool:
    """Whether this account has lost a phone, or was reset or removed before it had one, and none came after it."""
    return account.reset_at is not None or account.removed_at is not None


def is_reminder_due(account: Account | None, context: Context) -> bool:
    """Whether somebody who needs no second factor yet is to be reminded of it."""
    if context.policy.reminder_seconds == 0 or context.policy.enrollment == "closed":
        return False
    postponed_at = None if account is None else account.postponed_at
    return postponed_at is None or not younger(postponed_at, context, seconds=context.policy.reminder_seconds)


def postpone(account: Account, command: PostponeEnrollment, context: Context) -> Decision:
    """Leave somebody in peace for a while, who may go without for now."""
    if account.authenticator is not None:
        return Decision(outcome=Outcome.MUST_VERIFY)
    if not may_go_without(account, account.user, command.groups, context):
        return Decision(outcome=Outcome.MUST_ENROLL)
    if not is_reminder_due(account, context):
        return Decision(outcome=Outcome.MAY_ENROLL)  # a double click, or another window
    event = Event(
        at=context.now, user=account.user, kind="enrollment.postponed", source=command.origin.source
    )
    return Decision(
        outcome=Outcome.MAY_ENROLL, account=replace(account, postponed_at=context.now), events=(event,)
    )


@lru_cache(maxsize=64)
def _instant(text: str) -> int | None:
    if text in (ALWAYS, NEVER):
        return None
    moment = datetime.fromisoformat(re.sub("[Zz]$", "+00:00", text))
    return int(moment.timestamp()) * SECOND


@lru_cache(maxsize=64)
def _names(users: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(canonical, users))
