"""On to the portal, out of it, and the help page."""

from __future__ import annotations

import pytest

USER = "user1@example.com"


def sign_out_form(answer):
    return answer.page.form("/sign-out")


@pytest.mark.requirement("R74")
def test_the_last_page_goes_on_by_itself_and_has_a_link_for_who_would_rather_click(
    laptop, bind_phone, pressed
):
    bind_phone(laptop)
    page = laptop.open("/mfa/continue")
    assert (page.status, page.page.outcome) == (200, "signed_in")
    assert page.page.refresh == "0;url=/"
    assert pressed(page, "Continue to Client Portal") == "/"


@pytest.mark.requirement("R74")
@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/reports", ""],
)
def test_nobody_chooses_by_hand_where_the_last_page_goes(laptop, bind_phone, target):
    bind_phone(laptop)
    assert laptop.open(f"/mfa/continue?next={target}").page.refresh == "0;url=/"


def test_whoever_is_not_through_yet_is_led_to_where_it_goes_on(laptop, tablet, bind_phone):
    assert laptop.open("/mfa/continue").page.name == "enroll"
    bind_phone(laptop)
    assert tablet.open("/mfa/continue").page.name == "verify"
    assert tablet.get_json("/mfa/continue").problem == "must_verify"


@pytest.mark.requirement("R51", "D19", "D20")
def test_signing_out_ends_the_second_factor_and_changes_the_browsers_cookie(
    laptop, bind_phone, application, pressed
):
    bind_phone(laptop)
    page = laptop.open("/mfa/recovery-code")
    browser_cookie = laptop.cookies["__Host-wsgi_mfa_browser_portal"]
    session_cookie = laptop.cookies["__Host-wsgi_mfa_session_portal"]
    out = laptop.submit(page, "/sign-out")
    assert (out.page.name, out.page.outcome) == ("continue", "signed_out")
    assert "You are signed out" in out.page.words
    assert out.page.refresh is None
    assert pressed(out, "Sign in to Client Portal again") == "/"
    assert "__Host-wsgi_mfa_session_portal" not in laptop.cookies
    assert laptop.cookies["__Host-wsgi_mfa_browser_portal"] != browser_cookie
    assert application.service.store.load(USER).sessions == ()
    laptop.cookies["__Host-wsgi_mfa_session_portal"] = session_cookie  # kept by somebody
    assert laptop.open("/").page.outcome == "must_verify"


@pytest.mark.requirement("D19")
def test_whoever_is_half_signed_in_can_leave_from_every_page(laptop, tablet, bind_phone):
    assert "Not you?" in laptop.open("/").page.words
    bind_phone(laptop)
    for path in ("verify", "methods", "recover", "resync"):
        page = tablet.open(f"/mfa/{path}")
        assert page.page.name == path
        assert tablet.submit(page, "/sign-out").page.outcome == "signed_out"


@pytest.mark.requirement("D20", "R36")
def test_signing_out_throws_away_the_key_that_was_shown(laptop, key_on):
    page = laptop.open("/")
    laptop.submit(page, "/sign-out")
    assert key_on(laptop.open("/")) != key_on(page)


@pytest.mark.requirement("R77")
def test_a_json_client_signs_out(laptop, bind_phone):
    bind_phone(laptop)
    out = laptop.post_json("/mfa/sign-out", {})
    assert (out.status, out.json) == (200, {"outcome": "signed_out", "next": "/"})
    assert laptop.get_json("/").problem == "must_verify"


@pytest.mark.requirement("D10")
def test_signing_out_twice_is_no_error(laptop, bind_phone):
    bind_phone(laptop)
    page = laptop.open("/mfa/recovery-code")
    before = dict(laptop.cookies)
    laptop.submit_only(page, "/sign-out")
    laptop.cookies = before
    assert laptop.submit(page, "/sign-out").page.outcome == "signed_out"


@pytest.mark.requirement("D19")
def test_after_signing_out_the_portals_own_login_counts_no_more_until_it_is_new(
    flask_portal, new_browser, sign_in, phone_of, portal
):
    browser = new_browser(flask_portal)
    page = browser.follow(sign_in(browser, USER))
    assert page.page.name == "enroll"
    out = browser.submit(page, "/sign-out")
    assert out.page.outcome == "signed_out"
    browser.navigate("/")
    assert "session" not in portal.calls[-1].get("HTTP_COOKIE", "")  # an anonymous visitor
    assert browser.open("/mfa/enroll").text == "welcome to /"  # nobody is signed in: back to the portal
    assert browser.follow(sign_in(browser, USER)).page.name == "enroll"


def test_the_help_page_is_open_to_everybody_and_names_the_portal(application, wrapped, portal, new_browser):
    page = new_browser(application).open("/mfa/help")
    assert (page.status, page.page.name) == (200, "help")
    for words in (
        "Trouble scanning?",
        "Continue",
        "Try another method",
        "Recovery code",
        "support desk of Client Portal",
    ):
        assert words in page.page.words
    other = wrapped(portal, support_contact="help@example.com")
    assert "mailto:help@example.com" in new_browser(other).open("/mfa/help").page.links


def test_the_help_page_leads_back_to_what_the_user_was_about(laptop, pressed):
    page = laptop.open("/reports")
    helping = laptop.open(pressed(page, "Help"))
    assert helping.page.name == "help"
