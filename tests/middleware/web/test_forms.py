"""What is posted to our pages comes from this site, this browser and this user alone (R73, D36)."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

pytestmark = pytest.mark.any_python

BROWSER = "__Host-wsgi_mfa_browser_portal"
FORM = "application/x-www-form-urlencoded"


def sign_in(browser, form, phone, headers=None, **fields):
    return browser.post_form(form.action, form.fields | {"code": phone.code()} | fields, headers)


# Tokens


@pytest.mark.requirement("R73")
def test_a_form_of_this_browser_is_accepted(verifying):
    assert sign_in(*verifying()).location.startswith("/mfa/continue")


@pytest.mark.requirement("R73")
@pytest.mark.parametrize(
    "token", [None, "", "x", "k1.", "k1.AAAA", "é", "k2.AAAA", "k1.{}", "{}x", "x{}", "{}\x00"]
)
def test_a_missing_or_made_up_token_is_refused_and_charges_nothing(verifying, failures, token):
    browser, form, phone = verifying()
    fields = form.fields | {"code": phone.wrong_code()}
    mine = fields.pop("csrf")
    if token is not None:
        fields["csrf"] = token.format(mine)
    answer = browser.post_form(form.action, fields)
    assert answer.status == 403
    assert answer.page.outcome == "forbidden"
    assert failures() == 0
    assert sign_in(browser, form, phone).status == 303


@pytest.mark.requirement("R73")
def test_a_token_of_another_browser_is_refused(verifying, browser_of, failures):
    browser, form, phone = verifying()
    other = browser_of("alice")
    token = other.open("/").page.form("/verify").fields["csrf"]
    assert token != form.fields["csrf"]
    assert sign_in(browser, form, phone, csrf=token).status == 403


@pytest.mark.requirement("R73")
def test_a_token_of_another_user_of_the_same_browser_is_refused(verifying, browser_of):
    browser, form, phone = verifying()
    browser.environ["REMOTE_USER"] = "bob"
    assert sign_in(browser, form, phone).status == 403
    bobs = browser.navigate("/mfa/enroll").page.form("/enroll").fields["csrf"]
    browser.environ["REMOTE_USER"] = "alice"
    assert sign_in(browser, form, phone, csrf=bobs).status == 403


@pytest.mark.requirement("R73")
def test_a_form_without_its_browser_cookie_is_refused(verifying):
    browser, form, phone = verifying()
    del browser.cookies[BROWSER]
    assert sign_in(browser, form, phone).status == 403


@pytest.mark.requirement("R73")
@pytest.mark.parametrize(
    "path", ["enroll", "enroll/manual", "verify", "resync", "recover", "recovery-code", "sign-out"]
)
def test_every_form_of_ours_asks_for_its_token(browser_of, phone_of, memory_store, path):
    alice = browser_of("alice")
    alice.enroll("/", phone_of)
    before = memory_store.load("alice")
    fields = {"code": "123456", "recovery_code": "A" * 24, "saved": "yes", "action": "restart"}
    assert alice.post_form(f"/mfa/{path}", fields).page.outcome == "forbidden"
    assert memory_store.load("alice") == before


@pytest.mark.requirement("R73")
@pytest.mark.parametrize(
    "path",
    ["verify", "resync", "recover", "recovery-code", "sign-out", "methods", "continue", "help"],
)
def test_a_get_changes_nothing_that_counts(browser_of, phone_of, memory_store, path):
    alice = browser_of("alice")
    phone = alice.enroll("/", phone_of)
    before = memory_store.load("alice")
    query = urlencode({"code": phone.code(), "saved": "yes", "action": "replace", "recovery_code": "A" * 24})
    alice.navigate(f"/mfa/{path}?{query}")
    assert memory_store.load("alice") == before


# Other sites


SITES = [
    # Sec-Fetch-Site, Origin, whether it is accepted
    ("same-origin", "https://portal.example", True),
    ("same-origin", None, True),
    ("same-origin", "null", True),
    ("none", None, True),
    ("none", "null", True),
    (None, "https://portal.example", True),
    (None, "https://portal.example:443", False),
    (None, None, True),
    ("cross-site", "https://evil.example", False),
    ("cross-site", "https://portal.example", False),
    ("cross-site", None, False),
    ("cross-site", "null", False),
    ("same-site", "https://other.portal.example", False),
    ("same-site", "https://portal.example", False),
    ("same-site", None, False),
    ("", "https://portal.example", False),
    ("Same-Origin", "https://portal.example", False),
    ("same-origin, same-origin", "https://portal.example", False),
    (None, "https://evil.example", False),
    (None, "null", False),
    (None, "", False),
    (None, "http://portal.example", False),
    (None, "https://portal.example:8443", False),
    (None, "https://portal.example.evil.example", False),
    (None, "https://other.portal.example", False),
    (None, "https://portal.example/", False),
    (None, "https://portal.example, https://evil.example", False),
]


@pytest.mark.requirement("R73", "D36")
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(("site", "origin", "accepted"), SITES)
def test_a_change_is_accepted_from_this_site_alone(verifying, failures, as_json, site, origin, accepted):
    browser, form, phone = verifying()
    headers = {"Accept": "text/html", "Content-Type": "application/json" if as_json else FORM}
    if site is not None:
        headers["Sec-Fetch-Site"] = site
    if origin is not None:
        headers["Origin"] = origin
    fields = form.fields | {"code": phone.code()}
    body = json.dumps({"code": fields["code"]}) if as_json else urlencode(fields)
    answer = browser.request("POST", form.action, headers=headers, body=body.encode())
    if accepted:
        assert answer.status == (200 if as_json else 303)
    else:
        assert answer.status == 403
        assert (answer.problem if as_json else answer.page.outcome) == "forbidden"
    assert failures() == 0


@pytest.mark.requirement("D36")
@pytest.mark.parametrize("host", ["portal.example:443", "PORTAL.EXAMPLE", None])
def test_the_host_may_be_spelt_with_its_port_or_in_capitals(verifying, host):
    browser, form, phone = verifying()
    headers = {"Content-Type": FORM, "Origin": "https://portal.example"}
    body = urlencode(form.fields | {"code": phone.code()}).encode()
    answer = browser.request("POST", form.action, headers=headers, body=body, environ={"HTTP_HOST": host})
    assert answer.status == 303


@pytest.mark.requirement("D36")
def test_over_plain_http_the_origin_is_one_of_http(wrapped, portal, new_browser):
    application = wrapped(portal, plain_http=True)
    browser = new_browser(application, origin="http://127.0.0.1:8000", environ={"REMOTE_USER": "alice"})
    form = browser.open("/").page.form("/enroll")
    for origin, status in (
        ("http://127.0.0.1:8000", 422),
        ("https://127.0.0.1:8000", 403),
        ("http://127.0.0.1", 403),
    ):
        answer = browser.request(
            "POST",
            form.action,
            headers={"Content-Type": FORM, "Accept": "text/html", "Origin": origin},
            body=urlencode(form.fields | {"code": "000000"}).encode(),
        )
        assert answer.status == status


@pytest.mark.requirement("D36")
def test_no_answer_grants_another_site_anything(browser_of):
    alice = browser_of("alice")
    headers = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for path in ("/mfa/verify", "/mfa/enroll", "/reports"):
        answer = alice.request("OPTIONS", path, headers=headers)
        assert answer.status in (401, 405)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
