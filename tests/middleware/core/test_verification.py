"""Codes of the active key: the window, replay, drift, hints, clocks, re-learning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsgi_mfa.core.decision import Hint, Outcome, Reason
from wsgi_mfa.core.instants import DAY, SECOND
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.verification import learned_drift

SIGNED_IN, WRONG, USED = Outcome.SIGNED_IN, Outcome.WRONG_CODE, Outcome.USED_CODE
YEAR = 365 * DAY


def learn(browser, phone):
    """Two consecutive codes of ``phone``, half a minute apart; the second answer."""
    assert browser.resync(phone.code()).outcome is Outcome.MUST_VERIFY
    browser.world.wait(30)
    return browser.resync(phone.code())


# The window


@pytest.mark.requirement("R5")
@pytest.mark.parametrize(
    ("steps", "outcome"), [(-2, WRONG), (-1, SIGNED_IN), (0, SIGNED_IN), (1, SIGNED_IN), (2, WRONG)]
)
def test_the_window_is_one_step_on_each_side(home, steps, outcome):
    assert home.browser().enter(home.mobile.code(steps)).outcome is outcome


@pytest.mark.requirement("R5")
@pytest.mark.parametrize(("back", "ahead"), [(0, 0), (2, 0), (0, 2), (2, 2)])
def test_the_window_is_what_the_policy_says(new_home, back, ahead):
    for steps in range(-3, 4):
        home = new_home(policy=Policy(steps_back=back, steps_ahead=ahead))
        home.wait(60)
        accepted = home.browser().enter(home.mobile.code(steps)).outcome is SIGNED_IN
        assert accepted == (-back <= steps <= ahead)


@pytest.mark.requirement("R5")
@pytest.mark.parametrize(
    ("offset_seconds", "into_step", "outcome"),
    [
        (-30, 0, SIGNED_IN),
        (-31, 0, WRONG),  # two steps behind early in a step ...
        (-45, 14, WRONG),
        (-45, 15, SIGNED_IN),  # ... is one behind late in it
        (-59, 29, SIGNED_IN),
        (-60, 29, WRONG),
        (59, 0, SIGNED_IN),
        (60, 0, WRONG),
        (45, 14, SIGNED_IN),
        (45, 15, WRONG),
        (30, 29, SIGNED_IN),
        (31, 29, WRONG),
    ],
)
def test_a_phone_that_is_slow_or_fast_gets_in_at_some_moments_of_a_step(
    home, offset_seconds, into_step, outcome
):
    home.mobile.offset_seconds = offset_seconds
    home.wait(60 + into_step)
    assert home.browser().enter(home.mobile.code()).outcome is outcome


@pytest.mark.requirement("R3")
def test_the_parameters_are_those_that_the_key_was_made_for(new_home):
    home = new_home(policy=Policy(algorithm="SHA256", digits=8, period_seconds=60))
    home.wait(60)
    home.policy = Policy()
    assert len(home.mobile.code()) == 8
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("R8", "R79")
@pytest.mark.parametrize("spelling", ["{0}", "{1} {2}", " {1}-{2} "])
def test_every_legal_spelling_of_a_code_is_that_code(home, spelling):
    code = home.mobile.code()
    typed = spelling.format(code, code[:3], code[3:])
    assert home.browser().enter(typed).outcome is SIGNED_IN
    assert home.browser().enter(code).outcome is USED


@pytest.mark.requirement("R2", "R8", "R81")
@pytest.mark.parametrize("typed", ["", "12345", "1234567", "１２３４５６", "12345x", "0" * 5000])
def test_what_cannot_be_a_code_is_refused_and_costs_nothing(home, typed):
    before = home.account
    assert home.browser().enter(typed).outcome is WRONG
    assert home.account == before


# Replay


@pytest.mark.requirement("R6", "R8")
def test_a_code_is_accepted_only_once(home):
    code = home.mobile.code()
    assert home.browser().enter(code).outcome is SIGNED_IN
    again = home.browser().enter(code)
    assert (again.outcome, again.hint, again.retry_after_seconds) == (USED, Hint.WAIT_FOR_NEXT, 30)
    home.wait(30)
    assert home.browser().enter(code).outcome is USED


@pytest.mark.requirement("R6")
def test_an_earlier_code_is_used_up_by_a_later_one(home):
    earlier, current = home.mobile.code(-1), home.mobile.code()
    assert home.browser().enter(current).outcome is SIGNED_IN
    assert home.browser().enter(earlier).outcome is USED


@pytest.mark.requirement("R7")
def test_the_code_that_confirmed_the_enrollment_is_used_up(world):
    laptop, phone = world.browser(), world.phone()
    laptop.enroll(phone)
    assert world.browser().enter(phone.code()).outcome is USED
    assert laptop.enter(phone.code()).outcome is USED


@pytest.mark.requirement("R7")
def test_the_code_of_a_step_up_is_used_up(home):
    code = home.mobile.code()
    assert home.laptop.enter(code).outcome is SIGNED_IN
    assert home.kinds() == ["step_up.accepted"]
    assert home.browser().enter(code).outcome is USED
    assert home.laptop.enter(code).outcome is USED


@pytest.mark.requirement("D26", "R81")
def test_a_used_code_is_charged_to_nobody(home):
    code = home.mobile.code()
    home.browser().enter(code)
    before = home.account
    for _ in range(30):
        assert home.browser().enter(code).outcome is USED
    assert home.account == before


@pytest.mark.requirement("R6", "R17", "D10", "D38")
def test_of_two_browsers_that_race_with_one_code_one_gets_in(home):
    code = home.mobile.code()
    first, second = home.browser(), home.browser()
    loaded = home.account
    wishes = [(browser, browser.entering(code), browser.origin()) for browser in (first, second)]
    assert first.arrived(home.submit(lambda account: wishes[0][1](account, wishes[0][2])), wishes[0][2])
    assert home.account != loaded  # the second one's save would lose, so it is decided again
    assert home.submit(lambda account: wishes[1][1](account, wishes[1][2])).outcome is USED


@pytest.mark.requirement("R51")
def test_without_a_factor_a_code_leads_to_the_enrollment(world):
    assert world.browser().enter("123456").outcome is Outcome.MUST_ENROLL


# The same browser asks twice


@pytest.mark.requirement("D10", "R29")
def test_a_lost_reply_gives_the_same_browser_the_session_that_it_opened(home):
    tablet, code = home.browser(), home.mobile.code()
    first = tablet.enter(code, lose_reply=True)
    before = home.account
    home.wait(59)
    again = tablet.enter(code)
    assert (again.outcome, again.session_id, again.account) == (SIGNED_IN, first.session_id, None)
    assert home.account == before
    assert tablet.state() is SIGNED_IN


@pytest.mark.requirement("D10")
def test_a_retry_lasts_as_long_as_the_policy_says(new_home):
    home = new_home(policy=Policy(retry_seconds=20))
    tablet, code = home.browser(), home.mobile.code()
    tablet.enter(code, lose_reply=True)
    home.wait(19)
    assert tablet.enter(code, lose_reply=True).outcome is SIGNED_IN
    home.wait(1)
    assert tablet.enter(code).outcome is USED


@pytest.mark.requirement("D10", "R40")
def test_a_lost_reply_to_a_step_up_can_be_asked_for_again(home):
    code = home.mobile.code()
    first = home.laptop.enter(code, lose_reply=True)
    again = home.laptop.enter(code)
    assert (again.outcome, again.session_id) == (SIGNED_IN, first.session_id)
    assert home.laptop.state() is SIGNED_IN


@pytest.mark.requirement("D10", "D20")
@pytest.mark.parametrize("change", ["cookie", "login"])
def test_another_browser_or_login_has_no_part_in_a_retry(home, change):
    tablet, code = home.browser(), home.mobile.code()
    tablet.enter(code, lose_reply=True)
    setattr(tablet, change, "another")
    assert tablet.enter(code).outcome is USED


@pytest.mark.requirement("D10", "R7")
def test_a_sign_in_is_no_step_up(home):
    tablet, code = home.browser(), home.mobile.code()
    old_cookie = tablet.cookie
    tablet.enter(code)
    tablet.cookie = old_cookie
    assert tablet.enter(code).outcome is USED


@pytest.mark.requirement("D10", "R45")
@pytest.mark.parametrize("end", ["end_sessions", "reset", "fence"])
def test_a_retry_ends_with_its_session(home, end):
    tablet, code = home.browser(), home.mobile.code()
    tablet.enter(code, lose_reply=True)
    getattr(home, end)()
    assert tablet.enter(code).outcome in (USED, Outcome.MUST_ENROLL)


@pytest.mark.requirement("D11")
def test_a_double_click_on_a_wrong_code_is_charged_once(home):
    tablet, code = home.browser(), home.mobile.wrong_code()
    first = tablet.enter(code)
    home.wait(4)
    again = tablet.enter(code)
    assert (again.outcome, again.account) == (first.outcome, None)
    assert home.account.code_failures.consecutive_count == 1
    home.wait(1)
    tablet.enter(code)
    assert home.account.code_failures.consecutive_count == 2


@pytest.mark.requirement("D11", "R16")
def test_the_same_wrong_code_of_another_browser_is_charged(home):
    code = home.mobile.wrong_code()
    home.browser().enter(code)
    home.browser().enter(code)
    assert home.account.code_failures.consecutive_count == 2


# Counting


@pytest.mark.requirement("R16", "R18", "R20")
def test_five_wrong_codes_close_codes_for_every_browser(home):
    for _ in range(5):
        assert home.browser().guess(home.mobile).outcome is WRONG
        home.wait(1)
    before = home.account
    for code in (home.mobile.code(), home.mobile.wrong_code(), "no code"):
        locked = home.browser().enter(code)
        assert (locked.outcome, locked.reason, locked.retry_after_seconds) == (Outcome.LOCKED, None, 29)
    assert home.account == before
    home.wait(29)
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("R20", "D26")
def test_a_lock_makes_one_event_however_often_it_is_met(home):
    guesser = home.browser()
    for _ in range(20):
        guesser.guess(home.mobile)
    assert home.kinds() == ["code.wrong"] * 5 + ["lock.started"]


@pytest.mark.requirement("R20", "R51", "D19")
def test_a_lock_ends_the_login_that_was_half_signed_in(home):
    guesser = home.browser(login="login-2")
    for _ in range(5):
        guesser.guess(home.mobile)
    assert [(login.fingerprint, login.seconds) for login in home.account.ended_logins] == [("login-2", 30)]


@pytest.mark.requirement("D14")
def test_a_lock_leaves_open_sessions_and_their_login_alone(home):
    for _ in range(5):
        home.laptop.guess(home.mobile)
    assert home.laptop.state() is SIGNED_IN
    assert home.account.ended_logins == ()


@pytest.mark.requirement("R21", "D46")
@pytest.mark.parametrize("known", [True, False])
def test_resync_and_signing_in_share_one_set_of_counters(home, known):
    browser = home.laptop
    if not known:
        browser.known_secrets = ()
    wrong = [home.mobile.wrong_code(index) for index in range(7)]
    for attempt, code in zip([browser.enter, browser.resync] * 3, wrong, strict=False):
        attempt(code)
    browser.enter(wrong[6])
    home.wait(6)
    for attempt in (browser.enter, browser.resync):
        assert attempt(wrong[2]).outcome is Outcome.LOCKED
    counters = home.account.known_browsers[0].failures if known else home.account.code_failures
    assert counters.consecutive_count == 5


@pytest.mark.requirement("R19", "R81")
def test_a_success_clears_the_count_of_consecutive_failures(home):
    tablet = home.browser()
    for _ in range(4):
        tablet.guess(home.mobile)
    assert tablet.enter(home.mobile.code()).outcome is SIGNED_IN
    failures = home.account.code_failures
    assert (failures.consecutive_count, sum(count for _, count in failures.days)) == (0, 4)


@pytest.mark.requirement("R15")
def test_after_a_hundred_wrong_codes_over_days_the_right_one_is_refused_until_a_reset(new_home):
    home = new_home(policy=Policy(failures_rolling_max=1000))
    guesser = home.browser()
    for _ in range(100):
        assert guesser.guess(home.mobile).outcome is WRONG
        home.wait(2 * 3600)
    assert home.kinds()[-1] == "budget.spent"
    home.wait(365 * 86400)
    closed = home.browser().enter(home.mobile.code())
    assert (closed.outcome, closed.reason) == (Outcome.LOCKED, Reason.BUDGET_SPENT)
    home.reset()
    caller = home.browser()
    caller.present(home.enrollment_code())
    caller.enroll(home.mobile)
    home.wait(60)
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("R19")
def test_nineteen_wrong_codes_and_a_right_one_a_day_spend_the_budget_on_the_fourth_day(home):
    home.wait(15 * 3600)  # midnight
    guesser, day = home.browser(), 0
    while "budget.spent" not in home.kinds():
        day += 1
        midnight = home.now
        for _ in range(19):
            decision = guesser.guess(home.mobile)
            if decision.outcome is Outcome.LOCKED:
                home.wait(decision.retry_after_seconds)
                decision = guesser.guess(home.mobile)
            assert decision.outcome is WRONG
            if "budget.spent" in home.kinds():
                break
        else:
            home.wait(3600)
            assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN
        assert home.now < midnight + DAY
        home.now = midnight + DAY
    assert day == 4
    assert home.browser().enter(home.mobile.code()).reason is Reason.BUDGET_SPENT


# Drift


@pytest.mark.requirement("R11", "D18")
@pytest.mark.parametrize("direction", [-1, 1])
def test_a_drift_of_one_step_is_learned_and_moves_the_window(home, direction):
    home.mobile.offset_seconds = 30 * direction
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN
    assert home.account.authenticator.drift_steps == direction
    home.wait(90)
    assert home.browser().enter(home.mobile.code(direction)).outcome is SIGNED_IN
    home.wait(120)
    assert home.browser().enter(home.mobile.code(-2 * direction - direction)).outcome is WRONG


@pytest.mark.requirement("R11", "D18")
def test_ten_sign_ins_each_a_step_later_never_move_the_window_past_its_bound(home):
    outcomes = []
    for late in range(10):
        home.mobile.offset_seconds = -30 * late
        home.wait(120)
        outcomes.append(home.browser().enter(home.mobile.code()).outcome)
    assert outcomes[:3] == [SIGNED_IN] * 3
    assert set(outcomes[3:]) <= {WRONG, Outcome.LOCKED}
    assert home.account.authenticator.drift_steps == -1


@pytest.mark.requirement("D18")
@pytest.mark.parametrize(
    ("drift", "seen", "learned"),
    [
        (0, 0, 0),
        (0, 1, 1),
        (0, -1, -1),
        (0, 2, 1),
        (1, 2, 1),
        (1, 0, 0),
        (1, -1, 0),
        (-1, -2, -1),
        (2, 1, 1),
        (5, 6, 5),
        (10, 11, 10),
        (10, 9, 9),
        (-10, -11, -10),
        (-10, -9, -9),
    ],
)
def test_a_sign_in_moves_drift_by_one_step_at_most(drift, seen, learned):
    assert learned_drift(drift, seen_steps=seen, policy=Policy()) == learned


@pytest.mark.requirement("R81")
def test_a_wrong_code_teaches_nothing(home):
    before = home.account.authenticator
    home.browser().guess(home.mobile)
    assert home.account.authenticator == before


# Hints


@pytest.mark.requirement("D17", "R82")
@pytest.mark.parametrize(
    ("steps", "hint"),
    [(-21, None), (-20, Hint.CLOCK_SLOW), (-2, Hint.CLOCK_SLOW), (2, None), (3, None), (20, None)],
)
def test_only_a_code_of_two_to_twenty_steps_ago_earns_the_hint(home, steps, hint):
    home.wait(1200)
    answer = home.browser().enter(home.mobile.code(steps))
    assert (answer.outcome, answer.hint) == (WRONG, hint)


@pytest.mark.requirement("D17")
def test_a_code_that_earned_a_hint_is_used_up(home):
    home.wait(600)
    home.mobile.offset_seconds = -60
    code = home.mobile.code()
    assert home.browser().enter(code).hint is Hint.CLOCK_SLOW
    assert home.browser().enter(code).hint is None
    home.now -= 60 * SECOND
    assert home.browser().enter(code).outcome is USED


@pytest.mark.requirement("D17")
def test_there_are_three_hints_an_hour(home):
    home.mobile.offset_seconds = -90
    hints = []
    for _ in range(5):
        home.wait(600)
        hints.append(home.browser().enter(home.mobile.code()).hint)
    assert hints == [Hint.CLOCK_SLOW] * 3 + [None] * 2
    home.wait(3600)
    assert home.browser().enter(home.mobile.code()).hint is Hint.CLOCK_SLOW


@pytest.mark.requirement("D17")
def test_a_code_without_a_hint_is_not_used_up(home):
    home.account = replace(home.account, hints=(home.now,) * 3)
    before = home.account.authenticator
    home.wait(600)
    assert home.browser().enter(home.mobile.code(-2)).hint is None
    assert home.account.authenticator == before


# The server's clock


@pytest.mark.requirement("R12", "D22")
@pytest.mark.parametrize("seconds", [30, 90, 3600, 365 * 86400])
def test_a_server_clock_that_steps_back_never_reopens_a_code(home, seconds):
    code = home.mobile.code()
    home.browser().enter(code)
    home.now -= seconds * SECOND
    replayed = home.browser().enter(code)
    assert replayed.outcome in (USED, Outcome.REFUSED)
    assert home.browser().enter(home.mobile.code()).outcome in (USED, Outcome.REFUSED)


@pytest.mark.requirement("R12", "D22")
@pytest.mark.parametrize("seconds", [90, 3600, 365 * 86400])
def test_a_large_step_back_is_told_to_the_operator_and_charged_to_nobody(home, seconds):
    home.browser().enter(home.mobile.code())
    home.now -= seconds * SECOND
    before = home.account
    for code in (home.mobile.code(), home.mobile.wrong_code()):
        answer = home.browser().enter(code)
        assert (answer.outcome, answer.reason, answer.alert) == (
            Outcome.REFUSED,
            Reason.SERVER_CLOCK,
            "last_step_ahead",
        )
    assert home.account == before


@pytest.mark.requirement("R12")
@pytest.mark.parametrize("seconds", [30, 90, 3600])
def test_once_the_clock_is_past_the_last_step_codes_work_as_before(home, seconds):
    home.browser().enter(home.mobile.code())
    home.now -= seconds * SECOND
    home.wait(seconds + 30)
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("R12", "D22")
def test_after_a_clock_that_was_a_year_ahead_support_lets_the_present_in_and_the_future_stays_used(home):
    home.now += YEAR
    burnt = []
    for _ in range(3):
        burnt.append((home.now, home.mobile.code()))
        assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN
        home.wait(60)
    home.now -= YEAR
    assert home.browser().enter(home.mobile.code()).reason is Reason.SERVER_CLOCK
    home.unlock(clock=True)
    home.wait(30)
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN
    for instant, code in burnt:
        home.now = instant
        assert home.browser().enter(code).outcome is USED
    home.wait(30)
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("D22")
def test_hints_and_relearned_codes_of_a_future_stay_used_too(home):
    home.now += YEAR
    slow = home.mobile.code(-3)
    hinted_at = home.now
    assert home.browser().enter(slow).hint is Hint.CLOCK_SLOW
    pair = (home.now, home.mobile.code())
    assert learn(home.browser(), home.mobile).outcome is Outcome.RESYNCED
    home.now -= YEAR
    home.unlock(clock=True)
    home.now = hinted_at - 90 * SECOND
    assert home.browser().enter(slow).outcome is USED
    home.now = pair[0] + 30 * SECOND
    assert home.browser().enter(home.mobile.code()).outcome is USED


@pytest.mark.requirement("D22")
def test_a_lock_of_a_far_future_restarts_once_and_ends(home):
    home.now += YEAR
    for _ in range(5):
        home.browser().guess(home.mobile)
    home.now -= YEAR
    assert home.browser().enter(home.mobile.code()).retry_after_seconds == 30
    assert home.kinds()[-1] == "lock.restarted"
    home.wait(10)
    assert home.browser().enter(home.mobile.code()).retry_after_seconds == 20
    home.wait(20)
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("D22", "R19")
def test_a_budget_spent_in_a_far_future_ages_out_from_today(new_home):
    home = new_home(policy=Policy(failures_rolling_max=3, failures_rolling_days=2))
    home.now += YEAR
    for _ in range(3):
        home.browser().guess(home.mobile)
    home.now -= YEAR
    assert home.browser().enter(home.mobile.code()).reason is Reason.BUDGET_SPENT
    home.wait(2 * 86400)
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


# Re-learning the clock


@pytest.mark.requirement("D17", "R11")
@pytest.mark.parametrize("steps", [-10, -3, 2, 10])
def test_two_consecutive_codes_relearn_a_clock(home, steps):
    home.wait(1200)
    home.mobile.offset_seconds = 30 * steps
    assert learn(home.laptop, home.mobile).outcome is Outcome.RESYNCED
    assert home.account.authenticator.drift_steps == steps
    assert home.kinds() == ["clock.first_code", "clock.relearned"]
    home.wait(30)
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("D17", "D18")
@pytest.mark.parametrize("steps", [-11, 11])
def test_a_clock_further_off_than_ten_steps_is_not_relearned(home, steps):
    home.wait(1200)
    home.mobile.offset_seconds = 30 * steps
    assert learn(home.laptop, home.mobile).outcome is WRONG
    assert home.account.authenticator.drift_steps == 0
    assert home.account.known_browsers[0].failures.consecutive_count == 1


@pytest.mark.requirement("D17")
def test_relearning_opens_no_session(home):
    tablet = home.browser()
    sessions = home.account.sessions
    assert learn(tablet, home.mobile).session_id is None
    assert home.account.sessions == sessions
    assert tablet.state() is Outcome.MUST_VERIFY


@pytest.mark.requirement("D17", "R82")
def test_the_first_code_is_always_answered_with_now_the_next_one(home):
    used = home.mobile.code()
    home.browser().enter(used)
    for code in (used, home.mobile.code(1), home.mobile.wrong_code()):
        answer = home.browser().resync(code)
        assert (answer.outcome, answer.hint) == (Outcome.MUST_VERIFY, Hint.WAIT_FOR_NEXT)
    assert home.account.code_failures.consecutive_count == 0


@pytest.mark.requirement("D43a")
def test_ten_first_codes_an_hour_are_kept(home):
    tablet = home.browser()
    for number in range(10):
        assert home.browser().resync(f"{number:06}").outcome is Outcome.MUST_VERIFY
    revision = home.account.revision
    answer = home.browser().resync("000010")
    assert (answer.outcome, answer.account) == (Outcome.LOCKED, None)
    assert 0 < answer.retry_after_seconds <= 3600
    assert home.account.revision == revision
    assert tablet.enter(home.mobile.code()).outcome is Outcome.SIGNED_IN
    home.wait(3600)
    assert tablet.resync(home.mobile.code()).outcome is Outcome.MUST_VERIFY


@pytest.mark.requirement("D17")
@pytest.mark.parametrize("first", [-2, -1, 1, 2])
def test_codes_that_do_not_follow_each_other_are_one_wrong_attempt(home, first):
    home.wait(600)
    home.laptop.resync(home.mobile.code(first))
    home.wait(20)
    assert home.laptop.resync(home.mobile.code()).outcome is (Outcome.RESYNCED if first == -1 else WRONG)
    assert home.account.known_browsers[0].failures.consecutive_count == (0 if first == -1 else 1)


@pytest.mark.requirement("D17")
@pytest.mark.parametrize(("seconds", "outcome"), [(89, Outcome.RESYNCED), (90, Outcome.MUST_VERIFY)])
def test_the_second_code_comes_within_ninety_seconds(home, seconds, outcome):
    home.laptop.resync(home.mobile.code())
    second = home.mobile.code(1)
    home.wait(seconds)
    assert home.laptop.resync(second).outcome is outcome


@pytest.mark.requirement("D17", "R6")
def test_used_codes_do_not_relearn_a_clock(home):
    first = home.mobile.code()
    home.browser().enter(first)
    home.laptop.resync(first)
    home.wait(30)
    assert home.laptop.resync(home.mobile.code()).outcome is WRONG


@pytest.mark.requirement("D17", "R6", "R7")
def test_both_codes_of_a_relearned_clock_are_used_up(home):
    first = home.mobile.code()
    learn(home.laptop, home.mobile)
    assert home.browser().enter(first).outcome is USED
    assert home.browser().enter(home.mobile.code()).outcome is USED


@pytest.mark.requirement("D17", "D20")
def test_the_two_codes_come_from_one_browser_and_login(home):
    home.laptop.resync(home.mobile.code())
    home.wait(30)
    assert home.browser().resync(home.mobile.code()).outcome is Outcome.MUST_VERIFY


@pytest.mark.requirement("D22", "R12")
def test_relearning_is_refused_uncharged_where_no_pair_can_be_accepted(home):
    home.browser().enter(home.mobile.code())
    home.now -= 3600 * SECOND
    answer = home.laptop.resync(home.mobile.code())
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, Reason.SERVER_CLOCK)
    assert home.account.code_failures.consecutive_count == 0


@pytest.mark.requirement("D17")
def test_relearning_without_a_factor_leads_to_the_enrollment(world):
    assert world.browser().resync("123456").outcome is Outcome.MUST_ENROLL
