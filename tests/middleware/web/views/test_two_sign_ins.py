"""A browser with two different sign-ins is nobody, is told so, and can be rid of both (D6)."""

from __future__ import annotations

import pytest


@pytest.fixture
def torn(flask_portal, portal, new_browser):
    """A browser whose session cookie came twice, as for two paths, with different users."""
    browser = new_browser(flask_portal)
    header = f"session={portal.cookie('ann')}; session={portal.cookie('ben')}"

    def ask(url="/mfa/verify", **settings):
        ours = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        cookies = f"{header}; {ours}" if ours else header
        return browser.navigate(url, environ={"HTTP_COOKIE": cookies}, **settings)

    browser.ask = ask
    browser.header = header
    return browser


@pytest.mark.requirement("D6")
def test_the_portal_is_asked_as_by_nobody(torn, portal):
    assert torn.ask("/").status == 200
    assert "session=" not in portal.calls[-1].get("HTTP_COOKIE", "")


@pytest.mark.requirement("D6")
def test_our_page_says_so_and_clears_both(torn):
    page = torn.ask()
    assert page.status == 401
    assert "two different sign-ins" in page.page.words
    form = page.page.form("/sign-out")
    ours = "; ".join(f"{name}={value}" for name, value in torn.cookies.items())
    cleared = torn.request(
        "POST",
        form.action,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"},
        body=f"csrf={form.fields['csrf']}".encode(),
        environ={"HTTP_COOKIE": f"{torn.header}; {ours}"},
    )
    assert (cleared.status, cleared.location) == (303, "/")
    gone = [value for value in cleared.all("Set-Cookie") if value.startswith("session=;")]
    assert "session=; Path=/; Max-Age=0" in gone
    assert "session=; Path=/mfa; Max-Age=0" in gone
    assert "session=; Path=/; Max-Age=0; Domain=portal.example" in gone
    assert all("Max-Age=0" in value for value in gone)


@pytest.mark.requirement("D6", "R73")
def test_clearing_needs_the_token_too(torn):
    torn.ask()
    rejected = torn.post_form("/mfa/sign-out", {"csrf": "forged"})
    assert rejected.status in (303, 403)
    ours = "; ".join(f"{name}={value}" for name, value in torn.cookies.items())
    rejected = torn.request(
        "POST",
        "/mfa/sign-out",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=b"csrf=forged",
        environ={"HTTP_COOKIE": f"{torn.header}; {ours}"},
    )
    assert rejected.status == 403
    assert not [value for value in rejected.all("Set-Cookie") if value.startswith("session=")]
