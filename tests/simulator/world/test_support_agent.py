"""An agent of the support desk at a browser."""

from __future__ import annotations

import pytest

from mfa_simulator.language.parser import parse
from mfa_simulator.play.running import play
from mfa_simulator.world.clocks import frozen_wall_clock

STORY = """
scenario: An agent in the browser
users:
  user1: {password: correct horse, email: user1@example.com, phones: {pixel: , spare: }}
  edith: {password: paper lantern, email: edith@example.com, groups: [GROUP], phones: {hers: }}
steps:
  - enroll: {user: user1, browser: laptop, phone: pixel}
  - enroll: {user: edith, browser: desk, phone: hers}
  - support_reset: {user: user1, email: EMAIL, reason: lost, browser: desk}
    expect: {outcome: [reset, refused]}
"""


@pytest.fixture
def asked():
    """``asked(group, email)``: the outcome of the call, its events, and the paths of its requests."""

    def run(group="support", email="user1@example.com"):
        (scenario,) = parse(STORY.replace("GROUP", group).replace("EMAIL", email), file="story.mfa.yaml")
        with frozen_wall_clock(scenario.start) as wall:
            played = play(scenario, wall)
        assert not played.failed
        last = played.moments[-1]
        requests = [(each.request.method, each.request.path) for each in last.deliveries]
        return last.found.outcome, requests, [each.response.status for each in last.deliveries]

    return run


def test_an_agent_looks_the_caller_up_and_resets_the_account(asked):
    outcome, requests, statuses = asked()
    desk = "/mfa/support"
    assert outcome == "reset"
    assert requests == [("GET", desk), ("POST", desk), ("GET", desk), ("POST", desk)]
    assert statuses == [200, 303, 200, 200]


def test_a_caller_whose_address_does_not_fit_is_refused(asked):
    outcome, _, statuses = asked(email="other@example.com")
    assert (outcome, statuses[-1]) == ("refused", 404)


def test_who_is_no_agent_finds_no_form_and_posts_all_the_same(asked):
    outcome, requests, statuses = asked(group="staff")
    assert (outcome, statuses) == ("refused", [200, 403])
    assert [method for method, _ in requests] == ["GET", "POST"]
