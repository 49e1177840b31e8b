"""The recovery code: used once, replaced, shown until saved."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.account import Failures, Method
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.instants import DAY, SECOND

SIGNED_IN, WRONG, LOCKED = Outcome.SIGNED_IN, Outcome.WRONG_CODE, Outcome.LOCKED
MUST_SAVE, REFUSED = Outcome.MUST_SAVE_RECOVERY_CODE, Outcome.REFUSED


def wrong_recovery_code(index):
    return f"{index:024}"


@pytest.mark.requirement("R28")
def test_a_recovery_code_works_once_and_a_new_one_takes_its_place(home):
    tablet, code = home.browser(), home.recovery_code()
    assert tablet.recover(code).outcome is SIGNED_IN
    assert home.recovery_code() != code
    assert tablet.state() is MUST_SAVE
    assert home.account.session(tablet.session_id).method is Method.RECOVERY_CODE
    assert home.browser().recover(code).outcome is WRONG
    assert home.browser().recover(home.recovery_code()).outcome is SIGNED_IN


@pytest.mark.requirement("R28", "D10")
def test_of_thirty_browsers_with_one_code_one_gets_in(home):
    code = home.recovery_code()
    outcomes = [home.browser().recover(code).outcome for _ in range(30)]
    assert outcomes.count(SIGNED_IN) == 1
    assert home.kinds().count("recovery_code.used") == 1


@pytest.mark.requirement("R31")
def test_lower_case_and_spaces_are_accepted_once(home):
    code = home.recovery_code()
    spelled = " ".join(code[start : start + 4] for start in range(0, 24, 4)).lower()
    assert home.browser().recover(spelled).outcome is SIGNED_IN
    assert home.browser().recover(code).outcome is WRONG


@pytest.mark.requirement("R30", "R81")
@pytest.mark.parametrize("typed", ["", "1234", "x" * 1_000_000], ids=len)
def test_what_cannot_be_a_recovery_code_is_not_evaluated(home, typed):
    before = home.account
    assert home.browser().recover(typed).outcome is WRONG
    assert home.account == before


@pytest.mark.requirement("R33")
def test_a_recovery_sign_in_leaves_the_key_as_it_was(home):
    before = home.account.authenticator
    assert home.browser().recover(home.recovery_code()).pending is None
    assert home.account.authenticator == before


@pytest.mark.requirement("R33")
def test_a_recovery_sign_in_may_set_up_a_new_phone(home):
    tablet, new = home.browser(), home.phone()
    tablet.recover(home.recovery_code())
    tablet.enroll(new)
    home.wait(60)
    assert home.browser().enter(home.mobile.code()).outcome is WRONG
    assert home.browser().enter(new.code()).outcome is SIGNED_IN


@pytest.mark.requirement("R45")
def test_without_a_factor_a_recovery_code_leads_to_the_enrollment(world):
    assert world.browser().recover(wrong_recovery_code(0)).outcome is Outcome.MUST_ENROLL


# Counting


@pytest.mark.requirement("R30", "D46")
def test_no_number_of_wrong_recovery_codes_keeps_the_right_one_out(home):
    guesser = home.browser()
    for index in range(200):
        assert guesser.recover(wrong_recovery_code(index)).outcome is WRONG
    assert home.account.recovery_failures.consecutive_count == 200
    assert home.account.recovery_failures.locked_since is None
    assert home.browser().recover(home.recovery_code()).outcome is SIGNED_IN


@pytest.mark.requirement("R21", "D46")
def test_neither_kind_of_code_closes_the_other(home):
    for index in range(5):
        home.browser().guess(home.mobile)
        home.browser().enter(home.mobile.wrong_code(index))
    assert home.browser().enter(home.mobile.code()).outcome is LOCKED
    assert home.browser().recover(home.recovery_code()).outcome is SIGNED_IN
    home.wait(3600)
    for index in range(100):
        home.browser().recover(wrong_recovery_code(index))
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("R19")
def test_a_recovery_sign_in_clears_its_own_consecutive_count_alone(home):
    home.browser().guess(home.mobile)
    home.browser().recover(wrong_recovery_code(1))
    home.browser().recover(home.recovery_code())
    assert home.account.recovery_failures.consecutive_count == 0
    assert home.account.code_failures.consecutive_count == 1


@pytest.mark.requirement("D15")
def test_guesses_at_a_replaced_recovery_code_are_forgotten(home):
    for index in range(5):
        home.browser().recover(wrong_recovery_code(index))
    home.laptop.enter(home.mobile.code())
    home.laptop.replace_recovery_code()
    assert home.account.recovery_failures == Failures()


@pytest.mark.requirement("D11")
def test_a_double_click_on_a_wrong_recovery_code_is_charged_once(home):
    tablet = home.browser()
    tablet.recover(wrong_recovery_code(1))
    assert tablet.recover(wrong_recovery_code(1)).account is None
    assert home.account.recovery_failures.consecutive_count == 1


# A lost reply


@pytest.mark.requirement("D10", "R29")
@pytest.mark.parametrize("seconds", [1, 61, 3000])
def test_a_lost_reply_can_be_asked_for_as_long_as_its_session_lives(home, seconds):
    tablet, code = home.browser(), home.recovery_code()
    first = tablet.recover(code, lose_reply=True)
    home.wait(seconds)
    again = tablet.recover(code)
    assert (again.outcome, again.session_id) == (SIGNED_IN, first.session_id)
    assert len(home.account.sessions) == 2  # the one of the enrollment, and this one
    assert tablet.state() is MUST_SAVE
    assert tablet.show().outcome is MUST_SAVE
    assert home.browser().recover(code).outcome is WRONG


@pytest.mark.requirement("D10")
def test_the_retry_ends_when_the_new_code_is_saved(home):
    tablet, code = home.browser(), home.recovery_code()
    old_cookie = tablet.cookie
    tablet.recover(code)
    tablet.acknowledge()
    tablet.cookie = old_cookie
    assert tablet.recover(code).outcome is WRONG


@pytest.mark.requirement("D10", "R52")
def test_the_retry_ends_with_the_session(home):
    tablet, code = home.browser(), home.recovery_code()
    tablet.recover(code, lose_reply=True)
    home.wait(61 * 60)
    assert tablet.recover(code).outcome is WRONG


# Showing and saving


@pytest.mark.requirement("R26", "R29", "D13")
def test_a_code_is_shown_until_it_is_saved_and_never_later(home):
    tablet = home.browser()
    tablet.recover(home.recovery_code())
    for count in (1, 2):
        assert tablet.show().outcome is MUST_SAVE
        assert home.events[-1].kind == "recovery_code.shown"
        assert home.events[-1].details == (("count", str(count)),)
    assert tablet.acknowledge().outcome is SIGNED_IN
    assert home.account.recovery_code.sealed_copy is None
    assert tablet.show().reason is Reason.CODE_NOT_SHOWN_AGAIN
    assert tablet.state() is SIGNED_IN


@pytest.mark.requirement("D13")
@pytest.mark.parametrize(("seconds", "outcome"), [(299, MUST_SAVE), (300, REFUSED)])
def test_a_code_is_shown_within_five_minutes_of_the_second_factor(home, seconds, outcome):
    tablet = home.browser()
    tablet.recover(home.recovery_code())
    home.wait(seconds)
    assert tablet.show().outcome is outcome


@pytest.mark.requirement("D13", "R29")
def test_a_code_that_was_not_saved_is_shown_again_after_the_next_second_factor(home):
    home.browser().recover(home.recovery_code())
    home.wait(DAY // SECOND)
    tablet = home.browser()
    tablet.enter(home.mobile.code())
    assert tablet.state() is MUST_SAVE
    assert tablet.show().outcome is MUST_SAVE


@pytest.mark.requirement("D13")
def test_a_session_of_before_the_code_is_neither_held_up_nor_shown_it(home):
    home.laptop.enter(home.mobile.code())
    home.browser().recover(home.recovery_code())
    assert home.laptop.state() is SIGNED_IN
    assert home.laptop.show().reason is Reason.CODE_NOT_SHOWN_AGAIN
    assert home.laptop.acknowledge().reason is Reason.CHANGED_MEANWHILE
    assert home.account.recovery_code.sealed_copy is not None


@pytest.mark.requirement("D13", "D22")
@pytest.mark.parametrize("seconds_back", [1, 100, 299, 3600])
def test_a_clock_step_back_shows_the_code_to_no_session_of_before(home, seconds_back):
    home.laptop.enter(home.mobile.code())
    home.now -= seconds_back * SECOND
    home.browser().recover(home.recovery_code())
    home.now -= 10 * SECOND
    home.browser().recover(wrong_recovery_code(1))  # saves the account as it counts now
    assert home.laptop.show().outcome is not MUST_SAVE


@pytest.mark.requirement("D22", "R29")
def test_a_code_of_a_far_future_can_still_be_saved(new_world):
    world = new_world()
    world.now += 365 * DAY
    laptop, phone = world.browser(), world.phone()
    phone.scan(laptop.begin())
    laptop.confirm(phone.code())
    world.now -= 365 * DAY
    world.unlock(clock=True)
    world.wait(30)
    tablet = world.browser()
    assert tablet.enter(phone.code()).outcome is SIGNED_IN
    assert tablet.state() is MUST_SAVE
    assert tablet.show().outcome is MUST_SAVE


@pytest.mark.requirement("D13")
def test_after_thirty_days_a_code_is_replaced_rather_than_shown(home):
    home.browser().recover(home.recovery_code())
    before = home.account.recovery_code
    home.wait(30 * DAY // SECOND)
    tablet = home.browser()
    tablet.enter(home.mobile.code())
    assert tablet.show().outcome is MUST_SAVE
    assert home.account.recovery_code.id != before.id
    assert home.kinds()[-1] == "recovery_code.replaced"
    assert tablet.acknowledge().outcome is SIGNED_IN


@pytest.mark.requirement("D12")
def test_the_tick_box_is_about_the_code_that_was_seen(home):
    tablet = home.browser()
    tablet.recover(home.recovery_code())
    answer = tablet.acknowledge("another-id")
    assert (answer.outcome, answer.reason) == (REFUSED, Reason.CHANGED_MEANWHILE)
    assert tablet.state() is MUST_SAVE


def test_ticking_twice_is_no_error(home):
    tablet = home.browser()
    tablet.recover(home.recovery_code())
    tablet.acknowledge()
    again = tablet.acknowledge()
    assert (again.outcome, again.account) == (SIGNED_IN, None)


@pytest.mark.requirement("R49", "R51")
def test_neither_without_a_session_nor_with_that_of_another_login_is_a_code_shown_saved_or_replaced(home):
    tablet = home.browser()
    tablet.recover(home.recovery_code())
    tablet.login = "another"
    for browser in (tablet, home.browser()):
        for act in (browser.show, browser.acknowledge, browser.replace_recovery_code):
            assert act().outcome is Outcome.MUST_VERIFY


# Replacing


@pytest.mark.requirement("R40", "R32")
def test_a_fresh_second_factor_replaces_a_code_that_was_lost(home):
    old = home.recovery_code()
    home.laptop.enter(home.mobile.code())
    assert home.laptop.replace_recovery_code().outcome is MUST_SAVE
    assert home.kinds()[-1] == "recovery_code.replaced"
    assert home.laptop.state() is MUST_SAVE
    assert home.browser().recover(old).outcome is WRONG
    assert home.laptop.show().outcome is MUST_SAVE


@pytest.mark.requirement("R40")
def test_a_stale_second_factor_replaces_nothing(home):
    home.laptop.enter(home.mobile.code())
    home.wait(300)
    assert home.laptop.replace_recovery_code().outcome is Outcome.STEP_UP_REQUIRED


@pytest.mark.requirement("D13")
def test_a_replaced_code_is_seen_by_its_own_session_alone(home):
    home.laptop.enter(home.mobile.code())
    home.wait(60)
    tablet = home.browser()
    tablet.enter(home.mobile.code())
    home.laptop.replace_recovery_code()
    assert tablet.state() is SIGNED_IN
    assert tablet.show().reason is Reason.CODE_NOT_SHOWN_AGAIN
    assert home.laptop.show().outcome is MUST_SAVE
