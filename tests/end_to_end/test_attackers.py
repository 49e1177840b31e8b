"""Attackers at a real server: with a password, with an own account, with stolen cookies, and agents of the desk."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

pytestmark = pytest.mark.any_python

PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
DATA = {"Accept": "application/json"}
#: Ways to spell the path of a page, and headers that name another one.
PATHS = ("/", "//", "/./", "/orders", "/%6frders", "/orders/", "/orders;x=1", "/static/../orders", "/mfa/../")
HEADERS = (
    {"X-Original-URL": "/static/style.css"},
    {"X-Rewrite-Url": "/static/style.css"},
    {"X-HTTP-Method-Override": "OPTIONS"},
    {"Authorization": "Basic YWxpY2VAZXhhbXBsZS5jb206eA=="},
    {"Remote-User": "alice@example.com", "X-Remote-User": "alice@example.com"},
)


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def said(self) -> dict[str, object]:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass
class Client:
    """A program that keeps cookies and sends exactly what it is told to."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body or None, sent)
        response = connection.getresponse()
        answer = Answer(response.status, response.getheaders(), response.read())
        connection.close()
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                if "max-age=0" in rest.lower():
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = rest.partition(";")[0]
        return answer

    def password(self, user: str, password: str) -> Answer:
        body = urlencode({"username": user, "password": password}).encode()
        return self.send("POST", "/sign-in", body, Content_Type="application/x-www-form-urlencoded", **PAGE)

    def get(self, page: str) -> Answer:
        return self.send("GET", f"/mfa/{page}", **DATA)

    def post(self, page: str, **members: object) -> Answer:
        body = json.dumps(members).encode()
        return self.send("POST", f"/mfa/{page}", body, Content_Type="application/json", **DATA)

    @property
    def stands(self) -> str:
        """The outcome of a request to the portal, ``in``, or ``visitor``."""
        answer = self.send("GET", "/orders", **DATA)
        if "problem" in answer.header("Content-Type"):
            return str(answer.said["type"]).removeprefix("urn:wsgi-mfa:")
        return "in" if answer.status == 200 else "visitor"

    def only(self, *words: str) -> Client:
        """A thief's client with those of these cookies whose names have one of the words; ``portal`` is its own."""
        kept = {
            key: value
            for key, value in self.cookies.items()
            if any(word in key for word in words) or ("portal" in words and "wsgi_mfa" not in key)
        }
        return Client(self.port, kept)


@dataclass
class Place:
    port: int
    accounts: list[tuple[str, str]]
    phone_of: object

    def client(self) -> Client:
        return Client(self.port)

    def enrolled(self, number: int):
        client, (user, password) = self.client(), self.accounts[number]
        client.password(user, password)
        phone = self.phone_of(client.get("enroll").said["key"])
        assert client.post("enroll", code=phone.code()).status == 200
        assert client.post("recovery-code", saved=True).said["outcome"] == "signed_in"
        assert client.stands == "in"
        return client, phone


@pytest.fixture
def place(start_demo, phone_of):
    demo = start_demo()
    lines = [line.split(" ")[1:3] for line in demo.said if line.startswith("account: ")]
    return Place(demo.port, [(user, password) for user, password in lines], phone_of)


def wrong(phone) -> str:
    near = {phone.code(steps) for steps in range(-30, 31)}
    return next(text for text in (f"{number:06d}" for number in range(100)) if text not in near)


def wrongs(phone):
    near = {phone.code(steps) for steps in range(-30, 61)}
    return (text for text in (f"{number:06d}" for number in range(1000)) if text not in near)


@pytest.mark.requirement("D44", "D46", "D47")
def test_a_password_gets_a_thief_neither_a_phone_nor_a_page_nor_a_lock_of_a_known_browser(place):
    victim, phone = place.enrolled(0)
    user, password = place.accounts[0]
    for spelling in (user.upper(), f" {user} ", user.title(), user.replace("a", "\uff41")):
        thief = place.client()
        thief.password(spelling, password)
        assert thief.stands in ("must_verify", "visitor")  # and never must_enroll
    thief = place.client()
    thief.password(user, password)
    assert thief.stands == "must_verify"
    assert thief.get("enroll").status == 401
    assert thief.post("enroll", code="123456").status in (401, 403)
    assert thief.get("recovery-code").status == 401
    assert thief.get("support").said["agent"] is False
    for path in PATHS:
        assert thief.send("GET", path, **PAGE).status in (303, 404)  # to the code, or no page of ours
    for headers in HEADERS:
        answer = thief.send("GET", "/orders", **PAGE, **{k.replace("-", "_"): v for k, v in headers.items()})
        assert answer.status in (303, 401, 403)
    guesses = wrongs(phone)
    statuses = [thief.post("verify", code=next(guesses)).status for _ in range(8)]
    assert statuses[:5] == [422] * 5
    assert statuses[5:] == [429] * 3
    locked = thief.post("verify", code=phone.code(1))
    assert locked.status == 429  # a right one gets the same answer
    assert int(locked.header("Retry-After")) <= 30
    forged = place.client()
    forged.cookies = {name: "A" * 22 for name in victim.cookies if "known" in name}
    forged.password(user, password)
    assert forged.post("verify", code=next(guesses)).status == 429
    assert victim.stands == "in"
    assert victim.send("POST", "/sign-out", **PAGE).status in (200, 302, 303)
    victim.password(user, password)
    assert victim.stands == "must_verify"
    assert victim.post("verify", code=phone.code(1)).said["outcome"] == "signed_in"
    assert victim.stands == "in"


@pytest.mark.requirement("R51", "D19", "D46")
def test_an_own_account_lends_nothing_to_anothers(place):
    _, phone = place.enrolled(0)
    attacker, own_phone = place.enrolled(1)
    user, password = place.accounts[0]
    own = attacker.only("known", "browser", "wsgi_mfa_session")
    own.password(user, password)  # in the browser in which the attacker has shown the own second factor
    assert own.stands == "must_verify"
    guesses = wrongs(phone)
    assert own.post("verify", code=own_phone.code(1)).status == 422
    statuses = [own.post("verify", code=next(guesses)).status for _ in range(6)]
    assert 429 in statuses  # the attacker's known browser is none of the victim's
    again = place.client()
    again.password(user, password)
    assert again.post("verify", code=next(guesses)).status == 429
    assert attacker.stands == "must_verify"  # another user has come with that session: it has ended
    for action in ("find", "reset", "unlock", "invite", "end_sessions"):
        answer = attacker.post("support", action=action, find=user, user=user, email=user, reason="x")
        assert (answer.status, answer.said["reason"]) == (403, "not_an_agent")


@pytest.mark.requirement("D39", "D46")
def test_stolen_cookies_open_what_they_say_and_no_more(place):
    victim, phone = place.enrolled(0)
    user, password = place.accounts[0]
    assert victim.only("portal").stands == "must_verify"  # the portal's cookie without ours
    assert victim.only("wsgi_mfa").stands == "visitor"  # ours without the portal's
    for words in (("portal", "browser"), ("portal", "known"), ("portal", "browser", "known")):
        assert victim.only(*words).stands == "must_verify"
    for name in victim.cookies:
        tampered = victim.only("portal", "wsgi_mfa")
        value = tampered.cookies[name]
        tampered.cookies[name] = ("A" if value[0] != "A" else "B") + value[1:]
        expected = ("in",) if "known" in name else ("must_verify", "visitor", "in")
        assert (
            tampered.stands in expected if "browser" in name or "known" in name else tampered.stands != "in"
        )
    whole = victim.only("portal", "wsgi_mfa")
    assert whole.stands == "in"  # a session is a session, until it ends
    assert victim.post("sign-out").status == 200
    assert whole.stands != "in"
    thief = victim.only("known")
    thief.password(user, password)
    guesses = wrongs(phone)
    statuses = [thief.post("verify", code=next(guesses)).status for _ in range(6)]
    assert statuses[0] == 422
    assert statuses[-1] == 429  # its own back-off
    elsewhere = place.client()
    elsewhere.password(user, password)
    assert elsewhere.post("verify", code=phone.code(1)).said["outcome"] == "signed_in"


@pytest.mark.requirement("R44", "R46", "R47", "D15")
def test_agents_act_behind_a_second_factor_for_others_and_not_for_each_other(place):
    victim, phone = place.enrolled(0)
    user = place.accounts[0][0]
    edith, farid = place.accounts[4], place.accounts[5]
    thief = place.client()
    thief.password(*edith)
    assert thief.post("support", action="find", find=user).status in (401, 403)
    agent, _ = place.enrolled(4)
    found = agent.post("support", action="find", find=user)
    assert found.status == 200
    handle = found.said["accounts"][0]
    call = {"user": user, "email": user, "reason": "lost", "ticket": "1"}
    wrong_address = agent.post("support", action="reset", **{**call, "email": "other@example.com"})
    assert (wrong_address.status, wrong_address.said["reason"]) == (404, "wrong_pair")
    for other in (edith[0], farid[0]):
        answer = agent.post("support", action="reset", **{**call, "user": other, "email": other})
        assert answer.status in (403, 404)
    assert victim.stands == "in"
    stranger, _ = place.enrolled(1)
    handle_url = next((value for value in handle.values() if "account=" in str(value)), "")
    if handle_url:
        path = str(handle_url).partition("/mfa/")[2]
        assert stranger.get(path).said.get("agent") is False
    reset = agent.post("support", action="reset", **call)
    assert reset.said["outcome"] == "reset"
    assert victim.stands in ("must_enroll", "sign_in_required")
    assert phone.key.encode() not in found.body
    thief = place.client()
    thief.password(*place.accounts[0])
    for attempt in ("MFRG-GZDF-MZTW-Q2LK", "A" * 16):
        assert thief.post("enroll", enrollment_code=attempt).status in (401, 403, 404, 422)


@pytest.mark.requirement("D46")
def test_long_codes_cannot_be_tried_without_end(place):
    _, phone = place.enrolled(0)
    thief = place.client()
    thief.password(*place.accounts[0])
    begun = time.monotonic()
    guess = "ABCD-EFGH-JKMN-PQRS-TVWX-Y"
    statuses = [
        thief.post("recover", recovery_code=f"{guess}{number:03d}"[:29]).status for number in range(30)
    ]
    statuses += [thief.post("unlock", code=f"{number:016d}").status for number in range(30)]
    assert 200 not in statuses
    assert statuses[-1] == 429
    assert time.monotonic() - begun < 60
    assert (
        thief.post("verify", code=phone.code(1)).said["outcome"] == "signed_in"
    )  # codes are not locked by them
