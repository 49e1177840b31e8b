"""The invariants of every reply."""

from __future__ import annotations

import pytest

from mfa_simulator.invariants.call import BROWSER_COOKIE, SESSION_COOKIE, JudgedCall, Save
from mfa_simulator.invariants.ledger import Ledger
from mfa_simulator.invariants.replies import ReplyJudge
from mfa_simulator.world.http import Request, Response
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Account

STRICT = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
)
GOOD = f"{BROWSER_COOKIE}=a.b.c; Path=/; HttpOnly; SameSite=Lax"


def call_of(*headers, path="/mfa/verify", cookie="", from_app=False):
    request = Request(method="GET", url=f"http://127.0.0.1:8000{path}", headers=(("Cookie", cookie),))
    response = Response(status=200, headers=headers, from_app=from_app)
    call = JudgedCall(request=request, user="ann", at=0, now=0, policy=Policy(), number=1, closed={})
    call.response = response
    return call


def found(call):
    ledger = Ledger()
    ReplyJudge(ledger).judge(call)
    return [violation.seen for violation in ledger.broken]


def test_a_strict_reply_with_good_cookies_breaks_nothing():
    assert found(call_of(*STRICT, ("Set-Cookie", GOOD), ("Location", "/mfa/continue?next=/"))) == []


@pytest.mark.parametrize(
    ("cookie", "seen"),
    [
        (GOOD.replace("; HttpOnly", ""), "no HttpOnly"),
        (GOOD.replace("; SameSite=Lax", "; SameSite=None"), "no SameSite"),
        (GOOD.replace("Path=/", "Path=/mfa"), "not for all of this host"),
        (GOOD + "; Domain=example.com", "not for all of this host"),
        ("__Host-" + GOOD, "is not Secure"),
        (GOOD + "; Max-Age=99999999", "lives longer than 400 days"),
    ],
)
def test_a_cookie_without_an_attribute_is_found(cookie, seen):
    (violation,) = found(call_of(*STRICT, ("Set-Cookie", cookie)))
    assert seen in violation


@pytest.mark.parametrize("name", [name for name, _ in STRICT])
def test_a_missing_security_header_is_found_on_pages_of_the_middleware_alone(name):
    headers = [header for header in STRICT if header[0] != name]
    assert found(call_of(*headers))
    assert found(call_of(*headers, path="/orders")) == []
    assert found(call_of(*headers, from_app=True)) == []


@pytest.mark.parametrize(
    "location",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "http://127.0.0.1:80001/",
        "/a\tb",
        "javascript:1",
    ],
)
def test_a_reply_that_leads_away_is_found(location):
    (violation,) = found(call_of(*STRICT, ("Location", location)))
    assert "leads away" in violation


@pytest.mark.parametrize(("given", "is_broken"), [("b", True), ("c", False)])
def test_a_browser_that_keeps_its_id_at_a_success_is_found(given, is_broken):
    session = f"{SESSION_COOKIE}=s.1.x; Path=/; HttpOnly; SameSite=Lax"
    call = call_of(
        *STRICT,
        ("Set-Cookie", session),
        ("Set-Cookie", GOOD.replace("a.b.c", f"s.{given}.x")),
        cookie=f"{BROWSER_COOKIE}=s.b.x",
    )

    class Opened(JudgedCall):
        def opened(self, save):
            return ["1"]

    call.__class__ = Opened
    account = Account(user="ann", generation="g")
    call.saves.append(Save(before=None, after=account, events=()))
    assert bool(found(call)) is is_broken
