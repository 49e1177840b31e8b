"""The desk: reset, unlock, and the fence after a restore."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.policy import Policy

SIGNED_IN, MUST_ENROLL, REFUSED = Outcome.SIGNED_IN, Outcome.MUST_ENROLL, Outcome.REFUSED


# Reset


@pytest.mark.requirement("R45", "D16")
def test_nothing_of_before_is_usable_after_a_reset(home):
    lost, code = home.browser(), home.mobile.code()
    lost.enter(code, lose_reply=True)
    recovery_code, generation = home.recovery_code(), home.account.generation
    home.laptop.begin()
    home.laptop.resync(home.mobile.code(1))
    assert home.reset().outcome is Outcome.RESET
    account = home.account
    assert account.generation != generation
    assert (account.authenticator, account.recovery_code, account.first_code) == (None, None, None)
    assert account.sessions == account.pending == account.retries == account.answers == ()
    assert home.laptop.state() is MUST_ENROLL
    assert lost.enter(code).outcome is MUST_ENROLL
    assert home.browser().enter(home.mobile.code(1)).outcome is MUST_ENROLL
    assert home.browser().recover(recovery_code).outcome is MUST_ENROLL


@pytest.mark.requirement("R45", "R33")
def test_after_the_next_enrollment_the_old_phone_and_the_old_recovery_code_are_wrong(home):
    recovery_code, new = home.recovery_code(), home.phone()
    home.reset()
    home.browser().enroll(new)
    home.wait(60)
    assert home.browser().enter(home.mobile.code()).outcome is Outcome.WRONG_CODE
    assert home.browser().recover(recovery_code).outcome is Outcome.WRONG_CODE
    assert home.browser().enter(new.code()).outcome is SIGNED_IN


@pytest.mark.requirement("R45")
def test_a_pending_key_of_before_a_reset_binds_nothing(home):
    home.laptop.enter(home.mobile.code())
    new = home.phone().scan(home.laptop.begin())
    home.reset()
    assert home.laptop.confirm(new.code()).reason is Reason.ENROLLMENT_EXPIRED


@pytest.mark.requirement("R45", "R44")
def test_a_reset_keeps_the_address_and_records_who_and_why(home):
    home.account = replace(home.account, address="user1@example.com")
    home.reset()
    assert home.account.address == "user1@example.com"
    event = home.events[0]
    assert home.kinds() == ["support.reset", "known_browser.ended"]
    assert event.details == (("agent", "desk@example.com"), ("reason", "new phone"), ("code_needed", "false"))


@pytest.mark.requirement("D12")
@pytest.mark.parametrize("act", ["reset", "unlock"])
def test_the_desk_acts_on_the_account_that_it_saw(home, act):
    seen = home.account.generation
    home.laptop.enroll(home.phone())
    before = home.account
    answer = getattr(home, act)(seen=seen)
    assert (answer.outcome, answer.reason) == (REFUSED, Reason.CHANGED_MEANWHILE)
    assert home.account == before
    assert getattr(home, act)(seen=home.account.generation).outcome is not REFUSED


@pytest.mark.requirement("D15")
@pytest.mark.parametrize("kind", ["code", "recovery_code", "none"])
def test_after_guesses_the_next_enrollment_asks_for_the_code_of_the_caller(home, kind):
    if kind == "code":
        home.browser().guess(home.mobile)
    elif kind == "recovery_code":
        home.browser().recover("0" * 24)
    answer = home.reset()
    needed = kind != "none"
    assert answer.reason is (Reason.ENROLLMENT_CODE_NEEDED if needed else None)
    assert (home.account.enrollment_code is not None) is needed
    thief = home.browser().begin()
    assert (thief.reason is Reason.ENROLLMENT_CODE_NEEDED) is needed


@pytest.mark.requirement("D15")
def test_guesses_before_the_last_success_ask_for_no_code(home):
    home.browser().guess(home.mobile)
    home.browser().enter(home.mobile.code())
    assert home.reset().reason is None


@pytest.mark.requirement("D15")
def test_a_spent_budget_asks_for_the_code_even_after_an_unlock(new_home):
    home = new_home(policy=Policy(failures_rolling_max=3))
    for _ in range(3):
        home.browser().guess(home.mobile)
    home.unlock()
    home.laptop.enter(home.mobile.code())
    assert home.account.code_failures.consecutive_count == 0
    assert home.reset().reason is Reason.ENROLLMENT_CODE_NEEDED


@pytest.mark.requirement("D15")
def test_a_second_reset_still_asks_for_the_code(home):
    home.browser().guess(home.mobile)
    home.reset()
    home.wait(3600)
    assert home.reset().reason is Reason.ENROLLMENT_CODE_NEEDED
    assert home.browser().begin().reason is Reason.ENROLLMENT_CODE_NEEDED
    caller = home.browser()
    caller.present(home.enrollment_code())
    caller.enroll(home.phone())
    home.wait(60)
    assert home.reset().reason is None


@pytest.mark.requirement("R15", "D14")
def test_a_reset_clears_the_counters(home):
    for _ in range(5):
        home.browser().guess(home.mobile)
    home.reset()
    assert home.account.code_failures.consecutive_count == 0


# Unlock


@pytest.mark.requirement("D47")
def test_an_unlock_clears_nothing_and_makes_the_browser_known_that_shows_its_code(new_home):
    home = new_home(policy=Policy(failures_rolling_max=5))
    for _ in range(5):
        home.browser().guess(home.mobile)
    tablet = home.browser()
    assert tablet.enter(home.mobile.code()).reason is Reason.BUDGET_SPENT
    before = home.account
    assert home.unlock().outcome is Outcome.UNLOCKED
    assert replace(home.account, unlock_code=None, revision=before.revision) == before
    assert tablet.enter(home.mobile.code()).reason is Reason.BUDGET_SPENT
    assert tablet.show_unlock_code(home.unlock_code()).outcome is Outcome.UNLOCKED
    assert home.account.code_failures == before.code_failures
    assert tablet.enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("D47")
def test_an_unlock_code_works_in_one_browser_while_it_lives_and_again_after_a_lost_reply(home):
    home.unlock()
    code, tablet = home.unlock_code(), home.browser()
    assert home.browser().show_unlock_code("0" * 12).outcome is Outcome.WRONG_CODE
    assert tablet.show_unlock_code(code, lose_reply=True).outcome is Outcome.UNLOCKED
    home.wait(30)
    assert tablet.show_unlock_code(code).outcome is Outcome.UNLOCKED
    assert home.browser().show_unlock_code(code).outcome is Outcome.WRONG_CODE
    assert home.kinds().count("known_browser.added") == 1
    home.unlock()
    home.wait(601)
    assert home.browser().show_unlock_code(home.unlock_code()).outcome is Outcome.WRONG_CODE


@pytest.mark.requirement("D47")
def test_an_unlock_code_ends_no_back_off_of_a_known_browser(home):
    for _ in range(5):
        home.laptop.guess(home.mobile)
    home.unlock()
    home.laptop.show_unlock_code(home.unlock_code())
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN
    home.wait(60)
    assert home.laptop.enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("D47")
@pytest.mark.parametrize("deed", ["reset", "fence"])
def test_an_unlock_code_ends_with_the_generation(home, deed):
    home.unlock()
    getattr(home, deed)()
    assert home.account.unlock_code is None


@pytest.mark.requirement("D22")
def test_an_unlock_without_the_clock_leaves_the_last_step(home):
    home.wait(3600)
    home.browser().enter(home.mobile.code())
    home.wait(-3600)
    last_step = home.account.authenticator.last_step
    home.unlock()
    assert home.account.authenticator.last_step == last_step
    home.unlock(clock=True)
    assert home.account.authenticator.last_step == home.mobile.step()


@pytest.mark.requirement("D22", "R12")
def test_an_unlock_of_a_clock_that_is_right_changes_no_step(home):
    home.browser().enter(home.mobile.code())
    before = home.account.authenticator
    home.wait(600)
    home.unlock(clock=True)
    assert home.account.authenticator == before


@pytest.mark.requirement("D22")
def test_eight_steps_used_ahead_are_kept_those_to_come_first(home):
    home.wait(86400)
    ahead = []
    for _ in range(10):
        assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN
        ahead.append(home.account.authenticator.last_step)
        home.wait(60)
    home.wait(-2 * 86400)
    home.unlock(clock=True)
    assert home.account.authenticator.used_steps == tuple(ahead[-9:-1])  # of nine, the last one included


@pytest.mark.requirement("R12", "D22")
def test_steps_used_before_a_first_unlock_stay_used_when_the_clock_steps_back_once_more(home):
    home.wait(3600)
    ahead = home.now
    home.browser().enter(home.mobile.code())
    used = []
    for _ in range(2):
        home.wait(-3600)
        home.unlock(clock=True)
        home.wait(30)
        used.append((home.now, home.mobile.code()))
        assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN
    home.wait(-3600)
    home.unlock(clock=True)
    for instant, code in [*used, (ahead, home.mobile.code_of(home.mobile.step(ahead)))]:
        home.now = max(instant, home.now)
        assert home.browser().enter(code).outcome is not SIGNED_IN


@pytest.mark.requirement("D47")
def test_a_user_without_a_phone_is_locked_out_of_nothing(world):
    assert world.unlock(clock=True).outcome is MUST_ENROLL
    assert world.account.unlock_code is None


# Fence


@pytest.mark.requirement("R13")
def test_after_a_restore_no_code_of_before_and_no_old_recovery_code_works(home):
    backup = home.account
    used, recovery_code = home.mobile.code(1), home.recovery_code()
    home.browser().enter(used)
    home.browser().recover(recovery_code)
    home.account = backup
    home.fence()
    assert home.browser().enter(used).outcome is Outcome.USED_CODE
    assert home.browser().recover(recovery_code).outcome is Outcome.WRONG_CODE
    assert home.laptop.state() is Outcome.MUST_VERIFY
    home.wait(60)
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("R13", "D28")
def test_the_fence_voids_pendings_retries_and_enrollment_codes(home):
    home.browser().guess(home.mobile)
    home.reset()
    caller = home.browser()
    caller.present(home.enrollment_code())
    caller.begin()
    generation = home.account.generation
    home.fence()
    account = home.account
    assert account.generation != generation
    assert account.pending == account.retries == account.answers == ()
    assert account.enrollment_code is None
    assert caller.begin().reason is Reason.ENROLLMENT_CODE_NEEDED


@pytest.mark.requirement("R12", "R13")
def test_the_fence_never_sets_the_last_step_back(home):
    home.wait(3600)
    home.browser().enter(home.mobile.code())
    last_step = home.account.authenticator.last_step
    home.wait(-3600)
    home.fence()
    assert home.account.authenticator.last_step == last_step


@pytest.mark.requirement("R13", "D22")
def test_an_unlock_of_the_clock_reopens_nothing_that_a_fence_closed(new_home):
    home = new_home(policy=Policy(steps_ahead=2))
    ahead = home.mobile.code(1)
    home.fence()
    home.unlock(clock=True)
    home.wait(30)
    assert home.browser().enter(ahead).outcome is Outcome.USED_CODE


@pytest.mark.requirement("D22")
def test_a_step_that_an_unlock_set_takes_the_place_of_no_used_one(home):
    home.wait(86400)
    used = []
    for _ in range(7):  # the eighth is the enrollment's
        used.append((home.now, home.mobile.code()))
        assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN
        home.wait(60)
    for days in (2, 1):
        home.wait(-days * 86400)
        home.unlock(clock=True)
    for instant, code in used:
        home.now = instant
        assert home.browser().enter(code).outcome is Outcome.USED_CODE


# Drift


def far_off(new_home):
    """A user whose phone's clock was re-learned to be five steps fast."""
    home = new_home()
    home.mobile.offset_seconds = 150
    browser = home.browser()
    browser.resync(home.mobile.code())
    home.wait(30)
    assert browser.resync(home.mobile.code()).outcome is Outcome.RESYNCED
    home.wait(60)
    home.events.clear()
    return home


@pytest.mark.requirement("D18")
def test_what_was_learned_of_a_clock_can_be_forgotten(new_home):
    home = far_off(new_home)
    last_step = home.account.authenticator.last_step
    assert home.forget_drift().outcome is Outcome.RESYNCED
    assert (home.account.authenticator.drift_steps, home.account.authenticator.last_step) == (0, last_step)
    assert home.kinds() == ["support.drift_forgotten"]
    assert home.browser().enter(home.mobile.code()).outcome is not SIGNED_IN
    home.mobile.offset_seconds = 0
    home.wait(300)
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("D18")
def test_drift_from_before_the_instant_asked_for_is_kept(new_home):
    home = far_off(new_home)
    learned_at = home.account.authenticator.drift_at
    assert home.forget_drift(since=learned_at + 1).account is None
    assert home.forget_drift(since=learned_at).account is not None


@pytest.mark.requirement("D18")
def test_where_no_drift_is_known_nothing_is_forgotten(home, world):
    assert home.forget_drift().account is None
    assert world.forget_drift().account is None


# Two agents


@pytest.mark.requirement("R46")
def test_a_second_agent_can_be_required_for_a_reset(new_home):
    home = new_home(policy=Policy(reset_agents=2))
    phone = home.account.authenticator
    asked = home.reset()
    assert (asked.outcome, asked.reason) == (Outcome.REFUSED, Reason.SECOND_AGENT_NEEDED)
    double_click = home.reset()
    assert (double_click.reason, double_click.account) == (Reason.SECOND_AGENT_NEEDED, None)
    home.wait(61)
    assert home.reset().outcome is Outcome.REFUSED  # the same agent once more
    assert home.account.authenticator == phone
    assert home.laptop.state() is SIGNED_IN
    assert home.kinds() == ["support.reset_asked"] * 2
    assert home.reset(agent="Desk@Example.com").outcome is Outcome.REFUSED
    assert home.reset(agent="other@example.com").outcome is Outcome.RESET
    assert (home.account.authenticator, home.account.reset_asked) == (None, None)


@pytest.mark.requirement("R46")
def test_what_one_agent_asked_for_is_forgotten_after_ten_minutes(new_home):
    home = new_home(policy=Policy(reset_agents=2))
    home.reset()
    home.wait(600)
    assert home.reset(agent="other@example.com").outcome is Outcome.REFUSED
    home.wait(599)
    assert home.reset().outcome is Outcome.RESET
