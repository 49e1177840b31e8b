"""Enrollment by the support desk's invitation: for newcomers, after a reset of all, and by policy."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.commands import ResetBySupport
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.instants import DAY, SECOND
from wsgi_mfa.core.policy import Policy

NEEDED = Reason.ENROLLMENT_CODE_NEEDED


def reset_unasked(world):
    """A reset of which the user knows nothing, as of everybody's account at once."""
    generation = world.fresh("generation")
    return world.submit(
        lambda account: ResetBySupport(
            agent="console:root", reason="leak", generation=generation, enrollment_code=None
        )
    )


@pytest.mark.requirement("R41", "D33")
def test_an_invitation_lets_one_browser_enroll_once(new_world):
    world = new_world(policy=Policy(enrollment="invited"))
    assert world.browser().begin().reason is NEEDED
    world.invite()
    code = world.enrollment_code()
    guest, other = world.browser(), world.browser()
    assert guest.present(code).outcome is Outcome.MUST_ENROLL
    assert other.present(code).outcome is Outcome.WRONG_CODE
    assert other.begin().reason is NEEDED
    assert guest.enroll(world.phone()).outcome is Outcome.SIGNED_IN


@pytest.mark.requirement("R41", "R36")
def test_an_invitation_ends_after_ten_minutes(new_world):
    world = new_world(policy=Policy(enrollment="invited"))
    world.invite()
    code = world.enrollment_code()
    world.wait(601)
    guest = world.browser()
    assert guest.present(code).outcome is Outcome.WRONG_CODE
    assert guest.begin().reason is NEEDED


@pytest.mark.requirement("R41")
def test_a_new_invitation_takes_the_old_one_and_what_was_begun_by_it_away(new_world):
    world = new_world(policy=Policy(enrollment="invited"))
    world.invite()
    first, old = world.browser(), world.enrollment_code()
    first.present(old)
    phone = world.phone().scan(first.begin())
    world.invite()
    assert first.confirm(phone.code()).outcome is Outcome.REFUSED
    assert first.begin().reason is NEEDED
    assert world.browser().present(old).outcome is Outcome.WRONG_CODE
    assert world.browser().present(world.enrollment_code()).outcome is Outcome.MUST_ENROLL


@pytest.mark.requirement("R41")
def test_nobody_is_invited_who_has_a_phone_or_whom_policy_keeps_out(home, new_world):
    before = home.account
    assert home.invite().reason is Reason.CHANGED_MEANWHILE
    assert home.account == before
    closed = new_world(policy=Policy(enrollment="closed"))
    assert closed.invite().reason is Reason.ENROLLMENT_CLOSED
    assert closed.account.enrollment_code is None


@pytest.mark.requirement("R48", "R41")
def test_an_invitation_is_on_record_without_its_code(world):
    world.invite()
    (event,) = world.events
    assert event.kind == "support.invited"
    assert event.details == (("agent", "desk@example.com"), ("reason", "new here"))
    assert world.enrollment_code() not in repr(event)


@pytest.mark.requirement("D33")
def test_after_a_reset_that_nobody_asked_for_only_an_invitation_helps(home):
    assert reset_unasked(home).reason is NEEDED
    assert home.account.enrollment_code is None
    assert next(each for each in home.events if each.kind == "support.reset").details[-1] == (
        "code_needed",
        "true",
    )
    for _ in range(2):
        assert home.laptop.begin().reason is NEEDED
        home.wait(3600)
    home.invite()
    home.laptop.present(home.enrollment_code())
    assert home.laptop.enroll(home.phone()).outcome is Outcome.SIGNED_IN


@pytest.mark.requirement("D33", "D15")
def test_an_invitation_opens_a_reset_that_has_run_out(home):
    reset_unasked(home)
    home.wait(8 * DAY // SECOND)
    assert home.laptop.begin().reason is Reason.RESET_EXPIRED
    home.invite()
    home.laptop.present(home.enrollment_code())
    assert home.laptop.enroll(home.phone()).outcome is Outcome.SIGNED_IN
