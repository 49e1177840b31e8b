"""A step is explained in words: what was judged, where the code lies, and which fields changed."""

from __future__ import annotations

import textwrap

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main
from mfa_simulator.inspection.fields import changed_fields
from mfa_simulator.inspection.moment import story_at
from mfa_simulator.inspection.why import why
from mfa_simulator.language.parser import parse
from mfa_simulator.world.clocks import frozen_wall_clock
from wsgi_mfa.core.account import Account, Failures, RecoveryCode

pytestmark = pytest.mark.any_python

STORY = """\
scenario: A morning
users:
  user1: {password: correct horse, email: user1@example.com, phones: {pixel: }}
  user2: {password: battery staple, phones: {nokia: }}
steps:
  - enroll: {user: user1, browser: laptop, phone: pixel}
  - wait: 2m
  - read_code: {phone: pixel, as: seen}
  - sign_in: {user: user1, browser: tablet, phone: pixel}
  - sign_in: {user: user1, browser: thief, code: seen}
    expect: {outcome: used_code}
  - wait: 5m
  - enter_code: {user: user1, browser: thief, code: seen}
    expect: {outcome: wrong_code}
  - guess: {user: user1, browser: thief, times: 4}
  - recover: {user: user1, browser: desktop}
  - server_clock: {offset: 10s}
  - enter_code: {user: user1, browser: thief, phone: pixel}
    expect: {outcome: locked}
  - start_enrollment: {user: user2, browser: kiosk, phone: nokia}
  - enter_code: {user: user2, browser: kiosk, code: '123456'}
    expect: {outcome: wrong_code}
  - confirm_enrollment: {user: user2, browser: kiosk, phone: nokia}
"""


def line_of(words):
    return next(number for number, line in enumerate(STORY.splitlines(), start=1) if words in line)


@pytest.fixture
def told():
    """``told(words)``: why the step of the line with these words came to what it did."""

    def explain(words):
        (scenario,) = parse(STORY, file="story.mfa.yaml")
        with (
            frozen_wall_clock(scenario.start) as wall,
            story_at(scenario, line_of(words), wall) as moment,
        ):
            return "\n".join(why(moment))

    return explain


def test_an_accepted_code_is_drawn_in_its_window_and_the_changes_are_shown(told):
    text = told("browser: tablet")
    assert "came to signed_in: the second factor was accepted" in text
    assert "the code is that of step 58907524, within the window" in text
    assert (
        textwrap.dedent(
            """\
              step   -4    -3    -2  [ -1    0     +1 ]  +2    +3    +4
                     .    used   .     .     .     .     .     .     .
             typed                           ^
        """
        )
        not in text
    )  # the enrollment was four steps ago
    assert "[ -1    0     +1 ]" in text
    assert "authenticator.last_step" in text
    assert "58907520" in text


def test_a_used_code_says_when_it_was_used_up(told):
    text = told("browser: thief, code: seen}\n" if False else "sign_in: {user: user1, browser: thief")
    assert "came to used_code, hint wait_for_next" in text
    assert "within the window, used up 5s before" in text
    assert "account user1:" not in text


def test_a_code_outside_of_the_window_says_on_which_side(told):
    text = told("enter_code: {user: user1, browser: thief, code: seen}")
    assert "came to wrong_code" in text
    assert "9 steps before the window" in text
    assert "code_failures.consecutive_count" in text


def test_a_lock_and_a_wrong_clock_are_told(told):
    text = told("enter_code: {user: user1, browser: thief, phone: pixel}")
    assert "came to locked" in text
    assert "a lock of 30 s since" in text
    assert "worker 1, whose clock is 10s fast" in text


def test_a_recovery_code_is_told_by_what_it_is(told):
    text = told("recover: {user: user1")
    assert "it is the current recovery code" in text
    assert "recovery_code.id" in text


def test_a_code_for_a_pending_key_is_told(told):
    assert "it is no code of a step near" in told("code: '123456'")
    text = told("confirm_enrollment")
    assert "for the pending key" in text
    assert "within the window" in text
    assert "authenticator.id" in text


def test_no_secret_stands_in_what_is_told(told):
    texts = [told(words) for words in ("browser: tablet", "recover: {user: user1", "confirm_enrollment")]
    for text in texts:
        assert "sealed" not in text
        assert "digest" not in text
        assert not [word for word in text.split() if len(word) > 24 and word.isalnum()]


def test_fields_that_differ_are_told_and_no_others():
    code = RecoveryCode(id="ab" * 16, sealed_digest="d", made_at=1_767_225_600_000_000, sealed_copy="c")
    before = Account(user="ann", generation="1" * 32, recovery_code=code)
    stored = RecoveryCode(id="ab" * 16, sealed_digest="d", made_at=code.made_at, sealed_copy=None)
    after = Account(
        user="ann", generation="1" * 32, recovery_code=stored, code_failures=Failures(consecutive_count=2)
    )
    assert changed_fields(before, after) == [
        ("recovery_code.acknowledged", "no", "yes"),
        ("code_failures.consecutive_count", "0", "2"),
    ]
    assert changed_fields(after, after) == []
    assert ("user", "-", "ann") in changed_fields(None, before)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("story.mfa.yaml", "names no line: legal is FILE:LINE"),
        ("story.mfa.yaml:0", "names no line: legal is FILE:LINE"),
        ("story.mfa.yaml:2", "the first step of story.mfa.yaml begins at line 6"),
        ("nothing.mfa.yaml:2", "the file cannot be read"),
    ],
)
def test_a_place_without_a_step_is_an_error_that_says_what_is_legal(tmp_path, monkeypatch, place, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "story.mfa.yaml").write_text(STORY, encoding="utf-8")
    result = CliRunner().invoke(main, ["why", place])
    assert result.exit_code == 2
    assert told in result.output


def test_the_command_explains_the_step_of_a_line(tmp_path):
    file = tmp_path / "story.mfa.yaml"
    file.write_text(STORY, encoding="utf-8")
    result = CliRunner().invoke(main, ["why", f"{file}:{line_of('browser: tablet')}"])
    assert (result.exit_code, "the second factor was accepted" in result.output) == (0, True)
    result = CliRunner().invoke(main, ["why", f"{file}:9", "--row", "2"])
    assert "has 1" in result.output


def test_a_redirect_is_not_called_an_error(told):
    text = told("browser: tablet, phone: pixel")
    assert "POST /mfa/verify -> 303 See Other -> /mfa/continue" in text
    assert "/mfa/continue (error)" not in text


def test_a_file_that_is_not_there_has_no_place(tmp_path):
    done = CliRunner().invoke(main, ["why", f"{tmp_path}/nofile.yaml:3"])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"{tmp_path}/nofile.yaml: the file cannot be read")
