"""Where a browser stands, asked at every request."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wsgi_mfa.core.account import CarriedLogin
from wsgi_mfa.core.authentication_state import (
    activity_is_due,
    authentication_state,
    clock_in_question,
    is_fresh,
)
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.policy import Policy


@pytest.mark.requirement("D2", "R80")
def test_an_unknown_user_must_enroll(home):
    answer = authentication_state(None, Context(now=home.now, policy=Policy()), session_id="s", login=None)
    assert (answer.outcome, answer.session) == (Outcome.MUST_ENROLL, None)


def test_a_user_without_a_phone_must_enroll(world):
    assert world.browser().state() is Outcome.MUST_ENROLL


@pytest.mark.requirement("R49", "R50")
@pytest.mark.parametrize("session_id", [None, "", "another", "browser-1"])
def test_without_its_session_a_browser_must_verify(home, session_id):
    home.laptop.session_id = session_id
    assert home.laptop.state() is Outcome.MUST_VERIFY


@pytest.mark.requirement("R49", "R51")
def test_a_session_counts_only_with_the_login_that_it_was_opened_in(home):
    assert home.laptop.state() is Outcome.SIGNED_IN
    home.laptop.login = "login-2"
    assert home.laptop.state() is Outcome.MUST_VERIFY


@pytest.mark.requirement("R50")
@pytest.mark.parametrize(
    "name",
    [lambda home: home.account.pending[0].id, lambda home: home.laptop.cookie],
    ids=["pending", "browser"],
)
def test_the_id_of_something_else_is_no_session(home, name):
    home.laptop.begin()
    home.laptop.session_id = name(home)
    assert home.laptop.state() is Outcome.MUST_VERIFY


@pytest.mark.requirement("R40")
@pytest.mark.parametrize(("seconds", "fresh"), [(0, True), (299, True), (300, False)])
def test_a_second_factor_is_fresh_for_five_minutes(home, seconds, fresh):
    home.laptop.enter(home.mobile.code())
    home.wait(seconds)
    assert is_fresh(home.account.session(home.laptop.session_id), home.context) is fresh


@pytest.mark.requirement("D17")
def test_after_two_wrong_codes_the_clock_is_in_question_until_one_is_right(home):
    asked = []
    for _ in range(3):
        asked.append(clock_in_question(home.account))
        home.browser().guess(home.mobile)
    assert asked == [False, False, True]
    home.browser().enter(home.mobile.code())
    assert not clock_in_question(home.account)


@pytest.mark.requirement("D23")
@pytest.mark.parametrize(("seconds", "due"), [(60, False), (61, True), (-100, False)])
def test_activity_is_due_when_a_sixtieth_of_the_limit_has_passed(home, seconds, due):
    home.laptop.enter(home.mobile.code())
    home.wait(seconds)
    assert activity_is_due(home.account.session(home.laptop.session_id), home.context) is due


SPAN = 86_400 * 1_000_000


@pytest.mark.requirement("D24")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked_at=st.integers(-SPAN // 100, SPAN), later=st.integers(-SPAN, 2 * SPAN))
def test_a_browser_stands_the_same_at_each_instant_that_its_standing_names(home, asked_at, later):
    browser, begun = home.laptop, home.account.sessions[0].seen_at

    def at(now):
        return authentication_state(
            home.account,
            Context(now=now, policy=home.policy),
            session_id=browser.session_id,
            login=browser.login,
        )

    first = at(begun + asked_at)
    assert (first.until > 0) is (first.outcome is Outcome.SIGNED_IN)
    if first.since <= begun + later < first.until:
        assert at(begun + later) == first
        assert not activity_is_due(first.session, Context(now=begun + later, policy=home.policy))


@pytest.mark.requirement("D24", "D34")
def test_a_standing_by_a_login_that_is_carried_over_names_no_instant(home):
    session = replace(
        home.account.sessions[0],
        login="new",
        carried_logins=(CarriedLogin(fingerprint="old", replaced_at=home.now),),
    )
    account = replace(home.account, sessions=(session,))
    by_old, by_new = (
        authentication_state(account, home.context, session_id=session.id, login=login)
        for login in ("old", "new")
    )
    assert by_old.outcome is by_new.outcome is Outcome.SIGNED_IN
    assert by_old.until == 0 < by_new.until
