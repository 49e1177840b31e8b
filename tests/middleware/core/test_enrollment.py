"""Binding a phone: who may begin, whose pending key it is, and what a right code of it ends."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.account import Failures
from wsgi_mfa.core.decision import Hint, Outcome, Reason
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.policy import Policy

MUST_ENROLL, SIGNED_IN, REFUSED = Outcome.MUST_ENROLL, Outcome.SIGNED_IN, Outcome.REFUSED
YEAR_SECONDS = 365 * 86400


def invited(world):
    """A browser of a caller who has shown the desk's enrollment code."""
    world.reset()
    browser = world.browser()
    assert browser.present(world.enrollment_code()).outcome is MUST_ENROLL
    return browser


# A first phone


@pytest.mark.requirement("R35")
def test_nothing_is_active_until_a_right_code_came(world):
    laptop, phone = world.browser(), world.phone()
    phone.scan(laptop.begin())
    assert laptop.confirm(phone.wrong_code()).outcome is Outcome.WRONG_CODE
    assert world.account.authenticator is None
    assert world.browser().enter(phone.code()).outcome is MUST_ENROLL
    assert laptop.confirm(phone.code()).outcome is SIGNED_IN
    assert laptop.state() is Outcome.MUST_SAVE_RECOVERY_CODE
    assert world.kinds() == [
        "enrollment.begun",
        "enrollment.wrong_code",
        "enrollment.confirmed",
        "known_browser.added",
    ]


@pytest.mark.requirement("R5", "R35", "D17")
@pytest.mark.parametrize(
    ("steps", "outcome", "hint"),
    [
        (-21, Outcome.WRONG_CODE, None),
        (-20, Outcome.WRONG_CODE, Hint.CLOCK_SLOW),
        (-2, Outcome.WRONG_CODE, Hint.CLOCK_SLOW),
        (-1, SIGNED_IN, None),
        (1, SIGNED_IN, None),
        (2, Outcome.WRONG_CODE, Hint.CLOCK_FAST),
        (20, Outcome.WRONG_CODE, Hint.CLOCK_FAST),
        (21, Outcome.WRONG_CODE, None),
        (-118, Outcome.WRONG_CODE, None),
        (-119, Outcome.WRONG_CODE, Hint.CLOCK_HOURS_SLOW),
        (-26 * 120 - 1, Outcome.WRONG_CODE, Hint.CLOCK_HOURS_SLOW),
        (-27 * 120, Outcome.WRONG_CODE, None),
        (7 * 120, Outcome.WRONG_CODE, Hint.CLOCK_HOURS_FAST),
        (26 * 120 + 1, Outcome.WRONG_CODE, Hint.CLOCK_HOURS_FAST),
        (60, Outcome.WRONG_CODE, None),
    ],
)
def test_a_pending_key_says_which_way_the_phone_is_wrong(world, steps, outcome, hint):
    laptop, phone = world.browser(), world.phone()
    phone.scan(laptop.begin())
    answer = laptop.confirm(phone.code(steps))
    assert (answer.outcome, answer.hint) == (outcome, hint)


@pytest.mark.requirement("R8", "D46")
@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef"])
def test_what_is_no_whole_code_is_told_so_and_tried_by_nobody(world, typed):
    laptop, phone = world.browser(), world.phone()
    phone.scan(laptop.begin())
    answer = laptop.confirm(typed)
    assert (answer.outcome, answer.hint, answer.account) == (Outcome.WRONG_CODE, Hint.MALFORMED, None)


@pytest.mark.requirement("R36", "D26")
def test_a_reload_gives_the_same_key_and_starting_again_another(world):
    laptop = world.browser()
    first, again = laptop.begin(), laptop.begin()
    assert (again.pending, again.account) == (first.pending, None)
    restarted = laptop.begin(restart=True)
    assert restarted.pending != first.pending
    assert world.account.pending == (restarted.pending,)


@pytest.mark.requirement("R36", "D12")
def test_the_key_of_before_a_restart_confirms_nothing(world):
    laptop, old = world.browser(), world.phone()
    page = laptop.begin()
    old.scan(page)
    laptop.begin(restart=True)
    answer = laptop.confirm(old.code(), pending_id=page.pending.id)
    assert (answer.outcome, answer.reason) == (REFUSED, Reason.CHANGED_MEANWHILE)
    assert world.account.code_failures.consecutive_count == 0


@pytest.mark.requirement("R36")
@pytest.mark.parametrize(("seconds", "outcome"), [(599, SIGNED_IN), (600, REFUSED), (660, REFUSED)])
def test_a_pending_key_lives_ten_minutes(world, seconds, outcome):
    laptop, phone = world.browser(), world.phone()
    phone.scan(laptop.begin())
    world.wait(seconds)
    assert laptop.confirm(phone.code()).outcome is outcome


@pytest.mark.requirement("R35", "D20")
def test_two_browsers_never_see_the_same_key(world):
    laptop, tablet, phone = world.browser(), world.browser(), world.phone()
    page = laptop.begin()
    assert tablet.begin().pending.sealed_key != page.pending.sealed_key
    phone.scan(page)
    assert tablet.confirm(phone.code()).outcome is Outcome.WRONG_CODE
    assert tablet.confirm(phone.code(), pending_id=page.pending.id).outcome is not SIGNED_IN


@pytest.mark.requirement("R35", "D20")
def test_a_pending_key_belongs_to_a_login_too(world):
    laptop, phone = world.browser(login="login-1"), world.phone()
    phone.scan(laptop.begin())
    laptop.login = "login-2"
    assert laptop.confirm(phone.code()).reason is Reason.ENROLLMENT_EXPIRED


@pytest.mark.requirement("D10", "D16")
def test_of_two_phones_the_first_confirmed_one_wins(world):
    laptop, tablet = world.browser(), world.browser()
    first, second = world.phone().scan(laptop.begin()), world.phone().scan(tablet.begin())
    assert laptop.confirm(first.code()).outcome is SIGNED_IN
    assert tablet.confirm(second.code()).reason is Reason.ENROLLMENT_EXPIRED
    assert tablet.state() is Outcome.MUST_VERIFY


@pytest.mark.requirement("D26")
def test_four_enrollments_wait_at_most(world):
    browsers = [world.browser() for _ in range(5)]
    pages = [browser.begin() for browser in browsers]
    assert [pending.id for pending in world.account.pending] == [page.pending.id for page in pages[1:]]


@pytest.mark.requirement("D26")
def test_ten_enrollments_begin_in_an_hour_at_most(world):
    laptop = world.browser()
    for _ in range(10):
        laptop.begin(restart=True)
        world.wait(60)
    closed = laptop.begin(restart=True)
    assert (closed.outcome, closed.reason) == (Outcome.LOCKED, Reason.TOO_MANY_ENROLLMENTS)
    assert closed.retry_after_seconds == 3000
    assert laptop.begin().pending is not None
    world.wait(3000)
    assert laptop.begin(restart=True).outcome is MUST_ENROLL


@pytest.mark.requirement("D22", "D26")
def test_enrollments_of_a_far_future_close_nothing(world):
    world.wait(YEAR_SECONDS)
    for _ in range(10):
        world.browser().begin()
    world.wait(-YEAR_SECONDS)
    assert world.browser().begin().outcome is MUST_ENROLL


@pytest.mark.requirement("D10", "R29")
def test_a_lost_reply_to_a_confirmation_can_be_asked_for_again(world):
    laptop, phone = world.browser(), world.phone()
    phone.scan(laptop.begin())
    first = laptop.confirm(phone.code(), lose_reply=True)
    world.wait(20)
    again = laptop.confirm(phone.code())
    assert (again.outcome, again.session_id, again.account) == (SIGNED_IN, first.session_id, None)
    assert laptop.state() is Outcome.MUST_SAVE_RECOVERY_CODE


@pytest.mark.requirement("D10", "R7")
def test_a_confirmation_is_no_sign_in(world):
    laptop, phone = world.browser(), world.phone()
    phone.scan(laptop.begin())
    laptop.confirm(phone.code(), lose_reply=True)
    assert laptop.enter(phone.code()).outcome is Outcome.USED_CODE


@pytest.mark.requirement("R8", "R79")
def test_what_cannot_be_a_code_confirms_nothing_and_costs_nothing(world):
    laptop = world.browser()
    laptop.begin()
    before = world.account
    assert laptop.confirm("12345").outcome is Outcome.WRONG_CODE
    assert world.account == before


@pytest.mark.requirement("R3", "R34")
def test_a_key_keeps_the_parameters_that_it_was_made_for(world):
    laptop, phone = world.browser(), world.phone()
    phone.scan(laptop.begin())
    world.policy = Policy(digits=8, algorithm="SHA512")
    assert laptop.confirm(phone.code()).outcome is SIGNED_IN
    assert world.account.authenticator.parameters == phone.parameters


# Another phone


@pytest.mark.requirement("D16", "R33")
def test_a_new_phone_ends_the_old_one_and_everything_that_it_had_opened(home):
    tablet, new = home.browser(), home.phone()
    tablet.enter(home.mobile.code())
    tablet.resync(home.mobile.code(1))
    home.browser().enter(home.mobile.wrong_code())
    generation = home.account.generation
    home.laptop.enroll(new)
    account = home.account
    assert account.generation != generation
    assert [session.id for session in account.sessions] == [home.laptop.session_id]
    assert (account.pending, account.first_code, len(account.retries)) == ((), None, 1)
    assert (account.code_failures.consecutive_count, account.code_failures.locked_since) == (0, None)
    assert sum(count for _, count in account.code_failures.days) == 1  # the year's budget stays (D47)
    assert tablet.state() is Outcome.MUST_VERIFY
    home.wait(60)
    assert home.browser().enter(home.mobile.code()).outcome is Outcome.WRONG_CODE
    assert home.browser().enter(new.code()).outcome is SIGNED_IN


@pytest.mark.requirement("R33", "D16")
def test_the_old_phone_works_until_the_new_one_is_confirmed(home):
    home.laptop.begin()
    assert home.browser().enter(home.mobile.code()).outcome is SIGNED_IN


@pytest.mark.requirement("R40")
@pytest.mark.parametrize(("seconds", "outcome"), [(299, MUST_ENROLL), (300, Outcome.STEP_UP_REQUIRED)])
def test_another_phone_needs_a_fresh_second_factor(home, seconds, outcome):
    home.laptop.enter(home.mobile.code())
    home.wait(seconds)
    assert home.laptop.begin().outcome is outcome


@pytest.mark.requirement("R40")
def test_another_phone_needs_a_session(home):
    assert home.browser().begin().outcome is Outcome.MUST_VERIFY


@pytest.mark.requirement("R40", "R49")
def test_the_session_of_another_login_begins_no_enrollment(home):
    home.laptop.login = "another"
    assert home.laptop.begin().outcome is Outcome.MUST_VERIFY


@pytest.mark.requirement("R40")
def test_the_second_factor_is_still_fresh_when_the_phone_is_confirmed(home):
    home.laptop.enter(home.mobile.code())
    new = home.phone().scan(home.laptop.begin())
    home.wait(300)
    assert home.laptop.confirm(new.code()).outcome is Outcome.STEP_UP_REQUIRED


@pytest.mark.requirement("R33", "D14")
def test_the_recovery_code_stays_with_a_new_phone(home):
    code = home.recovery_code()
    home.laptop.enroll(home.phone())
    assert home.laptop.state() is SIGNED_IN
    assert home.browser().recover(code).outcome is SIGNED_IN


@pytest.mark.requirement("R15", "D14")
def test_a_spent_budget_leaves_the_way_to_a_new_phone_open(new_home):
    home = new_home(policy=Policy(failures_max=6))
    guesser = home.browser()
    for _ in range(6):
        assert guesser.guess(home.mobile).outcome is Outcome.WRONG_CODE
        home.wait(120)
    assert home.browser().enter(home.mobile.code()).reason is Reason.BUDGET_SPENT
    tablet, new = home.browser(), home.phone()
    assert tablet.recover(home.recovery_code()).outcome is SIGNED_IN
    tablet.enroll(new)
    home.wait(60)
    assert home.browser().enter(new.code()).outcome is SIGNED_IN


@pytest.mark.requirement("D46")
def test_a_spent_budget_of_the_old_key_leaves_the_confirmation_alone(new_home):
    home = new_home(policy=Policy(failures_rolling_max=3))
    for _ in range(3):
        home.browser().guess(home.mobile)
    home.laptop.enter(home.mobile.code())
    stranger, phone = home.browser(), home.phone()
    assert stranger.recover(home.recovery_code()).outcome is SIGNED_IN
    stranger.acknowledge()
    phone.scan(stranger.begin())
    stranger.confirm(phone.wrong_code())
    assert stranger.confirm(phone.code()).outcome is SIGNED_IN
    assert sum(count for _, count in home.account.code_failures.days) == 3


@pytest.mark.requirement("D46")
def test_the_tenth_wrong_confirmation_ends_the_pending_key_and_charges_no_budget(world):
    laptop, phone = world.browser(), world.phone()
    phone.scan(laptop.begin())
    for index in range(10):
        assert laptop.confirm(phone.wrong_code(index)).outcome is Outcome.WRONG_CODE
    assert world.account.pending == ()
    assert world.account.code_failures == Failures()
    assert laptop.confirm(phone.code()).reason is Reason.ENROLLMENT_EXPIRED
    assert laptop.enroll(phone).outcome is SIGNED_IN


# Who may enroll at all


@pytest.mark.requirement("R41")
def test_a_closed_deployment_enrolls_nobody(new_world):
    closed = new_world(policy=Policy(enrollment="closed")).browser().begin()
    assert (closed.outcome, closed.reason) == (REFUSED, Reason.ENROLLMENT_CLOSED)


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("enrollment", ["invited", "closed"])
def test_where_enrollment_is_not_open_the_desk_gives_a_code(new_world, enrollment):
    world = new_world(policy=Policy(enrollment=enrollment))
    assert world.browser().begin().pending is None
    caller = invited(world)
    caller.enroll(world.phone())
    assert world.account.enrollment_code is None


@pytest.mark.requirement("R41", "D15")
def test_without_an_enrollment_code_an_invited_user_gets_no_key(new_world):
    world = new_world(policy=Policy(enrollment="invited"))
    rejected = world.browser().begin()
    assert (rejected.outcome, rejected.reason) == (MUST_ENROLL, Reason.ENROLLMENT_CODE_NEEDED)
    assert rejected.pending is None


@pytest.mark.requirement("D15", "R41")
def test_an_enrollment_code_works_for_one_browser(home):
    home.browser().guess(home.mobile)
    caller = invited(home)
    thief = home.browser()
    assert thief.begin().reason is Reason.ENROLLMENT_CODE_NEEDED
    assert thief.present(home.enrollment_code()).outcome is Outcome.WRONG_CODE
    assert thief.begin().reason is Reason.ENROLLMENT_CODE_NEEDED
    assert caller.present(home.enrollment_code()).outcome is MUST_ENROLL
    caller.enroll(home.phone())


@pytest.mark.requirement("D15", "R36")
def test_an_enrollment_code_lives_as_long_as_a_pending_key(home):
    home.browser().guess(home.mobile)
    home.reset()
    code = home.enrollment_code()
    home.wait(600)
    late = home.browser()
    assert late.present(code).outcome is Outcome.WRONG_CODE
    assert late.begin().reason is Reason.ENROLLMENT_CODE_NEEDED


@pytest.mark.requirement("R30", "D15", "D46")
def test_no_number_of_wrong_enrollment_codes_keeps_the_right_one_out(home):
    home.browser().guess(home.mobile)
    home.reset()
    guesser = home.browser()
    for number in range(200):
        assert guesser.present(f"{number:012}").outcome is Outcome.WRONG_CODE
    assert home.account.recovery_failures.consecutive_count == 200
    assert home.browser().present(home.enrollment_code()).outcome is MUST_ENROLL


@pytest.mark.requirement("D12", "D15")
def test_an_enrollment_code_comes_too_late_for_a_bound_phone(home):
    answer = home.browser().present("0" * 12)
    assert (answer.outcome, answer.reason) == (REFUSED, Reason.CHANGED_MEANWHILE)


@pytest.mark.requirement("D15")
@pytest.mark.parametrize(("seconds", "outcome"), [(7 * 86400 - 1, MUST_ENROLL), (7 * 86400, REFUSED)])
def test_seven_days_after_a_reset_the_desk_is_needed_again(home, seconds, outcome):
    home.reset()
    home.wait(seconds)
    assert home.browser().begin().outcome is outcome
    home.reset()
    assert home.browser().begin().outcome is MUST_ENROLL


@pytest.mark.requirement("D22", "D15")
def test_a_reset_of_a_far_future_needs_the_desk_again(home):
    home.wait(YEAR_SECONDS)
    home.reset()
    home.now -= YEAR_SECONDS * SECOND
    assert home.browser().begin().reason is Reason.RESET_EXPIRED
    home.reset()
    assert home.browser().begin().outcome is MUST_ENROLL
