"""Bounds for wrong codes of browsers that are not known, and the back-off of every browser (R15-R20, D46, D47).

Four bounds work together. No more than ``free_tries`` failures are evaluated within ``backoff_seconds_min``, which
no success clears: otherwise guesses that are sent together with the right code get the free tries once more. After
``free_tries`` consecutive failures every further one doubles the wait, which bounds a day. ``failures_max``
consecutive ones close the codes until a success in a known browser (NIST SP 800-63B-4 section 3.2.2).
``failures_rolling_max`` in ``failures_rolling_days`` bound the year. Nothing clears them, neither a success nor a new
phone: a user who signs in daily, or sets up a phone after each attack, would refill the budget of the attacker.

:mod:`wsgi_mfa.core.known_browsers` has the bounds of the browsers that are known.
"""

from __future__ import annotations

from wsgi_mfa.core.account import Failures
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.instants import DAY, SECOND, seconds_until
from wsgi_mfa.core.policy import Policy

Days = tuple[tuple[int, int], ...]


def day_of(now: int) -> int:
    """Return the number of the UTC day that holds ``now``, by which failures are counted."""
    return now // DAY


def without_expired(failures: Failures, context: Context) -> Failures:
    """``failures`` as they count now: old days gone, days ahead counted as today, a lock ahead restarted.

    A lock that began further ahead than clocks may differ restarts now with its own length (D22): a clock that
    stepped back neither opens it nor lets it last for ever.
    """
    if not failures.days and not failures.latest and failures.locked_since is None:
        return failures
    since, seconds = failures.locked_since, failures.locked_seconds
    if since is not None and began_ahead(failures, context):
        since = context.now
    if since is not None and context.now >= since + seconds * SECOND:
        since, seconds = None, 0
    kept = settled_days(failures.days, context)
    latest = _of_this_burst(failures.latest, context)
    settled_ones = (kept, since, seconds, latest)
    if settled_ones == (failures.days, failures.locked_since, failures.locked_seconds, failures.latest):
        return failures
    return replace(failures, days=kept, locked_since=since, locked_seconds=seconds, latest=latest)


def settled_days(days: Days, context: Context) -> Days:
    """Return ``days`` without those that have aged out; days ahead count as today (D22)."""
    if not days:
        return days
    today = day_of(context.now)
    kept: dict[int, int] = {}
    for day, count in days:
        counted = min(day, today)
        if counted > today - context.policy.failures_rolling_days:
            kept[counted] = kept.get(counted, 0) + count
    return tuple(sorted(kept.items()))


def counted(days: Days) -> int:
    """Return how many failures ``days`` hold."""
    return sum(count for _, count in days)


def with_one_more(days: Days, day: int) -> Days:
    """Return ``days`` with one more failure on ``day``."""
    found = dict(days)
    found[day] = found.get(day, 0) + 1
    return tuple(sorted(found.items()))


def with_fewer(days: Days, day: int, count: int) -> Days:
    """Return ``days`` with ``count`` fewer failures on ``day``, at most as many as there are."""
    found = dict(days)
    found[day] = max(0, found.get(day, 0) - count)
    return tuple(sorted((day, count) for day, count in found.items() if count))


def with_all(days: Days, others: Days) -> Days:
    """Return the failures of both."""
    found = dict(days)
    for day, count in others:
        found[day] = found.get(day, 0) + count
    return tuple(sorted(found.items()))


def days_are_ahead(days: Days, context: Context) -> bool:
    """Whether one of ``days`` is further ahead of ``context.now`` than clocks may differ (D22)."""
    latest_day = day_of(context.now + context.policy.clock_skew_seconds_max * SECOND)
    return any(day > latest_day for day, _ in days)


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
    spent_ahead = days_are_ahead(failures.days, context) and budget_spent(failures, context.policy)
    return began_ahead(failures, context) or spent_ahead


def budget_spent(failures: Failures, policy: Policy) -> bool:
    """Whether no further answer is evaluated until failures age out or a known browser succeeds (R15, R19)."""
    return (
        failures.consecutive_count >= policy.failures_max
        or counted(failures.days) >= policy.failures_rolling_max
    )


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
    """Return the seconds until enough days have aged out; the longest back-off where time alone does not help."""
    if failures.consecutive_count >= context.policy.failures_max:
        return context.policy.backoff_seconds_max
    count = counted(failures.days)
    for day, failed in failures.days:
        count -= failed
        if count < context.policy.failures_rolling_max:
            return seconds_until((day + context.policy.failures_rolling_days) * DAY, now=context.now)
    raise AssertionError("a budget that is not spent has no end")  # budget_spent() was asked before


def charged(failures: Failures, context: Context) -> Failures:
    """``failures`` (settled) with one more, and the lock that it brings."""
    consecutive = failures.consecutive_count + 1
    latest = (*_of_this_burst(failures.latest, context), context.now)[-context.policy.free_tries :]
    seconds = 0
    if consecutive >= context.policy.free_tries or len(latest) == context.policy.free_tries:
        doublings = min(max(0, consecutive - context.policy.free_tries), 32)
        seconds = min(context.policy.backoff_seconds_min << doublings, context.policy.backoff_seconds_max)
    return Failures(
        consecutive_count=consecutive,
        days=with_one_more(failures.days, day_of(context.now)),
        locked_since=context.now if seconds else None,
        locked_seconds=seconds,
        latest=latest,
    )


def cleared(failures: Failures) -> Failures:
    """``failures`` after a success of the same kind: consecutive ones are gone, the rolling budget is not (R19).

    Nor are the latest ones: who guesses beside somebody who signs in gets no more tries by it.
    """
    if not failures.consecutive_count and failures.locked_since is None:
        return failures
    return replace(failures, consecutive_count=0, locked_since=None, locked_seconds=0)


def noted(failures: Failures) -> Failures:
    """Return ``failures`` with one more of a code that cannot be guessed: it is counted, and closes nothing (D46)."""
    return replace(failures, consecutive_count=failures.consecutive_count + 1)


def without_locks(failures: Failures) -> Failures:
    """Return what is left of ``failures`` for another key: the rolling budget (D47)."""
    return Failures(days=failures.days, latest=failures.latest)
