"""What every answer of ours carries, and what a client reads in it."""

from __future__ import annotations

import json
import re

import pytest

from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.web.http_errors import RejectedRequestError
from wsgi_mfa.web.reply import STATUS, TITLES, problem

USER = "user1@example.com"
HEADERS = {
    "Cache-Control": "no-store",
    "Vary": "Cookie",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@pytest.fixture
def answers(wrapped, portal, browser_of, new_browser, phone_of, clock, memory_store):
    """name -> an answer of ours, pages and problems, of each status that there is."""
    application = wrapped(portal)
    laptop, tablet = browser_of(USER, application), browser_of(USER, application)
    found = {"challenge": laptop.navigate("/reports"), "challenge to JSON": laptop.get_json("/reports")}
    found["enroll"] = laptop.open("/")
    found["key as JSON"] = laptop.get_json("/mfa/enroll")
    phone = laptop.enroll("/", phone_of)
    clock.wait_for_step()
    page = found["verify"] = tablet.open("/")
    found["wrong"] = tablet.submit(page, "/verify", code=phone.wrong_code())
    found["wrong as JSON"] = tablet.post_json("/mfa/verify", {"code": phone.wrong_code()})
    found["doubled"] = tablet.request(
        "POST",
        "/mfa/verify",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"},
        body=b"code=1&code=2",
    )
    found["no token"] = tablet.post_form("/mfa/verify", {"code": phone.code()})
    found["not found"] = tablet.navigate("/mfa/nowhere")
    found["method"] = tablet.request("PUT", "/mfa/verify", headers={"Accept": "text/html"})
    found["too long"] = tablet.post_form("/mfa/verify", {"code": "1" * 9000})
    found["plain http"] = new_browser(
        application, origin="http://portal.example", environ={"REMOTE_USER": USER}
    ).navigate("/mfa/verify")
    found["help"] = new_browser(application).navigate("/mfa/help")
    found["nobody"] = new_browser(application).navigate("/mfa/verify")
    found["used"] = laptop.open("/mfa/resync")
    found["accepted"] = tablet.submit_only(tablet.open("/"), "/verify", code=phone.code())
    found["continue"] = tablet.follow(found["accepted"])
    tablet.cookies.pop("__Host-wsgi_mfa_session_portal")
    page = tablet.open("/")
    for number in range(2, 8):
        found["locked"] = tablet.submit(page, "/verify", code=phone.wrong_code(number))
        found["locked as JSON"] = tablet.post_json("/mfa/verify", {"code": phone.wrong_code(number)})
    found["refused"] = laptop.post_form(
        "/mfa/enroll", laptop.open("/mfa/enroll").page.forms[0].fields | {"pending": "x"}
    )
    memory_store.close()
    found["unavailable"] = tablet.navigate("/reports")
    found["unavailable as JSON"] = tablet.get_json("/reports")
    return found


def test_the_answers_that_are_looked_at_here_have_every_status_that_there_is(answers):
    assert {answer.status for answer in answers.values()} == {
        200, 303, 400, 401, 403, 404, 405, 413, 422, 429, 503,
    }  # fmt: skip


@pytest.mark.requirement("R75", "R76", "D36")
def test_every_answer_of_ours_carries_the_same_protection(answers):
    for name, answer in answers.items():
        for header, value in HEADERS.items():
            assert answer.header(header) == value, (name, header)
        for header in ("ETag", "Last-Modified", "Expires", "Access-Control-Allow-Origin", "Server"):
            assert answer.header(header) is None, (name, header)


@pytest.mark.requirement("R75")
def test_every_page_has_a_policy_that_lets_nothing_in_and_a_nonce_of_its_own(answers):
    nonces = []
    for name, answer in answers.items():
        if not answer.header("Content-Type").startswith("text/html") or not answer.body:
            continue
        policy = dict(
            part.strip().split(" ", 1) for part in answer.header("Content-Security-Policy").split(";")
        )
        assert policy["default-src"] == "'none'", name
        assert policy["form-action"] == "'self'", name
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'", name
        assert policy["style-src"] == policy["script-src"], name
        nonce = re.fullmatch(r"'nonce-([A-Za-z0-9+/=]{24})'", policy["style-src"]).group(1)
        nonces.append(nonce)
    assert len(nonces) > 10
    assert len(nonces) == len(set(nonces))


@pytest.mark.requirement("R75")
def test_what_is_no_page_loads_nothing_and_stands_in_no_frame(answers):
    bare = {
        name: answer.header("Content-Security-Policy")
        for name, answer in answers.items()
        if not answer.header("Content-Type").startswith("text/html") or not answer.body
    }
    assert {"challenge", "challenge to JSON", "key as JSON", "accepted"} <= set(bare)
    assert set(bare.values()) == {"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"}


@pytest.mark.requirement("R77")
def test_a_problem_says_what_it_is_in_a_form_that_machines_know(answers):
    for name, answer in answers.items():
        if answer.header("Content-Type") != "application/problem+json":
            assert "JSON" not in name or answer.status == 200, name
            continue
        assert answer.json["type"] == f"urn:wsgi-mfa:{answer.problem}", name
        assert answer.json["status"] == answer.status, name
        assert answer.json["title"] == TITLES[answer.problem], name
        assert USER not in answer.text, name
        assert set(answer.json) <= {
            "type",
            "title",
            "status",
            "hint",
            "reason",
            "retry_after_seconds",
            "page",
        }, name


@pytest.mark.requirement("R18", "R80")
def test_who_has_to_wait_is_told_how_long(answers):
    for name, answer in answers.items():
        waiting = answer.status in (429, 503)
        assert (answer.header("Retry-After") is not None) == waiting, name
        if waiting and answer.header("Content-Type").startswith("text/html"):
            assert answer.page.data["retry-after-seconds"] == answer.header("Retry-After"), name


@pytest.mark.requirement("R77")
def test_a_page_leads_on_and_a_problem_never_does(answers):
    for name, answer in answers.items():
        assert (answer.location is not None) == (answer.status == 303), name
        if answer.status == 303:
            assert answer.body == b"", name
            assert answer.location.startswith("/"), name


@pytest.mark.requirement("R53")
def test_the_browsers_cookie_comes_once_and_only_to_who_is_signed_in_at_the_portal(answers):
    assert "__Host-wsgi_mfa_browser_portal" in answers["challenge"].set_cookies
    for name in ("help", "nobody", "unavailable", "verify"):
        assert answers[name].set_cookies == {} or name == "verify", name
    assert set(answers["accepted"].set_cookies) == {
        "__Host-wsgi_mfa_browser_portal",
        "__Host-wsgi_mfa_session_portal",
        "__Host-wsgi_mfa_known_portal",
    }


def test_every_outcome_and_every_refusal_has_its_title():
    words = {outcome.value for outcome in STATUS} | {kind.page for kind in rejections(RejectedRequestError)}
    assert words <= set(TITLES)


def rejections(kind):
    return {kind}.union(*(rejections(each) for each in kind.__subclasses__()))


def test_a_problem_leaves_out_what_it_does_not_know():
    text = problem("locked", 429, hint=None, retry_after_seconds=30)
    assert json.loads(text) == {
        "type": "urn:wsgi-mfa:locked",
        "title": TITLES["locked"],
        "status": 429,
        "retry_after_seconds": 30,
    }


@pytest.mark.requirement("R80")
def test_a_store_that_fails_while_a_code_is_checked_is_told_and_nothing_is_lost(
    wrapped, portal, browser_of, phone_of, clock, troubled_store
):
    def break_down():
        raise StoreUnavailableError("the store is gone")

    application = wrapped(portal, store=troubled_store)
    laptop, tablet = browser_of(USER, application), browser_of(USER, application)
    phone = laptop.enroll("/", phone_of)
    clock.wait_for_step()
    page = tablet.open("/")
    troubled_store.before += [break_down, break_down]
    failed = tablet.submit_only(page, "/verify", code=phone.code())
    assert (failed.status, failed.page.outcome) == (503, Outcome.UNAVAILABLE.value)
    assert tablet.submit(page, "/verify", code=phone.code()).page.outcome == "signed_in"


@pytest.mark.parametrize("path", ["/", "/orders?open=1"])
def test_a_program_is_told_the_page_for_the_code(browser_of, phone_of, path):
    alice = browser_of("alice")
    answer = alice.request("GET", path, headers={"Accept": "application/json"})
    assert answer.status == 401
    page = answer.json["page"]
    assert page.startswith("/mfa/enroll?next=")
    assert answer.header("Link") == f'<{page}>; rel="alternate"; type="text/html"'
    assert alice.navigate(page).page.outcome == "must_enroll"
