"""Who reaches the application, and what everybody else is told (R59, R62, R65, R72, R76, R77)."""

from __future__ import annotations

import json

import pytest

from wsgi_mfa import Policy

BROWSER, SESSION = "__Host-wsgi_mfa_browser_portal", "__Host-wsgi_mfa_session_portal"
NAVIGATE = {"Sec-Fetch-Mode": "navigate"}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")
OUR_KEYS = ("wsgi_mfa.user", "wsgi_mfa.method", "wsgi_mfa.verified_at")


@pytest.fixture
def signed_in(browser_of, phone_of):
    """A browser with both factors."""
    alice = browser_of("alice")
    alice.enroll("/", phone_of)
    return alice


# Before the second factor


@pytest.mark.requirement("R72")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("known", [False, True])
def test_a_request_without_a_second_factor_never_reaches_the_application(
    browser_of, portal, phone_of, method, known
):
    if known:
        browser_of("alice").enroll("/", phone_of)
    alice = browser_of("alice")
    stream = Unread()
    answer = alice.request(method, "/orders/1", environ={"wsgi.input": stream, "CONTENT_LENGTH": "9999"})
    assert answer.status == 401
    if method != "HEAD":
        assert answer.problem == ("must_verify" if known else "must_enroll")
    assert portal.calls == []


class Unread:
    """The input of a request that nobody may read (R70)."""

    def read(self, *size):
        raise AssertionError("the body was read")

    readline = readlines = __iter__ = read


@pytest.mark.requirement("R77")
@pytest.mark.parametrize(
    ("method", "headers", "is_navigation"),
    [
        ("GET", NAVIGATE, True),
        ("POST", NAVIGATE, True),
        ("GET", NAVIGATE | {"Accept": "*/*"}, True),
        ("GET", NAVIGATE | {"Accept": "application/json"}, True),
        ("GET", HTML, True),
        ("POST", HTML, True),
        ("GET", {"Accept": "TEXT/HTML"}, True),
        ("HEAD", NAVIGATE, False),
        ("PUT", NAVIGATE, False),
        ("DELETE", HTML, False),
        ("OPTIONS", HTML, False),
        ("GET", {"Sec-Fetch-Mode": "cors"} | HTML, False),
        ("GET", {"Sec-Fetch-Mode": "no-cors"} | HTML, False),
        ("GET", {"Sec-Fetch-Mode": "same-origin"} | HTML, False),
        ("GET", {"Sec-Fetch-Mode": "websocket"} | HTML, False),
        ("GET", {"Sec-Fetch-Mode": ""} | HTML, False),
        ("GET", {"Sec-Fetch-Mode": "Navigate"} | HTML, False),
        ("GET", {"Accept": "text/html, application/json"}, False),
        ("GET", {"Accept": "application/json"}, False),
        ("GET", {"Accept": "*/*"}, False),
        ("GET", {"Accept": "image/avif,image/webp,*/*"}, False),
        ("GET", {}, False),
        ("POST", {"X-Requested-With": "XMLHttpRequest", "Accept": "*/*"}, False),
    ],
)
def test_a_navigation_is_led_to_our_page_and_any_other_client_gets_a_problem(
    browser_of, portal, method, headers, is_navigation
):
    answer = browser_of("alice").request(method, "/reports?a=b", headers=headers)
    if is_navigation:
        assert answer.status == 303
        assert answer.location.startswith("/mfa/enroll?next=")
        assert answer.body == b""
    else:
        assert answer.status == 401
        assert answer.location is None
        assert answer.header("Content-Type") == "application/problem+json"
        assert method == "HEAD" or answer.problem == "must_enroll"
    assert portal.calls == []


@pytest.mark.requirement("R77")
def test_a_problem_has_a_type_and_says_nothing_about_the_user(browser_of):
    answer = browser_of("alice@example.com").get_json("/reports")
    assert answer.json == {
        "type": "urn:wsgi-mfa:must_enroll",
        "title": "An authenticator app must be set up first.",
        "status": 401,
        "page": answer.json["page"],
    }
    assert "alice" not in json.dumps(answer.headers)


@pytest.mark.requirement("R76")
@pytest.mark.parametrize("headers", [NAVIGATE | HTML, {"Accept": "application/json"}])
@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"If-None-Match": "*"},
        {"If-Modified-Since": "Mon, 02 Mar 2026 09:00:00 GMT"},
        {"Range": "bytes=0-"},
    ],
)
def test_a_challenge_is_stored_nowhere(browser_of, headers, conditions):
    answer = browser_of("alice").request("GET", "/logo.png", headers=headers | conditions)
    assert answer.status in (303, 401)
    assert answer.header("Cache-Control") == "no-store"
    assert "Cookie" in answer.header("Vary")
    for name in ("ETag", "Last-Modified", "Expires", "Age", "Accept-Ranges"):
        assert answer.header(name) is None


@pytest.mark.requirement("R77")
def test_after_the_second_factor_the_page_first_asked_for_comes(browser_of, phone_of):
    alice = browser_of("alice")
    first = alice.navigate("/reports?year=2026&name=a%20b")
    alice.enroll(first.location, phone_of)
    answer = alice.navigate(first.location.replace("/mfa/enroll", "/mfa/continue"))
    assert answer.page.refresh == "0;url=/reports?year=2026&name=a%20b"


@pytest.mark.requirement("R65")
@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.example"}, {"Access-Control-Request-Method": "GET"}]
)
@pytest.mark.parametrize("exempt_methods", [(), ("OPTIONS",)])
def test_options_is_no_way_around(wrapped, portal, new_browser, headers, exempt_methods):
    application = wrapped(portal, policy=Policy(exempt_methods=exempt_methods))
    alice = new_browser(application, environ={"REMOTE_USER": "alice"})
    assert alice.request("OPTIONS", "/private", headers=headers).status == 401
    assert portal.calls == []


@pytest.mark.requirement("R63", "R64")
@pytest.mark.parametrize(
    "path",
    [
        "/statics/a.css",
        "/static/../private",
        "/static//private",
        "/static/./a.css",
        "/static/a;b",
        "/static/a\\b",
        "/static/%2e%2e/private",
        "/STATIC/a.css",
        "//static/a.css",
        "/private?/static/a.css",
    ],
)
def test_an_exempt_path_exempts_no_path_that_only_looks_like_it(wrapped, portal, new_browser, path):
    application = wrapped(portal, policy=Policy(exempt_paths=("/static",)))
    alice = new_browser(application, environ={"REMOTE_USER": "alice"})
    assert alice.request("GET", path).status == 401
    assert portal.calls == []
    assert alice.request("GET", "/static/a.css").text == "welcome to /static/a.css"
    assert "REMOTE_USER" not in portal.calls[-1]


# Not signed in at the portal


@pytest.mark.parametrize("method", METHODS)
def test_somebody_who_is_not_signed_in_reaches_the_application(browser_of, portal, method):
    answer = browser_of(None).request(method, "/sign-in-page")
    assert answer.status == 200
    assert answer.set_cookies == {}
    assert portal.paths == ["/sign-in-page"]
    assert not set(OUR_KEYS) & set(portal.calls[0])


@pytest.mark.requirement("R60", "R72")
@pytest.mark.parametrize("cookie", ["forged", "e30.aaaa.bbbb", "{good}x", "{good}.x", "{other}"])
def test_a_credential_that_proves_nothing_is_taken_out(flask_portal, portal, new_browser, cookie):
    other = type(portal)(secret_key="another secret key").cookie("alice")
    browser = new_browser(flask_portal)
    browser.cookies = {"session": cookie.format(good=portal.cookie("alice"), other=other), "theme": "dark"}
    assert browser.navigate("/").text == "welcome to /"
    assert portal.calls[-1]["HTTP_COOKIE"] == "theme=dark"


@pytest.mark.requirement("R62")
@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic YWxpY2U6c2VjcmV0"},
        {"Authorization": "Bearer abc"},
        {"Proxy-Authorization": "Basic YWxpY2U6c2VjcmV0"},
        {"X-Authorization": "Bearer abc"},
        {"Remote-User": "alice"},
        {"X-Remote-User": "alice"},
        {"X-Forwarded-User": "alice"},
        {"X-Api-Key": "abc"},
    ],
)
def test_other_ways_to_be_somebody_do_not_reach_the_application(browser_of, portal, headers):
    assert browser_of(None).request("GET", "/", headers=headers).status == 200
    (name,) = headers
    assert "HTTP_" + name.upper().replace("-", "_") not in portal.calls[-1]
    assert "alice" not in str(
        {key: value for key, value in portal.calls[-1].items() if key.startswith("HTTP_")}
    )


@pytest.mark.requirement("R22")
def test_somebody_who_is_not_signed_in_can_spend_no_attempt(browser_of, phone_of, memory_store):
    browser_of("alice").enroll("/", phone_of)
    before = memory_store.load("alice")
    anonymous = browser_of(None)
    for url in ("/mfa/verify", "/mfa/recover", "/mfa/resync", "/mfa/enroll"):
        assert anonymous.post_json(url, {"code": "123456", "user": "alice"}).problem == "sign_in_required"
        assert anonymous.post_form(url, {"code": "123456", "user": "alice"}).location == "/"
    assert memory_store.load("alice") == before


# After the second factor


@pytest.mark.requirement("R59")
def test_the_application_is_told_who_it_is_and_how_and_when(signed_in, portal, clock):
    verified_at = clock.instant // 1_000_000
    clock.wait(90)
    signed_in.navigate("/")
    told = {key: portal.calls[-1][key] for key in OUR_KEYS}
    assert told == {
        "wsgi_mfa.user": "alice",
        "wsgi_mfa.method": "code",
        "wsgi_mfa.verified_at": verified_at,
    }
    assert isinstance(told["wsgi_mfa.verified_at"], int)


@pytest.mark.requirement("R59")
def test_the_application_is_told_that_it_was_the_recovery_code(browser_of, phone_of, portal):
    alice = browser_of("alice")
    manual = alice.navigate("/mfa/enroll/manual")
    phone = phone_of(manual.page.by_id["key"])
    saving = alice.submit(manual, "/enroll/manual", code=phone.code())
    code = saving.page.by_id["recovery-code"]
    alice.submit(saving, "/recovery-code")
    tablet = browser_of("alice")
    asked = tablet.navigate("/mfa/recover")
    tablet.submit(tablet.submit(asked, "/recover", recovery_code=code), "/recovery-code")
    tablet.navigate("/")
    assert portal.calls[-1]["wsgi_mfa.method"] == "recovery_code"


@pytest.mark.requirement("R59")
@pytest.mark.parametrize("user", [None, "alice"])
def test_what_looks_like_our_words_is_taken_out_of_every_request(browser_of, signed_in, portal, user):
    browser = signed_in if user else browser_of(None)
    headers = {
        "X-Wsgi-Mfa": "ok",
        "Wsgi-Mfa-User": "mallory",
        "Wsgi_Mfa.User": "mallory",
        "X-Wsgi-Mfa-Verified-At": "1",
    }
    environ = {
        "wsgi_mfa.user": "mallory",
        "wsgi_mfa.method": "code",
        "wsgi_mfa.verified_at": 1,
        "wsgi_mfa.x": 1,
    }
    browser.request("GET", "/", headers=headers, environ=environ)
    assert "mallory" not in str(portal.calls[-1])
    assert "wsgi_mfa.x" not in portal.calls[-1]
    assert not [key for key in portal.calls[-1] if "WSGI_MFA" in key.upper() and key not in OUR_KEYS]
    assert all((key in portal.calls[-1]) == (user is not None) for key in OUR_KEYS)


@pytest.mark.requirement("R59")
def test_an_unacknowledged_recovery_code_keeps_the_application_closed(browser_of, phone_of, portal):
    alice = browser_of("alice")
    manual = alice.navigate("/mfa/enroll/manual")
    phone = phone_of(manual.page.by_id["key"])
    alice.submit(manual, "/enroll/manual", code=phone.code())
    assert alice.navigate("/reports").location.startswith("/mfa/recovery-code?next=")
    assert alice.get_json("/reports").problem == "must_save_recovery_code"
    assert portal.calls == []


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("kept", [BROWSER, None])
def test_without_our_session_cookie_the_second_factor_is_asked_for_again(signed_in, portal, kept):
    signed_in.cookies = {name: value for name, value in signed_in.cookies.items() if name == kept}
    assert signed_in.get_json("/").problem == "must_verify"
    assert portal.calls == []


@pytest.mark.requirement("R49")
def test_the_session_cookie_alone_decides_whatever_browser_cookie_comes_with_it(signed_in):
    del signed_in.cookies[BROWSER]
    assert signed_in.request("GET", "/").status == 200


def test_each_request_makes_one_store_call_and_no_save(signed_in, memory_store, monkeypatch):
    calls = []
    load = memory_store.load
    monkeypatch.setattr(memory_store, "load", lambda user: calls.append(user) or load(user))
    monkeypatch.setattr(memory_store, "save", lambda *args, **settings: calls.append("save"))
    assert signed_in.request("GET", "/").status == 200
    assert calls == ["alice"]
