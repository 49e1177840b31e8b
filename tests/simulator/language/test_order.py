"""What steps need of the steps before them."""

from __future__ import annotations

import pytest

from mfa_simulator.language.parser import parse

HEAD = """\
scenario: A story
users:
  user1: {password: correct horse, phones: {pixel: , spare: }}
"""
ENROLL = "  - enroll: {user: user1, browser: laptop, phone: pixel}\n"


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("  - retry: {browser: hotel}\n", "which no step before this one uses"),
        ("  - back: {browser: labtop}\n", 'Did you mean "laptop"?'),
        ("  - sign_in: {user: user1, browser: labtop, phone: pixel}\n  - visit: {browser: laptop}\n", '"laptop"?'),
        ("  - steal_cookie: {user: user1, browser: thief, from: labtop}\n", 'Did you mean "laptop"?'),
        ("  - read_code: {phone: spare, as: seen}\n", "no step before this one puts a key into the phone spare"),
        ("  - read_code: {phone: pixel, as: seen}\n  - enter_code: {user: user1, browser: laptop, code: sene}\n",
         'Did you mean "seen"?'),
        ("  - enter_code: {user: user1, browser: laptop, code: seen}\n  - read_code: {phone: pixel, as: seen}\n",
         "read only in line 7, after this step"),
        ("  - set_clock: {phone: nokia, offset: 1s}\n  - new_phone: {user: user1, phone: nokia}\n",
         "there is no phone nokia before this step"),
        ("  - wait: 1d\n  - wait_until: 2026-01-01T12:00:00Z\n", "that moment has passed"),
    ],
)  # fmt: skip
def test_a_step_that_can_never_work_is_a_problem_of_the_file(problems_of, steps, message):
    (problem,) = problems_of(f"{HEAD}steps:\n{ENROLL}{steps}")
    assert message in problem


@pytest.mark.parametrize(
    "steps",
    [
        "  - visit: {browser: laptop1}\n  - visit: {browser: laptop}\n",  # a number tells two browsers apart
        "  - visit: {browser: one}\n  - visit: {browser: two}\n",
        "  - enter_code: {user: user1, browser: laptop, code: 'sene'}\n",  # typed as it stands
        "  - recover: {user: user1, browser: laptop, code: previous}\n",
        "  - back: {browser: laptop/orders}\n",  # a tab of a browser that is there
    ],
)
def test_what_only_looks_like_a_slip_is_none(steps):
    assert parse(f"{HEAD}steps:\n{ENROLL}{steps}", file="story.mfa.yaml")


def test_a_browser_that_is_declared_may_have_any_name():
    steps = f"{ENROLL}  - visit: {{browser: labtop}}\n  - visit: {{browser: laptop}}\n"
    assert parse(f"{HEAD}browsers: {{labtop: }}\nsteps:\n{steps}", file="story.mfa.yaml")


def test_a_story_begins_where_every_clock_can_follow(problems_of):
    for year in ("1960", "9999"):
        (problem,) = problems_of(f"{HEAD}start: {year}-01-01T00:00:00Z\nsteps:\n{ENROLL}")
        assert "the years from 1971 to 9990" in problem


def test_a_title_is_one_line_and_a_password_is_not_empty(problems_of):
    text = HEAD.replace("A story", '"one\\ntwo"').replace("correct horse", "''")
    title, password = problems_of(f"{text}steps:\n{ENROLL}")
    assert "a title is one line" in title
    assert "at least one character" in password
