"""The steps of a scenario file."""

from __future__ import annotations

import pytest

from mfa_simulator.language.quantities import SECOND

TOP = """\
scenario: x
users:
  user1: {password: x, phones: {pixel: }}
steps:
"""


def test_every_argument_has_its_default(scenario_of):
    (step,) = scenario_of("- enroll: {user: user1, browser: laptop, phone: pixel}").steps
    assert step["typing"] == 5 * SECOND
    assert (step["manual"], step["save"]) == (False, True)
    assert step.expect is None


def test_codes_stay_text(scenario_of):
    (step,) = scenario_of("- sign_in: {user: user1, browser: laptop, code: 012345}").steps
    assert step["code"] == "012345"


def test_expectations_and_network_are_read(scenario_of):
    (step,) = scenario_of(
        """\
        - sign_in: {user: user1, browser: laptop, phone: pixel, typing: 300ms}
          network: {lose: response, latency: 2s}
          expect:
            {outcome: [signed_in, timeout], hint: none, retry_after: 30s, app_called: no, events: sign_out, status: 422}
        """
    ).steps
    assert step.network == {"lose": "response", "latency": 2 * SECOND}
    assert step.expect.outcomes == ("signed_in", "timeout")
    assert (step.expect.hint, step.expect.retry_after_seconds, step.expect.app_called) == ("none", 30, "no")
    assert (step.expect.events, step.expect.status) == (("sign_out",), 422)


def test_blocks_are_put_in_where_they_are_used(scenario_of):
    steps = scenario_of(
        "- use: twice\n- wait: 3s",
        top="""\
        blocks:
          once: [wait: 1s]
          twice: [use: once, use: once]
        """,
    ).steps
    assert [step["value"] for step in steps] == [SECOND, SECOND, 3 * SECOND]


def test_steps_at_the_same_time_are_a_list_in_a_step(scenario_of):
    (step,) = scenario_of(
        """\
        - together:
            - visit: {browser: a}
            - visit: {browser: b}
              expect: {outcome: sign_in_required}
        """
    ).steps
    assert [inner["browser"] for inner in step.steps] == ["a", "b"]
    assert step.steps[1].expect.outcomes == ("sign_in_required",)


def test_a_phone_that_comes_later_may_be_named(scenario_of):
    steps = scenario_of(
        """\
        - new_phone: {user: user1, phone: galaxy}
        - clone_phone: {user: user1, phone: galaxy, as: copy}
        - read_code: {phone: copy, as: seen}
        """
    ).steps
    assert [step.verb for step in steps] == ["new_phone", "clone_phone", "read_code"]


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("enrol: {}", '5:5: no verb "enrol". Did you mean "enroll"?'),
        ("fly: {}", '5:5: no verb "fly". The keys of a step are: wait, wait_until'),
        ("wait: 5", '5:11: "5" is not a duration'),
        ("wait: -5s", '5:11: "-5s" goes back in time'),
        ("wait: [1s]", "5:11: a duration such as 45s is needed here, not a list"),
        ("wait: ", "5:10: a duration such as 45s is needed here, and nothing stands here"),
        ("wait_until: step2", '5:17: "step2" is not a moment'),
        (
            "set_clock: {phone: pixel}",
            "5:5: set_clock needs one of offset, jump, drift_ppm, wrong_zone, synchronise",
        ),
        ("set_clock: {phone: pixel, offset: 1s, jump: 1s}", "5:5: set_clock takes only one of offset, jump"),
        (
            "set_clock: {phone: pixle, offset: 1s}",
            'no phone "pixle" in this file; there is: pixel. Did you mean "pixel"?',
        ),
        (
            "visit: {browser: a, paht: /}",
            'visit has no key "paht"; the keys are: browser, path. Did you mean "path"?',
        ),
        ("visit: {browser: a, path: reports}", '"reports" is not a path'),
        ("visit: {}", '5:12: visit needs the key "browser"'),
        ("visit: laptop", "5:12: visit takes a mapping of browser, path"),
        ("sign_in: {user: user1, browser: a}", "5:5: sign_in needs one of phone, code"),
        (
            "sign_in: {user: user1, browser: a, phone: pixel, code: 1}",
            "sign_in takes only one of phone, code",
        ),
        ("password: {user: user1, browser: a, wrong: maybe}", '"maybe" is not yes or no'),
        ("support_reset: {user: user1, reason: x}", 'support_reset needs the key "email"'),
        ("guess: {user: user1, browser: a, times: 0}", '"0" is not a whole number from 1 to 100000'),
        ("restart: {worker: 2}", 'no worker "2": this file has workers 1 to 1'),
        ("store_fails: {when: during, calls: 1}", '"during" is not legal here. Legal are: before, after'),
        ("change_policy: {steps_back: 7}", "5:33: policy.steps_back is 7"),
        ("use: nothing", '5:10: no block "nothing"; there is: none.'),
        ("together: []", "5:15: together is a list of steps"),
        ("together: [restart: {}]", "5:16: restart cannot happen at the same time as other steps"),
        ("request: {browser: a, path: /}", 'request needs the key "method"'),
        ("post: {browser: a, data: [1]}", "a mapping of names to texts is needed here"),
    ],
)
def test_a_wrong_step_is_told_with_its_place(problems_of, step, problem):
    found = problems_of(f"{TOP}  - {step}\n")
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            "- wait: 1s\n    visit: {browser: a}",
            "5:5: a step has exactly one verb, and this one has wait, visit",
        ),
        ("- expect: {outcome: welcome}", "5:5: a step has exactly one verb, and this one has none"),
        ("- 5", "5:5: a step is a mapping with one verb"),
        (
            "- wait: 1s\n    expect: {outcome: welcome}",
            "6:13: wait asks nobody, so nothing can be expected of it",
        ),
        ("- visit: {browser: a}\n    expect: welcome", "6:13: expect is a mapping of outcome, hint"),
        (
            "- visit: {browser: a}\n    expect: {outcome: welcom}",
            'is not legal here. Did you mean "welcome"?',
        ),
        ("- visit: {browser: a}\n    expect: {outcome: reset}", "6:13: visit cannot end in reset"),
        ("- visit: {browser: a}\n    expect: {outcome: []}", "6:23: at least one is needed here"),
        ("- visit: {browser: a}\n    expect: {colour: red}", 'expect has no key "colour"'),
        ("- visit: {browser: a}\n    network: {lose: reply}", "Legal are: request, response"),
        ("- wait: 1s\n    network: {lose: response}", "6:14: wait sends no request"),
        ("- use: a\n    expect: {outcome: welcome}", "a step with `use` has no other key"),
    ],
)
def test_a_step_has_one_verb_and_what_fits_it(problems_of, lines, problem):
    found = problems_of(f"{TOP}  {lines}\n")
    assert len(found) == 1
    assert problem in found[0]


def test_a_block_cannot_use_itself(problems_of):
    (found,) = problems_of("scenario: x\nblocks: {a: [use: b], b: [use: a]}\nsteps: [use: a]\n")
    assert 'the block "a" uses itself' in found
