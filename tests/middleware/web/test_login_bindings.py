"""A credential belongs to the user who signed in with it last, whatever labels browsers still hold (D41)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest

from wsgi_mfa import ConfigurationError, LoginForm, ResponseHeader, StoreUnavailableError

pytestmark = pytest.mark.requirement("D41")

LABEL = "__Host-wsgi_mfa_login_portal"
PASSWORDS = {"ann": "right", "mallory": "mine"}


@dataclass
class KeepingPortal:
    """Keeps its session id over a sign-in; ``form`` may be the page that shows the account too."""

    form: str = "/sign-in"
    renews: bool = False
    sessions: dict[str, dict[str, str]] = field(default_factory=dict)
    done: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, environ, start_response):
        cookies = dict(part.split("=", 1) for part in environ.get("HTTP_COOKIE", "").split("; ") if part)
        sid, headers = cookies.get("sid"), [("Content-Type", "text/html")]
        if sid not in self.sessions:
            sid = self._begin({}, headers)
        session = self.sessions[sid]
        status, text = "200 OK", f"SECRETS of {session['user']}" if "user" in session else "a form"
        if environ["REQUEST_METHOD"] == "POST":
            body = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
            form = {name: values[0] for name, values in body.items()}
            if "amount" in form and "user" in session:
                self.done.append((session["user"], form["amount"]))
            elif PASSWORDS.get(form.get("username", ""), "?") == form.get("password"):
                if self.renews:
                    sid = self._begin(self.sessions.pop(sid), headers)
                self.sessions[sid]["user"] = form["username"]
                status, text = "302 Found", ""
                headers += [("Location", "/home"), ("X-Signed-In-User", form["username"])]
            else:
                text = "wrong"
        elif environ["PATH_INFO"] == "/new-cookie":
            self._begin(self.sessions.pop(sid), headers)
        elif environ["PATH_INFO"] == "/same-cookie":
            headers.append(("Set-Cookie", f"sid={sid}; Path=/"))
        elif environ["PATH_INFO"] == "/sign-out":
            text = "signed out, or so it says"
        start_response(status, headers)
        return [text.encode()]

    def _begin(self, session: dict[str, str], headers: list[tuple[str, str]]) -> str:
        sid = secrets.token_hex(8)
        self.sessions[sid] = session
        headers.append(("Set-Cookie", f"sid={sid}; Path=/"))
        return sid


def by_form(path: str = "/sign-in", **settings: Any) -> LoginForm:
    return LoginForm(
        path, "username", cookies=["sid"], succeeded=["status=302"], failed=["status=200"],
        sign_out=["/sign-out"], **settings,
    )  # fmt: skip


def by_header(path: str = "/sign-in", **settings: Any) -> ResponseHeader:
    return ResponseHeader("X-Signed-In-User", path=path, cookies=["sid"], sign_out=["/sign-out"], **settings)


def sign_in(browser, user: str, path: str = "/sign-in"):
    browser.navigate(path)
    return browser.post_form(path, {"username": user, "password": PASSWORDS[user]})


@pytest.mark.parametrize("renews", [False, True])
@pytest.mark.parametrize("adapter", [by_form, by_header])
def test_the_label_of_an_earlier_user_does_not_serve_after_another_sign_in(
    wrapped, new_browser, phone_of, clock, adapter, renews
):
    portal = KeepingPortal(renews=renews)
    application = wrapped(portal, identity=adapter())
    ann = new_browser(application)
    sign_in(ann, "ann")
    ann.enroll("/home", phone_of)
    mallory = new_browser(application)
    sign_in(mallory, "mallory")
    phone = mallory.enroll("/home", phone_of)
    assert mallory.navigate("/home").text == "SECRETS of mallory"
    old = mallory.cookies[LABEL]
    assert "/mfa/verify" in sign_in(mallory, "ann").location
    mallory.cookies[LABEL] = old
    clock.wait_for_step()
    mallory.post_json("/mfa/verify", {"code": phone.code()})
    assert "ann" not in mallory.navigate("/home").text


@pytest.mark.parametrize("path", ["/", "/sign-in"])
def test_the_label_of_a_visitor_does_not_serve_after_a_sign_in(wrapped, new_browser, phone_of, path):
    portal = KeepingPortal(form=path)
    application = wrapped(portal, identity=by_form(path), keeps_session_id=None)
    ann = new_browser(application)
    sign_in(ann, "ann", path)
    ann.enroll("/home", phone_of)
    thief = new_browser(application)
    thief.navigate(path)
    visitor = dict(thief.cookies)
    assert "/mfa/verify" in thief.post_form(path, {"username": "ann", "password": "right"}).location
    for attempt in (
        lambda: thief.navigate(f"{path}?statement=2026"),
        lambda: thief.post_form(path, {"amount": "1000"}),
        lambda: thief.navigate("/home"),
        lambda: thief.navigate(path.upper() + "/"),
    ):
        thief.cookies = {name: visitor[name] for name in ("sid", LABEL)}
        assert "SECRETS" not in attempt().text
    assert portal.done == []


def test_neither_label_serves_after_the_sign_out(wrapped, new_browser, phone_of):
    portal = KeepingPortal(form="/")
    browser = new_browser(wrapped(portal, identity=by_form("/")))
    browser.navigate("/")
    visitor = dict(browser.cookies)
    sign_in(browser, "ann", "/")
    browser.enroll("/home", phone_of)
    user = dict(browser.cookies)
    browser.navigate("/sign-out")
    assert portal.sessions[user["sid"]]["user"] == "ann"  # the portal only said so
    for cookies in (visitor, user):
        browser.cookies = dict(cookies)
        assert "SECRETS" not in browser.navigate("/").text
        browser.cookies = dict(cookies)
        assert "SECRETS" not in browser.navigate("/home").text


def test_a_value_that_no_sign_in_has_brought_belongs_to_nobody(wrapped, new_browser, phone_of):
    portal = KeepingPortal()
    browser = new_browser(wrapped(portal, identity=by_form()))
    sign_in(browser, "ann")
    browser.enroll("/home", phone_of)
    browser.navigate("/same-cookie")
    assert browser.navigate("/home").text == "SECRETS of ann"
    old = browser.cookies["sid"]
    browser.navigate("/new-cookie")
    assert browser.cookies["sid"] == old
    assert "SECRETS" not in browser.navigate("/home").text


def test_a_portal_that_renews_its_cookie_says_so_and_old_values_count_for_a_minute(
    wrapped, new_browser, phone_of, clock
):
    portal = KeepingPortal()
    identity = by_form(renews_in_responses=True)
    with pytest.raises(ConfigurationError, match="renews_in_responses needs sign_in_fields"):
        wrapped(portal, identity=by_form(renews_in_responses=True))
    browser = new_browser(wrapped(portal, identity=identity, sign_in_fields=[["username", "password"]]))
    sign_in(browser, "ann")
    browser.enroll("/home", phone_of)
    old = dict(browser.cookies)
    for _ in range(30):
        browser.navigate("/new-cookie")
    assert browser.cookies["sid"] != old["sid"]
    assert browser.navigate("/home").text == "SECRETS of ann"
    new = dict(browser.cookies)
    portal.sessions[old["sid"]] = {"user": "ann"}
    browser.cookies = dict(old)
    clock.instant += 70 * 1_000_000
    assert "SECRETS" not in browser.navigate("/home").text
    browser.cookies = new
    assert browser.navigate("/home").text == "SECRETS of ann"


def test_an_account_keeps_twenty_bindings(wrapped, new_browser, memory_store, clock):
    application = wrapped(KeepingPortal(renews=True), identity=by_form())
    for _ in range(25):
        clock.instant += 1_000_000
        sign_in(new_browser(application), "ann")
    assert len(memory_store.bindings("credential/")) == 20
    assert len(memory_store.bindings("user/")) == 20


def test_a_visitors_label_ends_with_the_binding_that_is_dropped(wrapped, new_browser, clock):
    portal = KeepingPortal(form="/")
    application = wrapped(portal, identity=by_form("/"))
    thief = new_browser(application)
    thief.navigate("/")
    visitor = dict(thief.cookies)
    sign_in(thief, "ann", "/")
    for _ in range(21):
        clock.instant += 1_000_000
        sign_in(new_browser(application), "ann", "/")
    thief.cookies = {name: visitor[name] for name in ("sid", LABEL)}
    assert "SECRETS" not in thief.navigate("/").text


def test_a_visitors_label_ends_after_half_a_day(wrapped, new_browser, clock):
    browser = new_browser(wrapped(KeepingPortal(), identity=by_form()))
    browser.navigate("/sign-in")
    sid = browser.cookies["sid"]
    browser.navigate("/sign-in")
    assert browser.cookies["sid"] == sid
    clock.instant += 12 * 3600 * 1_000_000
    browser.navigate("/sign-in")
    assert browser.cookies["sid"] != sid


def test_a_sign_in_whose_binding_cannot_be_saved_is_refused(wrapped, new_browser, memory_store, monkeypatch):
    browser = new_browser(wrapped(KeepingPortal(), identity=by_form()))
    browser.navigate("/sign-in")

    def fail(changes: object) -> None:
        raise StoreUnavailableError("out of order")

    monkeypatch.setattr(memory_store, "write_bindings", fail)
    answer = browser.post_form("/sign-in", {"username": "ann", "password": "right"})
    assert answer.status == 503
    monkeypatch.undo()
    assert "SECRETS" not in browser.navigate("/sign-in").text


def test_a_binding_from_before_a_fence_has_ended(wrapped, new_browser, memory_store, phone_of, clock):
    from wsgi_mfa.stores.protocol import StoreStatus

    browser = new_browser(wrapped(KeepingPortal(), identity=by_form()))
    sign_in(browser, "ann")
    browser.enroll("/home", phone_of)
    clock.instant += 1_000_000
    memory_store.set_status(StoreStatus(changed_at=clock.now(), fenced_at=clock.now()))
    assert "SECRETS" not in browser.navigate("/home").text


@pytest.mark.parametrize("path", ["/Sign-In", "/sign-in/"])
def test_the_sign_in_page_is_watched_in_any_spelling(wrapped, new_browser, memory_store, path):
    browser = new_browser(wrapped(KeepingPortal(), identity=by_form()))
    assert sign_in(browser, "ann", path).status == 303
    assert len(memory_store.bindings("credential/")) == 1


def test_bindings_hold_neither_the_credential_nor_its_digest(wrapped, new_browser, memory_store):
    browser = new_browser(wrapped(KeepingPortal(renews=True), identity=by_form()))
    sign_in(browser, "ann")
    rows = str(memory_store.bindings(""))
    assert browser.cookies["sid"] not in rows


def test_a_form_with_nothing_but_a_password_needs_its_user_by_name(wrapped, new_browser, phone_of):
    def portal(environ, start_response):
        headers = [("Content-Type", "text/plain")]
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            if body == b"password=right":
                start_response("302 Found", [*headers, ("Set-Cookie", "sid=1; Path=/"), ("Location", "/")])
                return [b""]
        start_response("200 OK", headers)
        return [f"for {environ.get('wsgi_mfa.user')}".encode()]

    settings = {"cookies": ["sid"], "succeeded": ["status=302"], "failed": ["status=200"]}
    for wrong in ({"field": "password"}, {"field": "Pass-Word", "user": "owner"}, {}, {"field": "PASSWD"}):
        with pytest.raises(ConfigurationError, match="LoginForm: field"):
            LoginForm("/sign-in", **wrong, **settings)
    browser = new_browser(wrapped(portal, identity=LoginForm("/sign-in", user="owner", **settings)))
    assert browser.post_form("/sign-in", {"password": "wrong"}).status == 200
    assert browser.post_form("/sign-in", {"password": "right"}).status == 303
    browser.enroll("/", phone_of)
    assert browser.navigate("/").text == "for owner"
