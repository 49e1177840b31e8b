"""A sign-in that a script sends is answered as the portal answers a success (D3, D34)."""

from __future__ import annotations

import json

import pytest

from wsgi_mfa import FlaskSession
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.web.sign_in_response import read_sign_in_response

BODY = '{"status": "ok", "page": "{page}"}'
SETTING = {"path": "/sign-in", "status": 200, "type": "application/json", "body": BODY}
BY_SCRIPT = {"Accept": "application/json", "Sec-Fetch-Mode": "cors"}


@pytest.fixture
def application(wrapped, portal):
    return wrapped(
        portal,
        identity=FlaskSession(portal.secret_key, user_key="_user_id"),
        sign_in_response=SETTING,
    )


def sent_by_script(browser, path="/sign-in?user=alice", method="POST"):
    return browser.request(method, path, headers=BY_SCRIPT)


def test_a_script_is_answered_with_the_portals_success(application, new_browser, phone_of):
    browser = new_browser(application)
    answer = sent_by_script(browser)
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    told = json.loads(answer.text)
    assert told["status"] == "ok"
    assert told["page"].startswith("/mfa/enroll?next=")
    assert answer.header("Link") == f'<{told["page"]}>; rel="alternate"; type="text/html"'
    assert answer.header("Cache-Control") == "no-store"
    assert set(answer.set_cookies) == {"session", "__Host-wsgi_mfa_browser_portal"}
    browser.enroll(told["page"], phone_of)


def test_nothing_opens_before_the_code(application, new_browser, portal):
    browser = new_browser(application)
    sent_by_script(browser)
    answer = browser.request("GET", "/api/orders", headers=BY_SCRIPT)
    assert (answer.status, answer.problem) == (401, "must_enroll")
    assert browser.navigate("/").location.startswith("/mfa/enroll")


def test_a_navigation_is_led_by_303(application, new_browser, sign_in):
    assert sign_in(new_browser(application), "alice").status == 303


def test_another_path_is_answered_401(wrapped, portal, new_browser):
    identity = FlaskSession(portal.secret_key, user_key="_user_id")
    elsewhere = wrapped(portal, identity=identity, sign_in_response={**SETTING, "path": "/login"})
    assert sent_by_script(new_browser(elsewhere)).status == 401
    everywhere = {name: value for name, value in SETTING.items() if name != "path"}
    anywhere = wrapped(portal, identity=identity, sign_in_response=everywhere)
    assert sent_by_script(new_browser(anywhere)).status == 200


def test_head_gets_no_body(application, new_browser):
    answer = sent_by_script(new_browser(application), method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"status": 302}, "status"),
        ({"status": "200"}, "status"),
        ({"status": True}, "status"),
        ({"type": "text/html\r\nSet-Cookie: a=b"}, "type"),
        ({"type": 1}, "type"),
        ({"body": "x" * 4097}, "body"),
        ({"body": {"ok": True}}, "body"),
        ({"path": "login"}, "path"),
        ({"paths": "/login"}, "legal is a table"),
    ],
)
def test_what_is_not_legal_is_named(changed, named):
    with pytest.raises(ConfigurationError, match=named) as caught:
        read_sign_in_response({**SETTING, **changed})
    assert caught.value.setting == "sign_in_response"


@pytest.mark.any_python
@pytest.mark.parametrize("setting", [{}, [], "ok", {"body": "x"}])
def test_the_status_is_required(setting):
    with pytest.raises(ConfigurationError, match="legal is a table"):
        read_sign_in_response(setting)
