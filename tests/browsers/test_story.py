"""The whole life of a second factor, by the English words that a user sees."""

from __future__ import annotations

import re

import pytest


def press(page, name):
    """Click the one link or button that has this name."""
    page.get_by_role("link", name=name, exact=True).or_(
        page.get_by_role("button", name=name, exact=True)
    ).click()


def sign_in_at_portal(page, demo, user, password):
    page.goto(demo.url)
    page.get_by_label(re.compile("user", re.IGNORECASE)).fill(user)
    page.get_by_label(re.compile("password", re.IGNORECASE)).fill(password)
    press(page, "Sign in")


def enter(page, code):
    """Type the code; with a script, a form that asks for nothing else is sent by itself."""
    sends_itself = page.locator("html.js form:not(:has([type=checkbox])) input.code").count()
    page.get_by_role("textbox").fill(code)
    if not sends_itself:
        press(page, "Continue")


def save_recovery_code(page):
    """Write the code down, tick the box, go on: gives the code."""
    recovery_code = page.locator("#recovery-code").inner_text()
    page.get_by_role("checkbox", name="I have stored this recovery code").check()
    press(page, "Continue")
    return recovery_code


def expect_portal(page, demo):
    page.wait_for_url(demo.url)
    page.get_by_text(re.compile("Welcome")).first.wait_for()


def sign_out(page):
    press(page, "Sign out")


def page_name(page):
    return page.locator("body").get_attribute("data-page")


@pytest.mark.requirement("R87")
@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_user_enrolls_signs_in_recovers_and_gets_a_new_phone(demo, open_browser, scan, scripts):
    user, password = demo.take_account()
    page = open_browser(java_script_enabled=scripts)

    sign_in_at_portal(page, demo, user, password)
    phone = scan(page)
    assert (phone.issuer, phone.account) == ("Client Portal", user)
    enter(page, phone.code())
    first_recovery_code = save_recovery_code(page)
    expect_portal(page, demo)
    sign_out(page)

    sign_in_at_portal(page, demo, user, password)
    enter(page, phone.code())
    expect_portal(page, demo)
    sign_out(page)

    sign_in_at_portal(page, demo, user, password)
    press(page, "Try another method")
    press(page, "Recovery code")
    enter(page, first_recovery_code)
    assert save_recovery_code(page) != first_recovery_code
    expect_portal(page, demo)

    rejected = demo.support_reset(user, email="someone.else@example.com")
    assert rejected.returncode != 0
    page.reload()
    expect_portal(page, demo)
    reset = demo.support_reset(user, email=user)
    assert reset.returncode == 0, reset.stderr
    page.reload()
    new_phone = scan(page)
    assert new_phone.key != phone.key
    enter(page, new_phone.code())
    save_recovery_code(page)
    expect_portal(page, demo)


@pytest.mark.requirement("R87")
@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_user_who_cannot_scan_types_the_key(demo, open_browser, type_key, scripts):
    user, password = demo.take_account()
    page = open_browser(java_script_enabled=scripts)
    sign_in_at_portal(page, demo, user, password)
    press(page, "Trouble scanning?")
    assert page.locator("#account").inner_text() == user
    key = page.locator("#key").inner_text()
    assert re.fullmatch(r"([A-Z2-7]{4} )+[A-Z2-7]{1,4}", key)
    assert page.get_by_text(re.compile("time-based", re.IGNORECASE)).first.is_visible()

    enter(page, "000000")
    page.get_by_role("alert").wait_for()
    page.goto(demo.url + "mfa/enroll/manual")
    assert page.locator("#key").inner_text() == key  # a wrong code keeps the key that was typed
    enter(page, type_key(key).code())
    save_recovery_code(page)
    expect_portal(page, demo)


def test_a_link_into_the_portal_is_remembered_through_the_second_factor(demo, open_browser, scan):
    user, password = demo.take_account()
    page = open_browser()
    page.goto(demo.url + "reports")
    page.get_by_label(re.compile("user", re.IGNORECASE)).fill(user)
    page.get_by_label(re.compile("password", re.IGNORECASE)).fill(password)
    press(page, "Sign in")
    enter(page, scan(page).code())
    save_recovery_code(page)
    page.wait_for_url(demo.url + "reports")


def test_a_second_browser_with_the_password_alone_stays_outside(demo, open_browser, scan):
    user, password = demo.take_account()
    page, thief = open_browser(), open_browser()
    sign_in_at_portal(page, demo, user, password)
    enter(page, scan(page).code())
    save_recovery_code(page)
    expect_portal(page, demo)

    sign_in_at_portal(thief, demo, user, password)
    assert page_name(thief) == "verify"
    thief.goto(demo.url + "reports")
    assert page_name(thief) == "verify"
