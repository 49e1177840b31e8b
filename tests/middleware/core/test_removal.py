"""An account that is removed, and one that moves to another name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import AdoptAccount, RemoveAccount
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.removal import is_there


def removal(world, **fields):
    return RemoveAccount(
        **{"agent": "console:root", "reason": "left", "generation": world.fresh("g"), **fields}
    )


def adoption(world, moved, **fields):
    return AdoptAccount(
        **{
            "moved": moved,
            "agent": "console:root",
            "reason": "married",
            "generation": world.fresh("g"),
            **fields,
        }
    )


@pytest.fixture
def moved_home(home, new_world):
    """``home``, and a world of another name that has adopted its account and knows what it sealed."""
    there = new_world(now=home.now, account=Account(user="user2", generation="generation-2"))
    there.opened, there.written = home.opened, home.written
    there.made_count = 10_000
    there.submit(lambda account: adoption(there, home.account))
    return there


# Removing


@pytest.mark.requirement("D33", "D24")
def test_of_a_removed_account_its_name_is_left_and_a_revision_that_was_never_used(home):
    home.account = replace(home.account, address="user1@example.com")
    before = home.account
    assert home.submit(lambda account: removal(home)).outcome is Outcome.RESET
    left = home.account
    assert not is_there(left)
    assert left.user == before.user
    assert left.generation != before.generation
    assert left.revision not in ("", before.revision)
    bare = Account(user=left.user, generation=left.generation, revision=left.revision)
    kept = {"ended_logins", "enrollments_begun", "enrollment_code_needed", "removed_at"}
    assert {name for name in Account.__slots__ if getattr(left, name) != getattr(bare, name)} <= kept


@pytest.mark.requirement("D33")
@pytest.mark.parametrize("enrollment", ["open", "invited"])
def test_who_comes_by_a_removed_name_needs_an_invitation(new_home, enrollment):
    home = new_home()
    home.policy = Policy(enrollment=enrollment)
    home.submit(lambda account: removal(home))
    assert home.laptop.state() is Outcome.MUST_ENROLL
    assert home.laptop.begin().reason is Reason.ENROLLMENT_CODE_NEEDED
    home.invite()
    stranger = home.browser()
    assert stranger.begin().reason is Reason.ENROLLMENT_CODE_NEEDED
    stranger.present(home.enrollment_code())
    stranger.enroll(home.phone())
    assert is_there(home.account)
    assert home.account.enrollment_code_needed is False


@pytest.mark.requirement("D33", "R48")
def test_a_removal_is_on_record_with_who_and_why(home):
    home.submit(lambda account: removal(home))
    event = home.events[0]
    assert home.kinds() == ["support.removed", "known_browser.ended"]
    assert event.details == (("agent", "console:root"), ("reason", "left"))


def test_what_is_not_there_cannot_be_removed(world, home):
    assert world.submit(lambda account: removal(world)).reason is Reason.CHANGED_MEANWHILE
    home.submit(lambda account: removal(home))
    left = home.account
    assert home.submit(lambda account: removal(home)).reason is Reason.CHANGED_MEANWHILE
    assert home.account == left


# Moving to another name


@pytest.mark.requirement("D33")
def test_phone_and_recovery_code_go_on_under_the_new_name(home, moved_home):
    moved_home.wait(60)
    assert (
        moved_home.browser().enter(home.mobile.code_of(home.mobile.step() + 2)).outcome is Outcome.SIGNED_IN
    )
    assert moved_home.browser().recover(home.recovery_code()).outcome is Outcome.SIGNED_IN
    assert moved_home.account.user == "user2"


@pytest.mark.requirement("D33", "R6")
def test_a_code_that_was_good_under_the_old_name_is_used_up_under_the_new_one(home, moved_home):
    for steps in (-1, 0, 1):
        answer = moved_home.browser().enter(home.mobile.code(steps))
        assert answer.outcome is Outcome.USED_CODE


@pytest.mark.requirement("D33", "D16")
def test_sessions_and_what_was_begun_end_with_the_old_name(home, new_world):
    home.laptop.enter(home.mobile.code())
    home.laptop.begin()
    home.browser().guess(home.mobile)
    there = new_world(now=home.now, account=Account(user="user2", generation="generation-2"))
    there.submit(lambda account: adoption(there, home.account))
    moved = there.account
    assert moved.sessions == moved.pending == moved.retries == moved.answers == ()
    assert moved.generation not in (home.account.generation, "generation-2")
    assert moved.code_failures == home.account.code_failures
    assert moved.code_failures.consecutive_count == 1


@pytest.mark.requirement("D33", "D30")
@pytest.mark.parametrize(
    ("old", "address", "new", "then"),
    [
        ("ann@example.com", "ann@example.com", "anna@example.com", "anna@example.com"),
        ("ann@example.com", "ann@example.com", "anna", None),
        ("ann", "ann@example.com", "anna", "ann@example.com"),
        ("ann", None, "anna@example.com", None),
    ],
)
def test_a_name_that_is_its_own_address_stays_so(new_world, old, address, new, then):
    there = new_world(account=Account(user=new, generation="g"))
    there.submit(
        lambda account: adoption(there, Account(user=old, generation="o", revision="r", address=address))
    )
    assert there.account.address == then


@pytest.mark.requirement("D33")
def test_an_account_that_is_there_is_never_moved_over(home, world):
    before = home.account
    stranger = Account(user="user2", generation="g", revision="r")
    answer = home.submit(lambda account: adoption(home, stranger, seen_revision="another"))
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, Reason.CHANGED_MEANWHILE)
    assert home.account == before


@pytest.mark.requirement("D33")
def test_a_copy_may_be_made_again_and_a_removed_name_be_taken(home, new_world):
    there = new_world(now=home.now, account=Account(user="user2", generation="g"))
    there.submit(lambda account: adoption(there, home.account))
    first = there.account.revision
    again = there.submit(lambda account: adoption(there, home.account, seen_revision=first))
    assert again.outcome is Outcome.RESET
    there.submit(lambda account: removal(there))
    assert there.submit(lambda account: adoption(there, home.account)).outcome is Outcome.RESET
    assert is_there(there.account)


@pytest.mark.requirement("D33")
def test_the_old_name_is_left_only_as_it_was_copied(home):
    copied = home.account.revision
    home.browser().enter(home.mobile.code())
    answer = home.submit(lambda account: removal(home, renamed_to="user2", seen_revision=copied))
    assert answer.reason is Reason.CHANGED_MEANWHILE
    assert is_there(home.account)
    now = home.account.revision
    home.submit(lambda account: removal(home, renamed_to="user2", seen_revision=now))
    assert not is_there(home.account)


@pytest.mark.requirement("D33", "R48")
def test_both_names_are_on_record_under_both_names(home, moved_home):
    home.submit(lambda account: removal(home, reason="", renamed_to="user2"))
    (left, _), (came,) = home.events, moved_home.events
    assert left.kind == came.kind == "support.renamed"
    assert (left.user, came.user) == ("user1", "user2")
    assert dict(left.details) == {"agent": "console:root", "old": "user1", "new": "user2"}
    assert dict(came.details) == {**dict(left.details), "reason": "married"}
