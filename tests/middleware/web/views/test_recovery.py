"""Signing in without the phone: once, whatever is lost on the way."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.policy import Policy

USER = "user1@example.com"


def kinds(application):
    return [event.kind for event in application.service.store.events(USER)]


@pytest.mark.requirement("R28", "R29", "R33")
def test_the_recovery_code_signs_in_and_a_new_one_is_shown_in_its_place(
    tablet, enrolled, portal, recover, code_on
):
    _, code = enrolled
    saving = recover(tablet, code, url="/reports")
    assert (saving.page.name, saving.page.outcome) == ("recovery_code", "must_save_recovery_code")
    assert code_on(saving) != code
    assert "Your old recovery code is used up" in saving.page.words
    assert "Set up a new phone" in saving.page.words
    assert "otpauth" not in saving.text
    done = tablet.submit(saving, "/recovery-code")
    assert done.page.refresh == "0;url=/reports"
    tablet.navigate("/reports")
    assert portal.calls[-1]["wsgi_mfa.method"] == "recovery_code"


@pytest.mark.requirement("R28")
def test_a_recovery_code_works_once(tablet, enrolled, application, new_browser, recover, code_on):
    _, code = enrolled
    new = code_on(recover(tablet, code))
    other = new_browser(application, environ={"REMOTE_USER": USER})
    rejected = recover(other, code)
    assert (rejected.status, rejected.page.name, rejected.page.outcome) == (422, "recover", "wrong_code")
    assert "That recovery code is not right" in rejected.page.words
    assert recover(other, new).page.outcome == "must_save_recovery_code"


@pytest.mark.requirement("R31")
@pytest.mark.parametrize(
    "spelling",
    [
        str.lower,
        lambda code: code.replace("-", " "),
        lambda code: code.replace("-", ""),
        lambda code: f"  {code} ",
        lambda code: code.replace("0", "O").replace("1", "I"),
        lambda code: code.replace("0", "o").replace("1", "l"),
    ],
    ids=["lower", "spaces", "bare", "padded", "letters", "small-letters"],
)
def test_a_recovery_code_may_be_spelt_as_people_spell_it(tablet, enrolled, spelling, recover):
    assert recover(tablet, spelling(enrolled[1])).page.outcome == "must_save_recovery_code"


@pytest.mark.requirement("R30")
@pytest.mark.parametrize("typed", ["", "A" * 23, "A" * 25, "ü" * 24, "A" * 5000, "U" * 24])
def test_what_is_no_recovery_code_is_refused_uncharged(tablet, enrolled, application, typed, recover):
    assert recover(tablet, typed).page.outcome == "wrong_code"
    assert application.service.store.load(USER).recovery_failures.consecutive_count == 0


@pytest.mark.requirement("R30", "R70")
def test_a_field_of_a_megabyte_is_not_even_read(tablet, enrolled):
    asked = tablet.open("/mfa/recover")
    rejected = tablet.submit(asked, "/recover", recovery_code="A" * 1_000_000)
    assert (rejected.status, rejected.page.name) == (413, "too_large")


# Replies that were lost.


@pytest.mark.requirement("R29", "D10")
@pytest.mark.parametrize("seconds", [1, 55, 600])
def test_a_recovery_whose_reply_was_lost_can_be_sent_again(tablet, enrolled, application, clock, seconds):
    asked = tablet.open("/mfa/recover")
    before = dict(tablet.cookies)
    first = tablet.submit_only(asked, "/recover", recovery_code=enrolled[1])
    tablet.cookies = dict(before)
    clock.wait(seconds)
    again = tablet.submit_only(asked, "/recover", recovery_code=enrolled[1])
    assert (again.status, again.location) == (first.status, first.location) == (303, "/mfa/continue")
    assert again.set_cookies == first.set_cookies
    assert kinds(application).count("recovery_code.used") == 1
    assert len(application.service.store.load(USER).sessions) == 2


@pytest.mark.requirement("D10")
def test_once_the_new_code_is_stored_the_old_one_is_wrong_for_its_own_browser_too(tablet, enrolled, clock):
    asked = tablet.open("/mfa/recover")
    before = dict(tablet.cookies)
    saving = tablet.submit(asked, "/recover", recovery_code=enrolled[1])
    tablet.submit(saving, "/recovery-code")
    tablet.cookies = dict(before)
    assert tablet.submit_only(asked, "/recover", recovery_code=enrolled[1]).status == 422


@pytest.mark.requirement("D10")
def test_a_tick_whose_reply_was_lost_can_be_sent_again(tablet, enrolled, application, recover):
    saving = recover(tablet, enrolled[1], url="/reports")
    first = tablet.submit_only(saving, "/recovery-code")
    again = tablet.submit_only(saving, "/recovery-code")
    assert (again.status, again.location) == (first.status, first.location)
    assert kinds(application).count("recovery_code.saved") == 2  # after enrollment, and now once


@pytest.mark.requirement("D10", "R28")
def test_a_double_click_is_one_sign_in(tablet, enrolled, application):
    asked = tablet.open("/mfa/recover")
    before = dict(tablet.cookies)
    first = tablet.submit_only(asked, "/recover", recovery_code=enrolled[1])
    jar, tablet.cookies = dict(tablet.cookies), before  # both clicks were sent with the cookies of the page
    second = tablet.submit_only(asked, "/recover", recovery_code=enrolled[1])
    assert second.set_cookies == first.set_cookies
    assert tablet.cookies == jar
    assert tablet.follow(second).page.outcome == "must_save_recovery_code"


# Counters of its own.


@pytest.mark.requirement("R30", "D46")
def test_wrong_recovery_codes_are_limited_by_client_address_and_lock_no_account(
    tablet, enrolled, recover, clock
):
    _, code = enrolled
    for number in range(20):
        assert recover(tablet, f"{number:024}").status == 422
    limited = recover(tablet, code)
    assert (limited.status, limited.page.outcome) == (429, "locked")
    assert int(limited.header("Retry-After")) <= 600
    assert "Your account is not locked" in limited.page.words
    clock.wait(600)
    assert recover(tablet, code).page.outcome == "must_save_recovery_code"


@pytest.mark.requirement("R21", "D14")
def test_wrong_codes_lock_the_phone_and_not_recovery(tablet, enrolled, recover):
    phone, code = enrolled
    page = tablet.open("/")
    for number in range(Policy().free_tries):
        tablet.submit(page, "/verify", code=phone.wrong_code(number))
    assert tablet.submit(page, "/verify", code=phone.code()).status == 429
    assert recover(tablet, code).page.outcome == "must_save_recovery_code"


# JSON, and who is led elsewhere.


@pytest.mark.requirement("R77")
def test_a_json_client_recovers(tablet, enrolled):
    _, code = enrolled
    wrong = tablet.post_json("/mfa/recover", {"recovery_code": "A" * 24})
    assert (wrong.status, wrong.problem) == (422, "wrong_code")
    answer = tablet.post_json("/mfa/recover", {"recovery_code": code})
    new = answer.json["recovery_code"]
    assert (answer.status, answer.json) == (
        200,
        {"outcome": "must_save_recovery_code", "recovery_code": new, "next": "/"},
    )
    assert new != code
    shown = tablet.get_json("/mfa/recovery-code")
    assert shown.json == {"outcome": "must_save_recovery_code", "recovery_code": new}
    unticked = tablet.post_json("/mfa/recovery-code", {"saved": False})
    assert (unticked.status, unticked.problem) == (422, "must_save_recovery_code")
    saved = tablet.post_json("/mfa/recovery-code", {"saved": True})
    assert saved.json == {"outcome": "signed_in", "next": "/"}


def test_the_recovery_page_leads_on_whoever_need_not_recover(
    laptop, tablet, enrolled, browser_of, application
):
    assert laptop.open("/mfa/recover").page.outcome == "signed_in"
    assert browser_of("user2@example.com", application).open("/mfa/recover").page.name == "enroll"


def test_somebody_who_never_enrolled_is_led_to_enroll_by_a_recovery_code(application, browser_of):
    browser = browser_of("user2@example.com", application)
    answer = browser.post_json("/mfa/recover", {"recovery_code": "A" * 24})
    assert (answer.status, answer.problem) == (401, "must_enroll")
