"""What happened, compared with what was expected."""

from __future__ import annotations

import pytest

from mfa_simulator.language.scenario import Expectation, Step
from mfa_simulator.play.judging import LOGIN_ENDED, StepOutcome, differences
from mfa_simulator.problems import Position

PLACE = Position(line=3, column=5)


def compared(found, *, must=None, **expected):
    expect = Expectation(position=PLACE, **expected) if expected else None
    step = Step(verb="visit", arguments={}, position=PLACE, expect=expect)
    return differences(step, found, must=must)


def test_a_step_that_expects_nothing_must_reach_what_its_verb_must():
    assert compared(StepOutcome(outcome="welcome"), must=("welcome",)) == ()
    assert compared(StepOutcome(outcome="locked"), must=("welcome", "signed_in")) == (
        "outcome: expected welcome or signed_in, got locked",
    )
    assert compared(StepOutcome(outcome=None), must=None) == ()


def test_any_outcome_of_a_list_will_do():
    assert compared(StepOutcome(outcome="used_code"), outcomes=("signed_in", "used_code")) == ()


def test_an_expectation_takes_the_place_of_what_the_verb_must():
    assert compared(StepOutcome(outcome="locked"), must=("welcome",), hint="none") == ()


@pytest.mark.parametrize(
    ("found", "expected", "difference"),
    [
        (
            StepOutcome(outcome="locked"),
            {"outcomes": ("signed_in",)},
            "outcome: expected signed_in, got locked",
        ),
        (
            StepOutcome(outcome="sign_in_required"),
            {"outcomes": ("wrong_code", "locked")},
            f"outcome: expected wrong_code or locked, got sign_in_required ({LOGIN_ENDED})",
        ),
        (StepOutcome(), {"hint": "clock_slow"}, "hint: expected clock_slow, got none"),
        (StepOutcome(hint="clock_slow"), {"hint": "none"}, "hint: expected none, got clock_slow"),
        (StepOutcome(), {"recovery_code": "new"}, "recovery_code: expected new, got none"),
        (
            StepOutcome(recovery_code_shown=True),
            {"recovery_code": "none"},
            "recovery_code: expected none, got new",
        ),
        (StepOutcome(app_called=True), {"app_called": False}, "app_called: expected no, got yes"),
        (StepOutcome(), {"retry_after_seconds": 30}, "retry_after: expected 30, got none"),
        (StepOutcome(evaluated=6), {"evaluated": 5}, "evaluated: expected 5, got 6"),
        (StepOutcome(status=200), {"status": 422}, "status: expected 422, got 200"),
        (StepOutcome(page="verify"), {"page": "enroll"}, "page: expected enroll, got verify"),
        (StepOutcome(events=("a",)), {"events": ("a", "b")}, "events: expected b, got a"),
        (StepOutcome(events=("a", "b")), {"events": ()}, "events: expected none, got a, b"),
    ],
)
def test_each_difference_is_told_in_words(found, expected, difference):
    assert compared(found, **expected) == (difference,)


def test_all_differences_of_a_step_are_told():
    found = compared(
        StepOutcome(outcome="locked", status=429), outcomes=("signed_in",), status=200, app_called=True
    )
    assert len(found) == 3
