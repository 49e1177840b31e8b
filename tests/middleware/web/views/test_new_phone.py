"""A phone in place of another one, and who may enroll at all."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.policy import Policy

USER = "user1@example.com"


@pytest.mark.requirement("R33", "R40", "D16")
def test_a_new_phone_takes_the_place_of_the_old_one(
    laptop, tablet, bind_phone, phone_of, key_on, clock, portal
):
    old = bind_phone(laptop)
    tablet.enter_code("/", old)
    assert tablet.navigate("/").text == "welcome to /"
    clock.wait_for_step()
    page = laptop.open("/mfa/enroll")
    assert page.page.outcome == "must_enroll"
    assert "Your present phone goes on working until the new one is confirmed" in page.page.words
    new = phone_of(key_on(page))
    done = laptop.submit(page, "/enroll", code=new.code())
    assert (done.page.outcome, done.page.refresh) == ("signed_in", None)
    assert "Your new phone is set up" in done.page.words
    assert laptop.navigate("/").text == "welcome to /"
    assert tablet.open("/").page.outcome == "must_verify"  # its session ended with the old phone
    clock.wait_for_step()
    asked = tablet.open("/")
    assert tablet.submit(asked, "/verify", code=old.code()).page.outcome == "wrong_code"
    assert tablet.submit(asked, "/verify", code=new.code()).page.outcome == "signed_in"


@pytest.mark.requirement("R33")
def test_a_link_alone_tells_nobody_of_a_new_phone(laptop, tablet, bind_phone, clock):
    phone = bind_phone(laptop)
    clock.wait_for_step()
    tablet.enter_code("/", phone)
    assert "You are signed in" in tablet.open("/mfa/continue?done=new-phone").page.words
    clock.wait(300)
    assert "new phone" not in laptop.open("/mfa/continue?done=new-phone").page.words


@pytest.mark.requirement("R40")
def test_a_new_phone_needs_a_second_factor_of_the_last_five_minutes(laptop, bind_phone, clock, key_on):
    phone = bind_phone(laptop)
    clock.wait(300)
    asked = laptop.open("/mfa/enroll")
    assert (asked.page.name, asked.page.outcome) == ("verify", "step_up_required")
    stepped_up = laptop.submit(asked, "/verify", code=phone.code())
    assert stepped_up.page.refresh == "0;url=/mfa/enroll"
    assert laptop.open("/mfa/enroll").page.name == "enroll"


@pytest.mark.requirement("R40", "R33")
def test_without_a_second_factor_nobody_gets_a_key_in_place_of_the_one_that_is_bound(
    laptop, tablet, bind_phone
):
    bind_phone(laptop)
    assert tablet.open("/mfa/enroll").page.outcome == "must_verify"
    assert tablet.open("/mfa/enroll/manual").page.outcome == "must_verify"
    rejected = tablet.get_json("/mfa/enroll")
    assert (rejected.status, rejected.problem) == (401, "must_verify")


# Who may enroll.


@pytest.mark.requirement("R41")
def test_where_enrollment_is_closed_nobody_sees_a_key(wrapped, portal, browser_of):
    browser = browser_of(USER, wrapped(portal, policy=Policy(enrollment="closed")))
    rejected = browser.open("/")
    assert (rejected.status, rejected.page.name, rejected.page.outcome) == (403, "refused", "refused")
    assert "You cannot set up a phone yourself" in rejected.page.words
    assert browser.get_json("/mfa/enroll").problem == "refused"


@pytest.mark.requirement("R41")
def test_where_enrollment_is_by_invitation_the_page_asks_for_the_desks_code(wrapped, portal, browser_of):
    browser = browser_of(USER, wrapped(portal, policy=Policy(enrollment="invited")))
    asked = browser.open("/")
    assert (asked.status, asked.page.name) == (200, "enrollment_code")
    wrong = browser.submit(asked, "/enroll", enrollment_code="AAAA-BBBB-CCCC")
    assert (wrong.status, wrong.page.name, wrong.page.outcome) == (422, "enrollment_code", "wrong_code")
    offered = browser.get_json("/mfa/enroll")
    assert offered.json == {"outcome": "must_enroll", "reason": "enrollment_code_needed"}
