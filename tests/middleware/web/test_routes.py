"""Our own URLs: which there are, which methods they know, and what stands below no URL at all."""

from __future__ import annotations

import pytest

from wsgi_mfa.web.request import path_below
from wsgi_mfa.web.routes import VIEWS

USER = "user1@example.com"
PATHS = sorted(VIEWS)


@pytest.fixture
def browser(browser_of):
    return browser_of(USER)


def test_the_urls_are_those_that_the_documents_name():
    assert set(PATHS) == {
        "/account",
        "/app-passwords",
        "/enroll",
        "/keep-app-passwords",
        "/enroll/manual",
        "/reminder",
        "/verify",
        "/methods",
        "/recover",
        "/recovery-code",
        "/resync",
        "/sign-out",
        "/unlock",
        "/continue",
        "/help",
        "/session-ended",
        "/support",
    }


@pytest.mark.parametrize(
    ("path_info", "below"),
    [
        ("/mfa", ""),
        ("/mfa/", "/"),
        ("/mfa/enroll", "/enroll"),
        ("/mfa/enroll/", "/enroll/"),
        ("/mfax", None),
        ("/MFA/enroll", None),
        ("/", None),
        ("", None),
        ("//mfa/enroll", None),
        ("/a/mfa/enroll", None),
    ],
)
@pytest.mark.requirement("R66")
def test_only_what_lies_below_the_mount_path_is_ours(path_info, below):
    assert path_below("/mfa", path_info) == below


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/qr",
        "/qr.png",
        "/enroll/",
        "/enroll/qr.png",
        "/enroll.png",
        "/../",
        "/verify/x",
        "//verify",
        "/ENROLL",
    ],
)
@pytest.mark.requirement("R38")
def test_everything_else_below_the_mount_path_is_not_found_and_never_the_portals(browser, portal, path):
    answer = browser.navigate("/mfa" + path)
    assert (answer.status, answer.page.name) == (404, "not_found")
    json_answer = browser.get_json("/mfa" + path)
    assert (json_answer.status, json_answer.problem) == (404, "not_found")
    assert portal.calls == []


@pytest.mark.parametrize("path", PATHS)
def test_a_page_knows_its_own_methods_and_names_them_to_who_tries_another_one(browser_of, path):
    browser = browser_of(USER, validated=False)  # the validator knows the usual methods only
    allowed = set(VIEWS[path]) | ({"HEAD"} if "GET" in VIEWS[path] else set())
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "BREW"} - allowed:
        answer = browser.request(method, "/mfa" + path, headers={"Accept": "text/html"})
        assert (answer.status, answer.page.name) == (405, "method_not_allowed"), method
        assert set(answer.header("Allow").split(", ")) == allowed, method


@pytest.mark.parametrize("path", [path for path in PATHS if "GET" in VIEWS[path]])
def test_head_is_get_without_a_body(browser, path):
    browser.open("/mfa/enroll")  # so that both requests carry the browser's cookie
    got = browser.navigate("/mfa" + path)
    head = browser.request("HEAD", "/mfa" + path, headers={"Accept": "text/html"})
    assert (head.status, head.body) == (got.status, b"")
    assert {name for name, _ in head.headers} == {name for name, _ in got.headers}


@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("/help", "/session-ended")])
def test_whoever_is_not_signed_in_at_the_portal_is_led_to_it(browser_of, path):
    stranger = browser_of()
    answer = (
        stranger.navigate("/mfa" + path) if "GET" in VIEWS[path] else stranger.post_form("/mfa" + path, {})
    )
    assert (answer.status, answer.location) == (303, "/")
    assert answer.set_cookies == {}
    json_answer = (
        stranger.post_json("/mfa" + path, {}) if "POST" in VIEWS[path] else stranger.get_json("/mfa" + path)
    )
    assert (json_answer.status, json_answer.problem) == (401, "sign_in_required")


def test_below_another_root_all_addresses_lie_below_it(wrapped, portal, new_browser):
    browser = new_browser(
        wrapped(portal, mount_path="/auth/mfa"), script_name="/portal", environ={"REMOTE_USER": USER}
    )
    led = browser.navigate("/portal/reports")
    assert led.location.startswith("/portal/auth/mfa/enroll?next=")
    page = browser.follow(led)
    ours = [link for link in page.page.links if not link.startswith("otpauth:")]
    assert ours
    assert all(link.startswith("/portal/auth/mfa/") for link in ours)
    assert all(form.action.startswith("/portal/auth/mfa/") for form in page.page.forms)
