"""Scenario files: what they may say, and what is said about those that may not."""

from __future__ import annotations

import pytest

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.language.parser import parse, read_file
from mfa_simulator.language.quantities import SECOND, instant

GOOD = """
scenario: A story
about: What it is about
tags: [clock, slow]
start: 2026-03-02T09:00:00Z
seed: 7
policy: {steps_back: 0, enrollment: closed}
network: {latency: 20ms}
workers: 2
users:
  user1: {password: correct horse, email: user1@example.com, phones: {pixel: {offset: -45s, drift_ppm: 50}, old: }}
  user2: {password: 012345}
steps:
  - wait: 1m
finally:
  - wait: 1s
"""


def test_the_top_of_a_file_is_read():
    (scenario,) = parse(GOOD, file="x")
    assert (scenario.title, scenario.about, scenario.tags) == (
        "A story",
        "What it is about",
        ("clock", "slow"),
    )
    assert (scenario.start, scenario.seed, scenario.workers) == (instant("2026-03-02T09:00:00Z"), 7, 2)
    assert scenario.policy == {"steps_back": 0, "enrollment": "closed"}
    assert scenario.network.latency == 20_000
    user1, user2 = scenario.users
    assert user1.phones["pixel"].offset == -45 * SECOND
    assert user1.phones["old"].offset == 0
    assert (user2.password, user2.email, dict(user2.phones)) == ("012345", None, {})
    assert [step.verb for step in scenario.finally_steps] == ["wait"]


def test_what_is_left_out_has_a_default(scenario_of):
    scenario = scenario_of("- wait: 1s")
    assert scenario.start == instant("2026-01-01T00:00:00Z")
    assert (scenario.seed, scenario.workers, scenario.tags, dict(scenario.policy)) == (0, 1, (), {})
    assert scenario.network.client_timeout == 30 * SECOND


def test_all_problems_of_a_file_are_told_at_once_from_top_to_bottom(problems_of):
    problems = problems_of(
        """\
        scenaro: typo
        start: yesterday
        users: {user1: {password: x, phones: {pixel: {offset: 5}}}}
        steps:
          - enrol: {user: user1, browser: laptop, phone: pixel}
          - wait: 5
        """
    )
    assert [problem.partition(" ")[0] for problem in problems] == [
        "1:1:",
        "1:1:",
        "2:8:",
        "3:55:",
        "5:5:",
        "6:11:",
    ]


@pytest.mark.parametrize(
    ("top", "problem"),
    [
        ("colour: blue", '1:1: no key "colour" at the top of a scenario; the keys are: scenario, about'),
        ("stepps: []", 'Did you mean "steps"?'),
        ("policy: {steps_bak: 1}", '1:10: policy has no setting "steps_bak". Did you mean "steps_back"?'),
        ("policy: {steps_back: 9}", "1:22: policy.steps_back is 9: legal is 0 to 2"),
        ("policy: {steps_back: one}", '1:22: policy.steps_back: "one" is not a whole number'),
        ("policy: {enrollment: shut}", "1:22: policy.enrollment is 'shut': legal is open, invited, closed"),
        ("policy: [1]", "1:9: policy is a mapping"),
        ("start: 2026-01-01", '1:8: "2026-01-01" is not an instant with a zone'),
        ("seed: -1", '1:7: "-1" is not a whole number from 0 up'),
        ("workers: 0", '1:10: "0" is not a whole number from 1 to 64'),
        ("users: {u: {password: x, phones: {p: {ofset: 1s}}}}", 'a phone has no key "ofset"'),
        ("users: {u: {email: a@b.c}}", '1:12: the user "u" needs the key "password"'),
        ("users: {u: x}", '1:12: the user "u" is a mapping of password, email, count, groups, phones'),
        ("users: [u]", "1:8: users is a mapping"),
        ("network: {loose: response}", 'network has no key "loose"; the keys are: latency'),
        ("always: {code_one: off}", '1:10: no invariant "code_one". Did you mean "code_once"?'),
        ("always: {code_once: maybe}", '1:21: "maybe" is not yes or no'),
        ("always: code_once", "1:9: always is a mapping of invariants to off"),
        ("blocks: {a: 1}", '1:13: the block "a" is a list of steps'),
        ("finally: 1", "1:10: finally is a list of steps"),
    ],
)
def test_a_wrong_key_or_value_at_the_top_is_told_with_its_place(problems_of, top, problem):
    found = problems_of(f"{top}\nscenario: x\nsteps:\n  - wait: 1s\n")
    assert len(found) == 1
    assert problem in found[0]


def test_every_setting_out_of_range_is_told(problems_of):
    found = problems_of(
        "scenario: x\npolicy: {steps_back: 9, steps_ahead: 1, digits: 4, period_seconds: 5}\nsteps: [wait: 1s]\n"
    )
    assert found == [
        "2:22: policy.steps_back is 9: legal is 0 to 2 [policy]",
        "2:49: policy.digits is 4: legal is 6 to 8 [policy]",
        "2:68: policy.period_seconds is 5: legal is 30 to 60 [policy]",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a\n- b", "1:1: a scenario file is a mapping"),
        ("scenario: x", "1:1: a scenario needs the key `steps`"),
        ("steps: [wait: 1s]", "1:1: a scenario needs the key `scenario`"),
        ("scenario: x\nsteps: []", "2:8: steps is empty"),
        ("scenario: \nsteps: [wait: 1s]", "1:10: a text is needed here, and nothing stands here"),
    ],
)
def test_a_file_that_is_no_scenario_says_why(problems_of, text, problem):
    assert any(problem in found for found in problems_of(text))


def test_a_problem_shows_the_line_with_a_caret():
    with pytest.raises(ScenarioFileError) as caught:
        parse("scenario: x\nsteps:\n  - wait: 5\n", file="x.mfa.yaml")
    (problem,) = caught.value.problems
    assert str(problem).startswith("x.mfa.yaml:3:11: ")
    assert problem.picture.splitlines() == ["      - wait: 5", "              ^"]


def test_a_file_is_read_as_utf_8_with_or_without_a_mark(tmp_path):
    path = tmp_path / "x.mfa.yaml"
    path.write_bytes("\ufeffscenario: Café\nsteps: [wait: 1s]\n".encode())
    assert read_file(path)[0].title == "Café"


@pytest.mark.parametrize("content", [b"scenario: \xff", None])
def test_a_file_that_cannot_be_read_is_a_bad_file(tmp_path, content):
    path = tmp_path / "x.mfa.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ScenarioFileError, match=r"x\.mfa\.yaml:1:1: the file cannot be read"):
        read_file(path)
