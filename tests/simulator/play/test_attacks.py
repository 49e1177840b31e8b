"""What attackers do."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.any_python

TOLD = """\
- enroll: {user: user1, browser: laptop, phone: pixel}
- wait: 1m
- read_code: {phone: pixel, as: told}
"""


def failures(play):
    return [failure for moment in play.moments for failure in moment.failures]


def test_guesses_are_all_different_and_the_one_put_among_them_comes_last(played):
    play = played(
        TOLD
        + "- guess: {user: user1, browser: thief, times: 4, among: told}\n  expect: {outcome: signed_in, evaluated: 4}"
    )
    assert failures(play) == []


def test_time_passes_between_guesses_and_not_before_the_first(played):
    play = played(TOLD + "- guess: {user: user1, browser: thief, times: 3, every: 10s}\n- wait: 0s")
    assert play.moments[-1].at - play.moments[-2].at == 20_000_000


def test_a_code_is_replayed_from_the_browser_that_used_it(played):
    play = played(
        TOLD
        + """\
- sign_in: {user: user1, browser: tablet, code: told}
- replay_code: {user: user1, browser: thief, from: tablet}
- replay_code: {user: user1, browser: thief, code: told, times: 2}
"""
    )
    assert failures(play) == []


def test_a_code_that_is_passed_on_in_time_lets_the_thief_in(played):
    play = played(
        TOLD + "- phish_relay: {user: user1, browser: thief, code: told}\n  expect: {outcome: signed_in}"
    )
    assert failures(play) == []


def test_the_portals_cookie_alone_is_the_first_factor_alone(played):
    play = played(
        TOLD
        + "- steal_cookie: {user: user1, browser: thief, from: laptop}\n"
        + "  expect: {outcome: must_verify, app_called: no}"
    )
    assert failures(play) == []


@pytest.mark.requirement("D39")
@pytest.mark.parametrize("by", ["clear", "inside", "argument", "path"])
def test_the_cookie_as_the_portal_set_it_is_no_factor_at_all(played, by):
    play = played(
        TOLD
        + f"- steal_cookie: {{user: user1, browser: thief, from: laptop, by: {by}}}\n"
        + "  expect: {outcome: sign_in_required, app_called: yes}"
    )
    assert failures(play) == []


@pytest.mark.requirement("D39")
def test_a_middleware_that_hands_out_the_portals_cookie_is_convicted(played, monkeypatch):
    monkeypatch.setattr("wsgi_mfa.identity.sealing.response.CookieSealer._is_hidden", lambda *_, **__: False)
    play = played(TOLD)
    assert play.broken
    assert any("session went out in clear" in str(moment) for moment in play.moments)


def test_recovery_codes_from_the_seed_are_wrong_and_the_right_one_is_not(played):
    play = played(
        TOLD
        + "- stuff_recovery: {user: user1, browser: thief, times: 2}\n  expect: {outcome: wrong_code, evaluated: 2}"
    )
    assert failures(play) == []


@pytest.mark.parametrize("verb", ["replay_code", "steal_cookie"])
def test_what_nobody_has_used_cannot_be_taken(played, verb):
    (failure,) = failures(played(f"- {verb}: {{user: user1, browser: thief}}"))
    assert failure.startswith(("user1 has used no browser yet", "no code was typed"))


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_code_that_an_attacker_typed_can_be_replayed(played, parallel):
    play = played(
        f"""\
- enroll: {{user: user1, browser: laptop, phone: pixel}}
- guess: {{user: user1, browser: thief, times: 2, parallel: {parallel}}}
- replay_code: {{user: user1, browser: other, from: thief}}
  expect: {{outcome: wrong_code}}
"""
    )
    assert not play.failed
