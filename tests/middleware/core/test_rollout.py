"""Who needs a second factor yet: nobody, chosen users, everybody from an instant on (R41)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import Origin, PostponeEnrollment
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.instants import DAY, SECOND
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.rollout import is_reminder_due, may_go_without, required_since

FROM = Policy(
    required_from="2027-01-15T01:00:00+01:00", required_users=("Alice ",), required_groups=("clerks",)
)
INSTANT = 1_799_971_200 * SECOND  # 2027-01-15T00:00:00Z
ORIGIN = Origin(browser="b", next_browser="c")


def at(now, policy=FROM):
    return Context(now=now, policy=policy)


def postponed(account, now, policy=FROM, groups=()):
    return decide(account, PostponeEnrollment(origin=ORIGIN, groups=groups), at(now, policy))


def test_an_instant_counts_in_its_own_zone():
    assert required_since(FROM) == INSTANT
    assert required_since(replace(FROM, required_from="2027-01-15T00:00Z")) == INSTANT
    assert required_since(replace(FROM, required_from="never")) is None


@given(st.integers(min_value=0, max_value=2 * INSTANT))
def test_by_default_everybody_needs_one_at_any_time(now):
    assert not may_go_without(None, "bob", (), Context(now=now, policy=Policy()))


@given(st.integers(min_value=0, max_value=2 * INSTANT))
def test_before_the_instant_only_the_chosen_need_one_and_from_it_on_all(now):
    assert may_go_without(None, "bob", ("drivers",), at(now)) == (now < INSTANT)
    assert not may_go_without(None, "alice", (), at(now))
    assert not may_go_without(None, "bob", ("drivers", "clerks"), at(now))


@pytest.mark.requirement("R45")
def test_who_has_or_had_a_phone_needs_one_at_any_time(home, new_world):
    policy = Policy(required_from="never")
    account = home.account
    assert account.authenticator is not None
    assert not may_go_without(account, account.user, (), at(home.now, policy))
    home.reset()
    assert home.account.authenticator is None
    assert not may_go_without(home.account, account.user, (), at(home.now, policy))


@pytest.mark.requirement("R45", "D33")
def test_who_was_removed_and_then_invited_needs_one(world):
    account = replace(world.account, removed_at=1, enrollment_code_needed=True)
    policy = Policy(required_from="never")
    assert not may_go_without(account, account.user, (), at(world.now, policy))
    world.account = account
    world.invite()
    assert world.account.removed_at is None
    assert not may_go_without(world.account, account.user, (), at(world.now, policy))


def test_an_invitation_alone_asks_nobody_for_a_phone(world):
    world.invite()
    assert may_go_without(
        world.account, world.account.user, (), Context(now=world.now, policy=Policy(required_from="never"))
    )


def test_putting_it_off_is_on_record_and_counts_for_a_day_whatever_the_clock_does():
    account = Account(user="bob", generation="g")
    decision = postponed(account, INSTANT - 5 * DAY)
    assert decision.outcome is Outcome.MAY_ENROLL
    assert [event.kind for event in decision.events] == ["enrollment.postponed"]
    later = decision.account
    assert not is_reminder_due(later, at(INSTANT - 4 * DAY - 1))
    assert is_reminder_due(later, at(INSTANT - 4 * DAY))
    assert is_reminder_due(later, at(INSTANT - 5 * DAY - 301 * SECOND)), "D22: too far ahead of now"
    assert postponed(later, INSTANT - 5 * DAY + SECOND).account is None


def test_who_needs_one_cannot_put_it_off(home):
    nobody = Account(user="bob", generation="g")
    assert postponed(nobody, INSTANT).outcome is Outcome.MUST_ENROLL
    assert postponed(nobody, INSTANT - DAY, groups=("clerks",)).outcome is Outcome.MUST_ENROLL
    assert postponed(replace(nobody, reset_at=1), INSTANT - DAY).outcome is Outcome.MUST_ENROLL
    assert postponed(home.account, home.now).outcome is Outcome.MUST_VERIFY
