"""A reset after somebody guessed: the code for the verified caller (D15)."""

from __future__ import annotations

import re

import pytest

from wsgi_mfa.core.decision import Outcome, Reason


@pytest.mark.requirement("D15")
def test_a_reset_after_wrong_codes_gives_a_code_without_which_nobody_enrolls(
    reset, service, visit, enroll, guess, clock
):
    phone, _ = enroll("laptop")
    guess(phone, 1)
    answer = reset()
    assert re.fullmatch(r"\w{4}-\w{4}-\w{4}", answer.enrollment_code)
    assert answer.enrollment_code not in answer.message
    assert "password must be changed first" in answer.message
    asked = service.begin_enrollment(visit("laptop"))
    assert (asked.pending, asked.reason) == (None, Reason.ENROLLMENT_CODE_NEEDED)
    wrong = service.present_enrollment_code(visit("thief"), "AAAA-BBBB-CCCC")
    assert wrong.outcome is Outcome.WRONG_CODE
    typed = answer.enrollment_code.lower().replace("-", " ")
    assert service.present_enrollment_code(visit("laptop"), typed).outcome is Outcome.MUST_ENROLL
    assert service.begin_enrollment(visit("laptop")).pending is not None


@pytest.mark.requirement("D15", "R41")
def test_the_desks_code_works_for_one_browser_and_one_enrollment(reset, service, visit, enroll, guess):
    phone, _ = enroll("laptop")
    guess(phone, 1)
    code = reset().enrollment_code
    service.present_enrollment_code(visit("laptop"), code)
    assert service.present_enrollment_code(visit("thief"), code).outcome is Outcome.WRONG_CODE
    assert service.begin_enrollment(visit("thief")).pending is None
    enroll("laptop")
    late = service.present_enrollment_code(visit("thief"), code)
    assert (late.outcome, late.reason) == (Outcome.REFUSED, Reason.CHANGED_MEANWHILE)


@pytest.mark.requirement("D15", "R36")
def test_the_desks_code_works_for_ten_minutes_and_then_the_desk_is_needed_again(
    reset, service, visit, enroll, guess, clock
):
    phone, _ = enroll("laptop")
    guess(phone, 1)
    code = reset().enrollment_code
    clock.wait(600)
    assert service.present_enrollment_code(visit("laptop"), code).outcome is Outcome.WRONG_CODE
    assert service.begin_enrollment(visit("laptop")).pending is None
    again = reset()
    assert again.enrollment_code not in (None, code)
    service.present_enrollment_code(visit("laptop"), again.enrollment_code)
    assert service.begin_enrollment(visit("laptop")).pending is not None


@pytest.mark.requirement("R30", "D15", "D46")
def test_guesses_at_the_desks_code_keep_nobody_out(reset, service, visit, enroll, guess):
    phone, _ = enroll("laptop")
    guess(phone, 1)
    code = reset().enrollment_code
    for number in range(50):
        service.present_enrollment_code(visit("thief"), f"{number:012}")
    assert service.present_enrollment_code(visit("laptop"), code).outcome is Outcome.MUST_ENROLL


@pytest.mark.requirement("D15")
def test_wrong_codes_before_the_last_success_ask_for_no_code(reset, service, visit, enroll, guess):
    phone, _ = enroll("laptop")
    guess(phone, 2)
    service.verify_code(visit("laptop"), phone.code())
    assert reset().enrollment_code is None
