"""Pages fit a phone's width and the dark, and the camera still sees the code.

Screenshots stay in the folder ``pictures`` below pytest's base folder, for a person to look at.
"""

from __future__ import annotations

import re

import pytest

SIZES = {"desktop": {"width": 1280, "height": 800}, "narrow": {"width": 320, "height": 640}}


@pytest.fixture
def at_enrollment(demo, open_browser):
    """A page that shows the QR code, its user, and the password."""
    user, password = demo.take_account()
    page = open_browser(accept_downloads=True)
    page.goto(demo.url)
    page.get_by_label(re.compile("user", re.IGNORECASE)).fill(user)
    page.get_by_label(re.compile("password", re.IGNORECASE)).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(re.compile("/mfa/enroll"))
    return page, user, password


@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_camera_reads_the_code_in_every_look(at_enrollment, scan, size, scheme):
    page, user, _password = at_enrollment
    page.set_viewport_size(SIZES[size])
    page.emulate_media(color_scheme=scheme)
    assert scan(page).account == user


def test_every_page_fits_a_narrow_screen(demo, at_enrollment, scan, show):
    page, user, password = at_enrollment
    for name in ("enroll", "enroll/manual", "help"):
        page.goto(f"{demo.url}mfa/{name}")
        show(page, name.replace("/", "-"))
    page.goto(f"{demo.url}mfa/enroll")
    page.get_by_role("textbox").fill("000000")
    page.get_by_role("alert").wait_for()
    show(page, "enroll-wrong-code")

    code = scan(page).code()
    page.get_by_role("textbox").fill(f"{code[:3]} {code[3:]}")
    page.locator("#recovery-code").wait_for()
    show(page, "recovery-code")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert page.locator("#recovery-code").inner_text() in download.value.path().read_text(encoding="utf-8")
    page.get_by_role("checkbox", name="I have stored this recovery code").check()
    page.keyboard.press("Enter")
    page.wait_for_url(demo.url)
    page.get_by_role("link", name="Sign out", exact=True).click()

    page.get_by_label(re.compile("user", re.IGNORECASE)).fill(user)
    page.get_by_label(re.compile("password", re.IGNORECASE)).fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/mfa/verify"))
    for name in ("verify", "methods", "recover", "resync"):
        page.goto(f"{demo.url}mfa/{name}")
        show(page, name)
