"""Users with odd names, users of a directory, and users who can have no account (R71, D1)."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import itsdangerous
import pytest

from wsgi_mfa import FlaskSession, Person
from wsgi_mfa.support import Done, Reason, Rejected

SECRET_KEY = "the secret of a portal in tests"


@pytest.fixture
def browser_with(new_browser):
    """``browser_with(application, session)``: a browser whose cookie is that session, as Flask writes it."""

    def browser_of(application, session):
        serializer = itsdangerous.URLSafeTimedSerializer(
            SECRET_KEY,
            salt="cookie-session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
        )
        browser = new_browser(application)
        browser.cookies["session"] = serializer.dumps(session)
        return browser

    return browser_of


@pytest.mark.requirement("R71")
@pytest.mark.parametrize(
    "user", ["日本", "Ünal Öz", "o'brien", "<b>bob</b>", 'a"b', "a&b", "a;b", "a,b", "user@例え.jp"]
)
def test_any_name_of_a_person_works_on_all_pages_and_in_no_header(
    browser_of, phone_of, portal, user, page_of
):
    browser = browser_of(user.encode().decode("latin-1"))
    phone = browser.enroll("/", phone_of)
    page = browser.navigate("/mfa/recovery-code")
    assert user.casefold() in page.page.words
    assert all(text.isascii() for header in page.headers for text in header)
    assert browser.navigate("/").status == 200
    assert portal.calls[-1]["wsgi_mfa.user"] == user.casefold()
    assert phone.code() not in page.text


@pytest.mark.requirement("R71", "R83", "D1")
@pytest.mark.parametrize("user", ["a\r\nX: y", "a\nb", "a\x00b", "\x1b[2J", "a" * 255, "   ", "a\u202eb"])
def test_a_name_that_can_have_no_account_is_refused(browser_of, portal, memory_store, caplog, user):
    browser = browser_of(user.encode().decode("latin-1"))
    browser.validated = False  # wsgiref's validator has no opinion on REMOTE_USER, and servers neither
    for path in ("/", "/mfa/enroll", "/mfa/help"):
        answer = browser.navigate(path)
        assert answer.status == 403
        assert answer.page.name == "refused"
        assert answer.header("X") is None
        assert browser.request("GET", path, headers={"Accept": "application/json"}).problem == "refused"
    assert portal.calls == []
    assert memory_store.users() == []
    assert all("\n" not in record.getMessage() for record in caplog.records)


@pytest.mark.requirement("D1")
def test_a_directory_maps_what_was_typed_to_one_person(wrapped, portal, new_browser, phone_of, memory_store):
    people = {
        name: Person(name="alice", email="alice@example.com")
        for name in ("alice", "alice@example.com", "Alice L.")
    }
    application = wrapped(portal, directory=people.get)
    browser = new_browser(application, environ={"REMOTE_USER": "Alice L."})
    browser.enroll("/", phone_of)
    browser.environ["REMOTE_USER"] = "alice@example.com"
    assert browser.request("GET", "/").status == 200
    assert memory_store.users() == ["alice"]
    assert memory_store.load("alice").address == "alice@example.com"


@pytest.mark.requirement("D1")
def test_somebody_whom_the_directory_does_not_know_is_refused_and_never_enrolled(
    wrapped, portal, new_browser, memory_store
):
    browser = new_browser(wrapped(portal, directory={}.get), environ={"REMOTE_USER": "mallory"})
    assert browser.navigate("/").page.name == "refused"
    assert browser.navigate("/mfa/enroll").page.name == "refused"
    assert portal.calls == []
    assert memory_store.users() == []


@pytest.mark.requirement("D1", "D19")
def test_who_was_refused_for_an_unknown_name_can_sign_out_and_come_back_by_another(
    wrapped, portal, new_browser, sign_in, phone_of
):
    people = {"alice": Person(name="alice")}
    application = wrapped(
        portal, identity=FlaskSession(portal.secret_key, user_key="_user_id"), directory=people.get
    )
    browser = new_browser(application)
    browser.cookies["session"] = portal.cookie("alise")
    rejected = browser.navigate("/reports")
    assert (rejected.status, rejected.page.name, portal.calls) == (403, "refused", [])
    left = browser.submit_only(rejected, "/sign-out")
    assert (left.status, left.location) == (303, "/")
    assert "session" not in browser.cookies
    assert browser.navigate("/").text == "welcome to /"
    sign_in(browser, "alice")
    browser.enroll("/reports", phone_of)


@pytest.mark.requirement("R73")
def test_another_site_signs_nobody_out_who_was_refused(wrapped, portal, new_browser):
    application = wrapped(
        portal, identity=FlaskSession(portal.secret_key, user_key="_user_id"), directory={}.get
    )
    browser = new_browser(application)
    browser.cookies["session"] = portal.cookie("alise")
    form = browser.navigate("/").page.form("/sign-out")
    foreign = browser.post_form(form.action, form.fields, {"Sec-Fetch-Site": "cross-site"})
    without = browser.post_form(form.action, {})
    assert (foreign.status, without.status) == (403, 403)
    assert "session" in browser.cookies


@pytest.mark.requirement("D1")
def test_an_id_that_changes_with_the_password_is_nobodys_account_without_a_directory(
    wrapped, portal, browser_with, memory_store, caplog
):
    session = {"_user_id": "04aa4141902f49ad86c5e98c965737fd", "fs_paa": 1_767_225_600.0}
    browser = browser_with(wrapped(portal, identity=FlaskSession(SECRET_KEY, user_key="_user_id")), session)
    assert browser.navigate("/mfa/enroll").status == 403
    assert (portal.calls, memory_store.users()) == ([], [])
    assert "give directory=" in caplog.text


@pytest.mark.requirement("D1")
def test_a_directory_knows_the_person_behind_an_id_that_changes_with_the_password(
    wrapped, portal, browser_with, phone_of, memory_store
):
    application = wrapped(
        portal,
        identity=FlaskSession(SECRET_KEY, user_key="_user_id"),
        directory=lambda _: Person(name="alice", email="alice@example.com"),
    )
    browser_with(application, {"_user_id": "04aa", "fs_paa": 1.0}).enroll("/", phone_of)
    assert browser_with(application, {"_user_id": "77bc", "fs_paa": 2.0}).open("/").page.name == "verify"
    assert memory_store.users() == ["alice"]


@pytest.mark.parametrize("renews_sessions", [True, False])
def test_a_directory_is_asked_once_a_request_unless_an_answer_changes_the_user(
    wrapped, portal, new_browser, sign_in, phone_of, renews_sessions
):
    asked = []
    people = {"alice": Person(name="alice"), "bob": Person(name="bob")}
    identity = FlaskSession(portal.secret_key, user_key="_user_id")
    identity.traits = replace(identity.traits, renews_sessions=renews_sessions)
    application = wrapped(
        portal, identity=identity, directory=lambda user: asked.append(user) or people.get(user)
    )
    browser = new_browser(application)
    sign_in(browser, "alice")
    browser.enroll("/", phone_of)
    asked.clear()
    assert browser.request("GET", "/").status == 200
    assert asked == ["alice"]
    assert sign_in(browser, "bob").status == 303
    assert asked == ["alice", "alice", "bob"]


@pytest.mark.requirement("D30")
def test_the_support_desk_of_the_middleware_compares_with_its_directory(wrapped, portal):
    people = {"ann": Person(name="ann", email="ann@example.com")}
    desk = wrapped(portal, directory=people.get).support_desk
    wrong = desk.invite("ann", email="zoe@example.com", reason="lost", agent="desk")
    right = desk.invite("ann", email="ann@example.com", reason="lost", agent="desk")
    assert isinstance(wrong, Rejected)
    assert wrong.reason is Reason.WRONG_PAIR
    assert isinstance(right, Done)
    assert right.user == "ann"
