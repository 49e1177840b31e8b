"""What a support agent may ask of the desk over HTTP: with which second factor, and how often."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.account import DeskUse, Method
from wsgi_mfa.core.commands import UseDesk
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.policy import Policy


def ask(home, *, changing=True, browser=None):
    origin = (browser or home.laptop).origin()
    return home.submit(lambda account: UseDesk(origin=origin, changing=changing))


@pytest.mark.requirement("R44")
def test_an_agent_with_a_fresh_second_factor_may_change_accounts(home):
    assert ask(home).outcome is Outcome.SIGNED_IN
    assert home.account.desk_use == DeskUse(since=home.now, changes_count=1)
    assert home.events == []


@pytest.mark.requirement("R44", "R40")
def test_a_second_factor_of_before_looks_but_does_not_change(home):
    home.wait(240 - 1)  # and the minute since the sign-in
    assert ask(home).outcome is Outcome.SIGNED_IN
    home.wait(1)
    assert ask(home).outcome is Outcome.STEP_UP_REQUIRED
    assert ask(home, changing=False).outcome is Outcome.SIGNED_IN
    assert home.account.desk_use.changes_count == 1


@pytest.mark.requirement("R44")
def test_a_remembered_browser_is_no_second_factor_of_an_agent(home):
    session = replace(home.account.sessions[0], method=Method.REMEMBERED_BROWSER)
    home.account = replace(home.account, sessions=(session,))
    for changing in (False, True):
        assert ask(home, changing=changing).outcome is Outcome.STEP_UP_REQUIRED


@pytest.mark.requirement("R44")
def test_who_has_no_session_is_asked_for_the_second_factor(home):
    assert ask(home, browser=home.browser()).outcome is Outcome.MUST_VERIFY
    home.laptop.login = "another login"
    assert ask(home).outcome is Outcome.MUST_VERIFY


@pytest.mark.requirement("R47")
@pytest.mark.parametrize("changing", [False, True])
def test_what_an_agent_asks_in_an_hour_has_a_bound_that_is_told_of_once(new_home, changing):
    policy = Policy(agent_lookups_max=3, agent_changes_max=3, step_up_seconds=3600)
    home = new_home(policy=policy)
    for _ in range(3):
        assert ask(home, changing=changing).outcome is Outcome.SIGNED_IN
        home.wait(60)
    rejected = ask(home, changing=changing)
    assert (rejected.outcome, rejected.retry_after_seconds) == (Outcome.LOCKED, 3600 - 180)
    assert "is the session still the agent's?" in rejected.alert
    again = ask(home, changing=changing)
    assert (again.outcome, again.account, again.alert) == (Outcome.LOCKED, None, None)
    assert home.kinds() == ["support.limit_reached"]
    assert ask(home, changing=not changing).outcome is Outcome.SIGNED_IN


@pytest.mark.requirement("R47")
def test_after_an_hour_an_agent_may_ask_again(new_home):
    home = new_home(policy=Policy(agent_lookups_max=1, session_idle_seconds=7200))
    ask(home, changing=False)
    assert ask(home, changing=False).outcome is Outcome.LOCKED
    home.wait(3600 - 1)
    assert ask(home, changing=False).outcome is Outcome.LOCKED
    home.wait(1)
    assert ask(home, changing=False).outcome is Outcome.SIGNED_IN


@pytest.mark.requirement("D22")
def test_a_count_from_the_future_ends(home):
    home.account = replace(home.account, desk_use=DeskUse(since=home.now + 10**10, lookups_count=500))
    assert ask(home, changing=False).outcome is Outcome.SIGNED_IN


@pytest.mark.requirement("R47")
@given(waits=st.lists(st.integers(0, 1800), max_size=40), most=st.integers(1, 5))
def test_in_an_hour_that_begins_with_a_call_just_the_bound_is_let_through(new_home, waits, most):
    home = new_home(policy=Policy(agent_lookups_max=most, session_idle_seconds=30 * 86400))
    began, passed = None, 0
    for seconds in waits:
        home.wait(seconds)
        if began is None or home.now - began >= 3600 * SECOND:
            began, passed = home.now, 0
        outcome = ask(home, changing=False).outcome
        assert outcome is (Outcome.SIGNED_IN if passed < most else Outcome.LOCKED)
        passed += outcome is Outcome.SIGNED_IN
