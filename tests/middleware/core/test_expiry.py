"""What an account still holds at a given moment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core import expiry
from wsgi_mfa.core.account import EndedLogin, Method, Session
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.instants import DAY, MINUTE, SECOND
from wsgi_mfa.core.policy import Policy

POLICY = Policy()
NOW = 1_772_442_000 * SECOND


def at(now):
    return Context(now=now, policy=POLICY)


def session(verified_at=NOW, seen_at=NOW):
    return Session(
        id="s", browser="b", login=None, method=Method.CODE, verified_at=verified_at, seen_at=seen_at
    )


@pytest.mark.requirement("D22")
@pytest.mark.parametrize(
    ("age_seconds", "young"),
    [(0, True), (59, True), (60, False), (-300, True), (-301, False), (-365 * 86400, False)],
)
def test_an_instant_ahead_counts_as_now_up_to_the_skew_that_clocks_may_have(age_seconds, young):
    assert expiry.younger(NOW - age_seconds * SECOND, at(NOW), seconds=60) is young


@pytest.mark.requirement("R52", "D23")
@pytest.mark.parametrize(
    ("idle", "lives"),
    [
        (60 * MINUTE, True),
        (61 * MINUTE - 1, True),
        (61 * MINUTE, False),
        (-5 * MINUTE, True),
        (-5 * MINUTE - 1, False),
    ],
)
def test_a_session_that_is_not_used_ends_after_an_hour_and_a_grain(idle, lives):
    assert expiry.session_lives(session(NOW - 2 * 60 * MINUTE, NOW - idle), at(NOW)) is lives


@pytest.mark.requirement("R52")
@pytest.mark.parametrize(("age", "lives"), [(DAY - 1, True), (DAY, False), (-5 * MINUTE - 1, False)])
def test_a_session_that_is_used_ends_after_a_day(age, lives):
    assert expiry.session_lives(session(verified_at=NOW - age), at(NOW)) is lives


@pytest.mark.requirement("D19", "D22")
@pytest.mark.parametrize(
    ("since_seconds", "ended"), [(0, True), (29, True), (30, False), (-300, True), (-301, False)]
)
def test_a_login_that_a_lock_ended_counts_again_when_the_lock_is_over(home, since_seconds, ended):
    login = EndedLogin(fingerprint="print", since=home.now - since_seconds * SECOND, seconds=30)
    home.account = replace(home.account, ended_logins=(login,))
    assert expiry.login_is_ended(home.account, "print", at(home.now)) is ended
    assert bool(expiry.without_expired(home.account, at(home.now)).ended_logins) is ended
    assert not expiry.login_is_ended(home.account, "another", at(home.now))


@pytest.mark.requirement("D19")
@pytest.mark.parametrize("since", [0, NOW, NOW + 400 * DAY])
def test_a_login_that_was_signed_out_of_counts_again_only_when_it_changes(home, since):
    login = EndedLogin(fingerprint="print", since=since)
    home.account = replace(home.account, ended_logins=(login,))
    assert expiry.login_is_ended(home.account, "print", at(home.now))


@pytest.mark.requirement("D22", "R45", "R49")
@pytest.mark.parametrize(("seconds", "left"), [(300, 1), (301, 0), (3600, 0), (365 * 86400, 0)])
def test_a_clock_step_back_beyond_the_skew_ends_sessions_pendings_and_retries(home, seconds, left):
    home.laptop.enter(home.mobile.code())
    home.laptop.begin()
    home.laptop.resync(home.mobile.code(1))
    home.now -= seconds * SECOND
    settled = expiry.without_expired(home.account, home.context)
    assert [len(settled.sessions), len(settled.pending), len(settled.retries)] == [left] * 3
    assert (settled.first_code is not None) is bool(left)


def test_an_account_of_the_present_counts_as_it_is(home):
    assert (
        expiry.without_expired(home.account, Context(now=home.now - 60 * SECOND, policy=home.policy))
        == home.account
    )


@pytest.mark.requirement("D22")
@given(steps=st.lists(st.integers(min_value=-400 * DAY, max_value=400 * DAY), max_size=6))
def test_settling_twice_is_settling_once_whatever_the_clock_did(new_home, steps):
    home = new_home()
    home.browser().recover(home.recovery_code())
    home.browser().guess(home.mobile)
    for step in steps:
        home.now = max(0, home.now + step)
        home.account = expiry.without_expired(home.account, home.context)
        assert expiry.without_expired(home.account, home.context) == home.account


@pytest.mark.requirement("D22", "R52")
@given(seconds=st.one_of(st.integers(-400 * 86400, 400 * 86400), st.integers(-310, 3670)))
def test_a_session_is_open_only_at_the_instants_of_its_own_span(seconds):
    lives = expiry.session_lives(session(), at(NOW + seconds * SECOND))
    assert lives is (-POLICY.clock_skew_seconds_max <= seconds < 3660)
