"""Whatever fails, nobody gets further by it (R80, D7, D29)."""

from __future__ import annotations

import logging

import pytest

from wsgi_mfa import (
    AdapterUnavailableError,
    FlaskSession,
    KeyRing,
    MemoryStore,
    Policy,
    RemoteUser,
    StoreError,
    StoreUnavailableError,
)
from wsgi_mfa.adapters import Credentials, FirstFactor


class Failing(RemoteUser):
    """An adapter that cannot ask."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def identify(self, environ):
        raise self.error


@pytest.mark.requirement("D7", "R80")
@pytest.mark.parametrize(
    "error", [AdapterUnavailableError("the directory is down"), ValueError("a bug"), KeyError("directory")]
)
@pytest.mark.parametrize("path", ["/", "/mfa/enroll", "/mfa/help", "/static/logo.png"])
def test_an_adapter_that_cannot_ask_closes_everything(wrapped, portal, new_browser, error, path):
    browser = new_browser(wrapped(portal, identity=Failing(error)))
    page = browser.navigate(path)
    assert page.status == 503
    assert page.header("Retry-After") == "5"
    assert page.page.outcome == "unavailable"
    assert str(error) not in page.text
    problem = browser.get_json(path)
    assert (problem.status, problem.problem) == (503, "unavailable")
    assert problem.json["retry_after_seconds"] == 5
    assert portal.calls == []


@pytest.mark.requirement("D7", "R72")
def test_an_adapter_that_cannot_ask_after_the_application_has_answered_holds_the_answer(
    wrapped, portal, new_browser, monkeypatch
):
    identity = FlaskSession(portal.secret_key, user_key="_user_id")

    def application(environ, start_response):
        def identify(environ):
            raise AdapterUnavailableError("gone meanwhile")

        monkeypatch.setattr(identity, "identify", identify)
        return portal(environ, start_response)

    answer = new_browser(wrapped(application, identity=identity)).navigate("/")
    assert answer.status == 503
    assert b"welcome" not in answer.body


@pytest.fixture
def failing_store(memory_store, monkeypatch):
    """``failing_store(error)``: from now on the store answers nothing else."""

    def begin(error):
        def fail(*args, **settings):
            raise error

        for method in ("load", "save", "events", "users", "find_by_address"):
            monkeypatch.setattr(memory_store, method, fail)

    return begin


@pytest.mark.requirement("R80")
@pytest.mark.parametrize(
    "error", [StoreUnavailableError("down"), StoreError("unreadable"), OSError(5, "i/o")]
)
def test_a_store_that_fails_closes_everything_for_those_who_are_signed_in(
    browser_of, portal, phone_of, failing_store, error
):
    alice = browser_of("alice")
    alice.enroll("/", phone_of)
    failing_store(error)
    for path in ("/", "/static/logo.png", "/mfa/enroll", "/mfa/verify", "/mfa/recovery-code"):
        answer = alice.navigate(path)
        assert answer.status == 503
        assert answer.header("Retry-After") == "5"
        assert answer.set_cookies == {}
        assert alice.get_json(path).problem == "unavailable"
    assert alice.post_json("/mfa/verify", {"code": "123456"}).problem == "unavailable"
    assert portal.calls == []


@pytest.mark.requirement("R80", "R72")
def test_a_store_that_fails_while_the_application_signs_somebody_in_holds_the_answer(
    flask_portal, new_browser, sign_in, failing_store, portal
):
    browser = new_browser(flask_portal)
    failing_store(StoreUnavailableError("down"))
    answer = sign_in(browser, "alice")
    assert answer.status == 503
    assert b"welcome" not in answer.body
    assert browser.cookies == {}


@pytest.mark.requirement("R80")
def test_a_store_that_fails_keeps_nobody_from_the_portals_own_sign_in(
    flask_portal, new_browser, failing_store
):
    failing_store(StoreUnavailableError("down"))
    assert new_browser(flask_portal).navigate("/sign-in-page").text == "welcome to /sign-in-page"


@pytest.mark.requirement("R80", "R63")
def test_an_exempt_path_is_served_as_to_nobody_where_the_store_fails(
    wrapped, portal, new_browser, phone_of, failing_store
):
    application = wrapped(portal, policy=Policy(exempt_paths=("/static",)))
    alice = new_browser(application, environ={"REMOTE_USER": "alice"})
    alice.enroll("/", phone_of)
    assert alice.navigate("/static/logo.png").status == 200
    assert portal.calls[-1]["wsgi_mfa.user"] == "alice"
    failing_store(StoreUnavailableError("down"))
    assert alice.navigate("/static/logo.png").text == "welcome to /static/logo.png"
    assert "REMOTE_USER" not in portal.calls[-1]
    assert "wsgi_mfa.user" not in portal.calls[-1]
    assert alice.navigate("/reports").status == 503


@pytest.mark.requirement("D29")
def test_a_key_that_is_not_in_the_ring_is_an_outage_and_no_missing_enrollment(
    browser_of, wrapped, portal, new_browser, phone_of, clock
):
    browser_of("alice").enroll("/", phone_of)
    clock.wait_for_step()
    other = wrapped(portal, keys=KeyRing([("k2", bytes(32))]))
    alice = new_browser(other, environ={"REMOTE_USER": "alice"})
    answer = alice.open("/")
    assert answer.status == 503
    assert answer.page.outcome == "unavailable"
    assert alice.get_json("/mfa/enroll").problem == "unavailable"
    assert portal.calls == []


@pytest.mark.requirement("R80")
def test_a_failure_is_logged_for_the_operator(wrapped, portal, new_browser, caplog):
    browser = new_browser(wrapped(portal, identity=Failing(ValueError("a bug of the adapter"))))
    with caplog.at_level(logging.ERROR, "wsgi_mfa"):
        browser.navigate("/")
    assert "a bug of the adapter" in caplog.text


def test_an_adapter_of_ones_own_is_taken(wrapped, portal, new_browser, phone_of):
    class Ticket(RemoteUser):
        credentials = Credentials(headers=("portal.user",))

        def identify(self, environ):

            return FirstFactor(user=environ["portal.user"], login="l1") if "portal.user" in environ else None

    browser = new_browser(wrapped(portal, identity=Ticket()), environ={"portal.user": "alice"})
    browser.enroll("/", phone_of)
    assert browser.navigate("/").text == "welcome to /"
    assert isinstance(browser.application.service.store, MemoryStore)
