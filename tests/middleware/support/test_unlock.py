"""Unlocking: ten tries over a lock, nothing else cleared, and a clock that was ahead once (D14, D22)."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.policy import Policy

USER = "user1@example.com"


@pytest.mark.requirement("D14")
def test_an_unlock_gives_ten_tries_over_a_lock_and_clears_nothing_else(
    unlock, service, visit, enroll, guess, account, clock
):
    phone, _ = enroll("laptop")
    guess(phone, Policy().free_tries)
    before = account()
    assert service.verify_code(visit("laptop"), phone.code()).outcome is Outcome.LOCKED
    answer = unlock()
    assert (answer.outcome, answer.message) == (Outcome.UNLOCKED, f"unlocked: {USER} has 10 tries for codes")
    left = account()
    assert left.code_failures.consecutive_count == before.code_failures.consecutive_count
    assert left.code_failures.days == before.code_failures.days
    assert (left.authenticator, left.sessions, left.generation) == (
        before.authenticator,
        before.sessions,
        before.generation,
    )
    assert service.verify_code(visit("laptop"), phone.code()).outcome is Outcome.SIGNED_IN


@pytest.mark.requirement("D14")
def test_an_unlock_of_an_open_account_grants_nothing(unlock, enroll, account):
    enroll("laptop")
    answer = unlock()
    assert answer.message == f"unlocked: {USER} was not locked, and can try as before"
    assert account().code_failures.granted_count == 0


@pytest.mark.requirement("R12", "D22")
def test_an_unlock_of_the_clock_lets_codes_of_the_present_work_again(unlock, service, visit, enroll, clock):
    phone, _ = enroll("laptop")
    clock.wait(-3600)
    assert service.verify_code(visit("laptop"), phone.code()).reason is Reason.SERVER_CLOCK
    assert unlock().outcome is Outcome.UNLOCKED
    assert service.verify_code(visit("laptop"), phone.code()).reason is Reason.SERVER_CLOCK
    assert unlock(clock=True).outcome is Outcome.UNLOCKED
    clock.wait_for_step()
    assert service.verify_code(visit("laptop"), phone.code()).outcome is Outcome.SIGNED_IN
