"""Saying no: locked, wrong and repeated answers, the same for every kind of code (D11, D14, R15-R22, R81).

The two sets of counters are named by their field in :class:`~wsgi_mfa.core.account.Account`:
``code_failures`` for authenticator codes on every path, ``recovery_failures`` for recovery and enrollment codes.
"""

from __future__ import annotations

from typing import Literal

from wsgi_mfa.core import throttle
from wsgi_mfa.core.account import Account, Answer, Failures
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Hint, Outcome, Reason
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.expiry import is_of_login
from wsgi_mfa.core.sessions import with_login_ended

Counters = Literal["code_failures", "recovery_failures"]
ANSWERS_MAX = 4


def failures_of(account: Account, counters: Counters) -> Failures:
    return account.code_failures if counters == "code_failures" else account.recovery_failures


def rejected(reason: Reason, *, alert: str | None = None) -> Decision:
    """A refusal that changes nothing."""
    return Decision(outcome=Outcome.REFUSED, reason=reason, alert=alert)


def locked(
    account: Account, counters: Counters, context: Context, *, rebinding: bool = False
) -> Decision | None:
    """The answer while nothing is evaluated: the same for right and wrong codes, charged to nobody (R20).

    A spent budget closes the key that was guessed at, and not the ``rebinding`` that replaces it (R15, D14).
    """
    failures = failures_of(account, counters)
    spent = not rebinding and throttle.budget_spent(failures, context.policy)
    seconds = (
        throttle.wait_seconds(failures, context) if spent else throttle.lock_seconds(failures, context.now)
    )
    if seconds is None:
        return None
    return Decision(
        outcome=Outcome.LOCKED,
        reason=Reason.BUDGET_SPENT if spent else None,
        retry_after_seconds=seconds,
    )


def repeated_rejection(account: Account, origin: Origin, fingerprint: str) -> Decision | None:
    """The first answer again, for the same code from the same browser at once (a double click, D11)."""
    for answer in account.answers:
        if answer.browser == origin.browser and answer.fingerprint == fingerprint:
            hint = None if answer.hint is None else Hint(answer.hint)
            return Decision(outcome=Outcome(answer.outcome), hint=hint)
    return None


def with_answer(
    account: Account, origin: Origin, *, fingerprint: str, now: int, outcome: Outcome, hint: Hint | None
) -> Account:
    """``account`` that remembers for a moment what this browser was told."""
    answer = Answer(
        browser=origin.browser,
        fingerprint=fingerprint,
        at=now,
        outcome=outcome.value,
        hint=None if hint is None else hint.value,
    )
    return replace(account, answers=(*account.answers, answer)[-ANSWERS_MAX:])


def wrong(
    account: Account,
    origin: Origin,
    context: Context,
    *,
    counters: Counters,
    code: str | None,
    fingerprint: str,
    hint: Hint | None = None,
) -> Decision:
    """Charge one wrong answer. What cannot be a code at all was never evaluated and costs nothing (R8)."""
    if code is None:
        return Decision(outcome=Outcome.WRONG_CODE)
    before = failures_of(account, counters)
    failures = throttle.charged(before, context)
    changed = with_answer(
        account, origin, fingerprint=fingerprint, now=context.now, outcome=Outcome.WRONG_CODE, hint=hint
    )
    if counters == "code_failures":
        changed = replace(changed, code_failures=failures)
    else:
        changed = replace(changed, recovery_failures=failures)
    events = [
        _event(
            account, origin, "code.wrong", counters, context.now, ("count", str(failures.consecutive_count))
        )
    ]
    if failures.locked_since is not None:
        seconds = failures.locked_seconds
        events.append(
            _event(account, origin, "lock.started", counters, context.now, ("seconds", str(seconds)))
        )
        if origin.login is not None and not any(
            is_of_login(session, origin.login, context) for session in account.sessions
        ):
            # A half signed-in login must not go on guessing when the lock ends (R20, D19); one that has a
            # session is not half signed in, and open sessions are untouched by locks (D14).
            changed = with_login_ended(changed, origin.login, now=context.now, seconds=seconds)
    if throttle.budget_spent(failures, context.policy) and not throttle.budget_spent(before, context.policy):
        events.append(_event(account, origin, "budget.spent", counters, context.now))
    return Decision(outcome=Outcome.WRONG_CODE, account=changed, events=tuple(events), hint=hint)


def _event(
    account: Account, origin: Origin, kind: str, counters: Counters, now: int, *details: tuple[str, str]
) -> Event:
    return Event(
        at=now,
        user=account.user,
        kind=kind,
        source=origin.source,
        details=(("counters", counters), *details),
    )
