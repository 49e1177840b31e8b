"""How everything stands at a moment of a story."""

from __future__ import annotations

import pytest

from mfa_simulator.play.running import play
from mfa_simulator.world.clocks import frozen_wall_clock


@pytest.fixture
def state_after(scenario_of):
    """``state_after(steps, top="")``: the lines of the state after the last step."""

    def run(steps, top=""):
        scenario = scenario_of(steps, top)
        with frozen_wall_clock(scenario.start) as wall:
            played = play(scenario, wall, until=scenario.steps[-1].position.line)
        return [line.strip() for line in played.state]

    return run


def test_clocks_are_told_with_their_error(state_after):
    state = state_after(
        "- set_clock: {phone: pixel, offset: -45s}\n- server_clock: {worker: 2, offset: 2m}\n",
        top="workers: 2\n",
    )
    assert "phone user1/pixel: shows 2025-12-31 23:59:15.000, 45s slow; no key" in state
    assert "phone user1/spare: shows 2026-01-01 00:00:00.000, right; no key" in state
    assert state[-2:] == [
        "worker 1: shows 2026-01-01 00:00:00.000, right",
        "worker 2: shows 2026-01-01 00:02:00.000, 2m fast",
    ]


def test_a_code_is_told_with_how_long_the_phone_shows_it(state_after):
    state = state_after(
        "- enroll: {user: user1, browser: laptop, phone: pixel}\n- set_clock: {phone: pixel, offset: -45s}\n"
    )
    # The phone is 20 s into its step at 00:00:05: it shows 23:59:20.
    (phone,) = [line for line in state if line.startswith("phone user1/pixel")]
    assert phone.endswith(" of step 58907518, for 10s more")


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            "- password: {user: user1, browser: laptop}\n",
            "page enroll, status 200, must_enroll; used by user1; cookies ",
        ),
        (
            "- visit: {browser: laptop}\n  network: {lose: request}\n  expect: {outcome: timeout}\n",
            "no reply; nobody signed in; cookies none",
        ),
        (
            "- visit: {browser: laptop}\n  expect: {}\n- close_browser: {browser: laptop}\n",
            "no page; nobody signed in; cookies ",
        ),
    ],
)
def test_a_browser_is_told_by_its_page_its_user_and_its_cookies(state_after, steps, told):
    (browser,) = [line for line in state_after(steps) if line.startswith("browser laptop")]
    assert browser.startswith(f"browser laptop: {told}")


def test_what_the_desk_gave_to_a_user_is_told(state_after):
    state = state_after(
        """\
- enroll: {user: user1, browser: laptop, phone: pixel}
- guess: {user: user1, browser: thief}
- support_reset: {user: user1, email: user1@example.com, reason: new phone}
"""
    )
    (user,) = [line for line in state if line.startswith("user user1")]
    assert "no phone; no recovery code; sessions none" in user
    assert "; was given the enrollment code " in user
