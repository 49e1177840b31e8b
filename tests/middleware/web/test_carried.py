"""A login whose fingerprint the application changes in a response keeps its second factor (D34)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest

from wsgi_mfa import Policy, StoreUnavailableError
from wsgi_mfa.adapters import UNRESOLVED, AdapterTraits, Credentials, FirstFactor
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.service import Visit

pytestmark = pytest.mark.requirement("D34")


class Sessions:
    """An adapter for a cookie ``sid=USER.LOGIN``."""

    credentials = Credentials(cookies=("sid",))
    traits = AdapterTraits(user_changes_in_response=True, cookies_alone=True)

    def identify(self, environ):
        value = environ.get("HTTP_COOKIE", "").partition("sid=")[2].partition(";")[0]
        if not value:
            return None
        user, _, login = value.partition(".")
        return FirstFactor(user=user, login=login) if login else UNRESOLVED

    def selftest(self):
        return []

    def store_selftest(self):
        return []


@dataclass
class Rotating:
    """An application that sets the ``sid`` which the query names; ``meanwhile`` happens while it works."""

    calls: list[str] = field(default_factory=list)
    meanwhile: list = field(default_factory=list)

    def __call__(self, environ, start_response):
        self.calls.append(environ["PATH_INFO"])
        sid = parse_qs(environ["QUERY_STRING"]).get("sid")
        headers = [("Content-Type", "text/plain")]
        if sid:
            headers.append(("Set-Cookie", f"sid={sid[0]}; Path=/"))
        if self.meanwhile:
            self.meanwhile.pop()()
        start_response("200 OK", headers)
        return [b"welcome"]


@pytest.fixture
def application():
    return Rotating()


@pytest.fixture
def wrapped_application(wrapped, application, troubled_store):
    return wrapped(
        application, identity=Sessions(), store=troubled_store, policy=Policy(exempt_paths=("/public",))
    )


@pytest.fixture
def browser(wrapped_application, new_browser, phone_of, application):
    browser = new_browser(wrapped_application)
    browser.navigate("/sign-in?sid=alice.1")
    browser.phone = browser.enroll("/", phone_of)
    application.calls.clear()
    return browser


def reaches(browser, sid):
    """Whether the application answers the browser when it sends this ``sid``."""
    browser.cookies["sid"] = sid
    return browser.navigate("/reports").status == 200


def test_a_rotated_login_goes_on_and_the_response_is_passed_on(browser, application):
    answer = browser.navigate("/page?sid=alice.2")
    assert (answer.status, answer.body) == (200, b"welcome")
    assert set(answer.set_cookies) == {"sid"}
    assert browser.navigate("/reports").status == 200
    assert application.calls == ["/page", "/reports"]


def test_parallel_requests_are_answered_whichever_login_they_bear(browser, clock):
    for sid in ("alice.2", "alice.3"):
        browser.cookies["sid"] = "alice.1"
        assert browser.navigate(f"/page?sid={sid}").status == 200
    assert all(reaches(browser, sid) for sid in ("alice.1", "alice.2", "alice.3"))
    clock.wait(61)
    assert [sid for sid in ("alice.1", "alice.2", "alice.3") if reaches(browser, sid)] == [
        "alice.2",
        "alice.3",
    ]


def test_a_login_that_changed_in_no_response_of_ours_is_asked_for_a_second_factor(browser):
    assert not reaches(browser, "alice.2")
    assert reaches(browser, "alice.1")


def test_a_browser_without_the_session_gains_nothing_by_the_rotated_login(browser, new_browser):
    browser.navigate("/page?sid=alice.2")
    thief = new_browser(browser.application)
    assert not reaches(thief, "alice.2")
    assert not reaches(thief, "alice.1")


def test_a_rotation_on_an_exempt_path_carries_no_login_that_was_not_verified(browser):
    browser.cookies["sid"] = "alice.2"
    assert browser.navigate("/public").body == b"welcome"
    answer = browser.navigate("/public?sid=alice.3")
    assert answer.body == b""
    assert browser.follow(answer).page.outcome == "must_verify"
    assert not reaches(browser, "alice.3")
    assert not reaches(browser, "alice.2")


@pytest.mark.requirement("D34", "D21")
def test_an_answer_that_takes_minutes_is_carried_too(browser, application, clock):
    application.meanwhile.append(lambda: clock.wait(150))
    assert browser.navigate("/page?sid=alice.2").status == 200
    assert browser.navigate("/reports").status == 200


def test_a_session_that_ended_while_the_application_worked_stays_ended(
    browser, application, wrapped_application
):
    service = wrapped_application.service

    def end():
        (session,) = service.store.load("alice").sessions
        origin = Origin(browser="x", next_browser="y")
        service.end_session(
            Visit(user="alice", origin=origin, now=service.clock.now()), session.id, cause="test"
        )

    application.meanwhile.append(end)
    assert browser.navigate("/page?sid=alice.2").status == 200
    assert not reaches(browser, "alice.2")


def test_where_a_carry_cannot_be_saved_the_answer_goes_out_and_the_next_request_is_asked(
    browser, troubled_store, caplog
):
    def fail():
        raise StoreUnavailableError("the disk is full")

    troubled_store.before.extend([fail, fail])
    with caplog.at_level(logging.WARNING):
        answer = browser.navigate("/page?sid=alice.2")
    assert (answer.status, answer.body) == (200, b"welcome")
    assert "could not be carried over" in caplog.text
    assert browser.open("/reports").page.outcome == "must_verify"


def test_another_user_in_a_rotated_login_is_not_carried(browser):
    answer = browser.navigate("/page?sid=bob.2")
    assert answer.status == 303
    assert answer.body == b""
    assert browser.follow(answer).page.outcome == "must_enroll"
    assert not reaches(browser, "alice.1")
