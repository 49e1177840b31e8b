"""A support agent helps a user in the browser, by the English words that an agent sees."""

from __future__ import annotations

import re

import pytest


def press(page, name):
    """Click the one link or button that has this name."""
    page.get_by_role("link", name=name, exact=True).or_(
        page.get_by_role("button", name=name, exact=True)
    ).click()


def enter(page, code):
    """Type the code; with a script, a form that asks for nothing else is sent by itself."""
    sends_itself = page.locator("html.js form:not(:has([type=checkbox])) input.code").count()
    page.get_by_role("textbox").fill(code)
    if not sends_itself:
        press(page, "Continue")


def sign_in_and_enroll(page, demo, scan, user, password):
    """Set up a phone at the first sign-in; gives the phone."""
    page.goto(demo.url)
    page.get_by_label(re.compile("user", re.IGNORECASE)).fill(user)
    page.get_by_label(re.compile("password", re.IGNORECASE)).fill(password)
    press(page, "Sign in")
    phone = scan(page)
    enter(page, phone.code())
    page.get_by_role("checkbox", name="I have stored this recovery code").check()
    press(page, "Continue")
    page.wait_for_url(demo.url)
    return phone


def look_up(page, demo, text):
    page.goto(demo.url + "mfa/support")
    page.get_by_label("User name or e-mail address").fill(text)
    press(page, "Look up")


def choose(page, words, *, email, reason):
    """Choose what to do for the caller, and send it."""
    page.get_by_role("radio", name=re.compile(words)).check()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Reason").fill(reason)
    press(page, "Continue")


@pytest.mark.requirement("R44", "R46", "R47", "R87")
@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_an_agent_resets_a_user_in_the_browser(demo, open_browser, scan, show, scripts):
    user, password = demo.take_account()
    agent, agents_password = demo.take_agent()
    page, desk, thief = (open_browser(java_script_enabled=scripts) for _ in range(3))
    sign_in_and_enroll(page, demo, scan, user, password)
    sign_in_and_enroll(desk, demo, scan, agent, agents_password)

    page.goto(demo.url + "mfa/support")
    page.get_by_role("heading", name="Support", exact=True).wait_for()
    if scripts:
        show(page, "support-of-users")

    look_up(desk, demo, agent)
    desk.get_by_text("This is your own account.").wait_for()
    look_up(desk, demo, "nobody@example.com")
    desk.get_by_role("heading", name="Nothing found").wait_for()
    look_up(desk, demo, user.upper())
    desk.get_by_role("heading", name=user).wait_for()
    choose(desk, "^Reset", email="someone.else@example.com", reason="lost the phone")
    assert "Nothing here fits together" in desk.get_by_role("alert").inner_text()
    if scripts:
        show(desk, "support-no-pair")

    thief.goto(demo.url)
    thief.get_by_label(re.compile("user", re.IGNORECASE)).fill(user)
    thief.get_by_label(re.compile("password", re.IGNORECASE)).fill(password)
    press(thief, "Sign in")
    enter(thief, "000000")
    thief.get_by_role("alert").wait_for()

    look_up(desk, demo, user)
    desk.get_by_text("Wrong codes after the right password", exact=True).wait_for()
    if scripts:
        show(desk, "support-account")
    choose(desk, "^Reset", email=user, reason="lost the phone")
    desk.get_by_role("heading", name="The account is reset").wait_for()
    code = desk.locator("#caller-code").inner_text()
    if scripts:
        show(desk, "support-reset")

    page.goto(demo.url)
    enter(page, code)
    new_phone = scan(page)
    enter(page, new_phone.code())
    page.get_by_role("checkbox", name="I have stored this recovery code").check()
    press(page, "Continue")
    page.wait_for_url(demo.url)
