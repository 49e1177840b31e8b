"""True time, and clocks that read it wrong."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_simulator.language.quantities import SECOND, instant
from mfa_simulator.world.clocks import ClockDeviation, DeviceClock, TrueTime, WorkerClock, frozen_wall_clock

HOUR = 3600 * SECOND


def test_true_time_moves_only_when_somebody_waits(true_time):
    start = true_time.now()
    assert true_time.now() == start
    true_time.wait(5 * SECOND)
    assert true_time.now() == start + 5 * SECOND


def test_true_time_never_goes_back(true_time):
    true_time.wait(SECOND)
    now = true_time.now()
    true_time.wait_until(now - SECOND)
    assert true_time.now() == now
    with pytest.raises(ValueError, match="back"):
        true_time.wait(-1)


def test_what_was_planned_happens_in_order_and_at_its_instant(true_time):
    start, seen = true_time.now(), []
    true_time.plan(start + 2 * SECOND, lambda: seen.append(("late", true_time.now() - start)))
    true_time.plan(start + SECOND, lambda: seen.append(("early", true_time.now() - start)))
    true_time.plan(start + 9 * SECOND, lambda: seen.append(("never", 0)))
    true_time.wait(3 * SECOND)
    assert seen == [("early", SECOND), ("late", 2 * SECOND)]
    assert true_time.now() == start + 3 * SECOND


def test_a_clock_reads_offset_drift_jumps_and_zone(true_time):
    clock = DeviceClock(true_time)
    clock.set_offset(-45 * SECOND)
    clock.set_drift(Fraction(100))
    clock.jump(2 * SECOND)
    clock.set_zone(HOUR)
    true_time.wait(10_000 * SECOND)
    # 100 ppm over 10,000 s are one second.
    assert clock.error() == (-45 + 1 + 2) * SECOND + HOUR


def test_a_new_rate_keeps_what_the_clock_shows(true_time):
    clock = DeviceClock(true_time, ClockDeviation(drift_ppm=Fraction(50), set_at=true_time.now()))
    true_time.wait(100_000 * SECOND)
    before = clock.now()
    clock.set_drift(Fraction(-50))
    assert clock.now() == before
    true_time.wait(100_000 * SECOND)
    assert clock.error() == 0


def test_setting_a_clock_makes_good_what_was_wrong_before(true_time):
    clock = DeviceClock(true_time, ClockDeviation(drift_ppm=Fraction(50), set_at=true_time.now()))
    clock.jump(SECOND)
    true_time.wait(HOUR)
    clock.set_offset(7 * SECOND)
    assert clock.error() == 7 * SECOND


def test_synchronising_keeps_only_the_rate(true_time):
    clock = DeviceClock(
        true_time, ClockDeviation(offset=5, jump=6, zone=7, drift_ppm=Fraction(1000), set_at=true_time.now())
    )
    true_time.wait(HOUR)
    clock.synchronise()
    assert clock.error() == 0
    true_time.wait(1000 * SECOND)
    assert clock.error() == SECOND


@given(
    offset=st.integers(-HOUR, HOUR),
    drift_ppm=st.fractions(-5000, 5000, max_denominator=1000),
    ahead=st.integers(0, HOUR),
)
def test_the_instant_at_which_a_clock_will_show_something_is_the_first_one(offset, drift_ppm, ahead):
    now = TrueTime(instant("2026-01-01T00:00:00Z"))
    clock = DeviceClock(now, ClockDeviation(offset=offset, drift_ppm=drift_ppm, set_at=now.now()))
    reading = clock.now() + ahead
    found = clock.when_it_shows(reading)
    now.wait_until(found - 1)
    assert now.now() == found or clock.now() < reading
    now.wait_until(found)
    assert clock.now() >= reading


def test_a_server_that_waits_lets_true_time_pass(true_time):
    start = true_time.now()
    WorkerClock(true_time).sleep(0.25)
    assert true_time.now() == start + 250_000


def test_the_wall_clock_shows_what_it_is_told_and_is_given_back():
    before = time.time()
    start = instant("2031-05-06T07:08:09Z")
    with frozen_wall_clock(start) as wall:
        assert time.time() == start / SECOND
        wall.show(start + SECOND)
        assert time.time() == start / SECOND + 1
        wall.show(start)
        assert time.time() == start / SECOND
    assert abs(time.time() - before) < 3600
