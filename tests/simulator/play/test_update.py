"""Filling in what steps came to."""

from __future__ import annotations

import textwrap

import pytest

from mfa_simulator.language.parser import parse
from mfa_simulator.play.running import play_unjudged
from mfa_simulator.play.update import updated
from mfa_simulator.world.clocks import frozen_wall_clock

pytestmark = pytest.mark.any_python

HEAD = """\
# Why: an example.
scenario: A story
users:
  user1: {password: correct horse, email: user1@example.com, phones: {pixel: }}
steps:
  - enroll: {user: user1, browser: laptop, phone: pixel}
"""


@pytest.fixture
def update():
    """``update(steps, head=HEAD)``: a file with these steps, played and filled in."""

    def fill(steps, head=HEAD):
        text = head + textwrap.indent(textwrap.dedent(steps), "  ")
        scenarios = parse(text, file="story.mfa.yaml")
        with frozen_wall_clock(scenarios[0].start) as wall:
            plays = [play_unjudged(scenario, wall) for scenario in scenarios]
        return updated(text, scenarios, plays)

    return fill


def filled(result, head=HEAD):
    assert result.text.startswith(head)
    return textwrap.dedent(result.text[len(head) :])


def test_what_is_as_expected_stays_byte_for_byte(update):
    steps = '- visit:   { browser: "laptop" }  # spaced\n  expect: {outcome: welcome}\n\n# the end\n'
    result = update(steps)
    assert (filled(result), result.filled) == (steps, 0)


def test_a_wrong_expectation_is_put_right_and_the_comments_stay(update):
    steps = """\
    - sign_in: {user: user1, browser: tablet, phone: pixel}  # the same code
      expect: {outcome: signed_in, hint: none}               # once only
    """
    expected = """\
    - sign_in: {user: user1, browser: tablet, phone: pixel}  # the same code
      expect: {outcome: used_code, hint: wait_for_next}               # once only
    """
    assert filled(update(steps)) == textwrap.dedent(expected)


def test_a_step_that_fails_without_an_expectation_gets_one(update):
    steps = """\
    - sign_in: {user: user1, browser: tablet, phone: pixel}  # the same code
    - visit: {browser: laptop}
    - {visit: {browser: thief}}
    """
    expected = """\
    - sign_in: {user: user1, browser: tablet, phone: pixel}  # the same code
      expect: {outcome: used_code, hint: wait_for_next}
    - visit: {browser: laptop}
    - {visit: {browser: thief}, expect: {outcome: sign_in_required}}
    """
    result = update(steps)
    assert (filled(result), result.filled) == (textwrap.dedent(expected), 2)


def test_an_empty_expectation_gets_what_is_worth_telling(update):
    result = update("- recover: {user: user1, browser: tablet}\n  expect: {}\n")
    assert "expect: {outcome: signed_in, recovery_code: new}\n" in result.text


def test_expectations_in_block_style_stay_in_block_style(update):
    steps = """\
    - sign_in:
        user: user1
        browser: tablet
        phone: pixel
      expect:
        outcome: signed_in   # hopeful
        retry_after: 3

    - request:
        browser: laptop
        method: POST
        path: /
        body: |
          two
          lines
      expect:
        status: 200
    """
    result = filled(update(steps))
    assert "    outcome: used_code   # hopeful\n    retry_after: 20s\n\n- request" in result
    assert result.endswith("      lines\n  expect:\n    status: 405\n")


def test_the_steps_of_a_block_and_of_a_matrix_come_to_any_of_their_outcomes(update):
    top = "matrix: {workers: [1, 2]}\nblocks:\n  look:\n    - visit: {browser: laptop}\nsteps:\n"
    steps = """\
    - use: look
    - sign_out: {browser: laptop}
    - use: look
    """
    head = HEAD.replace("steps:\n", top)
    result = update(steps, head)
    wanted = "    - visit: {browser: laptop}\n      expect: {outcome: [welcome, sign_in_required]}\n"
    expected = head.replace("    - visit: {browser: laptop}\n", wanted)
    assert result.text == expected + textwrap.indent(textwrap.dedent(steps), "  ")


def test_what_differs_between_rows_and_cannot_is_left(update):
    head = HEAD.replace("steps:\n", "matrix: {policy.backoff_seconds_min: [60, 90]}\nsteps:\n")
    steps = """\
    - wait: 1m
    - guess: {user: user1, browser: thief, times: 6, every: 1s}
      expect: {outcome: locked, retry_after: 1}
    """
    result = update(steps, head)
    assert result.left == ((9, "retry_after: 59s and 89s, in different places or rows"),)


def test_what_cannot_be_played_or_expected_is_told_with_its_line(update):
    steps = """\
    - close_browser: {browser: laptop}
    - back: {browser: laptop}
    - visit: {browser: laptop}
      expect: {retry_after: 5}
    """
    result = update(steps)
    assert result.left == (
        (8, "the browser laptop has no page to go back to"),
        (9, "retry_after: there was none, which cannot be expected"),
    )
    assert filled(result) == textwrap.dedent(steps)


def test_steps_at_the_same_time_and_line_ends_of_another_system(update):
    steps = (
        "- together:\n"
        "    - visit: {browser: laptop}\n"
        "      expect: {outcome: locked}\n"
        "    - visit: {browser: thief}\n"
    ).replace("\n", "\r\n")
    result = update(steps, HEAD.replace("\n", "\r\n"))
    assert "expect: {outcome: welcome}\r\n" in result.text
    assert result.text.endswith(
        "- visit: {browser: thief}\r\n        expect: {outcome: sign_in_required}\r\n"
    )


def test_a_file_that_was_filled_in_passes_and_is_filled_in_already(update):
    steps = "- visit: {browser: thief}\n- sign_in: {user: user1, browser: tablet, phone: pixel}"
    once = update(steps)
    again = update(textwrap.dedent(once.text[len(HEAD) :]))
    assert once.filled == 2
    assert (again.text, again.filled) == (once.text, 0)
