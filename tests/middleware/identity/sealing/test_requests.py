"""Whatever a client makes of the seals that it holds, the application reads what the adapter reads."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_cookie

from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.identity.adapter import AdapterTraits, Credentials
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer
from wsgi_mfa.identity.sealing.contents import SealedCookie
from wsgi_mfa.identity.sealing.seals import CookieSeals
from wsgi_mfa.keys.ring import KeyRing

webob_cookies = pytest.importorskip("webob.cookies")
pytestmark = pytest.mark.requirement("D39")

SEALS = CookieSeals(keys=KeyRing([("k1", bytes(range(32)))]), entropy=SystemEntropy(), place=("portal",))
NOW = 1_700_000_000


def seal(name: str, value: str, user: str | None = None) -> str:
    [chunk] = SEALS.seal(name, SealedCookie(value=value, attributes=(), issued_at=NOW, user=user))
    return chunk


ALICE, BOB = seal("session", "ALICE"), seal("session", "BOB")
STAY, CART = seal("stay", "STAY", "alice"), seal("cart", "CART")


class Reading:
    """An adapter that says which values of its cookie it read."""

    credentials = Credentials(cookies=("session",))
    traits = AdapterTraits(user_changes_in_response=True, cookies_alone=True)

    def __init__(self) -> None:
        self.read = ""

    def identify(self, environ: Any) -> None:
        self.read = str(environ.get("HTTP_COOKIE", ""))

    def selftest(self) -> list[str]:
        return []

    store_selftest = selftest


def readers(header: str) -> list[str | None]:
    """Return the session in a header as applications read it."""
    found: list[str | None] = [parse_cookie(header).get("session")]
    found.append(webob_cookies.RequestCookies({"HTTP_COOKIE": header}).get("session"))
    try:
        morsel = SimpleCookie(header).get("session")
        found.append(None if morsel is None else morsel.value)
    except CookieError:
        pass
    return found


FRAGMENTS = [
    *(ALICE, BOB, STAY, CART, "session", "SESSION", "%73ession", "stay", "cart", "session.1", "x"),
    *("=", "=", "=", ";", "; ", ";", ",", '"', "[", "]", "\\", " ", "\t", "$Version=1", "mfas1.", ".11."),
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
def test_all_readers_agree_with_the_adapter_and_no_cookie_of_a_user_comes_through(raw: str) -> None:
    adapter = Reading()
    environ = {"HTTP_COOKIE": raw}
    sanitizer = RequestSanitizer(adapter, own_cookie_names=(), seals=SEALS)
    sanitized = sanitizer.clean(environ, now=NOW * 1_000_000)
    header = environ.get("HTTP_COOKIE", "")
    told = sanitized.cookies.credentials.get("session")
    assert told in (None, "ALICE", "BOB")
    assert adapter.read == header
    assert set(readers(header)) <= {told}
    # A seal opens for its own name alone, and what was sealed for a user waits for a verified request.
    assert header.count("ALICE") + header.count("BOB") == (told is not None)
    assert "STAY" not in header
    assert "CART" not in header.replace("cart=CART", "")


@given(st.lists(st.sampled_from([ALICE, BOB]), min_size=1, max_size=4))
def test_seals_of_two_sessions_are_doubled_and_of_one_are_not(seals: list[str]) -> None:
    raw = "; ".join(f"session={each}" for each in seals)
    sanitizer = RequestSanitizer(Reading(), own_cookie_names=(), seals=SEALS)
    sanitized = sanitizer.clean({"HTTP_COOKIE": raw}, now=NOW * 1_000_000)
    assert sanitized.doubled == (("session",) if len(set(seals)) > 1 else ())


def test_the_cookies_of_a_user_come_with_that_user_alone() -> None:
    sanitizer = RequestSanitizer(Reading(), own_cookie_names=(), seals=SEALS)
    for user, header in (("alice", "session=ALICE; stay=STAY"), ("bob", "session=ALICE")):
        environ = {"HTTP_COOKIE": f"stay={STAY}; session={ALICE}"}
        sanitized = sanitizer.clean(environ, now=NOW * 1_000_000)
        sanitizer.admit_cookies_of(environ, sanitized, user)
        assert environ["HTTP_COOKIE"] == header


def test_opened_seals_are_kept_for_one_ring_and_until_the_first_expires() -> None:
    lasting = SealedCookie(value="v", attributes=(), issued_at=NOW, expires_at=NOW + 10)
    [chunk] = SEALS.seal("session", lasting)
    sanitizer = RequestSanitizer(Reading(), own_cookie_names=(), seals=SEALS)
    reader, raw = sanitizer.cookie_reader, f"session={chunk}"
    first = reader.unsealed(raw, now=NOW * 1_000_000)
    assert first.credentials == {"session": "v"}
    assert reader.unsealed(raw, now=(NOW + 9) * 1_000_000) is first
    assert reader.unsealed(raw, now=(NOW + 10) * 1_000_000).credentials == {}
