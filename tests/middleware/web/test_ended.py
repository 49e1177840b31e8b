"""What ends a second factor: the portal's answers, another user, our own sign-out (R49-R51, D19, D20, D34)."""

from __future__ import annotations

import pytest

from wsgi_mfa import FlaskSession, HttpBasic, StoreUnavailableError, TrustedHeader
from wsgi_mfa.adapters import AdapterTraits, Credentials, FirstFactor
from wsgi_mfa.core.instants import MINUTE

BROWSER, SESSION = "__Host-wsgi_mfa_browser_portal", "__Host-wsgi_mfa_session_portal"


@pytest.fixture
def signed_in(flask_portal, new_browser, sign_in, phone_of):
    """``signed_in(user)``: a browser with both factors, and the phone behind it."""

    def make(user="alice"):
        browser = new_browser(flask_portal)
        sign_in(browser, user)
        phone = browser.enroll("/", phone_of)
        assert browser.navigate("/").text == "welcome to /"
        return browser, phone

    return make


def is_let_in(browser):
    return browser.request("GET", "/private").status == 200


# By an answer of the portal


@pytest.mark.requirement("R51")
def test_a_sign_out_at_the_portal_ends_the_second_factor(signed_in, portal, memory_store, sign_in):
    alice, _ = signed_in()
    stolen = dict(alice.cookies)
    answer = alice.navigate("/sign-out")
    assert answer.text == "welcome to /sign-out"
    assert SESSION not in alice.cookies
    assert memory_store.load("alice").sessions == ()
    assert memory_store.events("alice")[-1].kind == "session.ended"
    alice.cookies = stolen
    assert alice.request("GET", "/").problem == "must_verify"


@pytest.mark.requirement("D20")
def test_the_browser_cookie_is_new_after_a_sign_out_at_the_portal(signed_in):
    alice, _ = signed_in()
    before = alice.cookies[BROWSER]
    alice.navigate("/sign-out")
    assert alice.cookies[BROWSER] != before


@pytest.mark.requirement("R51")
@pytest.mark.parametrize(
    "cookie",
    [
        "session=; Path=/; Max-Age=0",
        "session=; Expires=Thu, 01-Jan-1970 00:00:00 GMT",
        "session=",
        "session=INVALID; Path=/",
        "session=deleted; Max-Age=-1",
    ],
)
def test_a_sign_out_is_seen_however_it_is_spelt(
    wrapped, portal, new_browser, phone_of, serve_once, cookie, memory_store
):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", cookie)])
        return [b"bye"]

    browser = new_browser(wrapped(application, identity=FlaskSession(portal.secret_key, user_key="_user_id")))
    browser.cookies["session"] = portal.cookie("alice")
    browser.enroll("/", phone_of)
    environ = browser.environ_of("GET", "/", {}, b"", {})
    assert serve_once(browser.application, environ).text == "bye"
    assert memory_store.load("alice").sessions == ()


@pytest.mark.requirement("R51")
def test_another_sign_in_at_the_portal_ends_the_second_factor(signed_in, sign_in, memory_store):
    alice, _ = signed_in()
    before = dict(alice.cookies)
    answer = sign_in(alice, "bob")
    assert answer.status == 303
    assert SESSION not in alice.cookies
    assert alice.cookies[BROWSER] != before[BROWSER]
    assert memory_store.load("alice").sessions == ()
    assert alice.request("GET", "/").problem == "must_enroll"
    alice.cookies["session"], alice.cookies[SESSION] = before["session"], before[SESSION]
    assert alice.request("GET", "/").problem == "must_verify"


@pytest.mark.requirement("R51")
def test_the_same_user_may_sign_in_again_with_the_second_factor_in_place(signed_in, sign_in):
    alice, _ = signed_in()
    assert sign_in(alice, "alice").text == "welcome to /sign-in"
    assert is_let_in(alice)


@pytest.mark.requirement("R51", "D19")
def test_a_new_sign_in_over_a_lost_login_asks_for_the_second_factor_again(signed_in, sign_in, memory_store):
    alice, _ = signed_in()
    del alice.cookies["session"]
    assert sign_in(alice, "alice").status == 303
    assert memory_store.load("alice").sessions == ()
    assert alice.request("GET", "/").problem == "must_verify"


@pytest.mark.requirement("D19")
def test_a_request_without_the_first_factor_ends_nothing(signed_in):
    alice, _ = signed_in()
    answer = alice.request("GET", "/", environ={"HTTP_COOKIE": f"{SESSION}={alice.cookies[SESSION]}"})
    assert answer.text == "welcome to /"
    assert answer.set_cookies == {}
    assert is_let_in(alice)


# By another user in a request


@pytest.mark.requirement("R49")
def test_the_second_factor_of_one_user_gives_nothing_with_the_first_factor_of_another(signed_in, portal):
    alice, _ = signed_in("alice")
    bob, _ = signed_in("bob")
    factors = [dict(browser.cookies) for browser in (alice, bob)]
    for mine, theirs in (factors, factors[::-1]):
        calls = len(portal.calls)
        cookies = f"session={mine['session']}; {SESSION}={theirs[SESSION]}"
        answer = alice.request("GET", "/", environ={"HTTP_COOKIE": cookies})
        assert answer.status == 401
        assert len(portal.calls) == calls


@pytest.mark.requirement("R51", "D19", "D20")
def test_another_user_in_a_request_ends_the_second_factor_of_this_browser(browser_of, phone_of):
    browser = browser_of("alice")
    browser.enroll("/", phone_of)
    before = browser.cookies[BROWSER]
    browser.environ["REMOTE_USER"] = "bob"
    assert browser.navigate("/").status == 303
    assert SESSION not in browser.cookies
    assert browser.cookies[BROWSER] != before
    browser.environ["REMOTE_USER"] = "alice"
    assert browser.request("GET", "/").problem == "must_verify"


@pytest.mark.requirement("R51", "D19")
@pytest.mark.parametrize("bob", ["bob", "carol"])
def test_another_user_in_a_request_ends_the_second_factor_on_the_server_too(
    browser_of, phone_of, memory_store, bob
):
    browser, tablet = browser_of("alice"), browser_of("alice")
    phone = browser.enroll("/", phone_of)
    if bob == "bob":  # carol has no account
        browser_of("bob").enroll("/", phone_of)
    phone.clock.wait_for_step()
    tablet.enter_code("/", phone)
    copied = dict(browser.cookies)
    browser.environ["REMOTE_USER"] = bob
    browser.request("GET", "/", headers={"Accept": "application/json"})
    thief = browser_of("alice")
    thief.cookies = copied
    assert thief.request("GET", "/").problem == "must_verify"
    assert is_let_in(tablet)
    event = memory_store.events("alice")[-1]
    assert (event.kind, event.details) == ("session.ended", (("cause", "user_changed"), ("count", "1")))


@pytest.mark.requirement("R51", "R80")
def test_where_the_end_of_anothers_second_factor_cannot_be_saved_nobody_gets_further(
    wrapped, portal, new_browser, phone_of, troubled_store
):
    def break_down():
        raise StoreUnavailableError("the store is gone")

    browser = new_browser(wrapped(portal, store=troubled_store), environ={"REMOTE_USER": "alice"})
    browser.enroll("/", phone_of)
    browser.environ["REMOTE_USER"] = "bob"
    troubled_store.before += [break_down, break_down]
    assert browser.navigate("/").status == 503
    assert len(troubled_store.load("alice").sessions) == 1
    assert browser.navigate("/").status == 303
    assert troubled_store.load("alice").sessions == ()


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("disguise", ["ALICE", "  alice ", "Ａｌｉｃｅ"])
def test_another_spelling_of_the_user_is_the_same_user(browser_of, phone_of, wrapped, portal, disguise):
    browser = browser_of("alice", wrapped(portal, user_names="folded"))
    browser.enroll("/", phone_of)
    browser.environ["REMOTE_USER"] = disguise.encode().decode("latin-1")
    assert is_let_in(browser)


@pytest.mark.requirement("D44")
def test_a_sign_in_by_another_id_that_folds_alike_is_another_user(signed_in, sign_in, memory_store):
    alice, _ = signed_in()
    assert sign_in(alice, "ALICE").status == 303
    assert memory_store.load("alice").sessions == ()
    assert alice.request("GET", "/").problem == "must_enroll"


# By our own sign-out


def sign_out(browser):
    return browser.submit_only(browser.navigate("/mfa/recovery-code"), "/sign-out")


@pytest.mark.requirement("D19", "D20")
def test_our_sign_out_takes_the_login_out_until_it_changes(signed_in, sign_in, portal):
    alice, phone = signed_in()
    before = alice.cookies[BROWSER]
    answer = sign_out(alice)
    assert answer.status == 303
    assert alice.follow(answer).page.outcome == "signed_out"
    assert SESSION not in alice.cookies
    assert alice.cookies[BROWSER] != before
    # The portal's cookie is still there, and the portal does not get to see it.
    assert "session" in alice.cookies
    assert alice.navigate("/").text == "welcome to /"
    assert "HTTP_COOKIE" not in portal.calls[-1]
    assert "wsgi_mfa.user" not in portal.calls[-1]
    assert alice.navigate("/mfa/verify").location == "/"
    # A new sign-in counts again, even where the portal signs the very same cookie anew.
    assert sign_in(alice, "alice").status == 303
    phone.clock.wait_for_step()
    assert alice.enter_code("/", phone).page.outcome == "signed_in"
    assert is_let_in(alice)


@pytest.mark.requirement("D19")
def test_a_login_that_was_signed_out_is_admitted_by_its_next_sign_in_with_the_same_cookie(
    wrapped, portal, new_browser, phone_of
):
    cookie = portal.signed_in("alice")

    def application(environ, start_response):
        headers = [("Content-Type", "text/plain")]
        if environ["PATH_INFO"] == "/sign-in":
            headers.append(("Set-Cookie", cookie))
        start_response("200 OK", headers)
        return [b"portal"]

    alice = new_browser(wrapped(application, identity=FlaskSession(portal.secret_key, user_key="_user_id")))
    alice.navigate("/sign-in")
    phone = alice.enroll("/", phone_of)
    sign_out(alice)
    assert alice.navigate("/").text == "portal"
    assert alice.navigate("/sign-in").status == 303
    phone.clock.wait_for_step()
    assert alice.enter_code("/", phone).page.outcome == "signed_in"
    assert is_let_in(alice)


@pytest.mark.requirement("D19", "R45")
def test_what_was_signed_out_opens_nothing_afterwards(signed_in, portal):
    alice, _ = signed_in()
    stolen = dict(alice.cookies)
    sign_out(alice)
    alice.cookies = stolen
    assert alice.navigate("/private").text == "welcome to /private"
    assert "HTTP_COOKIE" not in portal.calls[-1]


@pytest.mark.requirement("D19")
def test_a_half_signed_in_browser_can_sign_out_too(flask_portal, new_browser, sign_in, portal, phone_of):
    laptop, tablet = new_browser(flask_portal), new_browser(flask_portal)
    sign_in(laptop, "alice")
    laptop.enroll("/", phone_of)
    tablet.cookies["session"] = portal.cookie("alice") + ""
    page = tablet.open("/")
    assert page.page.outcome == "must_verify"
    assert tablet.submit(page, "/sign-out").page.outcome == "signed_out"
    assert tablet.navigate("/").text == "welcome to /"


@pytest.mark.requirement("D19")
def test_after_our_sign_out_a_user_of_the_server_is_asked_again(browser_of, phone_of):
    alice = browser_of("alice")
    alice.enroll("/", phone_of)
    sign_out(alice)
    assert alice.request("GET", "/").problem == "must_verify"


@pytest.mark.requirement("D19")
@pytest.mark.parametrize(
    ("identity", "sent"),
    [
        (HttpBasic(lambda name, _: name == "alice"), {"HTTP_AUTHORIZATION": "Basic YWxpY2U6cGFzc3dvcmQ="}),
        (TrustedHeader("X-User", peers=["192.0.2.1"]), {"HTTP_X_USER": "alice", "REMOTE_ADDR": "192.0.2.1"}),
    ],
)
def test_our_sign_out_ends_no_login_that_all_browsers_of_the_user_send_alike(
    wrapped, portal, new_browser, phone_of, clock, identity, sent
):
    application = wrapped(portal, identity=identity)
    alice, elsewhere = (new_browser(application, environ=sent) for _ in range(2))
    phone = alice.enroll("/", phone_of)
    clock.wait_for_step()
    elsewhere.enter_code("/", phone)
    old = dict(alice.cookies)
    sign_out(alice)
    assert elsewhere.navigate("/").status == 200
    for cookies in (old, alice.cookies):
        alice.cookies = dict(cookies)
        assert alice.get_json("/").problem == "must_verify"


# By a lock


class Logins:
    """An adapter whose cookie ``sid=USER.LOGIN`` names the login too."""

    credentials = Credentials(cookies=("sid",))
    traits = AdapterTraits(user_changes_in_response=True)

    def identify(self, environ):
        value = environ.get("HTTP_COOKIE", "").partition("sid=")[2].partition(";")[0]
        user, _, login = value.partition(".")
        return FirstFactor(user=user, login=login) if value else None

    def selftest(self):
        return []

    def store_selftest(self):
        return []


@pytest.mark.requirement("R20", "D19")
def test_a_lock_ends_the_half_signed_in_login_that_ran_into_it(wrapped, portal, new_browser, phone_of, clock):
    application = wrapped(portal, identity=Logins())
    phone = new_browser(application, cookies={"sid": "alice.one"}).enroll("/", phone_of)
    guessing = new_browser(application, cookies={"sid": "alice.two"})
    form = guessing.open("/").page.form("/verify")
    for number in range(5):
        answer = guessing.post_form(form.action, form.fields | {"code": phone.wrong_code(number)})
        assert answer.status == 422
    # The portal sees a visitor without a user, and shows its own sign-in page.
    assert guessing.navigate("/").text == "welcome to /"
    assert "HTTP_COOKIE" not in portal.calls[-1]
    assert guessing.navigate("/mfa/verify").location == "/"
    # Another login of the user meets the lock itself; when it is over both count again.
    other = new_browser(application, cookies={"sid": "alice.three"})
    page = other.open("/")
    assert other.submit(page, "/verify", code=phone.code(steps=1)).status == 429
    clock.wait(31)
    assert guessing.get_json("/").problem == "must_verify"


# By time


@pytest.mark.requirement("R52")
def test_an_idle_session_ends_and_one_in_use_does_not(signed_in, clock, portal):
    alice, _ = signed_in()
    for _ in range(3):
        clock.wait(50 * 60)
        assert is_let_in(alice)
    clock.wait(62 * 60)
    calls = len(portal.calls)
    assert alice.request("GET", "/").problem == "must_verify"
    assert len(portal.calls) == calls


@pytest.mark.requirement("R52")
def test_a_session_in_use_ends_after_a_day(signed_in, clock):
    alice, _ = signed_in()
    for _ in range(47):
        clock.wait(30 * 60)
        assert is_let_in(alice)
    clock.wait(30 * 60)
    assert alice.request("GET", "/").problem == "must_verify"


@pytest.mark.requirement("D23")
def test_activity_is_noted_once_a_minute_and_never_at_the_cost_of_an_answer(
    signed_in, clock, memory_store, monkeypatch
):
    alice, _ = signed_in()
    revision = memory_store.load("alice").revision
    clock.wait(60)
    assert is_let_in(alice)
    assert memory_store.load("alice").revision == revision
    clock.wait(1)
    assert is_let_in(alice)
    noted = memory_store.load("alice")
    assert noted.revision != revision
    assert noted.sessions[0].seen_at == clock.instant
    clock.wait(2 * MINUTE // 1_000_000)

    def save(*args, **settings):
        raise StoreUnavailableError("read only")

    monkeypatch.setattr(memory_store, "save", save)
    assert is_let_in(alice)


# Where the end cannot be saved


@pytest.fixture
def failing_save(memory_store, monkeypatch):
    """``failing_save()``: from now on the store can be read and not written."""

    def begin():
        def save(*args, **settings):
            raise StoreUnavailableError("the disk is full")

        monkeypatch.setattr(memory_store, "save", save)

    return begin


@pytest.mark.requirement("D34", "R80")
def test_a_sign_out_that_cannot_be_saved_is_told_and_takes_the_cookies_away(signed_in, failing_save):
    alice, _ = signed_in()
    failing_save()
    answer = alice.navigate("/sign-out")
    assert answer.status == 503
    assert answer.header("Retry-After") == "5"
    assert answer.page.outcome == "unavailable"
    assert SESSION not in alice.cookies
    assert "session" not in alice.cookies
    assert b"welcome" not in answer.body


@pytest.mark.requirement("D34", "R80")
def test_a_change_of_user_that_cannot_be_saved_is_told_and_takes_our_cookie_away(
    signed_in, sign_in, failing_save
):
    alice, _ = signed_in()
    before = alice.cookies["session"]
    failing_save()
    answer = sign_in(alice, "bob")
    assert answer.status == 503
    assert SESSION not in alice.cookies
    assert alice.cookies["session"] == before
    assert b"welcome" not in answer.body
