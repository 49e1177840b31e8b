"""Which answers of the application sign somebody in, and are held (D1, D3)."""

from __future__ import annotations

from wsgiref.util import shift_path_info

import pytest

from wsgi_mfa import FlaskSession, Policy
from wsgi_mfa.adapters import AdapterTraits, Credentials, FirstFactor

SECRET = b"the page of a signed-in user"


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    "cookie",
    [
        "session={}",
        "session={}; Path=/",
        " session = {} ; Path=/",
        'session="{}"; Path=/',
        "session={}; Max-Age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "session={}; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
        "session={}; Path=/elsewhere; Domain=portal.example",
    ],
)
def test_a_sign_in_is_seen_however_its_cookie_is_spelt(wrapped, portal, cookie, serve_once, new_browser):
    def application(environ, start_response):
        start_response(
            "200 OK", [("Content-Type", "text/plain"), ("set-cookie", cookie.format(portal.cookie("alice")))]
        )
        return [SECRET]

    browser = new_browser(wrapped(application, identity=FlaskSession(portal.secret_key, user_key="_user_id")))
    environ = browser.environ_of("GET", "/", {"Accept": "text/html"}, b"", {})
    assert serve_once(browser.application, environ).status == 303


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    "cookie",
    [
        "session={}; Max-Age=0",
        "session={}; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "sessions={}",
        "theme=session={}",
        "session={}x",
    ],
)
def test_what_is_no_sign_in_passes(wrapped, portal, cookie, new_browser, serve_once):
    def application(environ, start_response):
        start_response(
            "200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", cookie.format(portal.cookie("alice")))]
        )
        return [b"hello"]

    browser = new_browser(wrapped(application, identity=FlaskSession(portal.secret_key, user_key="_user_id")))
    environ = browser.environ_of("GET", "/", {"Accept": "text/html"}, b"", {})
    assert serve_once(browser.application, environ).text == "hello"


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    "before_and_after",
    [
        ("session=; Path=/old; Max-Age=0", "session={}; Path=/"),
        ("session={}; Path=/", "session=; Path=/old; Max-Age=0"),
        ("session={}; Path=/", "session=; Domain=example; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        ("session={}; Path=/; Domain=portal.example", "session={}; Path=/", "session=; Max-Age=0"),
    ],
)
def test_an_old_cookie_that_is_taken_away_beside_the_new_one_hides_no_sign_in(
    signing_in, portal, before_and_after
):
    cookie = portal.cookie("alice")

    def application(environ, start_response):
        cookies = [("Set-Cookie", text.format(cookie)) for text in before_and_after]
        start_response("200 OK", [("Content-Type", "text/plain"), *cookies])
        return [SECRET]

    answer = signing_in(application).navigate("/")
    assert answer.status == 303
    assert answer.body == b""


@pytest.mark.requirement("D3", "R63")
def test_a_sign_in_on_an_exempt_path_is_held_whoever_asks(
    wrapped, portal, new_browser, flask_identity, sign_in
):
    exempt = Policy(exempt_paths=("/sign-in",))
    browser = new_browser(wrapped(portal, identity=flask_identity, policy=exempt))
    for user in ("alice", "alice", "bob"):
        answer = sign_in(browser, user)
        assert answer.status == 303
        assert answer.body == b""


@pytest.mark.requirement("D1")
@pytest.mark.parametrize("user", ["a\r\nX: y", "\x00", "", "a" * 255, "\u202ealice", "\ud800"])
def test_a_sign_in_of_somebody_who_can_have_no_account_is_refused_without_its_cookies(
    flask_portal, new_browser, sign_in, portal, memory_store, monkeypatch, user
):
    browser = new_browser(flask_portal)
    with monkeypatch.context() as patch:
        patch.setattr(portal, "signed_in", lambda name: f"session={portal.cookie(user or ' ')}")
        answer = sign_in(browser, "whoever")
    assert answer.status == 403
    assert answer.page.name == "refused"
    assert answer.set_cookies == {}
    assert memory_store.users() == []


# Applications that change their environ


@pytest.mark.requirement("D3")
def test_an_application_that_takes_its_environ_apart_signs_nobody_out(
    wrapped, portal, new_browser, flask_identity, phone_of, memory_store
):
    def application(environ, start_response):
        environ.clear()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    browser = new_browser(
        wrapped(application, identity=flask_identity), cookies={"session": portal.cookie("alice")}
    )
    browser.enroll("/", phone_of)
    answer = browser.navigate("/")
    assert (answer.text, answer.set_cookies) == ("hello", {})
    assert len(memory_store.load("alice").sessions) == 1


@pytest.mark.requirement("D3", "R66")
def test_a_held_answer_leads_to_our_page_wherever_the_application_has_moved_its_root(
    wrapped, portal, new_browser, flask_identity
):
    def application(environ, start_response):
        shift_path_info(environ)
        environ["REQUEST_METHOD"] = "HEAD"
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        return [SECRET]

    browser = new_browser(wrapped(application, identity=flask_identity), script_name="/portal")
    answer = browser.navigate("/portal/accounts/sign-in")
    assert answer.status == 303
    assert answer.location.startswith("/portal/mfa/enroll?next=")


# Adapters that look a session up


class Sessions:
    """An adapter that looks the session up, and an application that signs in without a new cookie (D3)."""

    traits = AdapterTraits(user_changes_in_response=True)

    def __init__(self, credentials):
        self.credentials = credentials
        self.users = {}

    def identify(self, environ):
        for part in environ.get("HTTP_COOKIE", "").split("; "):
            name, _, value = part.partition("=")
            if name == "sid" and value in self.users:
                return FirstFactor(user=self.users[value], login=f"login-{value}")
        return None

    def selftest(self):
        return []

    def store_selftest(self):
        return []

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/sign-in":
            self.users["s1"] = "alice"
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [SECRET]


@pytest.fixture
def sessions():
    return Sessions(Credentials(cookies=("sid",)))


@pytest.mark.requirement("D3", "R72")
def test_a_sign_in_that_keeps_its_session_id_is_held(wrapped, new_browser, sessions, phone_of):
    browser = new_browser(wrapped(sessions, identity=sessions), cookies={"sid": "s1"})
    assert browser.navigate("/").body == SECRET
    answer = browser.navigate("/sign-in")
    assert answer.status == 303
    assert answer.body == b""
    browser.enroll("/", phone_of)
    assert browser.navigate("/").body == SECRET
