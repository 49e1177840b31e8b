"""What a worker remembers of requests that passed, and when it must not count (D24)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsgi_mfa import KeyRing
from wsgi_mfa.core.account import Account, Method, Session
from wsgi_mfa.core.authentication_state import AuthenticationState
from wsgi_mfa.support import Outcome
from wsgi_mfa.web import worker_cache
from wsgi_mfa.web.worker_cache import CachedRequest, WorkerCache

RING = KeyRing([("k1", b"1" * 32)])
ACCOUNT = Account(user="alice", generation="g", revision="r1")
SESSION = Session(id="s", browser="b", login="login-1", method=Method.CODE, verified_at=100, seen_at=100)
KNOWN = CachedRequest(
    user="alice",
    login="login-1",
    revision="r1",
    ring=RING,
    session_id="s1",
    state=AuthenticationState(outcome=Outcome.SIGNED_IN, since=100, until=200),
    told={},
)


@pytest.fixture
def kept():
    kept = WorkerCache()
    kept.keep("cookie", KNOWN)
    return kept


@pytest.mark.parametrize("now", [100, 150, 199])
def test_a_pass_is_found_while_it_is_good(kept, now):
    assert kept.find("cookie", ACCOUNT, login="login-1", ring=RING, now=now) is KNOWN


@pytest.mark.requirement("D24", "R49", "R51", "R52")
@pytest.mark.parametrize(
    "difference",
    [
        {"cookie": "another"},
        {"cookie": None},
        {"account": replace(ACCOUNT, revision="r2")},
        {"account": replace(ACCOUNT, user="bob")},
        {"login": "login-2"},
        {"login": None},
        {"ring": KeyRing([("k1", b"1" * 32)])},
        {"now": 99},
        {"now": 200},
    ],
    ids=str,
)
def test_a_pass_is_good_for_nothing_else(kept, difference):
    asked = {
        "cookie": "cookie",
        "account": ACCOUNT,
        "login": "login-1",
        "ring": RING,
        "now": 150,
        **difference,
    }
    cookie, account = asked.pop("cookie"), asked.pop("account")
    assert kept.find(cookie, account, **asked) is None


def test_passes_are_bounded(kept, monkeypatch):
    monkeypatch.setattr(worker_cache, "CACHED_REQUESTS_MAX", 10)
    for number in range(100):
        kept.keep(str(number), KNOWN)
    assert len(kept._passes) <= 10
    assert kept.find("99", ACCOUNT, login="login-1", ring=RING, now=150) is KNOWN


# In the middleware


@pytest.fixture
def passing(browser_of, phone_of):
    """A browser with both factors, whose last request passed."""
    alice = browser_of("alice")
    alice.enroll("/", phone_of)
    assert alice.request("GET", "/").status == 200
    return alice


def test_a_request_that_passes_again_tells_the_application_the_same(passing, portal):
    passing.request("GET", "/")
    told = [{key: call[key] for key in call if key.startswith("wsgi_mfa.")} for call in portal.calls[-2:]]
    assert told[0] == told[1]
    assert set(told[0]) == {"wsgi_mfa.user", "wsgi_mfa.method", "wsgi_mfa.verified_at"}
