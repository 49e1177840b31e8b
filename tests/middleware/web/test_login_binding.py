"""A portal of which nothing is known but its sign-in form, or a header of its answer (D9, R61)."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from werkzeug.wrappers import Request

from wsgi_mfa import Chain, ConfigurationError, LoginForm, RemoteUser, ResponseHeader
from wsgi_mfa.adapters import SignInProbe
from wsgi_mfa.identity.observed_login.login_body import JSON, MULTIPART, URLENCODED, written

PASSWORD = "correct horse"
SECRET = "a secret of the portal alone"


@dataclass
class OldPortal:
    """Sessions on the server that keep their id over sign-in and sign-out, and a token in the form.

    ``/sign-in`` has the form; ``/api/sign-in`` is a door that nobody declared.
    """

    sessions: dict[str, dict[str, str]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    wrong_status: str = "200 OK"
    right_status: str = "302 Found"
    named: str | None = None
    renewing: bool = False
    remembering: str | None = None

    def __call__(self, environ, start_response):
        self.calls.append(dict(environ))
        path, headers = environ["PATH_INFO"], [("Content-Type", "text/html")]
        cookies = dict(part.split("=", 1) for part in environ.get("HTTP_COOKIE", "").split("; ") if part)
        sid = cookies.get("sid")
        if sid not in self.sessions:
            sid = self._begin({}, headers)
        session = self.sessions[sid]
        status, text = "200 OK", session.get("user", "a visitor")
        if path == "/sign-in" and environ["REQUEST_METHOD"] == "GET":
            session["token"] = f"token of {sid}"
            text = f'<input type="hidden" name="token" value="{session["token"]}">'
        elif path in ("/sign-in", "/api/sign-in"):
            form = form_in(environ)
            form |= {name: each[-1] for name, each in parse_qs(environ["QUERY_STRING"]).items()}
            good = form.get("password") == PASSWORD and (
                path == "/api/sign-in" or form.get("token") == session.get("token")
            )
            status = self.right_status if good else self.wrong_status
            text = "secret things" if good else "wrong"
            if good:
                session["user"] = form.get("user", "")
                headers.append(("Location", "/reports"))
                if self.remembering is not None:
                    headers.append(("Set-Cookie", f"{self.remembering}=1; Path=/"))
                if self.named is not None:
                    headers.append(("X-Signed-In", self.named.format(user=form.get("user"))))
        elif path == "/sign-out":
            session.pop("user", None)
        elif "user" not in session:
            status = "401 Unauthorized"
        elif self.renewing:
            self._begin(self.sessions.pop(sid), headers)
        start_response(status, headers)
        return [text.encode()]

    def _begin(self, session: dict[str, str], headers: list[tuple[str, str]]) -> str:
        sid = hashlib.sha256(str(len(self.calls)).encode()).hexdigest()[:16]
        self.sessions[sid] = session
        headers.append(("Set-Cookie", f"sid={sid}; Path=/; HttpOnly"))
        return sid


def form_in(environ: dict[str, Any]) -> dict[str, str]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    kind = environ["CONTENT_TYPE"]
    if kind == "application/json":
        return json.loads(body)
    if kind.startswith("multipart/"):
        return Request({**environ, "wsgi.input": io.BytesIO(body)}).form.to_dict()
    return {name: each[-1] for name, each in parse_qs(body.decode()).items()}


@pytest.fixture
def old_portal() -> OldPortal:
    return OldPortal()


def by_form(**settings: Any) -> LoginForm:
    chosen = {
        "cookies": ["sid"],
        "succeeded": ["status=302", "location=/reports*"],
        "failed": ["status=200"],
        "sign_out": ["/sign-out"],
    }
    return LoginForm("/sign-in", "user", **{**chosen, **settings})


@pytest.fixture
def browser(wrapped, old_portal, new_browser):
    return new_browser(wrapped(old_portal, identity=by_form()))


def sign_in(browser, *, user="alice", password=PASSWORD, query="", **more):
    token = browser.navigate("/sign-in").text.partition('value="')[2].partition('"')[0]
    return browser.post_form(f"/sign-in{query}", {"user": user, "password": password, "token": token, **more})


@pytest.mark.requirement("D9")
@pytest.mark.parametrize("renewing", [False, True])
def test_the_whole_story_with_nothing_but_the_form(
    wrapped, new_browser, old_portal, phone_of, clock, renewing
):
    old_portal.renewing = renewing
    fields = {"sign_in_fields": [["user", "password"]]} if renewing else {}
    browser = new_browser(wrapped(old_portal, identity=by_form(renews_in_responses=renewing), **fields))
    assert browser.navigate("/reports").status == 401
    assert sign_in(browser, password="wrong").text == "wrong"
    assert browser.navigate("/reports").status == 401
    held = sign_in(browser)
    assert held.status == 303
    assert b"secret things" not in held.body
    assert browser.get_json("/reports").problem == "must_enroll"
    phone = browser.enroll("/reports", phone_of)
    for _ in range(3):
        assert browser.navigate("/reports").text == "alice"
    assert old_portal.calls[-1]["wsgi_mfa.user"] == "alice"
    assert "wsgi_mfa_login" not in old_portal.calls[-1]["HTTP_COOKIE"]
    saved = dict(browser.cookies)
    browser.navigate("/sign-out")
    for cookies in (saved, browser.cookies):
        browser.cookies = dict(cookies)
        assert browser.navigate("/reports").status != 200
    browser.cookies.clear()
    clock.wait_for_step()
    assert "/mfa/verify" in sign_in(browser).location
    browser.enter_code("/reports", phone)
    assert browser.navigate("/reports").text == "alice"


@pytest.mark.requirement("D9")
@pytest.mark.parametrize("kind", [MULTIPART, JSON])
def test_a_sign_in_is_read_in_the_media_types_that_the_portal_takes(
    wrapped, old_portal, new_browser, phone_of, kind
):
    rehearsal = SignInProbe(old_portal, user="check", password=PASSWORD)
    identity = by_form(media_types=[kind], rehearsal=rehearsal)
    browser = new_browser(wrapped(old_portal, identity=identity))
    token = browser.navigate("/sign-in").text.partition('value="')[2].partition('"')[0]
    fields = {"user": "alice", "password": PASSWORD, "token": token}
    for sent, status in ((URLENCODED, 403), (kind, 303)):
        content_type, body = written(fields, sent)
        headers = {"Content-Type": content_type, "Accept": "text/html"}
        answer = browser.request("POST", "/sign-in", headers=headers, body=body)
        assert answer.status == status
        assert b"secret things" not in answer.body
    browser.enroll("/reports", phone_of)
    assert browser.navigate("/reports").text == "alice"
    with pytest.raises(ConfigurationError, match=r"media_types is \['text/xml'\]: legal is a list of"):
        by_form(media_types=["text/xml"])


@pytest.mark.requirement("D9", "D4")
def test_a_door_beside_the_form_leads_nowhere(browser, old_portal):
    browser.navigate("/sign-in")
    browser.post_form("/api/sign-in", {"user": "alice", "password": PASSWORD})
    assert any(session.get("user") == "alice" for session in old_portal.sessions.values())
    assert browser.navigate("/reports").status == 401


@pytest.mark.requirement("D9")
def test_a_visitors_session_that_was_signed_in_elsewhere_is_a_visitors_session(browser, old_portal):
    browser.navigate("/sign-in")
    old_portal.sessions[browser.cookies["sid"]]["user"] = "alice"
    assert browser.navigate("/reports").status == 401
    assert browser.navigate("/sign-in").status == 200


def test_what_visitors_look_at_meanwhile_does_not_spoil_the_form(browser):
    browser.navigate("/sign-in")
    token = browser.navigate("/sign-in").text.partition('value="')[2].partition('"')[0]
    browser.navigate("/style.css")
    held = browser.post_form("/sign-in", {"user": "alice", "password": PASSWORD, "token": token})
    assert held.status == 303


@pytest.mark.requirement("D9")
@pytest.mark.parametrize("status", ["403 Forbidden", "303 See Other", "500 Internal Server Error"])
def test_an_answer_that_is_neither_is_held_and_signs_nobody_in(browser, old_portal, status, caplog):
    old_portal.right_status = status
    answer = sign_in(browser)
    assert answer.status == 403
    assert b"secret things" not in answer.body
    assert "neither succeeded nor failed" in caplog.text
    assert browser.navigate("/reports").status == 401


@pytest.mark.requirement("D9")
def test_a_sign_in_by_other_cookies_than_the_named_ones_is_held(
    wrapped, old_portal, new_browser, memory_store
):
    browser = new_browser(wrapped(old_portal, identity=by_form(cookies=["other"])))
    answer = sign_in(browser)
    assert answer.status == 403
    assert b"secret things" not in answer.body
    assert memory_store.users() == []


@pytest.mark.requirement("D9")
def test_a_wrong_password_never_leads_to_a_page_of_ours(browser, memory_store):
    for _ in range(3):
        sign_in(browser, password="wrong")
        assert browser.navigate("/mfa/enroll").status == 303
        assert browser.get_json("/mfa/enroll").status == 401
    assert memory_store.users() == []


@pytest.mark.requirement("D9")
@pytest.mark.parametrize(
    ("query", "more"), [("?user=mallory", {}), ("", {"user": ""}), ("?x=1&user=alice", {"user": "victim"})]
)
def test_a_user_who_is_not_there_exactly_once_is_nobody(browser, memory_store, query, more):
    assert sign_in(browser, query=query, **more).status == 403
    assert browser.navigate("/mfa/enroll").status == 303
    assert memory_store.users() == []


def test_a_user_who_is_there_twice_is_nobody(browser, old_portal):
    token = browser.navigate("/sign-in").text.partition('value="')[2].partition('"')[0]
    body = urlencode([("user", "victim"), ("user", "mallory"), ("password", PASSWORD), ("token", token)])
    answer = browser.request(
        "POST",
        "/sign-in",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"},
        body=body.encode(),
    )
    assert answer.status == 403
    assert old_portal.calls[-1]["wsgi.input"] is not None


def test_a_body_of_another_kind_reaches_the_portal_unread(wrapped, new_browser):
    seen = []

    def portal(environ, start_response):
        seen.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    browser = new_browser(wrapped(portal, identity=by_form()))
    body = b'{"user": "alice"}'
    browser.request("POST", "/sign-in", headers={"Content-Type": "application/json"}, body=body)
    big = b"user=alice&x=" + b"x" * 100_000
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    browser.request("POST", "/sign-in", headers=kind, body=big)
    browser.request("POST", "/sign-in", headers=kind, body=b"user=alice")
    assert seen == [body, big, b"user=alice"]


def test_a_length_with_zeros_before_it_is_not_believed(wrapped, new_browser):
    read = []

    class Body(io.BytesIO):
        def read(self, length=-1):
            read.append(length)
            return b""

    def portal(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    browser = new_browser(wrapped(portal, identity=by_form()))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    environ = {"CONTENT_LENGTH": "0" * 20 + "9" * 12, "wsgi.input": Body()}
    browser.request("POST", "/sign-in", headers=kind, environ=environ)
    assert read == []


@pytest.mark.requirement("D9", "R49")
def test_labels_are_worth_nothing_with_other_cookies(browser, old_portal, new_browser, phone_of):
    sign_in(browser)
    browser.enroll("/reports", phone_of)
    label = browser.cookies["__Host-wsgi_mfa_login_portal"]
    mallory = new_browser(browser.application)
    sign_in(mallory, user="mallory")
    own = dict(mallory.cookies)
    for changed in (
        {"__Host-wsgi_mfa_login_portal": label},
        {"sid": browser.cookies["sid"]},
        {"__Host-wsgi_mfa_login_portal": own["__Host-wsgi_mfa_login_portal"].replace("u.", "v.", 1)},
        {"__Host-wsgi_mfa_login_portal": "x" + own["__Host-wsgi_mfa_login_portal"]},
        {"__Host-wsgi_mfa_login_portal": own["__Host-wsgi_mfa_login_portal"][:-1]},
    ):
        mallory.cookies = {**own, **changed}
        assert mallory.navigate("/reports").status == 401, changed
    mallory.cookies = {name: value for name, value in own.items() if "login" not in name}
    assert mallory.navigate("/reports").status == 401


@pytest.mark.requirement("D9")
def test_the_selftest_plays_a_wrong_and_a_right_sign_in(wrapped, old_portal):
    rehearsal = SignInProbe(old_portal, user="check", password=PASSWORD)
    assert wrapped(old_portal, identity=by_form(rehearsal=rehearsal))
    for settings, said in (
        ({"succeeded": ["status=200"], "failed": ["status=401"]}, "succeeded holds for a wrong password"),
        ({"succeeded": ["status=200"], "failed": ["status=302"]}, "failed holds for a right password"),
        ({"failed": ["status=401"]}, "a wrong password was not recognised"),
        ({"succeeded": ["status=303"]}, "a right password was not recognised"),
        ({"cookies": ["other"]}, "sets none of the cookies other"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            wrapped(old_portal, identity=by_form(rehearsal=rehearsal, **settings))


@pytest.mark.requirement("D6", "D9")
def test_a_cookie_that_could_not_be_paired_is_found_by_the_rehearsal(wrapped, old_portal):
    old_portal.remembering = "stay=a b,c; x"
    rehearsal = SignInProbe(old_portal, user="check", password=PASSWORD)
    with pytest.raises(ConfigurationError, match="the cookie stay has characters that no cookie may have"):
        wrapped(old_portal, identity=by_form(cookies=["sid", "stay"], rehearsal=rehearsal))


@pytest.mark.requirement("D4", "D9")
def test_a_cookie_of_the_sign_in_that_nobody_has_named_is_kept_back_and_told_of(
    wrapped, old_portal, new_browser, caplog
):
    old_portal.remembering = "stay"
    rehearsal = SignInProbe(old_portal, user="check", password=PASSWORD)
    with pytest.raises(ConfigurationError, match=r"sets the cookie 'stay' too, .* name it in cookies"):
        wrapped(old_portal, identity=by_form(rehearsal=rehearsal))
    for settings in ({"cookies": ["sid", "stay"]}, {"harmless_cookies": ["stay"]}):
        assert wrapped(old_portal, identity=by_form(rehearsal=rehearsal, **settings))
    application = wrapped(old_portal, identity=by_form())
    caplog.clear()
    for _ in range(2):
        browser = new_browser(application, cookies={"stay": "0"})
        assert sign_in(browser).status == 303
        assert browser.cookies["stay"] == "0"
    assert caplog.text.count("sets the cookie 'stay' too") == 1


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"succeeded": []}, r"succeeded is \[\]: legal is a list of conditions"),
        ({"failed": ["code=200"]}, "failed has 'code=200': legal are status=302"),
        ({"failed": ["status=20"]}, "failed has 'status=20'"),
        ({"cookies": []}, r"cookies is \[\]"),
        ({"cookies": "sid"}, "cookies is 'sid'"),
        ({"sign_out": ["sign-out"]}, "sign_out is"),
        ({"sign_out": "/sign-out"}, "sign_out is"),
    ],
)
def test_a_setting_without_a_legal_value_is_named(settings, named):
    with pytest.raises(ConfigurationError, match=named):
        by_form(**settings)


def test_plain_http_is_said_on_both_sides(wrapped, old_portal, new_browser, phone_of):
    with pytest.raises(ConfigurationError, match="legal is False with plain_http=True"):
        wrapped(old_portal, identity=by_form(), plain_http=True)
    with pytest.raises(ConfigurationError, match="legal is True with plain_http=False"):
        wrapped(old_portal, identity=by_form(secure=False))
    application = wrapped(old_portal, identity=by_form(secure=False), plain_http=True)
    browser = new_browser(application, origin="http://localhost:8000")
    sign_in(browser)
    browser.enroll("/reports", phone_of)
    assert browser.navigate("/reports").text == "alice"


def test_a_chain_has_room_for_a_form(wrapped, old_portal, new_browser, phone_of):
    browser = new_browser(wrapped(old_portal, identity=Chain(RemoteUser(), by_form())))
    sign_in(browser)
    browser.enroll("/reports", phone_of)
    assert browser.navigate("/reports").text == "alice"


@pytest.mark.requirement("R61")
def test_a_header_of_the_sign_ins_answer_names_the_user_and_reaches_nobody(
    wrapped, old_portal, new_browser, phone_of
):
    old_portal.named = "{user}@example.com"
    identity = ResponseHeader("X-Signed-In", path="/sign-in", cookies=["sid"], sign_out=["/sign-out"])
    browser = new_browser(wrapped(old_portal, identity=identity))
    assert sign_in(browser, password="wrong").text == "wrong"
    assert browser.navigate("/reports").status == 401
    held = sign_in(browser)
    assert held.status == 303
    assert held.all("X-Signed-In") == []
    browser.enroll("/reports", phone_of)
    assert browser.navigate("/reports").text == "alice"
    assert old_portal.calls[-1]["wsgi_mfa.user"] == "alice@example.com"


@pytest.mark.requirement("R61")
def test_the_header_of_any_other_answer_means_nothing_and_is_taken_out(wrapped, new_browser):
    def echo(environ, start_response):
        headers = [("Content-Type", "text/plain"), ("X-Signed-In", "admin"), ("Set-Cookie", "sid=1; Path=/")]
        start_response("200 OK", headers)
        return [environ.get("HTTP_COOKIE", "").encode()]

    identity = ResponseHeader("X-Signed-In", path="/sign-in", statuses=[302], cookies=["sid"])
    browser = new_browser(wrapped(echo, identity=identity))
    for method, path, status in (
        ("GET", "/sign-in", 200),
        ("POST", "/other", 200),
        ("POST", "/sign-in", 403),
    ):
        answer = browser.request(method, path)
        assert answer.status == status
        assert answer.all("X-Signed-In") == []
        assert b"sid" not in browser.request("GET", "/other").body


@pytest.mark.requirement("R61")
def test_a_signed_header_is_taken_from_who_knows_the_secret(wrapped, old_portal, new_browser, phone_of):
    def signature(user: str) -> str:
        return hmac.new(SECRET.encode(), user.encode(), hashlib.sha256).hexdigest()

    identity = ResponseHeader("X-Signed-In", path="/sign-in", cookies=["sid"], secret=SECRET)
    browser = new_browser(wrapped(old_portal, identity=identity))
    for wrong in ("alice", "alice;", f"bob;{signature('alice')}", f";{signature('')}"):
        old_portal.named = wrong
        assert sign_in(browser).status == 403, wrong
    old_portal.named = f"alice;{signature('alice')}"
    assert sign_in(browser).status == 303
    browser.enroll("/reports", phone_of)
    with pytest.raises(ConfigurationError, match="at least 16 characters"):
        ResponseHeader("X-Signed-In", path="/sign-in", cookies=["sid"], secret="short")
    with pytest.raises(ConfigurationError, match="header is 'X Signed'"):
        ResponseHeader("X Signed", path="/sign-in", cookies=["sid"])


def test_a_portal_that_starts_late_is_labelled_too(wrapped, old_portal, new_browser, phone_of):
    def late(environ, start_response):
        yield from old_portal(environ, start_response)

    browser = new_browser(wrapped(late, identity=by_form()))
    held = sign_in(browser)
    assert held.status == 303
    browser.enroll("/reports", phone_of)
    assert browser.navigate("/reports").text == "alice"
