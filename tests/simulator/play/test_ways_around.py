"""What attackers do who look for a way around the sign-in page."""

from __future__ import annotations

import pytest

from mfa_simulator.language.parser import parse
from mfa_simulator.play.running import play
from mfa_simulator.world import session_portals
from mfa_simulator.world.clocks import frozen_wall_clock

pytestmark = pytest.mark.any_python

HEAD = """\
scenario: A story
portal: {{kind: {kind}, {way}: yes}}
users:
  user1: {{password: correct horse, email: user1@example.com, phones: {{pixel: }}}}
steps:
  - enroll: {{user: user1, browser: laptop, phone: pixel}}
"""


def played(steps, *, kind="looked_up", way="signs_in_anywhere"):
    (scenario,) = parse(HEAD.format(kind=kind, way=way) + steps, file="story.mfa.yaml")
    with frozen_wall_clock(scenario.start) as wall:
        return play(scenario, wall)


def broken(story):
    return {violation.invariant for moment in story.moments for violation in moment.broken}


@pytest.mark.requirement("D40")
@pytest.mark.parametrize("form", ["form", "json", "multipart", "query"])
def test_a_sign_in_at_another_page_that_is_not_declared_is_held(monkeypatch, form):
    monkeypatch.setattr(session_portals, "_settings", lambda _: {"renews_sessions": True})
    attack = f"  - password_elsewhere: {{user: user1, browser: thief, as: {form}}}\n"
    story = played(attack)
    assert story.moments[1].found.outcome == "must_verify"


@pytest.mark.requirement("D42")
def test_a_form_that_finishes_as_the_user_breaks_both_factors(monkeypatch):
    settings = {"sign_in_paths": ("/sign-in",), "keeps_session_id": "accept"}
    monkeypatch.setattr(session_portals, "_settings", lambda _: settings)
    story = played("  - slow_upload: {user: user1, browser: thief}\n", way="keeps_session_id")
    assert broken(story) == {"both_factors"}


@pytest.mark.requirement("D39")
def test_an_undeclared_cookie_that_goes_out_in_clear_breaks_an_invariant(monkeypatch):
    settings = {"renews_sessions": True, "unsealed_cookies": ["stay"]}
    monkeypatch.setattr(session_portals, "_settings", lambda _: settings)
    story = played("  - password: {user: user1, browser: thief}\n", way="stays_signed_in")
    assert "secrets" in broken(story)


def test_cookies_that_were_kept_are_put_back_in_the_place_of_others():
    steps = """\
  - keep_cookies: {browser: laptop, as: hers}
  - restore_cookies: {browser: copy, cookies: hers}
  - visit: {browser: copy}
  - clear_cookies: {browser: laptop}
  - visit: {browser: laptop}
    expect: {outcome: sign_in_required}
"""
    story = played(steps)
    assert not story.failed


def test_cookies_that_nobody_kept_cannot_be_put_back():
    story = played("  - restore_cookies: {browser: copy, cookies: hers}\n")
    assert story.moments[-1].failures == ("no cookies were kept as hers",)


def test_a_way_in_needs_a_portal_that_keeps_its_sessions(problems_of):
    text = HEAD.format(kind="signed", way="stays_signed_in")
    assert problems_of(text) == [
        (
            "2:9: stays_signed_in needs a portal that keeps its sessions itself: kind is looked_up or observed"
            " [wrong-value]"
        )
    ]
