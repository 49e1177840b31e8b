"""Several people at once, one thread at a time."""

from __future__ import annotations

import pytest

from mfa_simulator.errors import StepError
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.entropy import SeededEntropy
from mfa_simulator.world.scheduler import Scheduler


@pytest.fixture
def crowd_of(true_time):
    def make(seed):
        scheduler = Scheduler(true_time, SeededEntropy(seed, "crowd"))
        true_time.sleep_in_scheduler = scheduler.sleep_until
        return scheduler

    return make


def interleaving(scheduler):
    seen = []

    def act(name):
        for part in range(3):
            seen.append((name, part))
            scheduler.pause()

    scheduler.run([lambda name=name: act(name) for name in "abc"])
    return seen


def test_the_seed_says_who_acts_next(crowd_of):
    first, again, other = (interleaving(crowd_of(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(first) == 9


def test_everybody_comes_to_the_end_in_their_own_order(crowd_of):
    seen = interleaving(crowd_of(3))
    for name in "abc":
        assert [part for who, part in seen if who == name] == [0, 1, 2]


def test_time_passes_when_all_wait_and_only_as_far_as_the_first_wakes(crowd_of, true_time):
    scheduler, start, woke = crowd_of(0), true_time.now(), []

    def sleep(seconds):
        true_time.wait(seconds * SECOND)
        woke.append((seconds, true_time.now() - start))

    scheduler.run([lambda seconds=seconds: sleep(seconds) for seconds in (5, 1, 3)])
    assert woke == [(seconds, seconds * SECOND) for seconds in (1, 3, 5)]


def test_an_error_of_one_is_raised_when_all_have_ended(crowd_of):
    scheduler, done = crowd_of(0), []

    def fail():
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        scheduler.run([fail, lambda: done.append(1)])
    assert done == [1]


def test_outside_of_a_crowd_nobody_waits(crowd_of):
    scheduler = crowd_of(0)
    scheduler.pause()
    assert scheduler.sleep_until(0) is False


def test_a_crowd_within_a_crowd_is_refused(crowd_of):
    scheduler = crowd_of(0)
    with pytest.raises(StepError, match="crowd"):
        scheduler.run([lambda: scheduler.run([])])
