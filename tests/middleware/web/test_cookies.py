"""Our two cookies: their attributes, and that nothing but the very value counts (R53, R54, D2, D6)."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa import KeyRing, MemoryStore
from wsgi_mfa.stores import StoreIdentity
from wsgi_mfa.web.cookies import CookieNames, CookieSigner, expire_cookie, set_cookie

BROWSER, SESSION = "__Host-wsgi_mfa_browser_portal", "__Host-wsgi_mfa_session_portal"
KNOWN = "__Host-wsgi_mfa_known_portal"
RANDOM = "0123456789abcdef" * 2
SIGNER = CookieSigner(keys=KeyRing([("k1", bytes(range(32)))]), store_id="feedbeef" * 4)
OTHER_KEYS = CookieSigner(keys=KeyRing([("k1", bytes(range(1, 33)))]), store_id="feedbeef" * 4)


def attributes_of(set_cookie_header):
    return set(set_cookie_header.split("; ")[1:])


@pytest.fixture
def signed_in(browser_of, phone_of):
    """A browser with both factors."""
    browser = browser_of("alice")
    browser.enroll("/", phone_of)
    assert set(browser.cookies) == {BROWSER, SESSION, KNOWN}
    return browser


# As they are set


@pytest.mark.requirement("R53")
def test_all_cookies_are_bound_to_host_and_https_and_two_end_with_the_browser(browser_of, phone_of):
    alice = browser_of("alice")
    page = alice.navigate("/mfa/enroll/manual")
    phone = phone_of(page.page.by_id["key"])
    answer = alice.submit_only(page, "/enroll/manual", code=phone.code())
    assert set(answer.set_cookies) == {BROWSER, SESSION, KNOWN}
    set_cookies = dict(answer.set_cookies)
    known = set_cookies.pop(KNOWN)
    assert attributes_of(known) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=34560000"}
    assert "alice" not in known
    for text in [*set_cookies.values(), *page.set_cookies.values()]:
        assert attributes_of(text) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
        assert "alice" not in text


@pytest.mark.requirement("R53")
def test_a_cookie_is_taken_away_with_the_attributes_that_it_was_set_with():
    name, text = expire_cookie(SESSION, secure=True)
    assert name == "Set-Cookie"
    assert text.startswith(f"{SESSION}=;")
    assert attributes_of(text) == {"Path=/", "Max-Age=0", "HttpOnly", "SameSite=Lax", "Secure"}


@pytest.mark.requirement("D35")
def test_over_plain_http_the_names_have_the_port_and_the_cookies_no_secure(
    wrapped, portal, new_browser, phone_of
):
    application = wrapped(portal, plain_http=True)
    browser = new_browser(application, origin="http://127.0.0.1:8000", environ={"REMOTE_USER": "alice"})
    first = browser.navigate("/")
    assert set(first.set_cookies) == {"wsgi_mfa_browser_8000"}
    assert attributes_of(first.set_cookies["wsgi_mfa_browser_8000"]) == {"Path=/", "HttpOnly", "SameSite=Lax"}
    browser.enroll("/", phone_of)
    assert set(browser.cookies) == {
        "wsgi_mfa_browser_8000",
        "wsgi_mfa_session_8000",
        "wsgi_mfa_known_8000",
    }
    assert browser.navigate("/").text == "welcome to /"
    other_port = new_browser(
        application, origin="http://127.0.0.1:8001", environ=browser.environ, cookies=browser.cookies
    )
    assert other_port.navigate("/").status == 303


@pytest.mark.requirement("R50", "D20")
def test_each_success_gives_new_values(signed_in, clock, phone_of, browser_of):
    phone_browser = browser_of("bob")
    phone = phone_browser.enroll("/", phone_of)
    before = dict(phone_browser.cookies)
    del phone_browser.cookies[SESSION]
    clock.wait_for_step()
    phone_browser.enter_code("/", phone)
    assert phone_browser.cookies[SESSION] != before[SESSION]
    assert phone_browser.cookies[BROWSER] != before[BROWSER]


# As they come back


def spellings(value):
    """The session cookie as it might come, spelt otherwise than we set it."""
    last = "a" if value[-1] != "a" else "b"
    store, random, key_id, mac = value.split(".")
    return {
        "twice the same": f"{SESSION}={value}; {SESSION}={value}",
        "twice, another one first": f"{SESSION}=x; {SESSION}={value}",
        "twice, another one last": f"{SESSION}={value}; {SESSION}=x",
        "twice, an empty one first": f"{SESSION}=; {SESSION}={value}",
        "quoted": f'{SESSION}="{value}"',
        "half quoted": f'{SESSION}="{value}',
        "octal": f'{SESSION}="\\{ord(value[0]):03o}{value[1:]}"',
        "percent-encoded": f"{SESSION}=%{ord(value[0]):02x}{value[1:]}",
        "name percent-encoded": f"%5F_Host-wsgi_mfa_session_portal={value}",
        "name in lower case": f"{SESSION.lower()}={value}",
        "name in upper case": f"{SESSION.upper()}={value}",
        "name without its prefix": f"wsgi_mfa_session={value}",
        "name of a port": f"wsgi_mfa_session_443={value}",
        "name with another prefix": f"__Secure-wsgi_mfa_session={value}",
        "nameless": f"={SESSION}={value}",
        "space before =": f"{SESSION} ={value}",
        "space after =": f"{SESSION}= {value}",
        "tab inside": f"{SESSION}=\t{value}",
        "vertical tab before": f"\x0b{SESSION}={value}",
        "no-break space before": f"\xa0{SESSION}={value}",
        "$Version": f'$Version=1; ${SESSION}="{value}"; $Path=/',
        "$Version and a comma": f"$Version=1, {SESSION}={value}",
        "comma-separated": f"a=b, {SESSION}={value}",
        "comma behind": f"{SESSION}={value}, a=b",
        "comma behind, no space": f"{SESSION}={value},a=b",
        "inside a quoted string": f'a="; {SESSION}={value}',
        "bad UTF-8": f"{SESSION}=\xff\xfe{value}",
        "bad UTF-8 behind": f"{SESSION}={value}\xc3\x28",
        "NUL": f"{SESSION}={value}\x00",
        "line break": f"{SESSION}={value}\r\n",
        "backslash": f"{SESSION}=\\{value}",
        "one character more": f"{SESSION}={value}a",
        "one character less": f"{SESSION}={value[:-1]}",
        "another character": f"{SESSION}={value[:-1]}{last}",
        "upper case": f"{SESSION}={value.upper()}",
        "padded": f"{SESSION}={value}=",
        "without a signature": f"{SESSION}={store}.{random}",
        "an empty signature": f"{SESSION}={store}.{random}.{key_id}.",
        "an unknown key": f"{SESSION}={store}.{random}.k2.{mac}",
        "another id": f"{SESSION}={store}.{random[::-1]}.{key_id}.{mac}",
        "another store": f"{SESSION}={store[::-1]}.{random}.{key_id}.{mac}",
        "no store": f"{SESSION}=.{random}.{key_id}.{mac}",
        "more dots": f"{SESSION}={store}..{random}.{key_id}.{mac}",
        "nothing": f"{SESSION}=",
        "the name alone": SESSION,
        "very long": f"{SESSION}={'a' * 30_000}",
    }


@pytest.mark.requirement("R54")
@pytest.mark.parametrize("name", spellings("store.0123.k1.mac"))
def test_a_session_cookie_that_is_spelt_otherwise_is_none(signed_in, portal, name):
    header = spellings(signed_in.cookies[SESSION])[name]
    answer = signed_in.request("GET", "/", environ={"HTTP_COOKIE": header})
    calls = len(portal.calls)
    # What names our cookie inside of a quoted string is a cookie of ours to browsers and to us.
    if name == "inside a quoted string":
        assert answer.status == 200
        assert "HTTP_COOKIE" not in portal.calls[-1]
        return
    assert answer.status == 401
    assert answer.problem == "must_verify"
    assert len(portal.calls) == calls == 0


@pytest.mark.requirement("R54")
@pytest.mark.parametrize("before", ["a=b; ", "a; ", "=; ", ";;; ", "a=\xff; ", 'a="b; ', "a==; ", "[a]=b; "])
def test_other_cookies_however_spelt_do_not_hide_ours(signed_in, before):
    header = f"{before}{SESSION}={signed_in.cookies[SESSION]}"
    assert signed_in.request("GET", "/", environ={"HTTP_COOKIE": header}).status == 200


@pytest.mark.requirement("R50")
def test_the_browser_cookie_is_no_session_cookie_and_neither_is_a_token_of_a_form(signed_in, portal):
    token = signed_in.navigate("/mfa/recovery-code").page.form("/sign-out").fields["csrf"]
    session = signed_in.cookies[SESSION]
    for value in (signed_in.cookies[BROWSER], token, f"01234567.{RANDOM}.{token}"):
        answer = signed_in.request("GET", "/", environ={"HTTP_COOKIE": f"{SESSION}={value}"})
        assert answer.problem == "must_verify"
    bearer = {"Authorization": f"Bearer {session}"}
    assert signed_in.request("GET", "/", headers=bearer, environ={"HTTP_COOKIE": ""}).status == 401
    assert portal.calls == []


@pytest.mark.requirement("R54")
@pytest.mark.parametrize("name", spellings("store.0123.k1.mac"))
def test_a_browser_cookie_that_is_spelt_otherwise_is_replaced(browser_of, name):
    alice = browser_of("alice")
    alice.navigate("/")
    header = spellings(alice.cookies[BROWSER])[name].replace(SESSION, BROWSER)
    answer = alice.request(
        "GET", "/mfa/verify", headers={"Accept": "text/html"}, environ={"HTTP_COOKIE": header}
    )
    assert answer.status == 303
    assert (BROWSER in answer.set_cookies) == (name != "inside a quoted string")


@pytest.mark.requirement("D6")
def test_our_cookies_never_reach_the_application(signed_in, portal):
    signed_in.cookies["wsgi_mfa_session_8000"] = "of another port"
    signed_in.cookies["theme"] = "dark"
    signed_in.navigate("/")
    assert portal.calls[-1]["HTTP_COOKIE"] == "theme=dark"


@pytest.mark.requirement("D6")
@pytest.mark.parametrize("adapter", ["REMOTE_USER", "session cookie"])
@pytest.mark.parametrize(
    "text",
    [
        f"{SESSION}=; Max-Age=0; Secure; Path=/",
        f"{BROWSER}=x; Secure; Path=/",
        f" {SESSION} = x; Secure; Path=/",
        f"={SESSION}=x; Secure; Path=/",
    ],
)
def test_an_application_cannot_set_our_cookies(
    wrapped, flask_identity, new_browser, serve_once, portal, phone_of, adapter, text
):
    def application(environ, start_response):
        start_response(
            "200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", text), ("Set-Cookie", "a=b")]
        )
        return [b"hello"]

    settings = {"identity": flask_identity} if adapter == "session cookie" else {}
    browser = new_browser(wrapped(application, **settings))
    answer = serve_once(browser.application, browser.environ_of("GET", "/", {}, b"", {}))
    assert answer.all("Set-Cookie") == ["a=b"]


# The store


@pytest.mark.requirement("D2")
def test_a_browser_of_another_store_raises_an_alert_and_is_challenged(
    signed_in, wrapped, portal, new_browser, clock, caplog
):
    emptied = MemoryStore(identity=StoreIdentity(store_id="feedbeef" * 4, made_at=clock.instant))
    browser = new_browser(
        wrapped(portal, store=emptied), environ={"REMOTE_USER": "alice"}, cookies=dict(signed_in.cookies)
    )
    with caplog.at_level(logging.ERROR, "wsgi_mfa"):
        answer = browser.request("GET", "/")
    assert answer.problem == "must_enroll"
    assert any("another store" in record.getMessage() for record in caplog.records)
    assert not any(signed_in.cookies[SESSION] in record.getMessage() for record in caplog.records)


@pytest.mark.requirement("D2")
def test_a_cookie_that_nobody_signed_raises_no_alert(browser_of, caplog):
    alice = browser_of("alice")
    alice.cookies = {BROWSER: f"deadbeef.{RANDOM}.k1.{'A' * 43}", SESSION: f"deadbeef.{RANDOM}.k1.{'A' * 43}"}
    with caplog.at_level(logging.ERROR, "wsgi_mfa"):
        assert alice.request("GET", "/").status == 401
    assert caplog.records == []


# The signer alone


@pytest.mark.requirement("R49")
def test_a_session_cookie_counts_for_its_user_alone():
    value = SIGNER.session_value(RANDOM, "alice")
    assert SIGNER.session_id_of(value, "alice") == RANDOM
    assert SIGNER.session_id_of(value, "bob") is None
    assert SIGNER.browser_of(value) is None
    assert SIGNER.session_id_of(SIGNER.browser_value(RANDOM), "") is None


@pytest.mark.requirement("D10")
def test_the_same_session_has_the_same_cookie_each_time():
    assert SIGNER.session_value(RANDOM, "alice") == SIGNER.session_value(RANDOM, "alice")


@pytest.mark.requirement("R54")
@given(st.text())
def test_no_value_that_somebody_makes_up_is_one_of_ours(value):
    assert SIGNER.browser_of(value) is None
    assert SIGNER.session_id_of(value, "alice") is None


def test_cookies_outlive_a_rotation_as_long_as_the_old_key_is_in_the_ring():
    old, new = ("k1", bytes(range(32))), ("k2", bytes(32))
    value = CookieSigner(keys=KeyRing([old]), store_id="feedbeef" * 4).session_value(RANDOM, "alice")
    rotated = CookieSigner(keys=KeyRing([old, new]), store_id="feedbeef" * 4)
    retired = CookieSigner(keys=KeyRing([new]), store_id="feedbeef" * 4)
    assert rotated.session_id_of(value, "alice") == RANDOM
    assert retired.session_id_of(value, "alice") is None


def length_of(name, value):
    return len(set_cookie(name, value, secure=True)[1].partition(";")[0])


def test_a_cookie_has_160_characters_and_no_more_than_460_for_the_longest_name():
    # uWSGI drops headers over 4 kB in all, so what we add must stay small.
    names = CookieNames.over_https("portal")
    assert length_of(names.browser, SIGNER.browser_value(RANDOM)) <= 160
    assert length_of(names.session, SIGNER.session_value(RANDOM, "a" * 32)) <= 160
    assert length_of(names.session, SIGNER.session_value(RANDOM, "a" * 254)) <= 460


@pytest.mark.requirement("R53", "R51")
@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_a_session_cookie_tells_us_alone_whose_it_is(user):
    value = SIGNER.session_value(RANDOM, user)
    assert SIGNER.session_of(value) == (RANDOM, user)
    assert SIGNER.session_value(RANDOM, user) == value  # a lost reply can be given again
    assert len(value) == len(SIGNER.session_value(RANDOM, "b" * len(user.encode())))
    assert OTHER_KEYS.session_of(value) is None


@pytest.mark.requirement("R50")
def test_a_browser_cookie_is_no_session_cookie_and_the_other_way_round():
    assert SIGNER.session_of(SIGNER.browser_value(RANDOM)) is None
    assert SIGNER.browser_of(SIGNER.session_value(RANDOM, "alice")) is None
