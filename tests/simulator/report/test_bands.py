"""What lasts in a story: codes, sessions, locks."""

from __future__ import annotations

import pytest

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.report.bands import bands_of

pytestmark = pytest.mark.any_python

ENROLLED = "- enroll: {user: user1, browser: laptop, phone: pixel}\n"


@pytest.fixture
def bands(played):
    """``bands(steps, kind, top="")``: the bands of one kind as (lane, from, to), in seconds since the start."""

    def read(steps, kind, top=""):
        play = played(steps, top)
        assert not play.failed
        start = play.scenario.start
        found = [band for band in bands_of(play.moments) if band.kind == kind]
        return [
            (band.lane, (band.from_at - start) / SECOND, (band.to_at - start) / SECOND, band)
            for band in found
        ]

    return read


def test_a_code_is_shown_for_a_step_and_taken_for_as_long_as_the_window_is_wide(bands):
    ((lane, taken_from, taken_to, band),) = bands(ENROLLED, "code")
    assert lane == ("phone", "pixel")
    assert (taken_from, taken_to) == (-30, 60)
    assert band.shown_to - band.shown_from == 30 * SECOND


def test_a_slow_phone_shows_its_code_late_and_a_server_that_is_ahead_takes_codes_early(bands):
    steps = (
        ENROLLED + "- wait: 1m\n- set_clock: {phone: pixel, offset: -20s}\n- server_clock: {offset: 10s}\n"
    )
    steps += "- sign_in: {user: user1, browser: tablet, phone: pixel}\n"
    *_, (_, taken_from, taken_to, band) = bands(steps, "code")
    # Read at 65 s, when the phone says 45 s: step 1, which the phone shows from 50 s and the server has from 20 s on.
    assert band.shown_from - band.from_at == 60 * SECOND
    assert (taken_from, taken_to) == (-10, 80)


def test_a_session_lasts_from_its_code_to_the_sign_out_at_its_browser(bands):
    steps = ENROLLED + "- wait: 1m\n- sign_out: {browser: laptop}\n"
    ((lane, begins, ends, band),) = bands(steps, "session")
    assert lane == ("browser", "laptop")
    assert (begins, ends) == (5, 65)
    assert band.label == "a session of user1, by code"


def test_a_session_that_nobody_uses_runs_out(bands):
    ((_, begins, ends, _),) = bands(ENROLLED + "- wait: 5h\n", "session")
    assert (begins, ends) == (5, 5 + 3660)


def test_the_sessions_of_two_browsers_that_act_at_once_lie_on_their_own_lanes(bands):
    steps = (
        "- enroll: {user: user1, browser: laptop, phone: pixel}\n"
        "- wait: 1m\n"
        "- together:\n"
        "    - sign_in: {user: user1, browser: tablet, phone: pixel}\n"
        "    - enroll: {user: user2, browser: kiosk, phone: nokia}\n"
    )
    lanes = [lane for lane, *_ in bands(steps, "session")]
    assert lanes == [("browser", "laptop"), ("browser", "tablet"), ("browser", "kiosk")]


def test_a_lock_lasts_its_time_unless_somebody_lifts_it(bands):
    guess = "- guess: {user: user1, browser: thief, times: 6, every: 1s}\n  expect: {outcome: locked}\n"
    ((lane, begins, ends, _),) = bands(ENROLLED + "- wait: 1m\n" + guess, "lock")
    assert lane == ("user", "user1")
    assert ends - begins == 30
    reset = "- support_reset: {user: user1, email: user1@example.com, reason: locked, delay: 10s}\n"
    ((_, begins, ends, _),) = bands(ENROLLED + "- wait: 1m\n" + guess + reset, "lock")
    assert ends - begins < 30
