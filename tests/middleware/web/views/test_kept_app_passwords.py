"""After a new phone or a recovery the user is asked which app passwords to keep (D50)."""

from __future__ import annotations

import base64
import json
import re

import pytest

from wsgi_mfa import HttpBasic

pytestmark = pytest.mark.requirement("D50")

PASSWORD = "correct horse"
WORKS, ENDED = 200, 401


def basic(password):
    return {"Authorization": "Basic " + base64.b64encode(f"ann:{password}".encode()).decode()}


SIGNED_IN = basic(PASSWORD)
AS_PROGRAM = {**SIGNED_IN, "Accept": "application/json"}


@pytest.fixture
def application(wrapped, portal, clock):
    return wrapped(portal, identity=HttpBasic(lambda name, password: password == PASSWORD, clock=clock))


@pytest.fixture
def browser(new_browser, application):
    return new_browser(application)


@pytest.fixture
def phone(browser, phone_of):
    """The phone of a user who has enrolled and made app passwords for two programs."""
    phone = phone_of(browser.request("GET", "/mfa/enroll", headers=AS_PROGRAM).json["key"])
    browser.recovery_code = browser.post_json("/mfa/enroll", {"code": phone.code()}, AS_PROGRAM).json[
        "recovery_code"
    ]
    browser.post_json("/mfa/recovery-code", {"saved": True}, AS_PROGRAM)
    browser.programs = {
        name: browser.post_json("/mfa/app-passwords", {"name": name}, AS_PROGRAM).json["app_password"]
        for name in ("calendar", "uploads")
    }
    return phone


def a_new_phone(browser, phone_of, clock, tablet):
    clock.wait_for_step()
    new = phone_of(browser.request("GET", "/mfa/enroll", headers=AS_PROGRAM).json["key"])
    return browser, browser.post_json("/mfa/enroll", {"code": new.code()}, AS_PROGRAM)


def a_recovery(browser, phone_of, clock, tablet):
    told = tablet.post_json("/mfa/recover", {"recovery_code": browser.recovery_code}, AS_PROGRAM)
    assert told.json["outcome"] == "must_save_recovery_code"
    return tablet, tablet.post_json("/mfa/recovery-code", {"saved": True}, AS_PROGRAM)


@pytest.fixture(params=[a_new_phone, a_recovery], ids=lambda way: way.__name__)
def asked(request, browser, phone, phone_of, clock, new_browser, application):
    """The browser that is asked, and what it was told."""
    tablet = new_browser(application)
    return request.param(browser, phone_of, clock, tablet)


@pytest.fixture
def poll(browser, new_browser, application):
    def send(name):
        sent = basic(PASSWORD + browser.programs[name])
        return new_browser(application).request("GET", "/", headers=sent).status

    return send


def test_a_program_is_told_and_reaches_nothing_before_it_has_answered(asked, portal):
    client, told = asked
    assert told.json["outcome"] == "must_choose_app_passwords"
    calls = len(portal.calls)
    rejected = client.request("GET", "/", headers=SIGNED_IN)
    assert (rejected.status, rejected.problem) == (401, "must_choose_app_passwords")
    assert len(portal.calls) == calls
    listed = client.request("GET", "/mfa/keep-app-passwords", headers=AS_PROGRAM).json["app_passwords"]
    assert [each["name"] for each in listed] == ["calendar", "uploads"]
    answer = client.post_json("/mfa/keep-app-passwords", {f"keep-{listed[0]['id']}": "yes"}, AS_PROGRAM)
    assert answer.json["outcome"] == "signed_in"
    assert client.request("GET", "/", headers=SIGNED_IN).status == 200


def test_the_page_keeps_the_ticked_one_and_ends_the_other(asked, poll):
    client, _ = asked
    assert (poll("calendar"), poll("uploads")) == (WORKS, WORKS)
    led = client.navigate("/", headers=SIGNED_IN).header("Location")
    page = client.navigate(led, headers=SIGNED_IN)
    assert page.page.name == "keep_app_passwords"
    assert "calendar" in page.page.words
    form = page.page.form("/mfa/keep-app-passwords").fields
    names = {
        f"keep-{each['id']}": each["name"]
        for each in client.request("GET", "/mfa/keep-app-passwords", headers=AS_PROGRAM).json["app_passwords"]
    }
    first = min(names)
    assert not set(names) & set(form)  # no box is ticked beforehand
    sent = {**form, first: "yes"}
    answer = client.post_form("/mfa/keep-app-passwords", sent, headers=SIGNED_IN)
    assert answer.status == 303
    kept = names.pop(first)
    (gone,) = names.values()
    assert (poll(kept), poll(gone)) == (WORKS, ENDED)
    assert client.post_form("/mfa/keep-app-passwords", sent, headers=SIGNED_IN).status == 303
    assert client.request("GET", "/", headers=SIGNED_IN).status == 200


def test_a_user_without_app_passwords_is_not_asked(browser, phone, phone_of, clock):
    for each in browser.request("GET", "/mfa/app-passwords", headers=AS_PROGRAM).json["app_passwords"]:
        browser.post_json("/mfa/app-passwords", {"end": each["id"]}, AS_PROGRAM)
    _, told = a_new_phone(browser, phone_of, clock, None)
    assert told.json["outcome"] == "signed_in"
    assert browser.navigate("/mfa/keep-app-passwords", headers=SIGNED_IN).status == 303


@pytest.mark.parametrize("name", ["api", "programs"])
def test_the_pages_tell_the_json_that_makes_an_app_password(browser, phone, root, name):
    text = (root / "docs" / f"{name}.md").read_text(encoding="utf-8")
    (wish,) = re.findall(r'\{"name": "calendar"[^}]*\}', text)
    made = browser.post_json("/mfa/app-passwords", json.loads(wish), AS_PROGRAM).json
    assert made["app_password"].startswith("mfa-")
    assert (made["made"]["name"], made["made"]["path"]) == ("calendar", "/cal")
    assert made["made"]["expires_at"] - made["made"]["made_at"] == 90 * 86400
