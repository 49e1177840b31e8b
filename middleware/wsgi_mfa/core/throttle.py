"""How many wrong answers an account may get, and how long it then waits (R15-R20, D14).

Four bounds work together. No more than ``free_tries`` failures are evaluated within ``backoff_seconds_min``, which
no success clears: else guesses that are sent together with the right code get the free tries once more. After
``free_tries`` consecutive failures every further one doubles the wait, which bounds a day; ``failures_max``
consecutive ones close the factor until it is bound anew (NIST SP 800-63B-4 section 3.2.2);
``failures_rolling_max`` in ``failures_rolling_days``, which no success clears, bound the year: without it a victim
who signs in daily refills the budget of an attacker.
"""

from __future__ import annotations

from wsgi_mfa.core.account import Failures
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.instants import DAY, SECOND, day_of, seconds_until
from wsgi_mfa.core.policy import Policy

GRANTED_TRIES = 10  # what one unlock by support gives (D14)


def without_expired(failures: Failures, context: Context) -> Failures:
    """``failures`` as they count now: old days gone, days ahead counted as today, a lock ahead restarted.

    A lock that began further ahead than clocks may differ restarts now with its own length (D22): a clock that
    stepped back neither opens it nor lets it last for ever.
    """
    if not failures.days and not failures.latest and failures.locked_since is None:
        return failures
    today = day_of(context.now)
    days: dict[int, int] = {}
    for day, count in failures.days:
        counted = min(day, today)
        if counted > today - context.policy.failures_rolling_days:
            days[counted] = days.get(counted, 0) + count
    since, seconds = failures.locked_since, failures.locked_seconds
    if since is not None and began_ahead(failures, context):
        since = context.now
    if since is not None and context.now >= since + seconds * SECOND:
        since, seconds = None, 0
    kept = tuple(sorted(days.items()))
    latest = _of_this_burst(failures.latest, context)
    settled_ones = (kept, since, seconds, latest)
    if settled_ones == (failures.days, failures.locked_since, failures.locked_seconds, failures.latest):
        return failures
    return replace(failures, days=kept, locked_since=since, locked_seconds=seconds, latest=latest)


def _of_this_burst(instants: tuple[int, ...], context: Context) -> tuple[int, ...]:
    """Those of ``instants`` that count together with a failure at ``context.now``; one ahead counts as now (D22)."""
    span = context.policy.backoff_seconds_min * SECOND
    return tuple(min(instant, context.now) for instant in instants if context.now - instant < span)


def began_ahead(failures: Failures, context: Context) -> bool:
    """Whether the lock began further ahead of ``context.now`` than clocks may differ."""
    since = failures.locked_since
    return since is not None and since > context.now + context.policy.clock_skew_seconds_max * SECOND


def closed_ahead(failures: Failures, context: Context) -> bool:
    """Whether the lock, or a day of a spent budget, is further ahead of now than clocks may differ (D22)."""
    latest_day = day_of(context.now + context.policy.clock_skew_seconds_max * SECOND)
    days_ahead = any(day > latest_day for day, _ in failures.days)
    return began_ahead(failures, context) or (days_ahead and budget_spent(failures, context.policy))


def exhausted(failures: Failures, policy: Policy) -> bool:
    """Whether a budget is spent, whatever tries support has granted over it (R15, R19)."""
    return (
        failures.consecutive_count >= policy.failures_max
        or sum(count for _, count in failures.days) >= policy.failures_rolling_max
    )


def budget_spent(failures: Failures, policy: Policy) -> bool:
    """Whether no further answer is evaluated until failures age out, the key is bound anew, or support helps."""
    return failures.granted_count == 0 and exhausted(failures, policy)


def wait_seconds(failures: Failures, context: Context) -> int | None:
    """Seconds until the next answer is evaluated; None when it is evaluated now. ``failures`` are settled."""
    if budget_spent(failures, context.policy):
        return _budget_seconds(failures, context)
    return lock_seconds(failures, context.now)


def lock_seconds(failures: Failures, now: int) -> int | None:
    """Seconds until the back-off ends, whatever the budgets say; None when there is none."""
    if failures.locked_since is None:
        return None
    return seconds_until(failures.locked_since + failures.locked_seconds * SECOND, now=now)


def _budget_seconds(failures: Failures, context: Context) -> int:
    """When enough days have aged out; the longest back-off when only a new key can help."""
    if failures.consecutive_count >= context.policy.failures_max:
        return context.policy.backoff_seconds_max
    count = sum(count for _, count in failures.days)
    for day, failed in failures.days:
        count -= failed
        if count < context.policy.failures_rolling_max:
            return seconds_until((day + context.policy.failures_rolling_days) * DAY, now=context.now)
    raise AssertionError("a budget that is not spent has no end")  # budget_spent() was asked before


def charged(failures: Failures, context: Context) -> Failures:
    """``failures`` (settled) with one more, and the lock that it brings."""
    consecutive = failures.consecutive_count + 1
    days = dict(failures.days)
    today = day_of(context.now)
    days[today] = days.get(today, 0) + 1
    granted = max(0, failures.granted_count - 1)
    latest = (*_of_this_burst(failures.latest, context), context.now)[-context.policy.free_tries :]
    seconds = 0
    if granted == 0 and (
        consecutive >= context.policy.free_tries or len(latest) == context.policy.free_tries
    ):
        doublings = min(max(0, consecutive - context.policy.free_tries), 32)
        seconds = min(context.policy.backoff_seconds_min << doublings, context.policy.backoff_seconds_max)
    return Failures(
        consecutive_count=consecutive,
        days=tuple(sorted(days.items())),
        locked_since=context.now if seconds else None,
        locked_seconds=seconds,
        granted_count=granted,
        latest=latest,
    )


def cleared(failures: Failures) -> Failures:
    """``failures`` after a success of the same kind: consecutive ones are gone, the rolling budget is not (R19).

    Nor are the latest ones: who guesses beside somebody who signs in gets no more tries by it.
    """
    if not failures.consecutive_count and failures.locked_since is None:
        return failures
    return replace(failures, consecutive_count=0, locked_since=None, locked_seconds=0)


def granted(failures: Failures) -> Failures:
    """``failures`` with ten tries given by support; nothing else is cleared (D14)."""
    return replace(failures, granted_count=GRANTED_TRIES, locked_since=None, locked_seconds=0)
