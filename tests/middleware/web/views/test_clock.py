"""A phone whose clock is wrong: the hint, the question, and the two codes that teach the server."""

from __future__ import annotations

import pytest

USER = "user1@example.com"


@pytest.fixture
def phone(laptop, bind_phone):
    """The phone of the user, bound on the laptop."""
    return bind_phone(laptop)


def failures_of(application):
    return application.service.store.load(USER).code_failures


@pytest.mark.requirement("D17", "R82")
def test_a_code_of_an_earlier_moment_earns_a_hint_and_is_used_up(tablet, phone, clock, pressed):
    clock.wait(120)
    page, late = tablet.open("/"), phone.code(steps=-3)
    rejected = tablet.submit(page, "/verify", code=late)
    assert (rejected.status, rejected.page.outcome) == (422, "wrong_code")
    assert rejected.page.data["hint"] == "clock_slow"
    assert "Your phone’s clock seems to be slow" in rejected.page.words
    assert tablet.open(pressed(rejected, "let us learn your phone’s clock")).page.name == "resync"
    clock.wait(6)
    again = tablet.submit(page, "/verify", code=late)
    assert "hint" not in again.page.data


@pytest.mark.requirement("D17")
def test_after_two_wrong_codes_the_pages_ask_about_the_clock(tablet, phone, clock, pressed):
    words = "Is your phone’s clock right?"
    page = tablet.open("/")
    assert words not in page.page.words
    for number in range(2):
        page = tablet.submit(page, "/verify", code=phone.wrong_code(number))
    page = tablet.open("/")
    assert tablet.open(pressed(page, words)).page.name == "resync"


@pytest.mark.requirement("D17", "R11")
def test_two_consecutive_codes_teach_the_server_the_phones_clock(
    laptop, tablet, phone, application, clock, pressed
):
    phone.offset_seconds = -95
    clock.wait(300)
    asked = tablet.open("/mfa/resync")
    assert "Is your phone’s clock right?" in asked.page.words
    second = tablet.submit(asked, "/resync", code=phone.code())
    assert "Now the next one" in second.page.words
    assert tablet.open("/").page.outcome == "must_verify"  # resync opens no session
    clock.wait(30)
    learned = tablet.submit(second, "/resync", code=phone.code())
    assert (learned.status, learned.page.outcome) == (200, "resynced")
    assert application.service.store.load(USER).authenticator.drift_steps == -4
    clock.wait(30)
    page = tablet.open(pressed(learned, "Sign in with a code"))
    assert tablet.submit(page, "/verify", code=phone.code()).page.outcome == "signed_in"


@pytest.mark.requirement("D17")
def test_a_second_code_with_a_digit_too_few_keeps_the_first(tablet, phone, application, clock):
    second = tablet.submit(tablet.open("/mfa/resync"), "/resync", code=phone.code(steps=2))
    again = tablet.submit(second, "/resync", code="12345")
    assert "A code has 6 digits" in again.page.words
    assert "The next code from the app" in again.page.words
    clock.wait(30)
    assert tablet.submit(again, "/resync", code=phone.code(steps=2)).page.outcome == "resynced"


@pytest.mark.requirement("D17")
def test_a_second_code_that_comes_too_late_is_told_to_count_as_the_first(tablet, phone, clock):
    second = tablet.submit(tablet.open("/mfa/resync"), "/resync", code=phone.code(steps=2))
    assert "counts as the first" not in second.page.words
    clock.wait(91)
    late = tablet.submit(second, "/resync", code=phone.code(steps=2))
    assert "counts as the first" in late.page.words
    clock.wait(30)
    assert tablet.submit(late, "/resync", code=phone.code(steps=2)).page.outcome == "resynced"


@pytest.mark.requirement("D17", "R21")
def test_two_codes_that_do_not_follow_each_other_teach_nothing(tablet, phone, application, clock):
    second = tablet.submit(tablet.open("/mfa/resync"), "/resync", code=phone.code(steps=2))
    clock.wait(30)
    rejected = tablet.submit(second, "/resync", code=phone.code(steps=5))
    assert (rejected.status, rejected.page.outcome) == (422, "wrong_code")
    assert "These two codes do not tell us the time" in rejected.page.words
    assert application.service.store.load(USER).authenticator.drift_steps == 0
    assert failures_of(application).consecutive_count == 1


@pytest.mark.requirement("D17", "R82")
def test_the_first_of_two_codes_gets_the_same_answer_whatever_it_is(tablet, phone, clock, application):
    answers = []
    for code in (phone.code(), phone.wrong_code()):
        answers.append(tablet.post_json("/mfa/resync", {"code": code}))
        clock.wait(91)  # the first code is kept for ninety seconds
    assert answers[0].body == answers[1].body
    assert answers[0].json == {"outcome": "must_verify", "hint": "wait_for_next"}
    assert failures_of(application).consecutive_count == 0


@pytest.mark.requirement("D17", "R77")
def test_a_json_client_re_learns_the_clock(tablet, phone, clock):
    clock.wait_for_step()
    tablet.post_json("/mfa/resync", {"code": phone.code()})
    clock.wait(30)
    answer = tablet.post_json("/mfa/resync", {"code": phone.code()})
    assert (answer.status, answer.json) == (200, {"outcome": "resynced"})


@pytest.mark.requirement("D10", "D17")
def test_a_resync_whose_last_reply_was_lost_can_be_sent_again(tablet, phone, clock):
    clock.wait_for_step()
    second = tablet.submit(tablet.open("/mfa/resync"), "/resync", code=phone.code())
    clock.wait(30)
    assert tablet.submit(second, "/resync", code=phone.code()).page.outcome == "resynced"
    clock.wait(3)
    assert tablet.submit(second, "/resync", code=phone.code()).page.outcome == "resynced"


@pytest.mark.requirement("D12", "D17")
def test_a_page_that_asks_for_the_first_code_takes_it_as_the_first(tablet, phone, clock):
    tablet.submit(tablet.open("/mfa/resync"), "/resync", code=phone.code(steps=3))
    clock.wait(60)
    second = tablet.submit(tablet.open("/mfa/resync"), "/resync", code=phone.code(steps=3))
    assert "Now the next one" in second.page.words
    clock.wait(30)
    assert tablet.submit(second, "/resync", code=phone.code(steps=3)).page.outcome == "resynced"
