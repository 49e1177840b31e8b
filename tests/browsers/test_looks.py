"""Pages fit a phone's width and the dark, and the camera still sees the code.

Screenshots stay in the folder ``pictures`` below pytest's base folder, for a person to look at.
"""

from __future__ import annotations

import re

import pytest

LOOKS = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "desktop-dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 640}},
    "narrow-dark": {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def account(demo):
    """One account for all looks: nobody finishes an enrollment, so the next browser may begin one."""
    return demo.take_account()


@pytest.mark.parametrize("look", sorted(LOOKS))
def test_the_enrollment_pages_can_be_used(demo, open_browser, scan, pictures, account, look):
    user, password = account
    page = open_browser(**LOOKS[look])
    page.goto(demo.url)
    page.get_by_label(re.compile("user", re.IGNORECASE)).fill(user)
    page.get_by_label(re.compile("password", re.IGNORECASE)).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(re.compile("/mfa/enroll"))

    for name in ("enroll", "enroll/manual", "help"):
        page.goto(f"{demo.url}mfa/{name}")
        page.screenshot(path=pictures / f"{name.replace('/', '-')}-{look}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    page.goto(f"{demo.url}mfa/enroll")
    assert scan(page).account == user
