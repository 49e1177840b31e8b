"""A directory is asked before the application answers, or after it has, and never in between (D1)."""

from __future__ import annotations

import sys

import pytest

from wsgi_mfa import FlaskSession, Policy
from wsgi_mfa.directory import Person
from wsgi_mfa.web.response_hold import DRAWN_BYTES_MAX

pytestmark = pytest.mark.requirement("D1", "R71")


class Busy:
    """A portal with one connection to its database, which is in use from its call to the end of its response."""

    def __init__(self, portal, chunks=(b"one", b"two")):
        self.portal, self.chunks, self.is_answering, self.asked = portal, chunks, False, []

    def __call__(self, environ, start_response):
        self.is_answering = True
        body = list(self.portal(environ, start_response))
        return self._body([*body, *self.chunks])

    def _body(self, chunks):
        try:
            yield from chunks
        finally:
            self.is_answering = False

    def directory(self, user):
        assert not self.is_answering, "asked while the portal answered"
        self.asked.append(user)
        return Person(name=user) if user != "mallory" else None


@pytest.fixture
def busy(portal):
    return Busy(portal)


@pytest.fixture
def application(wrapped, portal, busy):
    identity = FlaskSession(portal.secret_key, user_key="_user_id")
    return wrapped(busy, identity=identity, directory=busy.directory)


def test_a_sign_in_is_held_once_the_portal_has_answered(application, new_browser, sign_in, busy, phone_of):
    browser = new_browser(application)
    answer = sign_in(browser, "alice")
    assert (answer.status, busy.asked) == (303, ["alice"])
    assert answer.body == b""
    browser.enroll(answer.location, phone_of)
    busy.asked.clear()
    assert browser.request("GET", "/").status == 200
    assert busy.asked == ["alice"]


def test_an_unknown_user_is_rejected(application, new_browser, sign_in, busy):
    answer = sign_in(new_browser(application), "mallory")
    assert (answer.status, busy.asked) == (403, ["mallory"])


def test_a_visitors_response_streams_as_it_is(application, new_browser, busy):
    answer = new_browser(application).request("GET", "/help")
    assert (answer.text.endswith("onetwo"), busy.asked) == (True, [])


def test_a_response_that_passes_after_all_is_whole(wrapped, portal, busy, new_browser, sign_in):
    """A rule lets this user see the page without a second factor, which only the directory's groups tell."""
    identity = FlaskSession(portal.secret_key, user_key="_user_id")
    rules = ({"path": "/sign-in", "second_factor": False},)

    application = wrapped(busy, identity=identity, directory=busy.directory, policy=Policy(rules=rules))
    answer = sign_in(new_browser(application), "alice")
    assert answer.status == 200
    assert answer.text.endswith("onetwo")
    assert "session" in answer.set_cookies


def test_what_was_written_before_the_body_comes_first(wrapped, portal, new_browser, sign_in):

    def writing(environ, start_response):
        def started(status, headers, exc_info=None):
            write = start_response(status, headers)
            write(b"written,")
            return write

        return [*portal(environ, started), b"returned"]

    identity = FlaskSession(portal.secret_key, user_key="_user_id")
    policy = Policy(rules=({"path": "/sign-in", "second_factor": False},))
    application = wrapped(writing, identity=identity, directory=lambda user: Person(name=user), policy=policy)
    answer = sign_in(new_browser(application), "alice")
    assert answer.text.startswith("written,")
    assert answer.text.endswith("returned")


def test_an_endless_response_is_judged_within_bounds(wrapped, portal, new_browser, sign_in):
    drawn = []

    def endless(environ, start_response):
        portal(environ, start_response)
        chunk = b"x" * 65536
        while True:
            drawn.append(len(chunk))
            yield chunk

    identity = FlaskSession(portal.secret_key, user_key="_user_id")
    application = wrapped(endless, identity=identity, directory=lambda user: Person(name=user))
    answer = sign_in(new_browser(application), "alice")
    assert (answer.status, answer.body) == (303, b"")
    assert sum(drawn) <= 3 * DRAWN_BYTES_MAX


def test_an_error_page_takes_the_place_of_a_sign_in_that_waits(wrapped, portal, new_browser, sign_in):
    def failing(environ, start_response):
        portal(environ, start_response)
        try:
            raise ValueError("while rendering")
        except ValueError:
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")], sys.exc_info())
        return [b"something failed"]

    asked = []
    identity = FlaskSession(portal.secret_key, user_key="_user_id")
    application = wrapped(failing, identity=identity, directory=asked.append)
    answer = sign_in(new_browser(application), "alice")
    assert (answer.status, answer.text, asked) == (500, "something failed", [])
