"""A response that signs somebody in is held: its cookies go out, its body does not (D3, D20, D34, R72)."""

from __future__ import annotations

import sys

import pytest

from wsgi_mfa import Carriers, FirstFactor, FlaskSession, Policy

SECRET = b"the page of a signed-in user"


@pytest.fixture
def signing_in(wrapped, portal, new_browser):
    """``signing_in(application)``: a browser before an application whose answer signs alice in."""

    def make(application, *, validated=True, **settings):
        held = wrapped(application, identity=FlaskSession(portal.secret_key), validated=validated, **settings)
        return new_browser(held, validated=validated)

    return make


class Body:
    """Counts what is drawn of it and how often it is closed."""

    def __init__(self, chunks):
        self.chunks, self.drawn, self.closes = chunks, 0, 0

    def __iter__(self):
        for chunk in self.chunks:
            self.drawn += 1
            yield chunk

    def close(self):
        self.closes += 1


# What goes out


@pytest.mark.requirement("R72", "D34")
@pytest.mark.parametrize(("known", "page"), [(False, "/mfa/enroll"), (True, "/mfa/verify")])
def test_the_browser_gets_the_portals_cookies_and_is_led_to_our_page(
    flask_portal, new_browser, sign_in, phone_of, known, page
):
    if known:
        laptop = new_browser(flask_portal)
        sign_in(laptop, "alice")
        laptop.enroll("/", phone_of)
    browser = new_browser(flask_portal)
    answer = sign_in(browser, "alice", then="/reports?year=2026#totals")
    assert answer.status == 303
    assert answer.location.startswith(f"{page}?next=")
    assert answer.body == b""
    assert set(answer.set_cookies) == {"session", "__Host-wsgi_mfa_browser"}
    assert answer.header("Cache-Control") == "no-store"
    assert browser.navigate(answer.location).page.outcome == ("must_verify" if known else "must_enroll")


@pytest.mark.requirement("D34")
def test_all_cookies_of_a_held_response_go_out_as_they_were_and_no_other_header(signing_in, portal):
    cookies = [portal.signed_in("alice"), "theme=dark; Path=/", "theme=light; Path=/reports; HttpOnly"]

    def application(environ, start_response):
        headers = [
            ("Content-Type", "text/plain"),
            ("X-Account", "alice"),
            ("ETag", '"1"'),
            ("Content-Length", "28"),
        ]
        start_response("200 OK", headers + [("Set-Cookie", cookie) for cookie in cookies])
        return [SECRET]

    answer = signing_in(application).navigate("/")
    assert answer.all("Set-Cookie")[:3] == cookies
    assert answer.header("X-Account") is None
    assert answer.header("ETag") is None
    assert answer.header("Content-Length") == "0"


@pytest.mark.requirement("D34", "R77")
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {"Accept": "application/json"}),
        ("POST", {"Accept": "text/html, application/json"}),
        ("POST", {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}),
        ("POST", {"Accept": "*/*"}),
        ("POST", {}),
        ("PUT", {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}),
    ],
)
def test_what_is_no_navigation_gets_401_with_the_cookies(
    flask_portal, new_browser, portal, phone_of, method, headers
):
    browser = new_browser(flask_portal)
    answer = browser.request(method, "/sign-in?user=alice&next=/reports", headers=headers)
    assert answer.status == 401
    assert answer.problem == "must_enroll"
    assert answer.location is None
    assert "alice" not in answer.text
    assert set(answer.set_cookies) == {"session", "__Host-wsgi_mfa_browser"}
    browser.enroll("/", phone_of)


@pytest.mark.requirement("D34")
def test_a_held_answer_to_head_has_no_body(flask_portal, new_browser):
    answer = new_browser(flask_portal).request("HEAD", "/sign-in?user=alice")
    assert answer.status == 401
    assert answer.body == b""
    assert "session" in answer.set_cookies


@pytest.mark.requirement("R74")
@pytest.mark.parametrize(
    "location", ["/reports", "/reports?year=2026&q=a%20b", "https://portal.example/reports", "//", "/"]
)
def test_after_the_second_factor_the_location_of_the_sign_in_comes_next(
    flask_portal, new_browser, sign_in, phone_of, location
):
    browser = new_browser(flask_portal)
    first = sign_in(browser, "alice", then=location)
    browser.enroll(first.location, phone_of)
    expected = {"https://portal.example/reports": "/reports", "//": "/"}.get(location, location)
    assert browser.get_json(first.location.replace("enroll", "continue")).json == {
        "outcome": "signed_in",
        "next": expected,
    }


# What does not


def body_returned(write, start_response):
    return [SECRET]


def body_written(write, start_response):
    write(SECRET)
    return []


def body_yielded(write, start_response):
    return (chunk for chunk in [b"", SECRET, SECRET])


@pytest.mark.requirement("R72")
@pytest.mark.parametrize("body", [body_returned, body_written, body_yielded])
@pytest.mark.parametrize("headers", [{"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}, {}])
def test_no_byte_of_the_page_leaves(signing_in, portal, body, headers):
    def application(environ, start_response):
        write = start_response(
            "200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))]
        )
        return body(write, start_response)

    answer = signing_in(application).request("GET", "/", headers=headers)
    assert answer.status in (303, 401)
    assert SECRET not in answer.body
    assert answer.written == []


@pytest.mark.requirement("R72", "D34")
def test_a_generator_that_starts_late_is_held(signing_in, portal):
    finished = []

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        yield SECRET
        yield SECRET
        finished.append(True)

    answer = signing_in(application).navigate("/")
    assert answer.status == 303
    assert answer.body == b""
    assert finished == [True]


@pytest.mark.requirement("R69", "D34")
@pytest.mark.parametrize("late", [False, True])
def test_a_held_body_is_drawn_to_its_end_and_closed_once(signing_in, portal, late):
    body = Body([SECRET, SECRET, SECRET])
    headers = [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))]

    def application(environ, start_response):
        if not late:
            start_response("200 OK", headers)
            return body
        return Starting(body, lambda: start_response("200 OK", headers))

    assert signing_in(application).navigate("/").status == 303
    assert (body.drawn, body.closes) == (3, 1)


class Starting:
    """Calls ``start`` when its first chunk is asked for."""

    def __init__(self, body, start):
        self.body, self.start = body, start

    def __iter__(self):
        self.start()
        yield from self.body

    def close(self):
        self.body.close()


@pytest.mark.requirement("R69", "D34")
def test_an_endless_held_body_is_drawn_one_mebibyte_far(signing_in, portal):
    def chunks():
        while True:
            yield bytes(65536)

    body = Body(chunks())

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        return body

    assert signing_in(application).navigate("/").status == 303
    assert (body.drawn, body.closes) == (17, 1)


@pytest.mark.requirement("R69", "D34")
def test_a_slow_held_body_is_drawn_for_five_seconds(signing_in, portal, clock):
    def chunks():
        while True:
            clock.wait(1)
            yield b"."

    body = Body(chunks())

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        return body

    assert signing_in(application).navigate("/").status == 303
    assert (body.drawn, body.closes) == (6, 1)


# Errors


@pytest.mark.requirement("R69")
def test_an_error_while_a_held_body_is_drawn_reaches_the_server_and_the_body_is_closed_once(
    signing_in, portal
):
    def chunks():
        yield SECRET
        raise ValueError("the disk is gone")

    body = Body(chunks())

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        return body

    browser = signing_in(application)
    with pytest.raises(ValueError, match="the disk is gone"):
        browser.navigate("/")
    assert body.closes == 1
    assert browser.cookies == {}


@pytest.mark.requirement("R68", "R72")
def test_an_error_page_takes_the_place_of_a_sign_in_that_was_only_started(signing_in, portal):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        try:
            raise ValueError("while rendering")
        except ValueError:
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")], sys.exc_info())
        yield b"something failed"

    browser = signing_in(application)
    answer = browser.navigate("/")
    assert (answer.status, answer.text) == (500, "something failed")
    assert browser.cookies == {}


@pytest.mark.requirement("R68", "R72")
def test_an_error_page_that_comes_after_the_body_was_held_is_raised_instead(signing_in, portal):
    error = ValueError("while rendering")

    def body(start_response):
        yield SECRET
        try:
            raise error
        except ValueError:
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")], sys.exc_info())
        yield SECRET

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        return body(start_response)

    browser = signing_in(application)
    with pytest.raises(ValueError, match="while rendering") as raised:
        browser.navigate("/")
    assert raised.value is error
    assert browser.cookies == {}


@pytest.mark.requirement("R68", "R72")
@pytest.mark.parametrize("chunks", [[], [b"one"]])
def test_a_sign_in_by_an_error_page_that_comes_too_late_is_raised_instead(signing_in, portal, chunks):
    def body(start_response):
        yield from chunks
        try:
            raise ValueError("while rendering")
        except ValueError:
            headers = [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))]
            start_response("500 Internal Server Error", headers, sys.exc_info())
        yield SECRET

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return body(start_response)

    browser = signing_in(application)
    if chunks:
        answer = browser.navigate("/")
        assert answer.chunks == chunks
        assert str(answer.error) == "while rendering"
    else:
        with pytest.raises(ValueError, match="while rendering"):
            browser.navigate("/")
    assert browser.cookies == {}


@pytest.mark.requirement("R68")
def test_a_held_response_cannot_be_started_again_without_exc_info(signing_in, portal):
    def application(environ, start_response):
        headers = [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))]
        start_response("200 OK", headers)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [SECRET]

    browser = signing_in(application)
    with pytest.raises(AssertionError, match="twice"):
        browser.navigate("/")


# Who it is


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

    browser = new_browser(wrapped(application, identity=FlaskSession(portal.secret_key)))
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

    browser = new_browser(wrapped(application, identity=FlaskSession(portal.secret_key)))
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


# Adapters that look a session up


class Sessions:
    """An adapter that looks the session up, and an application that signs in without a new cookie (D3)."""

    anonymous_cookies = None
    user_changes_in_response = True

    def __init__(self, carriers):
        self.carriers = carriers
        self.users = {}

    def identify(self, environ):
        for part in environ.get("HTTP_COOKIE", "").split("; "):
            name, _, value = part.partition("=")
            if name == "sid" and value in self.users:
                return FirstFactor(user=self.users[value], login=f"login-{value}")
        return None

    def selftest(self):
        return []

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/sign-in":
            self.users["s1"] = "alice"
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [SECRET]


@pytest.fixture
def sessions():
    return Sessions(Carriers(cookies=("sid",)))


@pytest.mark.requirement("D3", "R72")
def test_a_sign_in_that_keeps_its_session_id_is_held(wrapped, new_browser, sessions, phone_of):
    browser = new_browser(wrapped(sessions, identity=sessions), cookies={"sid": "s1"})
    assert browser.navigate("/").body == SECRET
    answer = browser.navigate("/sign-in")
    assert answer.status == 303
    assert answer.body == b""
    browser.enroll("/", phone_of)
    assert browser.navigate("/").body == SECRET
