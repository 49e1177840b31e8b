"""Counting failures: the back-off, the cap on consecutive ones, the rolling budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core import throttle
from wsgi_mfa.core.account import Failures
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.instants import DAY, HOUR, SECOND
from wsgi_mfa.core.policy import Policy

NOON = 20_000 * DAY + 12 * HOUR
POLICY = Policy()


def at(now, policy=POLICY):
    return Context(now=now, policy=policy)


def fail(failures, now, count=1, policy=POLICY):
    """``count`` evaluated failures, each as soon as it is evaluated; the failures and the instant after."""
    for _ in range(count):
        failures = throttle.without_expired(failures, at(now, policy))
        wait = throttle.wait_seconds(failures, at(now, policy))
        if wait is not None:
            now += wait * SECOND
            failures = throttle.without_expired(failures, at(now, policy))
        assert throttle.wait_seconds(failures, at(now, policy)) is None
        failures = throttle.charged(failures, at(now, policy))
    return failures, now


@pytest.mark.requirement("R18")
def test_the_wait_doubles_from_the_fifth_failure_up_to_an_hour():
    failures, waits = Failures(), []
    now = NOON
    for _ in range(14):
        failures, now = fail(failures, now)
        waits.append(throttle.wait_seconds(failures, at(now)))
    assert waits == [None] * 4 + [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@pytest.mark.requirement("R18")
def test_a_lock_ends_after_its_seconds_and_not_a_microsecond_before():
    failures, now = fail(Failures(), NOON, 5)
    before, after = now + 30 * SECOND - 1, now + 30 * SECOND
    assert throttle.wait_seconds(throttle.without_expired(failures, at(before)), at(before)) == 1
    assert throttle.wait_seconds(throttle.without_expired(failures, at(after)), at(after)) is None


@pytest.mark.requirement("R15")
def test_a_hundred_consecutive_failures_close_the_factor_however_many_days_they_take():
    policy = Policy(failures_rolling_max=1000)
    failures, now = Failures(), NOON
    for _ in range(20):
        failures, _ = fail(failures, now, 5, policy)
        now += 40 * DAY
    assert failures.consecutive_count == 100
    years_later = throttle.without_expired(failures, at(now + 3650 * DAY, policy))
    assert throttle.budget_spent(years_later, policy)
    assert throttle.wait_seconds(years_later, at(now + 3650 * DAY, policy)) == policy.backoff_seconds_max


@pytest.mark.requirement("R19")
def test_a_success_clears_the_consecutive_count_and_not_the_budget():
    failures, now = fail(Failures(), NOON, 7)
    after = throttle.cleared(failures)
    assert (after.consecutive_count, after.locked_since, after.locked_seconds) == (0, None, 0)
    assert after.days == failures.days == ((now // DAY, 7),)


@pytest.mark.requirement("R17", "R19")
@pytest.mark.parametrize("before", range(5))
def test_a_success_among_guesses_gives_no_guess_more_than_are_free_at_once(before):
    failures, _ = fail(Failures(), NOON, before)
    failures, _ = fail(throttle.cleared(failures), NOON + SECOND, 5 - before)
    assert failures.consecutive_count == 5 - before
    assert throttle.wait_seconds(failures, at(NOON + SECOND)) == 30


@pytest.mark.requirement("R19")
def test_half_a_minute_after_the_last_failure_a_success_has_cleared_them_all():
    failures, _ = fail(Failures(), NOON, 4)
    later = NOON + 30 * SECOND
    failures = throttle.without_expired(throttle.cleared(failures), at(later))
    assert failures == Failures(days=((NOON // DAY, 4),))


@given(st.lists(st.tuples(st.sampled_from(["wrong", "right"]), st.integers(0, 12)), max_size=60))
def test_no_half_minute_has_more_failures_than_are_free(tries):
    failures, now, failed_at = Failures(), NOON, []
    for kind, seconds in tries:
        now += seconds * SECOND
        failures = throttle.without_expired(failures, at(now))
        if throttle.wait_seconds(failures, at(now)) is None:
            if kind == "right":
                failures = throttle.cleared(failures)
                continue
            failures = throttle.charged(failures, at(now))
            failed_at.append(now)
            assert sum(now - at < 30 * SECOND for at in failed_at) <= POLICY.free_tries


@pytest.mark.requirement("R19")
def test_twenty_wrong_and_one_right_a_day_trip_on_the_fourth_day():
    failures, trips = Failures(), []
    for day in range(4):
        now = NOON - 12 * HOUR + day * DAY
        for _ in range(20):
            if throttle.budget_spent(throttle.without_expired(failures, at(now)), POLICY):
                trips.append(day + 1)
                break
            failures, now = fail(failures, now)
        else:
            failures = throttle.cleared(failures)
    assert trips == [4]
    assert throttle.counted(failures.days) == 60


@pytest.mark.requirement("R19", "D14")
def test_a_spent_budget_opens_when_enough_days_have_aged_out():
    policy = Policy(failures_rolling_max=10, failures_rolling_days=3)
    failures = Failures(days=((20_000, 4), (20_001, 3), (20_002, 3)))
    now = 20_002 * DAY + HOUR
    assert (
        throttle.wait_seconds(throttle.without_expired(failures, at(now, policy)), at(now, policy))
        == 23 * 3600
    )
    opened = 20_003 * DAY
    assert (
        throttle.wait_seconds(
            throttle.without_expired(failures, at(opened - 1, policy)),
            at(opened - 1, policy),
        )
        == 1
    )
    assert (
        throttle.wait_seconds(throttle.without_expired(failures, at(opened, policy)), at(opened, policy))
        is None
    )


@pytest.mark.requirement("R19", "D22")
def test_days_ahead_count_as_today():
    failures = Failures(days=((19_999, 1), (20_000, 2), (20_365, 3)))
    assert throttle.without_expired(failures, at(NOON)).days == ((19_999, 1), (20_000, 5))


@pytest.mark.requirement("D22")
@pytest.mark.parametrize("seconds_back", [1, 30, 90, 300])
def test_a_small_clock_step_back_keeps_a_lock_by_its_first_instant(seconds_back):
    failures, now = fail(Failures(), NOON, 5)
    back = now - seconds_back * SECOND
    assert throttle.wait_seconds(throttle.without_expired(failures, at(back)), at(back)) == 30 + seconds_back


@pytest.mark.requirement("D22")
@pytest.mark.parametrize("seconds_back", [301, 3600, 365 * 86400])
def test_a_large_clock_step_back_restarts_a_lock_with_its_own_length(seconds_back):
    failures, now = fail(Failures(), NOON, 5)
    back = now - seconds_back * SECOND
    restarted = throttle.without_expired(failures, at(back))
    assert (restarted.locked_since, restarted.locked_seconds) == (back, 30)


@pytest.mark.requirement("D47")
def test_another_key_keeps_the_rolling_budget_and_nothing_else():
    failures = Failures(
        consecutive_count=90, days=((20_000, 60),), locked_since=NOON, locked_seconds=60, latest=(NOON,)
    )
    left = throttle.without_locks(failures)
    assert left == Failures(days=((20_000, 60),), latest=(NOON,))


@pytest.mark.requirement("D47")
@given(st.lists(st.tuples(st.integers(20_000, 20_040), st.integers(1, 9)), max_size=6), st.integers(0, 12))
def test_days_are_added_and_taken_back_one_by_one(pairs, count):
    days = tuple(sorted(dict(pairs).items()))
    more = throttle.with_one_more(days, 20_005)
    assert throttle.counted(more) == throttle.counted(days) + 1
    fewer = throttle.with_fewer(days, 20_005, count)
    assert throttle.counted(fewer) == throttle.counted(days) - min(count, dict(days).get(20_005, 0))
    assert throttle.counted(throttle.with_all(days, more)) == 2 * throttle.counted(days) + 1
    for found in (more, fewer):
        assert list(found) == sorted(found)
        assert all(count > 0 for _, count in found)


@pytest.mark.requirement("R15", "R18", "R19")
@given(
    instants=st.lists(st.integers(min_value=0, max_value=90 * DAY), max_size=150),
    successes=st.sets(st.integers(min_value=0, max_value=150)),
)
def test_no_order_of_guesses_and_successes_gets_past_a_bound(instants, successes):
    failures, evaluated = Failures(), []
    for index, instant in enumerate(sorted(instants)):
        failures = throttle.without_expired(failures, at(instant))
        if throttle.wait_seconds(failures, at(instant)) is not None:
            continue
        if index in successes:
            failures = throttle.cleared(failures)
        else:
            failures = throttle.charged(failures, at(instant))
            evaluated.append(instant)
        assert failures.consecutive_count <= POLICY.failures_max
        recent = [at for at in evaluated if at // DAY > instant // DAY - POLICY.failures_rolling_days]
        assert len(recent) <= POLICY.failures_rolling_max
