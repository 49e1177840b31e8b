"""One user of a file who stands for many."""

from __future__ import annotations

from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.language.crowds import Normal, span_or_normal
from mfa_simulator.language.parser import parse
from mfa_simulator.language.quantities import SECOND

pytestmark = pytest.mark.any_python
FILE = """\
scenario: A crowd
seed: {seed}
users:
  clerk: {{password: x, email: c@example.com, count: 3, phones: {{pixel: {{offset: normal(1s, 2s)}}}}}}
  boss: {{password: y, phones: {{nokia: }}}}
steps:
  - {step}
"""


def scenario_of(step, *, seed=0):
    (scenario,) = parse(FILE.format(step=step, seed=seed), file="crowd.mfa.yaml")
    return scenario


def test_each_member_has_a_name_an_address_and_a_clock_of_its_own():
    scenario = scenario_of("wait: 1s")
    assert [user.name for user in scenario.users] == ["clerk1", "clerk2", "clerk3", "boss"]
    assert [user.email for user in scenario.users[:3]] == [f"c{number}@example.com" for number in (1, 2, 3)]
    offsets = [user.phones["pixel"].offset for user in scenario.users[:3]]
    assert len(set(offsets)) == 3
    assert [user.phones["pixel"].offset for user in scenario_of("wait: 1s").users[:3]] == offsets
    assert [user.phones["pixel"].offset for user in scenario_of("wait: 1s", seed=1).users[:3]] != offsets


def test_a_step_of_the_crowd_is_a_step_of_each_member_in_a_browser_of_its_own():
    steps = scenario_of("enroll: {user: clerk, browser: laptop, phone: pixel}").steps
    assert [(step["user"], step["browser"]) for step in steps] == [
        (f"clerk{number}", f"laptop{number}") for number in (1, 2, 3)
    ]
    steps = scenario_of("support_reset: {user: clerk, email: c@example.com, reason: lost}").steps
    assert [step["email"] for step in steps] == [f"c{number}@example.com" for number in (1, 2, 3)]


def test_members_act_at_the_same_time_in_together():
    (step,) = scenario_of("together: [enroll: {user: clerk, browser: laptop, phone: pixel}]").steps
    assert [inner["user"] for inner in step.steps] == ["clerk1", "clerk2", "clerk3"]


def test_one_member_can_act_alone():
    (step,) = scenario_of("password: {user: clerk2, browser: laptop2}").steps
    assert step["user"] == "clerk2"


def test_a_crowd_counts_as_many_steps():
    step = "repeat: {times: 7000, steps: [password: {user: clerk, browser: laptop}]}"
    with pytest.raises(ScenarioFileError, match="more than 20000 steps"):
        scenario_of(step)


@given(st.integers(0, 10**6))
def test_a_normal_span_stays_within_six_deviations(number):
    assert abs(Normal(mean=0, deviation=SECOND).drawn(str(number))) <= 6 * SECOND


def test_normal_spans_have_their_mean_and_their_deviation():
    drawn = [
        Normal(mean=5 * SECOND, deviation=2 * SECOND).drawn(str(number)) / SECOND for number in range(2000)
    ]
    assert mean(drawn) == pytest.approx(5, abs=0.2)
    assert stdev(drawn) == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("text", ["normal(1s)", "normal(1s, -1s)", "normal(1, 2)", "normal 1s"])
def test_a_spread_that_cannot_be_read_says_how_it_is_written(text):
    with pytest.raises(ValueError, match=r"normal\(MEAN|duration|back in time"):
        span_or_normal(text)
