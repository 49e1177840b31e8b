"""What a fence closes, and what it does again of the events that a backup does not know."""

from __future__ import annotations

from functools import partial

import pytest

from wsgi_mfa.core.commands import FenceAfterRestore, RemoveAccount
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.instants import DAY
from wsgi_mfa.core.rollout import was_bound


@pytest.fixture
def restored_in():
    """``restored_in(world, act, invited=False)``: the account after a backup, ``act``, a restore and a fence."""

    def restore(world, act, *, invited=False):
        backup, before = world.account, len(world.events)
        act()
        world.account = backup
        generation, lost = world.fresh("generation"), tuple(world.events[before:])
        world.submit(lambda _: FenceAfterRestore(generation=generation, lost=lost, invited=invited))
        return world.account

    return restore


@pytest.fixture
def restored(home, restored_in):
    return partial(restored_in, home)


def enroll_anew(home):
    home.wait(60)
    home.browser().enroll(home.phone())


@pytest.mark.requirement("D28", "R45")
def test_a_reset_that_the_backup_does_not_know_is_done_again(home, restored):
    account = restored(home.reset)
    assert account.authenticator is None
    assert account.reset_at == home.now
    assert home.browser().begin().outcome is Outcome.MUST_ENROLL


@pytest.mark.requirement("D15", "D28")
def test_a_reset_under_attack_needs_the_desk_again(home, restored):
    def act():
        home.browser().guess(home.mobile)
        home.reset()

    restored(act)
    assert home.browser().begin().reason is Reason.ENROLLMENT_CODE_NEEDED


@pytest.mark.requirement("D28")
def test_a_phone_that_was_bound_since_closes_the_one_of_the_backup_and_asks_for_an_invitation(home, restored):
    def act():
        home.reset()
        enroll_anew(home)

    account = restored(act)
    assert account.authenticator is None
    assert was_bound(account)
    assert home.browser().begin().reason is Reason.ENROLLMENT_CODE_NEEDED


@pytest.mark.requirement("D28", "R19")
def test_wrong_codes_since_the_backup_are_counted(home, restored):
    def act():
        for _ in range(2):
            home.browser().guess(home.mobile)
            home.wait(1)

    home.browser().guess(home.mobile)
    failures = restored(act).code_failures
    assert failures.consecutive_count == 3
    assert failures.days == ((home.now // DAY, 3),)


@pytest.mark.requirement("D28")
def test_of_the_wrong_codes_in_a_row_the_higher_count_stays(home, restored):
    def act():
        home.wait(60)
        assert home.browser().enter(home.mobile.code()).outcome is Outcome.SIGNED_IN

    home.browser().guess(home.mobile)
    assert restored(act).code_failures.consecutive_count == 1


@pytest.mark.requirement("D28", "R20")
def test_a_lock_that_began_since_the_backup_goes_on(home, restored):
    def act():
        for _ in range(home.policy.free_tries):
            home.browser().guess(home.mobile)

    restored(act)
    assert home.browser().enter(home.mobile.code(2)).outcome is Outcome.LOCKED


@pytest.mark.requirement("D28", "D33")
def test_a_user_who_was_removed_since_is_removed(home, restored):
    def act():
        command = RemoveAccount(agent="operator", reason="left", generation="generation-1")
        home.submit(lambda _: command)

    account = restored(act)
    assert account.removed_at == home.now
    assert (account.authenticator, account.address) == (None, None)
    assert home.browser().begin().reason is Reason.ENROLLMENT_CODE_NEEDED


@pytest.mark.requirement("D28")
def test_where_later_events_are_not_known_nobody_without_a_phone_enrolls_without_the_desk(world):
    browser = world.browser()
    assert browser.begin().outcome is Outcome.MUST_ENROLL
    world.submit(lambda _: FenceAfterRestore(generation="generation-1", invited=True))
    assert browser.begin().reason is Reason.ENROLLMENT_CODE_NEEDED


def test_where_later_events_are_not_known_a_phone_goes_on(home, restored):
    account = restored(lambda: None, invited=True)
    assert not account.enrollment_code_needed
    home.wait(60)
    assert home.browser().enter(home.mobile.code()).outcome is Outcome.SIGNED_IN


@pytest.mark.requirement("D28")
def test_an_account_that_the_backup_does_not_know_needs_an_invitation(world, restored_in):
    account = restored_in(world, lambda: world.browser().enroll(world.phone()))
    assert account.authenticator is None
    assert world.browser().begin().reason is Reason.ENROLLMENT_CODE_NEEDED


def test_a_fence_tells_how_many_events_it_was_given(home, restored):
    restored(lambda: home.browser().guess(home.mobile))
    event, ended = home.events[-2:]
    assert ended.kind == "known_browser.ended"
    assert (event.kind, event.details) == ("support.fenced", (("lost_events", "1"),))
