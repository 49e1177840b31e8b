"""The judge of app passwords convicts a middleware that breaks their rules, and no healthy one (D50)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_simulator.language.parser import parse
from mfa_simulator.play.running import play
from mfa_simulator.world.calendar import credentials_in, header_of
from mfa_simulator.world.clocks import frozen_wall_clock
from wsgi_mfa.core import app_passwords, commands, engine

pytestmark = [pytest.mark.requirement("D50"), pytest.mark.any_python]

STORY = """\
scenario: A program
programs: yes
users:
  user1: {password: correct horse, email: user1@example.com, phones: {pixel: }}
steps:
  - enroll: {user: user1, browser: laptop, phone: pixel}
  - make_app_password: {user: user1, browser: laptop, program: calendar, path: /calendars}
"""
USE = "  - use_app_password: {user: user1, program: calendar}\n    expect: {}\n"
END = "  - end_app_password: {user: user1, browser: laptop, program: calendar}\n    expect: {}\n"


def played(scenario):
    with frozen_wall_clock(scenario.start) as wall:
        return play(scenario, wall).moments


def broken(steps):
    """The invariants that playing the story with these steps breaks."""
    (scenario,) = parse(STORY + steps, file="story.mfa.yaml")
    return {each.invariant for moment in played(scenario) for each in moment.broken}


def test_a_healthy_middleware_breaks_nothing():
    assert broken(USE + END + USE) == set()


def test_a_good_one_that_is_turned_away_breaks_an_invariant(monkeypatch):
    monkeypatch.setattr(app_passwords, "find", lambda *_: None)
    assert broken(USE) == {"answer"}


def test_one_that_is_good_at_another_path_breaks_an_invariant(monkeypatch):
    monkeypatch.setattr(app_passwords, "reaches", lambda *_: True)
    assert broken(USE.replace("program: calendar", "program: calendar, path: /orders")) == {"both_factors"}


def test_one_that_ends_without_an_event_breaks_an_invariant(monkeypatch):
    rule = engine.HANDLERS[commands.RevokeAppPasswords]
    monkeypatch.setitem(
        engine.HANDLERS, commands.RevokeAppPasswords, lambda *asked: replace(rule(*asked), events=())
    )
    assert broken("  - revoke_app_passwords: {user: user1}\n    expect: {}\n") == {"events"}


def test_a_file_without_programs_has_none():
    (scenario,) = parse(STORY.replace("programs: yes\n", ""), file="story.mfa.yaml")
    failed = [moment for moment in played(scenario) if moment.failures]
    assert "programs: yes" in " ".join(failed[-1].failures)


@pytest.mark.parametrize("header", [None, "", "Bearer x", "Basic", "Basic ä", "Basic eA==", "Basic /w=="])
def test_other_headers_hold_no_credentials(header):
    assert credentials_in(header) is None


def test_what_a_program_sends_is_read_again():
    assert credentials_in(header_of("ann", "a:b")) == ("ann", "a:b")
