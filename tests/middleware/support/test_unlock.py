"""Unlocking: a code that makes one browser known, and a clock that was ahead once (D22, D47)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.policy import Policy

USER = "user1@example.com"


@pytest.mark.requirement("D47")
def test_an_unlock_code_makes_the_callers_browser_known_and_clears_nothing(
    unlock, service, visit, enroll, guess, account, clock
):
    phone, _ = enroll("laptop")
    guess(phone, Policy().free_tries)
    before = account()
    assert service.verify_code(visit("laptop"), phone.code()).outcome is Outcome.LOCKED
    answer = unlock()
    assert answer.outcome is Outcome.UNLOCKED
    assert answer.unlock_code not in answer.message
    left = account()
    assert left.code_failures == before.code_failures
    assert (left.authenticator, left.sessions, left.generation) == (
        before.authenticator,
        before.sessions,
        before.generation,
    )
    wrong, _ = service.present_unlock_code(visit("tablet"), "0" * 12)
    assert wrong.outcome is Outcome.WRONG_CODE
    shown, secret = service.present_unlock_code(visit("laptop"), answer.unlock_code)
    assert shown.outcome is Outcome.UNLOCKED
    assert service.verify_code(visit("laptop"), phone.code()).outcome is Outcome.LOCKED
    origin = replace(visit("laptop").origin, known_secrets=(secret,))
    known = replace(visit("laptop"), origin=origin)
    assert service.verify_code(known, phone.code()).outcome is Outcome.SIGNED_IN


@pytest.mark.requirement("D47")
def test_a_user_without_a_phone_is_not_unlocked(unlock, reset, enroll, account):
    enroll("laptop")
    reset()
    answer = unlock()
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, Reason.NO_PHONE)
    assert account().unlock_code is None


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
