"""Opening, using and ending MFA sessions."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.commands import AdmitLogin
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.expiry import login_is_ended
from wsgi_mfa.core.policy import Policy

SIGNED_IN, MUST_VERIFY, SIGNED_OUT = Outcome.SIGNED_IN, Outcome.MUST_VERIFY, Outcome.SIGNED_OUT


def admit(world, fingerprint):
    return world.submit(lambda account: AdmitLogin(login_fingerprint=fingerprint))


@pytest.mark.requirement("R50", "D20")
def test_each_success_gives_a_new_session_and_a_new_browser_cookie(home):
    before = (home.laptop.session_id, home.laptop.cookie)
    home.laptop.enter(home.mobile.code())
    assert home.laptop.session_id != before[0]
    assert home.laptop.cookie != before[1]
    assert home.account.session(before[0]) is None


@pytest.mark.requirement("R52")
def test_a_session_ends_after_an_hour_without_use(home):
    home.laptop.enter(home.mobile.code())
    home.wait(61 * 60 - 1)
    assert home.laptop.browse() is SIGNED_IN
    home.wait(61 * 60)
    assert home.laptop.browse() is MUST_VERIFY


@pytest.mark.requirement("R52")
def test_a_session_in_constant_use_ends_after_a_day(home):
    home.laptop.enter(home.mobile.code())
    for _ in range(47):
        home.wait(1800)
        assert home.laptop.browse() is SIGNED_IN
    home.wait(1800)
    assert home.laptop.browse() is MUST_VERIFY


@pytest.mark.requirement("D23")
def test_activity_is_noted_once_a_minute_and_leaves_no_event(home):
    home.laptop.enter(home.mobile.code())
    home.events.clear()
    revisions = set()
    for _ in range(30):
        home.wait(10)
        home.laptop.browse()
        revisions.add(home.account.revision)
    assert len(revisions) == 5
    assert home.events == []


@pytest.mark.requirement("D23")
def test_a_note_about_a_session_that_has_ended_changes_nothing(home):
    home.wait(90)
    session_id = home.laptop.session_id
    home.end_sessions()
    before = home.account
    home.laptop.session_id = session_id
    assert home.laptop.browse() is MUST_VERIFY
    assert home.account == before


@pytest.mark.requirement("D26", "R49")
def test_the_oldest_session_ends_when_there_are_too_many(new_home):
    home = new_home(policy=Policy(sessions_max=3))
    browsers = [home.laptop]
    for _ in range(3):
        browsers.append(home.browser())
        browsers[-1].enter(home.mobile.code())
        home.wait(30)
    assert [browser.state() for browser in browsers] == [MUST_VERIFY, SIGNED_IN, SIGNED_IN, SIGNED_IN]
    assert [event.details for event in home.events if event.kind == "session.ended"] == [
        (("cause", "sessions_max"),)
    ]


@pytest.mark.requirement("D26")
def test_four_retries_are_kept(new_home):
    home = new_home(policy=Policy(retry_seconds=120))
    home.wait(60)
    tries = []
    for wait_seconds, steps in [(0, -1), (0, 0), (0, 1), (30, 1), (30, 1)]:
        home.wait(wait_seconds)
        browser, code = home.browser(), home.mobile.code(steps)
        assert browser.enter(code, lose_reply=True).outcome is SIGNED_IN
        tries.append((browser, code))
    repeated = [browser.enter(code).outcome is SIGNED_IN for browser, code in tries]
    assert repeated == [False, True, True, True, True]


# Signing out


@pytest.mark.requirement("R51", "D19")
def test_signing_out_ends_the_session_its_retries_and_what_the_browser_had_begun(home):
    tablet, code = home.browser(), home.mobile.code()
    old_cookie = tablet.cookie
    tablet.enter(code)
    tablet.begin()
    session_id = tablet.session_id
    assert tablet.sign_out().outcome is SIGNED_OUT
    assert home.account.session(session_id) is None
    assert home.account.pending == ()
    tablet.cookie, tablet.session_id = old_cookie, None
    assert tablet.enter(code).outcome is Outcome.USED_CODE
    assert home.laptop.state() is SIGNED_IN


@pytest.mark.requirement("D19")
def test_a_login_that_was_signed_out_of_does_not_count_until_the_portal_asks_anew(home):
    home.laptop.sign_out(login_fingerprint="print")
    home.wait(365 * 86400)
    assert login_is_ended(home.account, "print", home.context)
    admit(home, "another")
    assert login_is_ended(home.account, "print", home.context)
    assert admit(home, "print").outcome is MUST_VERIFY
    assert not login_is_ended(home.account, "print", home.context)
    assert home.kinds() == ["sign_out", "login.admitted"]


@pytest.mark.requirement("D19", "R20")
def test_a_new_password_does_not_shorten_a_lock(home):
    guesser = home.browser(login="print")
    for _ in range(5):
        guesser.guess(home.mobile)
    admit(home, "print")
    assert login_is_ended(home.account, "print", home.context)
    home.wait(30)
    assert not login_is_ended(home.account, "print", home.context)


@pytest.mark.requirement("D19", "R51")
def test_a_lock_gives_no_end_to_a_sign_out(home):
    guesser = home.browser(login="print")
    for _ in range(4):
        guesser.guess(home.mobile)
    home.browser().sign_out(login_fingerprint="print")
    guesser.guess(home.mobile)  # was under way when the other tab signed out
    home.wait(3600)
    assert login_is_ended(home.account, "print", home.context)


@pytest.mark.requirement("D26")
def test_eight_ended_logins_are_kept(home):
    for index in range(9):
        home.browser().sign_out(login_fingerprint=f"print-{index}")
    kept = [login.fingerprint for login in home.account.ended_logins]
    assert kept == [f"print-{index}" for index in range(1, 9)]


def test_signing_out_without_a_session_changes_nothing(home):
    assert home.browser().sign_out().account is None


# Ending from outside


@pytest.mark.requirement("R51")
def test_one_session_is_ended_and_the_others_stay(home):
    tablet = home.browser()
    tablet.enter(home.mobile.code())
    home.end_sessions(home.laptop.session_id)
    assert home.laptop.state() is MUST_VERIFY
    assert tablet.state() is SIGNED_IN
    assert home.events[-1].details == (("cause", "portal"), ("count", "1"))
    assert home.end_sessions(home.laptop.session_id).account is None


@pytest.mark.requirement("R51")
def test_all_sessions_end_at_once(home):
    tablet, code = home.browser(), home.mobile.code()
    tablet.enter(code, lose_reply=True)
    home.end_sessions()
    assert home.account.sessions == home.account.retries == ()
    assert tablet.enter(code).outcome is Outcome.USED_CODE
