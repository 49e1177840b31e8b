"""Programs that send an app password behind the password: on changing networks, at their path (D50)."""

from __future__ import annotations

import base64
import logging

import pytest

from wsgi_mfa import Chain, FlaskSession, HttpBasic, Policy
from wsgi_mfa.core import commands
from wsgi_mfa.core.access_rules import AccessRule
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.identity.adapter import UNRESOLVED
from wsgi_mfa.service import Visit

pytestmark = pytest.mark.requirement("D50", "R62")

PASSWORD = "correct horse"
HOME, MOBILE = "203.0.113.5", "198.51.100.9"


def check(name, password):
    return (name, password) == ("ann", PASSWORD)


def basic(password, name="ann"):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


class Calendar:
    """A portal that sets a cookie with each answer, and keeps what it was asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, environ, start_response):
        self.calls.append(dict(environ))
        headers = [("Content-Type", "application/xml"), ("Set-Cookie", "session=of-the-portal; Path=/")]
        start_response("207 Multi-Status", headers)
        return [b"<multistatus/>"]


@pytest.fixture
def calendar():
    return Calendar()


@pytest.fixture
def application(wrapped, calendar, clock):
    return wrapped(calendar, identity=HttpBasic(check, clock=clock))


@pytest.fixture
def make(application, new_browser, phone_of):
    """``make(path="/cal")``: the app password of a user who has just enrolled, and the user's browser."""

    def run(path="/cal", name="calendar", application=application):
        browser = new_browser(application)
        headers = {**basic(PASSWORD), "Accept": "application/json"}
        key = browser.request("GET", "/mfa/enroll", headers=headers).json["key"]
        phone = phone_of(key)
        browser.post_json("/mfa/enroll", {"code": phone.code()}, headers)
        browser.post_json("/mfa/recovery-code", {"saved": True}, headers)
        answer = browser.post_json("/mfa/app-passwords", {"name": name, "path": path}, headers)
        assert answer.status == 200, answer.text
        return answer.json["app_password"], browser, phone

    return run


@pytest.fixture
def poll(application, new_browser):
    """``poll(sent)``: the answer to a program at an address, which keeps no cookies."""

    def send(sent, path="/cal/ann/", address=HOME, application=application, **headers):
        program = new_browser(application)
        return program.request(
            "GET", path, headers={**basic(sent), **headers}, environ={"REMOTE_ADDR": address}
        )

    return send


def test_a_calendar_polls_for_a_month_on_two_networks(make, poll, clock):
    app_password, _, _ = make()
    statuses = set()
    for _ in range(30 * 24):
        clock.wait(3700)
        statuses |= {poll(PASSWORD + app_password, address=address).status for address in (HOME, MOBILE)}
    assert statuses == {207}


def test_the_portal_gets_the_password_alone_and_is_told_the_method(make, poll, calendar, clock):
    app_password, _, _ = make()
    made_at = clock.instant // 1_000_000
    clock.wait(3600)
    poll(PASSWORD + app_password)
    seen = calendar.calls[-1]
    assert seen["HTTP_AUTHORIZATION"] == basic(PASSWORD)["Authorization"]
    assert seen["wsgi_mfa.user"] == "ann"
    assert seen["wsgi_mfa.method"] == "app_password"
    assert seen["wsgi_mfa.verified_at"] == made_at


def test_no_cookie_goes_out_and_no_session_is_opened(make, poll, application):
    app_password, _, _ = make()
    before = application.service.load("ann").sessions
    answer = poll(PASSWORD + app_password)
    assert answer.status == 207
    assert answer.set_cookies == {}
    assert application.service.load("ann").sessions == before


def test_no_cookie_goes_out_where_answers_are_watched(wrapped, calendar, clock, make, poll):
    identity = Chain(HttpBasic(check, clock=clock), FlaskSession("a secret of the portal", user_key="user"))
    application = wrapped(calendar, identity=identity)
    app_password, _, _ = make(application=application)
    answer = poll(PASSWORD + app_password, application=application)
    assert answer.status == 207
    assert answer.set_cookies == {}


def test_a_program_that_keeps_cookies_beside_basic_goes_on(make, application, new_browser):
    app_password, browser, _ = make()
    program = new_browser(application, cookies=dict(browser.cookies))
    for _ in range(3):
        assert program.request("GET", "/cal/", headers=basic(PASSWORD + app_password)).status == 207


WRONG = {
    "alone": lambda right: right,
    "behind a wrong password": lambda right: "wrong" + right,
    "another one": lambda right: PASSWORD + "mfa-0000-0000-0000-0000-0000-0000-0",
    "mistyped": lambda right: PASSWORD + right[:-1] + ("0" if right[-1] != "0" else "1"),
    "twice": lambda right: PASSWORD + right + right,
    "with something behind": lambda right: PASSWORD + right + "x",
}


@pytest.mark.parametrize("typed", WRONG.values(), ids=WRONG.keys())
def test_anything_else_reaches_nothing(make, poll, calendar, typed):
    app_password, _, _ = make()
    calls = len(calendar.calls)
    answer = poll(typed(app_password))
    told = [
        call for call in calendar.calls[calls:] if "wsgi_mfa.user" in call or "HTTP_AUTHORIZATION" in call
    ]
    assert told == []
    assert answer.status in (207, 401)


def test_wrong_app_passwords_charge_no_budget_of_codes(make, poll, application):
    make()
    before = application.service.load("ann")
    for _ in range(19):
        answer = poll(PASSWORD + "mfa-0000-0000-0000-0000-0000-0000-0")
        assert answer.problem == "wrong_code"
    assert application.service.load("ann") == before


def test_a_client_that_sends_many_wrong_ones_waits_and_no_other_does(make, poll, clock):
    app_password, _, _ = make()
    for _ in range(20):
        poll(PASSWORD + "mfa-0000-0000-0000-0000-0000-0000-0")
    waiting = poll(PASSWORD + app_password)
    assert waiting.status == 429
    assert 0 < int(waiting.header("Retry-After")) <= 600
    assert poll(PASSWORD + app_password, address=MOBILE).status == 207
    clock.wait(600)
    assert poll(PASSWORD + app_password).status == 207


def test_at_another_path_it_is_rejected_and_the_log_says_so(make, poll, caplog):
    app_password, _, _ = make()
    with caplog.at_level(logging.WARNING, logger="wsgi_mfa"):
        answer = poll(PASSWORD + app_password, path="/admin")
    assert answer.status == 403
    assert answer.json["reason"] == "not_this_path"
    assert "rejected an app password of 'ann' at another path than /cal" in caplog.text


@pytest.mark.parametrize("header", ["X-Original-Url", "X-Script-Name"])
def test_a_header_that_moves_the_path_makes_it_unknown(make, poll, header):
    app_password, _, _ = make()
    assert poll(PASSWORD + app_password, **{header: "/admin"}).status == 403


def test_for_the_whole_portal_it_works_everywhere(make, poll):
    app_password, _, _ = make(path="/")
    assert poll(PASSWORD + app_password, path="/admin").status == 207


def test_where_a_fresh_factor_is_asked_for_it_is_not_enough(wrapped, calendar, clock, make, poll):
    policy = Policy(rules=(AccessRule(path="/cal/transfers", max_age_seconds=300),))
    application = wrapped(calendar, identity=HttpBasic(check, clock=clock), policy=policy)
    app_password, _, _ = make(application=application)
    assert poll(PASSWORD + app_password, application=application).status == 207
    answer = poll(PASSWORD + app_password, path="/cal/transfers", application=application)
    assert (answer.status, answer.problem) == (401, "step_up_required")


def test_a_reset_ends_it_at_the_next_request(make, poll, application):
    app_password, _, _ = make()
    service = application.service
    visit = Visit(user="ann", origin=Origin(browser="", next_browser=""), now=service.clock.now())
    command = commands.ResetBySupport(
        agent="edith", reason="lost", generation=service.vault.new_id(), enrollment_code=None
    )
    service.apply(visit, command)
    assert poll(PASSWORD + app_password).status == 401


def test_it_ends_when_its_user_ends_it(make, poll):
    app_password, browser, _ = make()
    headers = {**basic(PASSWORD), "Accept": "application/json"}
    listed = browser.request("GET", "/mfa/app-passwords", headers=headers).json["app_passwords"]
    assert [(each["name"], each["path"], each["used_at"]) for each in listed] == [("calendar", "/cal", None)]
    assert browser.post_json("/mfa/app-passwords", {"end": listed[0]["id"]}, headers).status == 200
    assert poll(PASSWORD + app_password).status == 401
    assert browser.post_json("/mfa/app-passwords", {"end": listed[0]["id"]}, headers).status == 404


def test_its_use_is_listed(make, poll, clock):
    app_password, browser, _ = make()
    poll(PASSWORD + app_password)
    headers = {**basic(PASSWORD), "Accept": "application/json"}
    (listed,) = browser.request("GET", "/mfa/app-passwords", headers=headers).json["app_passwords"]
    assert listed["used_at"] == clock.instant // 1_000_000
    assert "digest" not in listed


def test_the_page_asks_for_a_fresh_code(make, clock):
    _, browser, _ = make()
    clock.wait(301)
    headers = {**basic(PASSWORD), "Accept": "application/json"}
    answer = browser.request("GET", "/mfa/app-passwords", headers=headers)
    assert (answer.status, answer.problem) == (401, "step_up_required")
    answer = browser.post_json("/mfa/app-passwords", {"name": "x"}, headers)
    assert (answer.status, answer.problem) == (401, "step_up_required")


BAD = {
    "no name": ({"name": " "}, 422, "refused"),
    "a name of two lines": ({"name": "a\nb"}, 422, "refused"),
    "no path": ({"name": "x", "path": "cal"}, 422, "refused"),
    "days over the limit": ({"name": "x", "days": "367"}, 400, "bad_request"),
    "no number of days": ({"name": "x", "days": "²"}, 400, "bad_request"),
    "no day": ({"name": "x", "days": "0"}, 400, "bad_request"),
    "no form's id": ({"name": "x", "form": "1"}, 400, "bad_request"),
}


@pytest.mark.parametrize(("members", "status", "problem"), BAD.values(), ids=BAD.keys())
def test_what_is_not_legal_makes_none(make, application, members, status, problem):
    _, browser, _ = make()
    headers = {**basic(PASSWORD), "Accept": "application/json"}
    answer = browser.post_json("/mfa/app-passwords", members, headers)
    assert (answer.status, answer.problem) == (status, problem)
    assert len(application.service.load("ann").app_passwords) == 1


def test_the_page_shows_a_new_one_once(make, application):
    _, browser, _ = make()
    page = browser.navigate("/mfa/app-passwords", headers=basic(PASSWORD)).page
    form = next(form for form in page.forms if "name" in form.fields)
    fields = {**form.fields, "name": "<b>uploads</b>", "path": "/dav", "days": "30"}
    answer = browser.post_form("/mfa/app-passwords", fields, headers=basic(PASSWORD))
    assert answer.page.by_id["app-password"].startswith("mfa-")
    assert "<b>uploads</b>" in answer.page.words
    assert answer.header("Cache-Control") == "no-store"
    again = browser.post_form("/mfa/app-passwords", fields, headers=basic(PASSWORD))
    assert again.page.outcome == "refused"
    assert "app-password" not in again.page.by_id
    assert len(application.service.load("ann").app_passwords) == 2


def test_the_account_page_leads_there_only_if_the_adapter_takes_them(
    make, wrapped, portal, browser_of, phone_of
):
    _, browser, _ = make()
    assert "/mfa/app-passwords" in browser.navigate("/mfa/account", headers=basic(PASSWORD)).page.links
    other = browser_of("alice")
    other.enroll("/", phone_of)
    assert "/mfa/app-passwords" not in other.navigate("/mfa/account").page.links
    assert other.navigate("/mfa/app-passwords").status == 404


def test_an_adapter_without_them_takes_codes_alone(wrapped, calendar, clock):
    identity = HttpBasic(check, clock=clock, app_passwords=False)
    assert not identity.traits.takes_app_passwords
    sent = PASSWORD + "mfa-0000-0000-0000-0000-0000-0000-0"
    assert identity.identify({"HTTP_AUTHORIZATION": basic(sent)["Authorization"]}) is UNRESOLVED


def test_making_and_ending_are_told_of(wrapped, calendar, clock, make):
    notices = []
    application = wrapped(calendar, identity=HttpBasic(check, clock=clock), notify=notices.append)
    _, browser, _ = make(application=application)
    assert notices[-1].kind == "app_password.made"
    app_password = application.service.load("ann").app_passwords[0]
    headers = {**basic(PASSWORD), "Accept": "application/json"}
    browser.post_json("/mfa/app-passwords", {"end": app_password.id}, headers)
    assert notices[-1].kind == "app_password.ended"
