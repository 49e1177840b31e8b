"""A sign-in on two pages: the name comes first, and the password page does not repeat it (D41)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest

from wsgi_mfa import ConfigurationError, LoginForm
from wsgi_mfa.identity.observed_login import typed_names

pytestmark = pytest.mark.requirement("D41")
PASSWORDS = {"ann": "right", "mallory": "mine"}


@dataclass
class TwoPages:
    """Keeps the name in the session, which is renewed with it where ``renews``."""

    renews: bool = False
    sessions: dict[str, dict[str, str]] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)

    def __call__(self, environ, start_response):
        cookies = dict(part.split("=", 1) for part in environ.get("HTTP_COOKIE", "").split("; ") if part)
        sid, headers = cookies.get("sid"), [("Content-Type", "text/html")]
        if sid not in self.sessions:
            sid = self._begin({}, headers)
        session, path = self.sessions[sid], environ["PATH_INFO"]
        status, text = "200 OK", f"SECRETS of {session['user']}" if "user" in session else "a form"
        asked = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        if environ["REQUEST_METHOD"] == "POST":
            body = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
            asked |= {name: values[0] for name, values in body.items()}
        if "username" in asked:
            session["name"] = asked["username"]
            self.named.append(asked["username"])
            if self.renews:
                self._begin(self.sessions.pop(sid), headers)
        if path == "/password" and "password" in asked:
            if PASSWORDS.get(session.get("name", "")) == asked["password"]:
                session["user"] = session["name"]
                status, text = "302 Found", ""
                headers.append(("Location", "/home"))
            else:
                text = "wrong"
        start_response(status, headers)
        return [text.encode()]

    def _begin(self, session, headers):
        sid = secrets.token_hex(8)
        self.sessions[sid] = session
        headers.append(("Set-Cookie", f"sid={sid}; Path=/"))
        return sid


def by_form(**settings) -> LoginForm:
    paths = ["/name", "/password"]
    given = {"user_paths": ["/name"], "succeeded": ["status=302"], "failed": ["status=200"], **settings}
    return LoginForm(paths, "username", cookies=["sid"], **given)


@pytest.fixture(params=[False, True], ids=["kept", "renewed"])
def portal(request):
    return TwoPages(renews=request.param)


def sign_in(browser, user: str, password: str | None = None):
    browser.navigate("/name")
    browser.post_form("/name", {"username": user})
    browser.navigate("/password")
    return browser.post_form("/password", {"password": password or PASSWORDS[user]})


def test_the_name_of_the_first_page_is_the_user(wrapped, new_browser, portal, memory_store, phone_of):
    browser = new_browser(wrapped(portal, identity=by_form()))
    assert sign_in(browser, "ann", "wrong").text == "wrong"
    answer = sign_in(browser, "ann")
    assert (answer.status, answer.location.partition("?")[0]) == (303, "/mfa/enroll")
    browser.enroll("/home", phone_of)
    assert browser.navigate("/home").text == "SECRETS of ann"
    assert memory_store.users() == ["ann"]


def test_a_password_without_a_name_signs_nobody_in(wrapped, new_browser, portal, memory_store):
    browser = new_browser(wrapped(portal, identity=by_form()))
    browser.navigate("/password")
    browser.post_form("/password", {"password": "right"})
    assert memory_store.users() == []


def test_another_name_with_the_same_cookies_never_reaches_the_portal(wrapped, new_browser, portal):
    browser = new_browser(wrapped(portal, identity=by_form()))
    browser.navigate("/name")
    browser.post_form("/name", {"username": "mallory"})
    before = dict(browser.cookies)
    answer = browser.post_form("/name", {"username": "ann"})
    assert (answer.status, answer.location) == (303, "/name")
    assert portal.named == ["mallory"]
    assert "sid" in before
    assert "sid" not in browser.cookies, "the portal's session begins again"
    assert sign_in(browser, "ann").location.startswith("/mfa/enroll")


def test_names_at_the_same_time_are_none(wrapped, new_browser, memory_store):
    """The first one is on its way to the portal when the second one comes."""
    portal = TwoPages()
    application = wrapped(portal, identity=by_form())
    browser = new_browser(application)
    browser.navigate("/name")
    browser.post_form("/name", {"username": "ann"})
    second = new_browser(application)
    second.cookies.update(browser.cookies)
    second.post_form("/name", {"username": "mallory"})
    answer = browser.post_form("/password", {"password": "right"})
    assert answer.status == 403
    assert memory_store.users() == []


@pytest.mark.parametrize("url", ["/name?username=ann", "/NAME/?x=1;username=ann", "/name?user%6eame=ann"])
def test_a_name_in_the_query_is_none(wrapped, new_browser, url, memory_store):
    portal = TwoPages()
    browser = new_browser(wrapped(portal, identity=by_form()))
    browser.navigate("/name")
    browser.post_form("/name", {"username": "mallory"})
    browser.navigate(url)
    assert portal.named == ["mallory"]
    browser.post_form("/password", {"password": "right"})
    assert memory_store.users() == []


def test_a_name_on_the_second_page_must_be_the_same(wrapped, new_browser, memory_store):
    browser = new_browser(wrapped(TwoPages(), identity=by_form()))
    browser.navigate("/name")
    browser.post_form("/name", {"username": "mallory"})
    answer = browser.post_form("/password", {"username": "ann", "password": "right"})
    assert answer.status == 403
    assert memory_store.users() == []


def test_a_name_ends_after_a_quarter_of_an_hour(wrapped, new_browser, portal, clock, memory_store):
    browser = new_browser(wrapped(portal, identity=by_form()))
    browser.navigate("/name")
    browser.post_form("/name", {"username": "ann"})
    clock.instant += (typed_names.NAMED_SECONDS + 1) * 1_000_000
    browser.post_form("/password", {"password": "right"})
    assert memory_store.users() == []


def test_names_are_bounded(wrapped, new_browser, memory_store, monkeypatch):
    monkeypatch.setattr(typed_names, "NAMED_MAX", 5)
    application = wrapped(TwoPages(), identity=by_form())
    for number in range(12):
        browser = new_browser(application)
        browser.navigate("/name")
        browser.post_form("/name", {"username": f"user {number}"})
    assert len(memory_store.bindings("named/")) <= 5


@pytest.mark.parametrize(
    "settings",
    [{"user_paths": ["/other"]}, {"user_paths": ["/name", "/password"]}, {"user_paths": "/name"}],
)
def test_first_pages_are_some_of_the_paths(settings):
    with pytest.raises(ConfigurationError, match="user_paths"):
        by_form(**settings)
