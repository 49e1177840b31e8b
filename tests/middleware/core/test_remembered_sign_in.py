"""Remembered browsers: a code is saved for some days, and nothing else is."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.account import Method
from wsgi_mfa.core.authentication_state import factor_is_younger, is_fresh
from wsgi_mfa.core.codec import ACCOUNT_CODEC
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.expiry import session_lives
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.remembered_browsers import digest_of

SIGNED_IN, MUST_VERIFY, STEP_UP = Outcome.SIGNED_IN, Outcome.MUST_VERIFY, Outcome.STEP_UP_REQUIRED
DAY_SECONDS = 86400


@pytest.fixture
def remembering(new_home):
    """The laptop's user has ticked the box, and the portal has signed the user out since."""
    home = new_home(policy=Policy(remembered_browser_days=30))
    home.shown_at = home.now
    home.laptop.enter(home.mobile.code(), remember=True)
    leave(home.laptop)
    home.wait(7200)
    home.events.clear()
    return home


def leave(browser):
    """Sign out at the portal and in again by the password: a new login, and no session."""
    browser.world.end_sessions(browser.session_id)
    browser.session_id, browser.login = None, browser.world.fresh("login")


def causes(home):
    """Why browsers are remembered no longer."""
    return [dict(event.details)["cause"] for event in home.events if event.kind == "remembered_browser.ended"]


def held(home):
    return home.account.remembered_browsers


@pytest.mark.requirement("R55")
def test_a_remembered_browser_signs_in_without_a_code(remembering):
    home = remembering
    decision = home.laptop.recall()
    assert decision.outcome is SIGNED_IN
    assert home.laptop.state() is SIGNED_IN
    session = home.account.session(home.laptop.session_id)
    assert (session.method, session.verified_at) == (Method.REMEMBERED_BROWSER, home.shown_at)
    assert home.kinds() == ["remembered_browser.used"]


@pytest.mark.requirement("R55")
def test_nobody_is_remembered_who_did_not_ask_or_where_policy_says_no(home, new_home):
    home.laptop.enter(home.mobile.code(), remember=True)
    assert held(home) == ()
    assert home.laptop.remembered is None
    asked = new_home(policy=Policy(remembered_browser_days=30))
    asked.laptop.enter(asked.mobile.code())
    assert held(asked) == ()


@pytest.mark.requirement("R55")
def test_the_account_holds_a_digest_and_not_what_the_cookie_holds(remembering):
    _, secret = remembering.laptop.remembered
    assert secret not in ACCOUNT_CODEC.encode(remembering.account)
    assert held(remembering)[0].digest == digest_of(remembering.account, secret)
    assert not any(secret in str(event) for event in remembering.events)


@pytest.mark.requirement("R55")
def test_the_days_count_from_the_code_and_no_use_lengthens_them(remembering):
    home = remembering
    for _ in range(29):
        assert home.laptop.recall().outcome is SIGNED_IN
        leave(home.laptop)
        home.wait(DAY_SECONDS)
    home.now = home.shown_at + 30 * DAY_SECONDS * 1_000_000 - 1
    assert home.laptop.recall().outcome is SIGNED_IN
    leave(home.laptop)
    home.wait(0.000_001)
    assert home.laptop.recall().outcome is MUST_VERIFY
    assert held(home) == ()
    assert causes(home) == ["expired"]


@pytest.mark.requirement("R55", "D26")
def test_what_has_run_out_is_told_of_with_the_next_event_and_saved_by_no_note(remembering):
    home = remembering
    other = home.browser(login="login-other")
    home.wait(30 * DAY_SECONDS - 7200 - 3600)
    other.enter(home.mobile.code())
    home.wait(3600)
    home.events.clear()
    other.browse()
    assert len(held(home)) == 1
    other.sign_out()
    assert held(home) == ()
    assert home.kinds() == ["remembered_browser.ended", "sign_out"]


@pytest.mark.requirement("R52", "R55")
def test_its_session_has_the_limits_of_any_other(remembering):
    home = remembering
    home.wait(DAY_SECONDS * 3)
    home.laptop.recall()
    session = home.account.session(home.laptop.session_id)
    assert session_lives(session, Context(now=home.now + 3600 * 1_000_000, policy=home.policy))
    assert not session_lives(session, Context(now=home.now + 3661 * 1_000_000, policy=home.policy))
    for _ in range(47):
        home.wait(1800)
        assert home.laptop.browse() is SIGNED_IN
    home.wait(1800)
    assert home.laptop.browse() is MUST_VERIFY


@pytest.mark.requirement("R40", "R55", "R78")
def test_it_is_never_enough_for_a_fresh_factor_however_lately_the_code_was_shown(new_home):
    home = new_home(policy=Policy(remembered_browser_days=30))
    home.laptop.enter(home.mobile.code(), remember=True)
    leave(home.laptop)
    home.wait(2)
    assert home.laptop.recall().outcome is SIGNED_IN
    session = home.account.session(home.laptop.session_id)
    assert not is_fresh(session, home.context)
    assert not factor_is_younger(session, home.context, seconds=86400)
    assert home.laptop.begin().outcome is STEP_UP
    assert home.laptop.replace_recovery_code().outcome is STEP_UP
    home.wait(30)
    assert home.laptop.enter(home.mobile.code()).outcome is SIGNED_IN
    assert home.laptop.begin().outcome is Outcome.MUST_ENROLL


@pytest.mark.requirement("R40", "R55")
def test_it_takes_the_place_of_no_code_where_a_session_is_open(remembering):
    home = remembering
    home.laptop.enter(home.mobile.code())
    before = home.account
    assert home.laptop.recall().outcome is STEP_UP
    assert home.account == before


@pytest.mark.requirement("R55", "D10")
def test_each_use_gives_another_secret_and_the_old_one_ends_it_all(remembering):
    home = remembering
    thief = home.laptop.copied()
    home.laptop.recall()
    assert home.laptop.remembered != thief.remembered
    home.wait(61)
    home.events.clear()
    assert thief.recall().outcome is MUST_VERIFY
    assert held(home) == ()
    assert home.kinds() == ["remembered_browser.reused"]
    assert home.laptop.state() is MUST_VERIFY  # what it opened ends with it: it may be the thief's


@pytest.mark.requirement("R55")
def test_a_thief_who_comes_first_is_found_out_when_the_owner_comes(remembering):
    home = remembering
    thief = home.laptop.copied()
    assert thief.recall().outcome is SIGNED_IN
    home.wait(61)
    assert home.laptop.recall().outcome is MUST_VERIFY
    assert thief.state() is MUST_VERIFY
    assert held(home) == ()
    leave(thief)
    assert thief.recall().outcome is MUST_VERIFY


@pytest.mark.requirement("R55", "D10")
def test_parallel_and_lost_replies_give_the_same_session_and_the_same_secret(remembering):
    home = remembering
    twin = home.laptop.copied(login=home.laptop.login)
    home.laptop.recall(lose_reply=True)
    home.wait(59)
    first, second = home.laptop.recall(), twin.recall()
    assert first.session_id == second.session_id
    assert home.laptop.remembered == twin.remembered
    assert home.laptop.cookie == twin.cookie
    assert home.kinds() == ["remembered_browser.used"]
    leave(home.laptop)
    home.wait(3600)
    assert home.laptop.recall().outcome is SIGNED_IN


@pytest.mark.requirement("R49", "D10")
def test_a_copy_in_another_login_gets_nothing_of_a_lost_reply(remembering):
    home = remembering
    thief = home.laptop.copied()
    home.laptop.recall()
    before = home.account
    home.wait(30)
    assert thief.recall().outcome is MUST_VERIFY
    assert home.account == before


@pytest.mark.requirement("R55", "D10")
def test_a_lost_reply_to_the_code_that_ticked_the_box_is_given_again(new_home):
    home = new_home(policy=Policy(remembered_browser_days=1))
    code = home.mobile.code()
    home.laptop.enter(code, remember=True, lose_reply=True)
    home.wait(30)
    home.laptop.enter(code, remember=True)
    assert len(held(home)) == 1
    leave(home.laptop)
    assert home.laptop.recall().outcome is SIGNED_IN


@pytest.mark.requirement("R55")
def test_it_is_of_one_user_and_one_generation(remembering, new_home):
    other = new_home(policy=remembering.policy)
    other.laptop.remembered = remembering.laptop.remembered
    leave(other.laptop)
    assert other.laptop.recall().outcome is MUST_VERIFY
    _, secret = remembering.laptop.remembered
    assert digest_of(other.account, secret) == digest_of(
        remembering.account, secret
    )  # one name, one generation
    remembering.reset()
    assert digest_of(remembering.account, secret) != digest_of(other.account, secret)


ENDS = {
    "reset": lambda home: home.reset(),
    "fence": lambda home: home.fence(),
    "recovery_code": lambda home: home.browser().recover(home.recovery_code()),
    "new_phone": lambda home: bind_another_phone(home),
    "operator": lambda home: home.revoke(held(home)[0].id),
    "portal": lambda home: home.end_sessions(forgetting=True),
    "forgotten": lambda home: forgotten_by_the_user(home),
}


def bind_another_phone(home):
    tablet = home.browser(login="login-tablet")
    tablet.enter(home.mobile.code())
    tablet.confirm(home.phone().scan(tablet.begin()).code())


def forgotten_by_the_user(home):
    tablet = home.browser(login="login-tablet")
    tablet.enter(home.mobile.code())
    assert tablet.forget(held(home)[0].id).outcome is SIGNED_IN


@pytest.mark.requirement("R45", "R55", "D16")
@pytest.mark.parametrize("cause", ENDS)
def test_these_end_a_remembered_browser_and_the_session_that_it_opened(remembering, cause):
    home = remembering
    home.laptop.recall()
    ENDS[cause](home)
    assert held(home) == ()
    assert causes(home) == [cause]
    assert home.laptop.state() is not SIGNED_IN
    leave(home.laptop)
    assert home.laptop.recall().outcome is MUST_VERIFY


@pytest.mark.requirement("R55", "D14")
def test_wrong_codes_of_who_has_the_password_do_not_end_it(remembering):
    home = remembering
    thief = home.browser(login="login-thief")
    for _ in range(8):
        thief.guess(home.mobile)
    assert thief.enter(home.mobile.code()).outcome is Outcome.LOCKED
    assert home.laptop.recall().outcome is SIGNED_IN


@pytest.mark.requirement("R55", "D22")
@pytest.mark.parametrize(("seconds", "outcome"), [(-299, SIGNED_IN), (-301, MUST_VERIFY)])
def test_a_clock_that_steps_back_too_far_ends_it(remembering, seconds, outcome):
    home = remembering
    home.now = home.shown_at
    home.wait(seconds)
    assert home.laptop.recall().outcome is outcome


@pytest.mark.requirement("R55", "D26", "D46")
def test_of_more_than_eight_the_oldest_that_never_came_back_is_forgotten(new_home):
    home = new_home(policy=Policy(remembered_browser_days=30))
    home.laptop.enter(home.mobile.code())  # it comes back as a known browser
    browsers = [home.browser(login=f"login-{index}") for index in range(8)]
    for browser in browsers:
        home.wait(30)
        browser.enter(home.mobile.code(), remember=True)
    assert len(held(home)) == 7
    assert causes(home) == ["browsers_max"]
    for browser in browsers:
        leave(browser)
    assert [browser.recall().outcome for browser in browsers[:2]] == [MUST_VERIFY, SIGNED_IN]


@pytest.mark.requirement("R55")
def test_a_browser_that_is_remembered_anew_takes_one_place(remembering):
    home = remembering
    home.laptop.enter(home.mobile.code(), remember=True)
    assert len(held(home)) == 1
    assert causes(home) == ["replaced"]


@pytest.mark.requirement("R55")
def test_the_portals_sign_out_leaves_it_remembered_and_ours_may_forget_it(remembering):
    home = remembering
    home.laptop.recall()
    home.laptop.sign_out()
    assert len(held(home)) == 1
    leave(home.laptop)
    home.laptop.recall()
    home.laptop.sign_out(forget=True)
    assert held(home) == ()
    assert causes(home) == ["forgotten"]


@pytest.mark.requirement("R47", "R55")
def test_only_a_session_of_the_user_forgets_and_only_what_is_there(remembering):
    home = remembering
    assert home.laptop.forget().outcome is MUST_VERIFY
    home.laptop.recall()
    before = home.account
    decision = home.laptop.forget("of-somebody-else")
    assert (decision.outcome, decision.reason) == (Outcome.REFUSED, Reason.CHANGED_MEANWHILE)
    assert home.account == before
    assert home.laptop.forget().outcome is SIGNED_IN
    assert held(home) == ()
    assert home.laptop.state() is SIGNED_IN  # it is forgotten from the next sign-in on
    assert home.laptop.forget().account is None


@pytest.mark.requirement("R55")
def test_an_operator_ends_the_session_and_what_could_open_it_again(remembering):
    home = remembering
    tablet = home.browser(login="login-tablet")
    tablet.enter(home.mobile.code(), remember=True)
    home.laptop.recall()
    home.end_sessions(home.laptop.session_id, forgetting=True)
    assert [browser.id for browser in held(home)] == [tablet.remembered[0]]
    home.end_sessions(tablet.session_id)
    assert len(held(home)) == 1
    leave(tablet)
    assert tablet.recall().outcome is SIGNED_IN


@pytest.mark.requirement("R55", "D13")
def test_while_a_recovery_code_waits_to_be_stored_the_code_is_asked_for(new_home):
    home = new_home(policy=Policy(remembered_browser_days=30))
    tablet = home.browser(login="login-tablet")
    tablet.recover(home.recovery_code())
    home.laptop.enter(home.mobile.code(), remember=True)
    leave(home.laptop)
    assert home.laptop.recall().outcome is MUST_VERIFY
    tablet.acknowledge()
    assert home.laptop.recall().outcome is SIGNED_IN


@pytest.mark.requirement("R55")
def test_switched_off_by_policy_no_browser_is_remembered_any_more(remembering):
    home = remembering
    home.policy = Policy()
    assert home.laptop.recall().outcome is MUST_VERIFY
    home.policy = Policy(remembered_browser_days=30)
    assert home.laptop.recall().outcome is MUST_VERIFY
