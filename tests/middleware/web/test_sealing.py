"""The portal's cookies are sealed around a whole portal: clients never hold one that the portal would accept."""

from __future__ import annotations

import logging
import re
from typing import Any

import itsdangerous
import pytest

from wsgi_mfa import ConfigurationError, FlaskSession, KeyRing, LoginForm, Policy
from wsgi_mfa.identity.sealing.expiry_record import expiries_in

SECRET_KEY = "the secret of a portal in tests"
SIGNER = itsdangerous.URLSafeTimedSerializer(
    SECRET_KEY, salt="cookie-session", signer_kwargs={"key_derivation": "hmac", "digest_method": "sha1"}
)
pytestmark = pytest.mark.requirement("D39")


def session_of(user: str | None) -> str:
    return str(SIGNER.dumps({} if user is None else {"_user_id": user}))


class Shop:
    """A portal with a session cookie that sets whatever cookies a test asks for, and keeps what it was sent."""

    def __init__(self) -> None:
        self.cookies: list[str] = []
        self.calls: list[dict[str, Any]] = []
        self.headers: list[tuple[str, str]] = []

    @property
    def seen(self) -> str:
        """The Cookie header of the last request."""
        return str(self.calls[-1].get("HTTP_COOKIE", ""))

    def __call__(self, environ, start_response):
        self.calls.append(dict(environ))
        headers = [("Content-Type", "text/plain"), *self.headers]
        path = environ["PATH_INFO"]
        if path.startswith("/sign-in/"):
            headers.append(("Set-Cookie", f" session={session_of(path[9:])}; Path=/; HttpOnly"))
        elif path == "/sign-out":
            headers.append(("Set-Cookie", f"session={session_of('alice')}; Path=/; HttpOnly; Max-Age=0"))
        headers += [("Set-Cookie", text) for text in self.cookies]
        start_response("200 OK", headers)
        return [b"welcome"]


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def sealed(wrapped, shop):
    """``sealed(**settings)``: the middleware around the shop."""

    def make(**settings):
        chosen = {"identity": FlaskSession(SECRET_KEY, user_key="_user_id"), "seal_credentials": True}
        return wrapped(shop, **chosen | settings)

    return make


@pytest.fixture
def signed_in(sealed, shop, new_browser, phone_of):
    """``signed_in(user)``: a browser with both factors."""

    def make(user="alice", application=None, **settings):
        browser = new_browser(application or sealed(**settings))
        browser.navigate(f"/sign-in/{user}")
        browser.phone = browser.enroll("/", phone_of)
        assert browser.navigate("/").status == 200
        return browser

    return make


def plain_values(browser) -> str:
    """All that a client holds, as one text."""
    return " ".join(f"{name}={value}" for name, value in browser.cookies.items())


def test_no_client_ever_holds_the_portals_cookie_in_clear(sealed, shop, new_browser, phone_of):
    browser = new_browser(sealed())
    held = browser.navigate("/sign-in/alice")
    assert held.status == 303
    [cookie] = [text for text in held.all("Set-Cookie") if text.startswith("session=")]
    assert re.fullmatch(r"session=mfas1\.k1\.11\.[\w-]{22}\.[\w-]+; Path=/; HttpOnly", cookie)
    assert browser.open("/").page.outcome == "must_enroll"
    browser.enroll("/", phone_of)
    assert browser.navigate("/").status == 200
    assert shop.seen.startswith("session=ey")
    assert SIGNER.loads(shop.seen.removeprefix("session=")) == {"_user_id": "alice"}
    assert "ey" not in browser.cookies["session"].partition(".")[0]
    assert shop.seen not in plain_values(browser)


def test_a_cookie_in_clear_reaches_no_application(sealed, shop, new_browser):
    browser = new_browser(sealed(), cookies={"session": session_of("alice"), "lang": "en"})
    assert browser.request("GET", "/").status == 200
    assert shop.seen == "lang=en"
    assert "wsgi_mfa.user" not in shop.calls[-1]


@pytest.mark.parametrize(
    "spelling",
    [
        "x=[session={0}",
        "x=a]session={0}",
        'x="; session={0}; y="',
        "x=1, session={0}",
        "session={0}; session={0}",
        "%73ession={0}",
    ],
)
def test_a_sealed_cookie_by_another_spelling_signs_nobody_in(sealed, shop, new_browser, spelling):
    browser = new_browser(sealed())
    browser.navigate("/sign-in/alice")
    seal = browser.cookies["session"]
    stranger = new_browser(browser.application)
    stranger.request("GET", "/", headers={"Cookie": spelling.format(seal)})
    assert session_of("alice").partition(".")[0] not in shop.seen


def test_another_user_or_another_portal_gains_nothing_by_a_seal(sealed, shop, signed_in, new_browser, clock):
    alice = signed_in("alice")
    thief = new_browser(alice.application, cookies={"session": alice.cookies["session"]})
    assert thief.get_json("/").problem == "must_verify"
    other = new_browser(sealed(cookie_label="another"), cookies={"session": alice.cookies["session"]})
    shop.calls.clear()
    assert other.request("GET", "/").status == 200
    assert shop.seen == ""


def test_a_deletion_carries_no_value_and_takes_the_second_cookie_away(signed_in):
    browser = signed_in()
    answer = browser.navigate("/sign-out")
    cookies = [text for text in answer.all("Set-Cookie") if text.startswith("session")]
    assert cookies == [
        "session=; Path=/; HttpOnly; Max-Age=0",
        "session.1=; Path=/; HttpOnly; Max-Age=0",
    ]
    assert "session" not in browser.cookies


def test_a_deletion_by_a_date_counts_whatever_the_clients_clock_is(signed_in, shop):
    browser = signed_in()
    shop.cookies = ["cart=17; Path=/; HttpOnly; expires=Thu, 01-Jan-1970 00:00:00 GMT"]
    cookies = [text for text in browser.navigate("/").all("Set-Cookie") if text.startswith("cart=")]
    assert cookies == ["cart=; Path=/; HttpOnly; expires=Thu, 01-Jan-1970 00:00:00 GMT; Max-Age=0"]


def test_an_old_cookie_after_a_sign_out_is_asked_for_a_second_factor(signed_in, clock):
    browser = signed_in()
    before = dict(browser.cookies)
    browser.navigate("/sign-out")
    browser.cookies = before
    assert browser.get_json("/").status == 401


def test_a_long_cookie_comes_in_two_pieces_that_count_together_alone(signed_in, shop, new_browser):
    browser = signed_in()
    shop.cookies = [f"profile={'x' * 3500}; Path=/; HttpOnly"]
    browser.navigate("/")
    shop.cookies = []
    assert {"profile", "profile.1"} <= set(browser.cookies)
    assert all(len(value) < 3900 for value in browser.cookies.values())
    browser.navigate("/")
    assert f"profile={'x' * 3500}" in shop.seen
    first, second = browser.cookies["profile"], browser.cookies["profile.1"]
    browser.cookies |= {"profile": second, "profile.1": first}
    browser.navigate("/")
    assert "profile" not in shop.seen
    browser.cookies["profile"] = first
    del browser.cookies["profile.1"]
    browser.navigate("/")
    assert "profile" not in shop.seen
    shop.cookies = ["profile=short; Path=/; HttpOnly"]
    browser.cookies["profile.1"] = second
    browser.navigate("/")
    shop.cookies = []
    assert "profile.1" not in browser.cookies
    browser.navigate("/")
    assert "profile=short" in shop.seen


def test_an_undeclared_cookie_of_a_user_comes_back_in_verified_requests_of_that_user_alone(
    signed_in, shop, new_browser, clock
):
    alice = signed_in("alice")
    shop.cookies = ["stay=alice-for-ever; Path=/; HttpOnly"]
    alice.navigate("/")
    shop.cookies = []
    stay = alice.cookies["stay"]
    assert "alice" not in stay
    alice.navigate("/")
    assert "stay=alice-for-ever" in shop.seen
    stranger = new_browser(alice.application, cookies={"stay": stay})
    stranger.request("GET", "/")
    assert shop.seen == ""
    clock.wait_for_step()
    bob = signed_in("bob", alice.application)
    bob.cookies["stay"] = stay
    bob.navigate("/")
    assert "stay" not in shop.seen
    assert "session=" in shop.seen


def test_an_undeclared_cookie_of_a_visitor_comes_back_in_every_request(sealed, shop, new_browser):
    browser = new_browser(sealed())
    shop.cookies = ["cart=3; HttpOnly", "lang=en"]
    browser.navigate("/")
    shop.cookies = []
    assert browser.cookies["cart"].startswith("mfas1.")
    assert browser.cookies["lang"] == "en"
    browser.navigate("/")
    assert shop.seen == "lang=en; cart=3"


def test_a_readable_cookie_of_a_held_response_is_in_clear_after_the_second_factor(
    sealed, shop, new_browser, phone_of
):
    browser = new_browser(sealed())
    shop.cookies = ["remember=alice-for-ever; Path=/", "csrf=token; Path=/; Max-Age=3600"]
    held = browser.navigate("/sign-in/alice")
    shop.cookies = []
    assert held.status == 303
    assert "alice" not in plain_values(browser)
    assert "token" not in plain_values(browser)
    browser.enroll("/", phone_of)
    answer = browser.navigate("/")
    assert "csrf=token" in shop.seen
    assert {text for text in answer.all("Set-Cookie") if "csrf" in text or "remember" in text} == {
        "remember=alice-for-ever; Path=/",
        "csrf=token; Path=/; Max-Age=3600",
    }
    assert browser.navigate("/").set_cookies == {}
    assert "csrf=token" in shop.seen


def test_a_portal_that_sets_one_value_again_and_again_changes_no_cookie_of_the_client(signed_in, shop, clock):
    browser = signed_in()
    shop.cookies = [f"session={session_of('alice')}; Path=/; HttpOnly"]
    browser.navigate("/")
    before = browser.cookies["session"]
    browser.navigate("/")
    assert browser.cookies["session"] == before
    shop.cookies = [text + "; Max-Age=1000" for text in shop.cookies]
    browser.navigate("/")
    lasting = browser.cookies["session"]
    assert lasting != before
    clock.wait(99)
    browser.navigate("/")
    assert browser.cookies["session"] == lasting
    clock.wait(10)
    browser.navigate("/")
    assert browser.cookies["session"] != lasting


def test_a_seal_ends_with_its_cookie(signed_in, shop, clock):
    browser = signed_in()
    shop.cookies = ["cart=3; Max-Age=60; HttpOnly"]
    browser.navigate("/")
    shop.cookies = []
    clock.wait(59)
    browser.navigate("/")
    assert "cart=3" in shop.seen
    clock.wait(2)
    browser.navigate("/")
    assert "cart" not in shop.seen


def test_one_value_for_several_paths_gets_one_seal_and_is_not_doubled(signed_in, shop):
    browser = signed_in()
    text = session_of("alice")
    shop.cookies = [
        f"session={text}; Path=/",
        f"session={text}; Path=/a",
        f"session={text}; Path=/; Domain=x",
    ]
    answer = browser.navigate("/")
    values = {each.partition(";")[0] for each in answer.all("Set-Cookie")}
    assert len(values) == 1


def test_two_seals_with_two_sessions_are_doubled(sealed, shop, new_browser):
    browser = new_browser(sealed())
    seals = []
    for user in ("alice", "bob"):
        browser.navigate(f"/sign-in/{user}")
        seals.append(browser.cookies["session"])
        browser.cookies = {}
    shop.calls.clear()
    browser.request("GET", "/", headers={"Cookie": f"session={seals[0]}; session={seals[1]}"})
    assert shop.seen == ""
    browser.request("GET", "/", headers={"Cookie": f"session=mfas1.k1.11.xxx; session={session_of('bob')}"})
    assert shop.seen == ""
    answer = browser.get_json("/mfa/verify")
    assert answer.status == 401
    # What does not unseal is ignored beside one that does.
    spelt = f"session={session_of('bob')}; session={seals[0]}; session=mfas1.k9.11.{'A' * 22}.AAAA"
    answer = browser.request("GET", "/", headers={"Cookie": spelt, "Accept": "application/json"})
    assert answer.problem == "must_enroll"


def test_after_a_rotation_cookies_are_sealed_by_the_new_key(signed_in, sealed, keys, shop):
    browser = signed_in()
    shop.cookies = ["cart=3; HttpOnly; Max-Age=1000"]
    browser.navigate("/")
    shop.cookies = []
    old = KeyRing([("k1", bytes(range(32)))])
    assert browser.cookies["session"].startswith("mfas1.k1.")
    both = [("k1", bytes(range(32))), ("k2", bytes(range(1, 33)))]
    browser.application = sealed(keys=KeyRing(both))
    answer = browser.navigate("/")
    assert "cart=3" in shop.seen
    assert {name: value.partition(";")[2] for name, value in answer.set_cookies.items()} == {
        "session": " Path=/; HttpOnly",
        "cart": " HttpOnly; Max-Age=1000",
    }
    assert browser.cookies["session"].startswith("mfas1.k2.")
    assert browser.navigate("/").set_cookies == {}
    browser.application = sealed(keys=KeyRing(both[1:]))
    browser.navigate("/")
    assert "cart=3" in shop.seen
    assert old.ids == ("k1",)


def test_path_parameters_of_declared_names_are_taken_out_of_requests_and_locations(sealed, shop, new_browser):
    browser = new_browser(sealed())
    shop.headers = [("Location", f"/next;Session={session_of('alice')};x=1?a=;session=1")]
    answer = browser.request(
        "GET", "/a;session=1;y=2/b", environ={"REQUEST_URI": "/a;%73ession=1;y=2/b%3Bsession=2?q=;session=3"}
    )
    assert answer.location == "/next;x=1?a=;session=1"
    seen = shop.calls[-1]
    assert (seen["PATH_INFO"], seen["REQUEST_URI"]) == ("/a;y=2/b", "/a;y=2/b?q=;session=3")


def test_arguments_stay_where_the_framework_reads_cookies_alone(sealed, shop, new_browser):
    browser = new_browser(sealed())
    browser.request("GET", "/talks?session=3")
    assert shop.calls[-1]["QUERY_STRING"] == "session=3"


def test_arguments_and_headers_of_a_setting_are_taken_out(sealed, shop, new_browser):
    browser = new_browser(sealed(also_by=["argument sid", "header X-Session-Id"]))
    browser.request("GET", "/?sid=3&q=1", headers={"X-Session-Id": "3"})
    assert shop.calls[-1]["QUERY_STRING"] == "q=1"
    assert "HTTP_X_SESSION_ID" not in shop.calls[-1]


def test_with_accept_both_forms_count_and_cookies_are_written_in_clear(sealed, shop, new_browser, signed_in):
    browser = signed_in()
    browser.application = sealed(seal_credentials="accept")
    assert browser.navigate("/").status == 200
    shop.cookies = [f"session={session_of('alice')}; Path=/; HttpOnly"]
    browser.navigate("/")
    assert browser.cookies["session"] == session_of("alice")
    shop.cookies = []
    assert browser.navigate("/").status == 200
    browser.application = sealed()
    assert browser.request("GET", "/").status == 200
    assert shop.seen == ""


def test_applications_of_one_group_share_their_seals(sealed, shop, signed_in):
    first, second = (sealed(issuer=issuer, seal_group="portals") for issuer in ("One", "Two"))
    browser = signed_in(application=first)
    browser.application = second
    assert browser.navigate("/").status == 200
    assert "session=" in shop.seen


def test_an_exempted_cookie_stays_in_clear(sealed, shop, new_browser):
    browser = new_browser(sealed(unsealed_cookies=["route"]))
    shop.cookies = ["route=node7; HttpOnly; Path=/"]
    browser.navigate("/sign-in/alice")
    assert browser.cookies["route"] == "node7"


def test_a_user_whose_session_ended_by_sealing_is_told_why_and_once(sealed, shop, new_browser):
    browser = new_browser(sealed(), cookies={"session": session_of("alice")})
    answer = browser.navigate("/reports?year=7")
    assert answer.status == 303
    assert answer.location.startswith("/mfa/session-ended?next=")
    assert "session" not in browser.cookies
    page = browser.navigate(answer.location)
    assert (page.status, page.page.name) == (200, "session_ended")
    assert "/reports?year=7" in page.page.links
    # A cookie that cannot be taken away leads there only once.
    browser.cookies["session"] = session_of("alice")
    referer = {"Referer": f"https://portal.example{answer.location}"}
    assert browser.navigate("/reports?year=7", headers=referer).status == 200
    assert shop.seen == ""


def test_a_visitor_with_an_old_cookie_is_told_nothing(sealed, shop, new_browser):
    browser = new_browser(sealed(), cookies={"session": session_of(None)})
    assert browser.navigate("/").status == 200
    assert shop.seen == ""


def test_a_cookie_that_keeps_coming_in_clear_is_logged_once_with_the_reason(sealed, new_browser, caplog):
    browser = new_browser(sealed(), cookies={"session": session_of("alice")})
    with caplog.at_level(logging.WARNING, logger="wsgi_mfa"):
        for _ in range(15):
            browser.request("GET", "/")
            browser.cookies["session"] = session_of("alice")
    told = [each for each in caplog.messages if "in clear" in each]
    assert len(told) == 1
    assert "'session'" in told[0]
    assert "seal_group" in told[0]


def test_many_bytes_of_cookies_are_warned_of(signed_in, shop, caplog):
    browser = signed_in()
    shop.cookies = [f"profile={'x' * 3000}; HttpOnly", "a=1; HttpOnly"]
    browser.navigate("/")
    browser.navigate("/")
    told = [each for each in caplog.messages if "proxy_buffer_size" in each]
    assert len(told) == 1
    assert "'profile'" in told[0]


def test_a_cookie_that_no_browser_would_keep_is_not_sent(signed_in, shop, caplog):
    browser = signed_in()
    shop.cookies = [f"profile={'x' * 9000}; HttpOnly"]
    assert browser.navigate("/").set_cookies == {}
    assert any("not sent" in each for each in caplog.messages)


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"seal_credentials": "yes"}, "seal_credentials"),
        ({"seal_credentials": None}, "seal_credentials"),
        ({"seal_credentials": 1}, "seal_credentials"),
        ({"unsealed_cookies": "route"}, "unsealed_cookies"),
        ({"unsealed_cookies": ["a b"]}, "unsealed_cookies"),
        ({"unsealed_cookies": ["session"]}, "unsealed_cookies"),
        ({"seal_group": ""}, "seal_group"),
        ({"also_by": ["cookie x"]}, "also_by"),
        ({"also_by": "argument sid"}, "also_by"),
        ({"forward_auth": True}, "seal_credentials"),
    ],
)
def test_a_setting_that_is_not_legal_is_an_error_with_what_is(sealed, settings, setting):
    with pytest.raises(ConfigurationError, match="legal") as raised:
        sealed(**settings)
    assert raised.value.setting == setting


class FormPortal:
    """A portal with a sign-in form, whose sessions nothing else can read."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, environ, start_response):
        self.calls.append(dict(environ))
        headers = [("Content-Type", "text/plain")]
        if environ["PATH_INFO"] == "/login" and environ["REQUEST_METHOD"] == "POST":
            headers += [
                ("Set-Cookie", "sid=alice-1; Path=/; HttpOnly"),
                ("Location", "/;sid=alice-1?sid=alice-1"),
            ]
            start_response("302 Found", headers)
        else:
            if "sid" not in str(environ.get("HTTP_COOKIE")):
                headers.append(("Set-Cookie", "sid=nobody; Path=/"))
            start_response("200 OK", headers)
        return [b"welcome"]


def test_an_observed_login_is_sealed_and_our_own_cookie_is_not(wrapped, new_browser, phone_of):
    portal = FormPortal()
    identity = LoginForm(["/login"], "user", cookies=["sid"], succeeded=["status=302"], failed=["status=200"])
    browser = new_browser(wrapped(portal, identity=identity, seal_credentials=True))
    browser.navigate("/login")
    assert browser.cookies["sid"].startswith("mfas1.")
    held = browser.post_form("/login", {"user": "alice"})
    assert "sid%3Dalice" not in str(held.location)
    assert "alice-1" not in plain_values(browser)
    assert browser.cookies["__Host-wsgi_mfa_login_portal"].startswith("u.")
    browser.enroll("/", phone_of)
    assert browser.navigate("/?sid=alice-1&x=1").status == 200
    assert portal.calls[-1]["HTTP_COOKIE"] == "sid=alice-1"
    assert portal.calls[-1]["QUERY_STRING"] == "x=1"
    stranger = new_browser(browser.application, cookies=browser.cookies | {"sid": "alice-1"})
    stranger.request("GET", "/")
    assert "HTTP_COOKIE" not in portal.calls[-1]


def test_a_user_whom_a_rule_lets_off_keeps_the_cookies_that_were_set(sealed, shop, new_browser):
    browser = new_browser(sealed(policy=Policy(required_from="never")))
    shop.cookies = ["csrf=token; HttpOnly; Path=/"]
    assert browser.navigate("/sign-in/alice").status == 200
    shop.cookies = []
    browser.navigate("/reports")
    browser.request("GET", "/reports")
    assert "csrf=token" in shop.seen


@pytest.mark.requirement("D43")
@pytest.mark.parametrize(
    ("path", "script_name", "told"),
    [
        ("/app", "", 'set mount_path = "/app/mfa"'),
        ("/app/", "", 'set mount_path = "/app/mfa"'),
        ("/portal/app", "/portal", 'set mount_path = "/app/mfa"'),
        ("/other", "/portal", "give it another Path"),
        (None, "", 'set mount_path = "/sign-in/mfa"'),
        ("/", "", None),
        ("/portal", "/portal", None),
    ],
)
def test_a_session_cookie_that_does_not_reach_our_pages_is_logged_with_the_mount_path_that_works(
    wrapped, new_browser, caplog, path, script_name, told
):
    attributes = "HttpOnly" if path is None else f"Path={path}; HttpOnly"

    def portal(environ, start_response):
        cookie = f"session={session_of('alice')}; {attributes}"
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", cookie)])
        return [b"welcome"]

    identity = FlaskSession(SECRET_KEY, user_key="_user_id")
    application = wrapped(portal, identity=identity, seal_credentials=True)
    for _ in range(2):
        answer = new_browser(application, script_name=script_name).navigate(f"{script_name}/sign-in/alice")
        assert answer.status == 303
    found = [each for each in caplog.messages if "ends where it began" in each]
    assert len(found) == (told is not None)
    assert told is None or told in found[0]


@pytest.mark.requirement("D43")
def test_a_session_under_another_name_than_was_set_lets_no_user_in_and_is_logged(
    wrapped, shop, new_browser, caplog
):
    identity = FlaskSession(SECRET_KEY, user_key="_user_id", cookie="portal_session")
    browser = new_browser(wrapped(shop, identity=identity, seal_credentials=True))
    shop.cookies = ["lang=en; Path=/"]
    for _ in range(2):
        assert browser.navigate("/sign-in/alice").status == 200
        assert set(browser.cookies) == {"lang"}
    [told] = [each for each in caplog.messages if "is the session of a user" in each]
    assert "cookie of the adapter be 'session'" in told
    assert "alice" not in told


@pytest.mark.requirement("D39")
def test_the_longest_expiry_that_a_key_has_sealed_is_noted_in_the_store(
    signed_in, sealed, shop, clock
) -> None:
    application = sealed()
    browser = signed_in(application=application)
    store, now = application.service.store, clock.now() // 1_000_000
    # A session cookie of the portal, which ends with its browser.
    assert now + 86_400 <= expiries_in(store)["k1"] < now + 3 * 86_400
    shop.cookies = ["a=1; HttpOnly; Max-Age=2592000"]
    browser.navigate("/")
    assert expiries_in(store)["k1"] >= now + 30 * 86_400
