"""What the script of the pages adds: a code that is sent by itself, and time that runs."""

from __future__ import annotations

import re

import pytest


def sign_in_at_portal(page, demo, user, password):
    page.goto(demo.url)
    page.get_by_label(re.compile("user", re.IGNORECASE)).fill(user)
    page.get_by_label(re.compile("password", re.IGNORECASE)).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.requirement("R85")
def test_a_pasted_sentence_with_a_code_in_it_is_sent_once(demo, open_browser, scan):
    user, password = demo.take_account()
    page = open_browser()
    sign_in_at_portal(page, demo, user, password)
    code = scan(page).code()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_role("textbox").evaluate(
        """(field, text) => {
            const data = new DataTransfer();
            data.setData("text", text);
            field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
            field.form.requestSubmit();
        }""",
        f"Your code: {code[:3]} {code[3:]}.",
    )
    page.locator("#recovery-code").wait_for()
    assert len(sent) == 1


@pytest.mark.requirement("R36")
def test_the_time_of_a_qr_code_runs_and_its_end_offers_another(demo, open_browser):
    user, password = demo.take_account()
    page = open_browser()
    page.clock.install()
    sign_in_at_portal(page, demo, user, password)
    page.get_by_text(re.compile(r"This QR code is good for (10:00|9:5\d) more")).wait_for()
    page.clock.fast_forward("09:00")
    page.get_by_text(re.compile(r"This QR code is good for \d+:\d\d more")).wait_for()
    page.clock.fast_forward("01:05")
    page.get_by_text("This QR code has expired").wait_for()
    assert not page.locator("svg.qr").is_visible()
    page.get_by_role("button", name="Start again with a new QR code").click()
    page.locator("svg.qr").wait_for()
