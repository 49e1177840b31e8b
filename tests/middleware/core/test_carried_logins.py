"""A session follows a login to which the portal gives another fingerprint (D34)."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.codec import ACCOUNT_CODEC
from wsgi_mfa.core.commands import CarryLogin
from wsgi_mfa.core.decision import Outcome

pytestmark = pytest.mark.requirement("D34")

SIGNED_IN, MUST_VERIFY = Outcome.SIGNED_IN, Outcome.MUST_VERIFY


@pytest.fixture
def home(new_home):
    return new_home()


def carried(browser, login, *, came_with=None):
    """A response gives ``login`` to a request that came with another one; the browser keeps what it has."""
    kept, browser.login = browser.login, came_with or browser.login
    origin = browser.origin()
    decision = browser.world.submit(lambda account: CarryLogin(origin=origin, login=login))
    browser.login = kept
    return decision


def with_login(browser, login):
    """Where the browser stands when it sends this login."""
    kept, browser.login = browser.login, login
    stands = browser.state()
    browser.login = kept
    return stands


def test_a_new_fingerprint_counts_and_the_old_one_for_a_minute_more(home):
    carried(home.laptop, "login-2")
    assert with_login(home.laptop, "login-2") is SIGNED_IN
    home.wait(59)
    assert with_login(home.laptop, "login-1") is SIGNED_IN
    home.wait(1)
    assert with_login(home.laptop, "login-1") is MUST_VERIFY
    assert with_login(home.laptop, "login-2") is SIGNED_IN


def test_a_fingerprint_that_was_never_given_does_not_count(home):
    carried(home.laptop, "login-2")
    assert with_login(home.laptop, "login-3") is MUST_VERIFY
    assert with_login(home.laptop, None) is MUST_VERIFY


def test_parallel_requests_may_each_be_given_one_and_the_browser_keeps_any(home):
    for login in ("login-2", "login-3", "login-4"):
        carried(home.laptop, login, came_with="login-1")
    home.wait(61)
    assert with_login(home.laptop, "login-1") is MUST_VERIFY
    for login in ("login-2", "login-3", "login-4"):
        assert with_login(home.laptop, login) is SIGNED_IN


def test_parallel_requests_do_not_lengthen_the_minute_of_the_old_one(home):
    carried(home.laptop, "login-2", came_with="login-1")
    home.wait(40)
    carried(home.laptop, "login-3", came_with="login-1")
    home.wait(20)
    assert with_login(home.laptop, "login-1") is MUST_VERIFY


def test_a_slow_request_is_carried_and_does_not_revive_what_has_run_out(home):
    carried(home.laptop, "login-2", came_with="login-1")
    home.wait(120)
    carried(home.laptop, "login-3", came_with="login-1")
    assert with_login(home.laptop, "login-1") is MUST_VERIFY
    assert with_login(home.laptop, "login-2") is SIGNED_IN
    assert with_login(home.laptop, "login-3") is SIGNED_IN


def test_the_same_fingerprint_from_two_requests_is_saved_once(home):
    assert carried(home.laptop, "login-2").account is not None
    assert carried(home.laptop, "login-2").account is None


def test_only_the_newest_are_kept(home):
    for number in range(2, 30):
        carried(home.laptop, f"login-{number}", came_with="login-1")
    home.wait(61)
    kept = [number for number in range(1, 30) if with_login(home.laptop, f"login-{number}") is SIGNED_IN]
    assert kept == list(range(21, 30))


def test_nothing_is_carried_into_a_session_that_has_ended(home):
    home.end_sessions()
    assert carried(home.laptop, "login-2").account is None
    assert with_login(home.laptop, "login-2") is MUST_VERIFY


def test_another_browser_with_the_new_fingerprint_is_not_signed_in(home):
    carried(home.laptop, "login-2")
    assert home.browser("login-2").state() is MUST_VERIFY


def test_it_is_no_event(home):
    carried(home.laptop, "login-2")
    assert home.kinds() == []


def test_a_session_ends_at_its_limit_however_often_it_was_carried(home):
    for number in range(2, 32):
        home.wait(3000)
        carried(home.laptop, f"login-{number}")
        home.laptop.login = f"login-{number}"
        home.laptop.browse()
    assert home.laptop.state() is MUST_VERIFY


@pytest.mark.requirement("D10")
def test_a_request_that_comes_again_as_it_was_sent_gets_its_first_answer(home):
    home.laptop.sign_out()
    home.laptop.session_id = None
    sent = home.laptop.cookie, home.laptop.session_id
    code = home.mobile.code()
    first = home.laptop.enter(code)
    carried(home.laptop, "login-2")
    home.laptop.cookie, home.laptop.session_id = sent
    again = home.laptop.enter(code)
    assert (again.outcome, again.session_id) == (SIGNED_IN, first.session_id)
    assert again.account is None


def test_what_the_browser_has_begun_follows_too(home):
    first = home.laptop.resync(home.mobile.code())
    assert first.account is not None
    begun = home.laptop.begin()
    assert begun.pending is not None
    carried(home.laptop, "login-2")
    home.laptop.login = "login-2"
    home.wait(30)
    assert home.laptop.resync(home.mobile.code()).outcome is Outcome.RESYNCED
    assert home.laptop.begin().pending.id == begun.pending.id


def test_what_another_browser_has_begun_stays_with_its_login(home):
    tablet = home.browser("login-1")
    tablet.enter(home.mobile.code())
    home.laptop.begin()
    pending = home.account.pending
    carried(tablet, "login-2")
    assert home.account.pending == pending
    assert home.laptop.state() is SIGNED_IN


@pytest.mark.requirement("D14", "D19")
def test_a_lock_does_not_end_a_login_that_an_open_session_was_carried_to(home):
    carried(home.laptop, "login-2")
    for login in ("login-1", "login-2"):
        thief = home.browser(login)
        for _ in range(home.policy.free_tries + 1):
            thief.guess(home.mobile)
    assert [ended.fingerprint for ended in home.account.ended_logins] == []
    assert with_login(home.laptop, "login-2") is SIGNED_IN


def test_a_carried_login_is_stored_and_read_back(home):
    carried(home.laptop, "login-2")
    assert ACCOUNT_CODEC.decode(ACCOUNT_CODEC.encode(home.account)) == home.account
