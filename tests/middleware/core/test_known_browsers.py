"""Browsers that are known: judged by counters of their own, bounded, and never a way in (D46, D47)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsgi_mfa.core import known_browsers, throttle
from wsgi_mfa.core.decision import Hint, Outcome, Reason
from wsgi_mfa.core.instants import DAY
from wsgi_mfa.core.policy import Policy

SIGNED_IN, WRONG, LOCKED = Outcome.SIGNED_IN, Outcome.WRONG_CODE, Outcome.LOCKED

pytestmark = pytest.mark.requirement("D46")


def is_known(home, browser):
    return known_browsers.browser_of(home.account, browser.known_secrets) is not None


def guess_until_closed(home, browser):
    """Guess as long as a guess is judged; the wrong codes that were."""
    judged = 0
    for _ in range(400):
        decision = browser.guess(home.mobile)
        if decision.outcome is WRONG:
            judged += 1
        elif decision.reason is Reason.BUDGET_SPENT:
            return judged
        else:
            home.wait(decision.retry_after_seconds)
    raise AssertionError("no budget was spent")


def new_code(home, browser):
    home.wait(30)
    return browser.enter(home.mobile.code())


# What makes a browser known.


def test_a_confirmed_phone_a_code_and_a_recovery_code_make_a_browser_known(home):
    tablet, hotel = home.browser(), home.browser()
    assert is_known(home, home.laptop)
    assert not is_known(home, tablet)
    tablet.enter(home.mobile.code())
    hotel.recover(home.recovery_code())
    assert is_known(home, tablet)
    assert is_known(home, hotel)
    assert is_known(home, home.laptop)
    assert home.kinds().count("known_browser.added") == 2


def test_wrong_codes_make_no_browser_known(home):
    tablet = home.browser()
    tablet.guess(home.mobile)
    tablet.recover("0" * 24)
    assert not is_known(home, tablet)


def test_a_success_gives_another_secret_and_the_old_one_counts_until_the_new_one_was_shown(home):
    copy = home.laptop.copied()
    new_code(home, home.laptop)
    assert home.laptop.known_secrets != copy.known_secrets
    assert is_known(home, home.laptop)
    assert is_known(home, copy)
    new_code(home, home.laptop)
    assert is_known(home, home.laptop)
    assert not is_known(home, copy)
    assert len(home.account.known_browsers) == 1


def test_a_wrong_code_with_the_new_secret_shows_it_too(home):
    copy = home.laptop.copied()
    new_code(home, home.laptop)
    home.laptop.guess(home.mobile)
    assert is_known(home, home.laptop)
    assert not is_known(home, copy)


def test_a_browser_that_never_got_the_new_secret_goes_on_with_the_old_one(home):
    home.wait(30)
    home.laptop.enter(home.mobile.code(), lose_reply=True)
    assert is_known(home, home.laptop)
    assert new_code(home, home.laptop).outcome is SIGNED_IN
    assert len(home.account.known_browsers) == 1


@pytest.mark.requirement("D16", "D47")
@pytest.mark.parametrize("deed", ["reset", "fence"])
def test_another_generation_makes_every_browser_unknown(home, deed):
    getattr(home, deed)()
    assert home.account.known_browsers == ()
    assert not is_known(home, home.laptop)


def test_a_new_phone_makes_every_browser_unknown_but_the_one_that_confirmed_it(home):
    tablet = home.browser()
    tablet.enter(home.mobile.code())
    home.laptop.enter(home.mobile.code(1))
    home.laptop.enroll(home.phone())
    assert is_known(home, home.laptop)
    assert not is_known(home, tablet)


def test_a_browser_survives_sign_out_unless_its_user_forgets_it(home):
    home.laptop.sign_out()
    assert is_known(home, home.laptop)
    new_code(home, home.laptop)
    home.laptop.sign_out(forget_known=True)
    assert not is_known(home, home.laptop)


def test_a_user_forgets_this_browser_or_all_of_them(home):
    tablet = home.browser()
    tablet.enter(home.mobile.code())
    assert home.browser().forget_known(every=True).outcome is Outcome.MUST_VERIFY
    tablet.forget_known()
    assert (is_known(home, tablet), is_known(home, home.laptop)) == (False, True)
    tablet.forget_known(every=True)
    assert home.account.known_browsers == ()
    assert tablet.state() is SIGNED_IN


def test_of_more_than_eight_those_leave_first_that_never_came_back(home):
    new_code(home, home.laptop)
    others = [home.browser() for _ in range(9)]
    for browser in others:
        assert new_code(home, browser).outcome is SIGNED_IN
    assert len(home.account.known_browsers) == known_browsers.KNOWN_BROWSERS_MAX
    assert is_known(home, home.laptop)
    assert [is_known(home, browser) for browser in others] == [False, False, *[True] * 7]


def test_then_the_least_recently_used_leaves(home):
    others = [home.browser() for _ in range(7)]
    for browser in [*others, *others, home.laptop]:
        new_code(home, browser)
    assert new_code(home, home.browser()).outcome is SIGNED_IN
    assert [is_known(home, browser) for browser in others] == [False, *[True] * 6]
    assert is_known(home, home.laptop)


def test_a_browser_that_did_not_come_for_400_days_is_unknown(home):
    home.wait(399 * 86400)
    assert is_known_now(home, home.laptop)
    home.wait(86400)  # a wrong code is no success
    assert not is_known_now(home, home.laptop)


def is_known_now(home, browser):
    browser.guess(home.mobile)
    kinds = [each for each in home.events if each.kind == "code.wrong"]
    return dict(kinds[-1].details)["counters"] == "known_failures"


def test_a_remembered_browser_is_known_and_ending_one_ends_the_other(new_home):
    home = new_home(policy=Policy(remembered_browser_days=30))
    tablet = home.browser()
    tablet.enter(home.mobile.code(), remember=True)
    assert is_known(home, tablet)
    tablet.forget(tablet.remembered[0])
    assert not is_known(home, tablet)
    home.wait(30)
    tablet.enter(home.mobile.code(), remember=True)
    tablet.forget_known()
    assert home.account.remembered_browsers == ()


def test_a_remembered_browser_from_before_becomes_known_when_it_comes(new_home):
    home = new_home(policy=Policy(remembered_browser_days=30))
    tablet = home.browser()
    tablet.enter(home.mobile.code(), remember=True)
    remembered = tuple(replace(each, known_id=None) for each in home.account.remembered_browsers)
    home.account = replace(home.account, known_browsers=(), remembered_browsers=remembered)
    tablet.known_secrets, tablet.session_id = (), None
    home.wait(60)
    assert tablet.recall().outcome is SIGNED_IN
    assert is_known(home, tablet)
    tablet.forget(tablet.remembered[0])
    assert home.account.known_browsers == ()


def test_a_secret_of_one_user_or_generation_is_none_of_another(home):
    (browser,) = home.account.known_browsers
    secret = home.laptop.known_secrets
    assert known_browsers.browser_of(home.account, secret) is browser
    assert known_browsers.browser_of(replace(home.account, user="user2"), secret) is None
    assert known_browsers.browser_of(replace(home.account, generation="other"), secret) is None


# Counters of its own.


def test_a_thief_with_the_password_locks_no_known_browser(home):
    guess_until_closed(home, home.browser())
    assert home.browser().enter(home.mobile.code()).reason is Reason.BUDGET_SPENT
    assert new_code(home, home.laptop).outcome is SIGNED_IN
    assert throttle.counted(home.account.code_failures.days) == 60


@pytest.mark.requirement("R18")
def test_each_known_browser_has_a_back_off_of_its_own(home):
    tablet = home.browser()
    tablet.enter(home.mobile.code())
    for _ in range(5):
        home.laptop.guess(home.mobile)
    assert home.laptop.guess(home.mobile).retry_after_seconds == 30
    assert tablet.guess(home.mobile).outcome is WRONG
    assert home.browser().guess(home.mobile).outcome is WRONG
    assert home.laptop.enter(home.mobile.code(1)).outcome is LOCKED


@pytest.mark.requirement("R15")
def test_a_success_in_a_known_browser_clears_the_shared_consecutive_count(home):
    home.browser().guess(home.mobile)
    new_code(home, home.laptop)
    assert home.account.code_failures.consecutive_count == 0
    assert throttle.counted(home.account.code_failures.days) == 1


def test_twenty_failures_make_a_known_browser_unknown(home):
    copy = home.laptop.copied()
    copy.session_id = None
    for count in range(20):
        assert is_known(home, copy), count
        while copy.guess(home.mobile).outcome is LOCKED:
            home.wait(3600)
    assert not is_known(home, copy)
    ended = [each for each in home.events if each.kind == "known_browser.ended"]
    assert [dict(each.details)["cause"] for each in ended] == ["failures"]
    assert throttle.counted(home.account.known_failures) == 20


@pytest.mark.requirement("R19")
def test_a_known_browser_whose_budget_is_spent_is_judged_like_others(new_home):
    home = new_home(policy=Policy(known_failures_rolling_max=3))
    tablet = home.browser()  # the laptop has confirmed the phone, and has tries over a spent budget
    tablet.enter(home.mobile.code())
    for _ in range(3):
        tablet.guess(home.mobile)
    assert home.kinds().count("budget.spent") == 1
    tablet.guess(home.mobile)
    assert (
        throttle.counted(home.account.known_failures),
        throttle.counted(home.account.code_failures.days),
    ) == (3, 1)
    guess_until_closed(home, home.browser())
    assert new_code(home, tablet).reason is Reason.BUDGET_SPENT
    assert tablet.recover(home.recovery_code()).outcome is SIGNED_IN


def test_a_success_takes_back_three_failures_of_the_same_day_login_and_browser_cookie(home):
    home.laptop.session_id = None
    for _ in range(4):
        home.laptop.guess(home.mobile)
    assert new_code(home, home.laptop).outcome is SIGNED_IN
    assert throttle.counted(home.account.known_failures) == 1
    assert new_code(home, home.laptop).outcome is SIGNED_IN
    assert throttle.counted(home.account.known_failures) == 1


@pytest.mark.parametrize("other", ["login", "cookie", "day"])
def test_failures_of_another_login_cookie_or_day_are_not_taken_back(home, other):
    thief = home.laptop.copied(login="login-1")
    if other == "login":
        thief.login = "login-thief"
    elif other == "cookie":
        thief.cookie = "browser-thief"
    for _ in range(3):
        thief.guess(home.mobile)
    home.wait(86400 if other == "day" else 60)
    home.laptop.session_id = None
    assert home.laptop.enter(home.mobile.code()).outcome is SIGNED_IN
    assert throttle.counted(home.account.known_failures) == 3


# What clears what.


@pytest.mark.requirement("D47", "R19")
def test_nothing_clears_a_rolling_budget(home):
    home.browser().guess(home.mobile)
    home.laptop.guess(home.mobile)
    budgets = [home.account.code_failures.days, home.account.known_failures]
    assert [throttle.counted(each) for each in budgets] == [1, 1]
    new_login = home.browser(login="login-2")
    deeds = [
        lambda: new_login.enter(home.mobile.code(1)),
        lambda: home.unlock(),
        lambda: home.fence(),
        lambda: home.reset(),
        lambda: home.laptop.enroll(home.phone()),
    ]
    for deed in deeds:
        deed()
        assert [home.account.code_failures.days, home.account.known_failures] == budgets


@pytest.mark.requirement("D47")
def test_a_new_phone_grants_ten_tries_over_a_spent_known_budget_and_only_once_a_month(new_home):
    home = new_home(policy=Policy(known_failures_rolling_max=3, failures_rolling_max=1))
    for _ in range(3):
        home.laptop.guess(home.mobile)
    home.browser().guess(home.mobile)
    judged = 0
    for _ in range(3):
        home.wait(3600)
        assert home.laptop.recover(home.recovery_code()).outcome is SIGNED_IN
        home.laptop.acknowledge()
        home.mobile = home.phone()
        home.laptop.enroll(home.mobile)
        home.laptop.session_id = None
        judged += guess_until_closed(home, home.laptop)
    assert judged == known_browsers.GRANTED_TRIES_MAX
    assert throttle.counted(home.account.known_failures) == 13
    home.wait(31 * 86400)
    assert new_code(home, home.laptop).outcome is SIGNED_IN


@pytest.mark.requirement("D47")
def test_granted_tries_are_for_the_newest_secret_alone(new_home):
    home = new_home(policy=Policy(known_failures_rolling_max=1, failures_rolling_max=1))
    home.laptop.copied().guess(home.mobile)  # by another login, so that no success takes it back
    home.browser().guess(home.mobile)
    home.unlock()
    home.laptop.show_unlock_code(home.unlock_code())
    copy = home.laptop.copied()
    assert new_code(home, home.laptop).outcome is SIGNED_IN
    assert copy.guess(home.mobile).reason is Reason.BUDGET_SPENT
    assert new_code(home, home.laptop).outcome is SIGNED_IN


@pytest.mark.requirement("D17")
def test_a_late_code_is_burnt_and_costs_no_try_three_times_an_hour(home):
    home.wait(1200)
    late = [home.mobile.code(-15 + index) for index in range(4)]
    for browser, code in zip([home.browser(), home.laptop, home.browser()], late, strict=False):
        answer = browser.enter(code)
        assert (answer.outcome, answer.hint) == (WRONG, Hint.CLOCK_SLOW)
        home.wait(6)
        assert browser.enter(code).hint is None
    assert throttle.counted(home.account.code_failures.days) == 2  # each typed once more, when it was burnt
    assert home.browser().enter(late[3]).hint is None
    assert throttle.counted(home.account.code_failures.days) == 3


@pytest.mark.requirement("D22")
def test_a_lock_of_a_known_browser_restarts_when_the_clock_stepped_back_beside_another_change(home):
    for _ in range(5):
        home.laptop.guess(home.mobile)
    home.now -= 3600 * 1_000_000
    assert home.browser().recover(home.recovery_code()).outcome is SIGNED_IN
    assert "lock.restarted" in home.kinds()
    (browser,) = [each for each in home.account.known_browsers if each.failures.locked_since]
    assert browser.failures.locked_since == home.now


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from(["known", "new", "copy", "success", "day", "recover", "bind", "unlock", "reset"]),
        max_size=60,
    )
)
@pytest.mark.requirement("D47", "R16", "R19")
def test_in_no_life_more_wrong_codes_are_judged_in_a_month_than_the_budgets_allow(new_home, deeds):
    policy = Policy(
        failures_rolling_max=6,
        known_failures_rolling_max=5,
        known_browser_failures_max=3,
        failures_rolling_days=5,
    )
    home = new_home(policy=policy)
    copy, judged = home.laptop.copied(), []
    for deed in deeds:
        home.wait(40)
        if deed in ("known", "new", "copy"):
            browser = {"known": home.laptop, "copy": copy, "new": home.browser()}[deed]
            browser.session_id = None
            for _ in range(3):
                decision = browser.guess(home.mobile)
                judged += [home.now // DAY] * (decision.outcome is WRONG)
                if decision.outcome is WRONG and deed == "known":
                    browser.cookie = home.fresh("browser")  # never the browser cookie of a success
        elif deed == "success":
            home.laptop.session_id = None
            home.laptop.enter(home.mobile.code())
        elif deed == "day":
            home.wait(86400)
        elif deed == "recover":
            home.laptop.recover(home.recovery_code())
            home.laptop.acknowledge()
        elif deed == "unlock":
            home.unlock()
            home.laptop.show_unlock_code(home.unlock_code())
        elif home.laptop.state() is SIGNED_IN and deed == "bind":
            phone = home.phone()
            begun = home.laptop.begin()
            if begun.pending is not None:
                home.mobile = phone.scan(begun)
                home.laptop.confirm(phone.code())
        elif deed == "reset":
            home.reset()
            home.account = replace(home.account, enrollment_code_needed=False, enrollment_code=None)
            home.mobile = home.phone()
            home.laptop.enroll(home.mobile)
    for day in set(judged):
        within = sum(day <= each < day + 5 for each in judged)
        assert within <= 6 + 5 + known_browsers.GRANTED_TRIES_MAX
