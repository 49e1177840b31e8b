"""Shrinking keeps what fails, and leaves nothing that the fault does not need."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_simulator.explore.plot import Plot
from mfa_simulator.explore.shrink import Shrinker
from mfa_simulator.explore.source import plot_of_file, shrunk_file
from mfa_simulator.language.parser import parse
from mfa_simulator.play.running import play

pytestmark = pytest.mark.any_python


def numbered(*numbers):
    return Plot(steps=tuple({"lose_phone": {"phone": f"p{number}"}} for number in numbers))


def numbers_of(plot):
    return [int(step["lose_phone"]["phone"][1:]) for step in plot.steps]


@given(st.sets(st.integers(min_value=0, max_value=39), min_size=1, max_size=5))
def test_what_is_left_is_exactly_what_the_fault_needs(needed):
    plot = numbered(*range(40))
    found = Shrinker(lambda tried: needed <= set(numbers_of(tried)), seconds=60).shrink(plot, keep_last=False)
    assert numbers_of(found.plot) == sorted(needed)
    assert list(found.origins) == sorted(needed)


def test_the_step_that_fails_is_never_left_out():
    found = Shrinker(lambda _: True, seconds=60).shrink(numbered(1, 2, 3))
    assert numbers_of(found.plot) == [3]


def test_it_ends_when_its_time_is_over():
    shrinker = Shrinker(lambda _: True, seconds=0)
    assert numbers_of(shrinker.shrink(numbered(1, 2, 3)).plot) == [1, 2, 3]
    assert shrinker.tried == 0


def test_waits_are_joined_and_changed_settings_go_to_the_top():
    steps = (
        {"change_policy": {"free_tries": 1}},
        {"wait_until": "step+0s"},
        {"wait_until": "step+1s"},
        {"wait": "40s"},
        {"visit": {"browser": "laptop"}},
    )

    def fails(plot):
        changed = [step["change_policy"] for step in plot.steps if "change_policy" in step]
        waits = [step for step in plot.steps if "wait" in step or "wait_until" in step]
        settings = [*changed, plot.top.get("policy", {})]
        return {"free_tries": 1} in settings and (len(waits) > 2 or {"wait": "1m"} in waits)

    found = Shrinker(fails, seconds=60).shrink(Plot(top={"policy": {}}, steps=steps))
    assert found.plot.top["policy"] == {"free_tries": 1}
    assert [next(iter(step)) for step in found.plot.steps] == ["wait", "visit"]
    assert len(found.origins) == 2


def test_arguments_settings_users_and_browsers_get_fewer():
    ann = {"password": "a", "phones": {"pixel": {"offset": "5s"}, "spare": None}}
    top = {
        "seed": 9,
        "workers": 2,
        "policy": {"digits": 8, "steps_back": 0},
        "users": {"ann": ann, "bob": {"password": "b"}},
    }
    guess = {"user": "ann", "browser": "thief", "times": 8, "every": "1s", "parallel": 2}
    steps = (
        {"together": [{"visit": {"browser": "laptop"}}, {"guess": guess, "network": {"cut": True}}]},
        {"guess": {**guess, "browser": "tablet"}, "network": {"lose": "response"}},
    )

    def fails(plot):
        last = plot.steps[-1].get("guess", {})
        return plot.top.get("policy", {}).get("digits") == 8 and int(last.get("times", 1)) >= 3

    plot = Shrinker(fails, seconds=60).shrink(Plot(top=top, steps=steps)).plot
    assert plot.steps == ({"guess": {"user": "ann", "browser": "tablet", "times": 3}},)
    assert plot.top == {
        "policy": {"digits": 8},
        "users": {"ann": {"password": "a", "phones": {"spare": None}}},
    } or plot.top["policy"] == {"digits": 8}


FAILING = """\
scenario: A long way to a wrong expectation
users:
  ann: {password: correct horse, email: ann@example.com, phones: {pixel: }}
  bob: {password: battery staple, phones: {nokia: }}
blocks:
  begin:
    - enroll: {user: ann, browser: laptop, phone: pixel}
    - wait: 1m
steps:
  - use: begin
  - visit: {browser: laptop}
  - enroll: {user: bob, browser: kiosk, phone: nokia}
  - wait: 5m
  - sign_in: {user: ann, browser: tablet, phone: pixel}
    expect: {outcome: wrong_code}
"""


def test_a_file_that_fails_is_shrunk_and_its_steps_that_matter_are_named(tmp_path, stage):
    file = tmp_path / "long.mfa.yaml"
    file.write_text(FAILING, encoding="utf-8")
    found = shrunk_file(file, stage, seconds=60)
    assert found.trouble.invariant == "expectation"
    assert [line for line, _ in found.lines] in ([7, 8, 14], [7, 13, 14])  # one of both waits is enough
    assert found.lines[0][1] == "enroll: {user: ann, browser: laptop, phone: pixel}"
    assert found.steps_before == 6
    (scenario,) = parse(found.text, file="short.mfa.yaml")
    assert scenario.title == "A long way to a wrong expectation"
    assert play(scenario, stage.wall).failed


def test_a_file_that_passes_has_nothing_to_shrink(tmp_path, stage):
    file = tmp_path / "good.mfa.yaml"
    file.write_text("scenario: Good\nsteps:\n  - wait: 1s\n", encoding="utf-8")
    assert shrunk_file(file, stage, seconds=10) is None


def test_a_broken_invariant_of_a_file_is_shrunk(tmp_path, stage, hole):
    if hole.name != "a code is good twice":
        pytest.skip("one hole shows it")
    file = tmp_path / "long.mfa.yaml"
    file.write_text(
        textwrap.dedent(
            """\
            scenario: Replayed
            users: {ann: {password: correct horse, phones: {pixel: }}}
            matrix: {policy.digits: [6, 8]}
            steps:
              - enroll: {user: ann, browser: laptop, phone: pixel}
              - wait: 1m
              - sign_in: {user: ann, browser: kiosk, phone: pixel}
              - visit: {browser: laptop}
              - sign_in: {user: ann, browser: tablet, phone: pixel}
                expect: {outcome: used_code}
            """
        ),
        encoding="utf-8",
    )
    found = shrunk_file(file, stage, seconds=60)
    assert (found.trouble.invariant, len(found.lines)) == ("code_once", 2)
    assert plot_of_file(file).plot.top["policy"] == {"digits": "6"}
