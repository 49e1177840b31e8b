from __future__ import annotations

import base64
import hashlib
import sys
import time
import uuid
import zlib
from typing import Any

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor
from wsgi_mfa.identity.adapters.flask_session import FlaskSession

SECRET = "a portal's own secret"
START = 1_767_225_600  # 2026-01-01T00:00:00Z
DAY = 24 * 60 * 60

# Written by Flask 3.1.3 at that time under that secret:
# session.update(_user_id="alice", cart=("a", "b"), _flashes=[("info", "Hi")])
FLASK_COOKIE = (
    ".eJyrVopPy0kszkgtVrKKrlZSKAFSSpl5aflKOkoemUqxtbE6SvGlxalF8ZkpSlZKiTmZyalAqeTEIqBKmPpEoEgSUG0tANGLGAo"
    ".aVW5AA.z07uoM8nTnBPjTNvxMkV0z252LQ"
)

ALICE = FirstFactor(user="alice", login=None)


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch):
    """Sets the time that itsdangerous reads."""

    def set_time(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: seconds)

    set_time(START)
    return set_time


@pytest.fixture
def adapter() -> FlaskSession:
    return FlaskSession(SECRET, user_key="_user_id")


def signed(session: Any, *, secret: str = SECRET, salt: str = "cookie-session") -> str:
    """A session cookie as Flask writes it."""
    serializer = URLSafeTimedSerializer(
        secret, salt=salt, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1}
    )
    return serializer.dumps(session)


def signed_payload(payload: bytes) -> str:
    signer = TimestampSigner(SECRET, salt="cookie-session", key_derivation="hmac", digest_method=hashlib.sha1)
    return signer.sign(payload).decode()


def environ(cookie: str, *, name: str = "session") -> dict[str, str]:
    return {"HTTP_COOKIE": f"{name}={cookie}; theme=dark"}


def test_the_user_of_a_signed_session_is_read(adapter: FlaskSession) -> None:
    cookie = signed({"_fresh": True, "_user_id": "alice"})
    assert adapter.identify(environ(cookie)) == ALICE
    assert adapter.identify(environ(cookie)) == ALICE


def test_a_cookie_that_flask_itself_wrote_is_read(adapter: FlaskSession) -> None:
    assert adapter.identify(environ(FLASK_COOKIE)) == ALICE


def test_a_compressed_session_is_read(adapter: FlaskSession) -> None:
    cookie = signed({"_user_id": "alice", "text": "x" * 500})
    assert cookie.startswith(".")
    assert adapter.identify(environ(cookie)) == ALICE


def test_a_number_is_the_same_user_as_its_text(adapter: FlaskSession) -> None:
    assert adapter.identify(environ(signed({"_user_id": 17}))) == FirstFactor(user="17")
    assert adapter.identify(environ(signed({"_user_id": "17"}))) == FirstFactor(user="17")


@pytest.mark.parametrize("session", [{}, {"_user_id": None}, {"user_id": ""}, {"csrf": "x"}])
def test_a_good_session_without_a_user_is_nobody(adapter: FlaskSession, session: dict[str, Any]) -> None:
    assert adapter.identify(environ(signed(session))) is None


def test_no_cookie_is_nobody(adapter: FlaskSession) -> None:
    assert adapter.identify({}) is None
    assert adapter.identify({"HTTP_COOKIE": "theme=dark; session2=x; xsession=y"}) is None


@pytest.mark.requirement("R60")
def test_another_time_salt_or_secret_is_unresolved(adapter: FlaskSession) -> None:
    for cookie in (
        signed({"_user_id": "alice"}, secret="another secret"),
        signed({"_user_id": "alice"}, salt="another salt"),
        signed_payload(b"eyJfdXNlcl9pZCI6ImFsaWNlIn0").rpartition(".")[0],
        "alice",
        "a.b.c",
    ):
        assert adapter.identify(environ(cookie)) is UNRESOLVED


@pytest.mark.requirement("R60")
def test_a_session_changed_anywhere_is_unresolved(adapter: FlaskSession) -> None:
    cookie = signed({"_user_id": "alice"})
    assert adapter.identify(environ(cookie)) == ALICE
    for position in range(len(cookie) - 1):  # the very last character has spare bits
        other = "A" if cookie[position] != "A" else "B"
        changed = cookie[:position] + other + cookie[position + 1 :]
        assert adapter.identify(environ(changed)) is UNRESOLVED


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"!",
        b"bm8ganNvbg",
        base64.urlsafe_b64encode(b'["_user_id"]'),
        base64.urlsafe_b64encode(b'"_user_id"'),
        base64.urlsafe_b64encode(b"null"),
        base64.urlsafe_b64encode(b'{"_user_id": "\xff"}'),
        base64.urlsafe_b64encode(b"[" * 100_000),
        b"." + base64.urlsafe_b64encode(b'{"_user_id": "alice"}'),
        b"."
        + base64.urlsafe_b64encode(zlib.compress(b'{"_user_id": "alice", "x": "' + b" " * 2**21 + b'"}')),
    ],
)
def test_a_good_signature_over_no_session_is_unresolved(adapter: FlaskSession, payload: bytes) -> None:
    assert adapter.identify(environ(signed_payload(payload))) is UNRESOLVED


@pytest.mark.parametrize("user", [True, False, 1.5, "", ["alice"], {" u": uuid.UUID(int=1).hex}, {"id": 1}])
def test_a_user_that_is_no_text_or_number_is_unresolved(adapter: FlaskSession, user: object) -> None:
    assert adapter.identify(environ(signed({"_user_id": user}))) is UNRESOLVED


@pytest.mark.requirement("R60")
def test_a_session_expires_after_31_days_also_when_it_was_seen_before(adapter: FlaskSession, at) -> None:
    cookie = signed({"_user_id": "alice"})
    at(START + 31 * DAY)
    assert adapter.identify(environ(cookie)) == ALICE
    at(START + 31 * DAY + 1)
    assert adapter.identify(environ(cookie)) is UNRESOLVED
    assert FlaskSession(SECRET, user_key="_user_id").identify(environ(cookie)) is UNRESOLVED


def test_a_session_signed_in_the_future_is_unresolved(adapter: FlaskSession, at) -> None:
    cookie = signed({"_user_id": "alice"})
    at(START - 1)
    assert adapter.identify(environ(cookie)) is UNRESOLVED


@pytest.mark.requirement("D3")
def test_a_flood_of_cookies_does_not_confuse_users(adapter: FlaskSession) -> None:
    cookies = [(f"user{number}", signed({"_user_id": f"user{number}"})) for number in range(1100)]
    for user, cookie in cookies + cookies[:3]:
        assert adapter.identify(environ(cookie)) == FirstFactor(user=user)
        assert adapter.identify(environ(cookie + "x")) is UNRESOLVED


def test_a_fallback_key_still_counts() -> None:
    cookie = signed({"_user_id": "alice"}, secret="the secret of 2010")
    assert FlaskSession(SECRET, user_key="_user_id").identify(environ(cookie)) is UNRESOLVED
    assert (
        FlaskSession(SECRET, fallbacks=["the secret of 2010"], user_key="_user_id").identify(environ(cookie))
        == ALICE
    )


def test_names_and_salt_can_be_the_portals_own() -> None:
    adapter = FlaskSession(SECRET.encode(), cookie="portal", user_key="user_id", salt="portal-salt")
    cookie = signed({"user_id": "alice"}, salt="portal-salt")
    assert adapter.credentials.cookies == ("portal",)
    assert adapter.identify(environ(cookie, name="portal")) == ALICE
    assert adapter.identify(environ(cookie)) is None


def test_the_selftest_reads_what_it_signed(adapter: FlaskSession) -> None:
    assert adapter.selftest() == []


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        ({"secret_key": ""}, "secret_key"),
        ({"secret_key": b"short"}, "secret_key"),
        ({"secret_key": SECRET, "fallbacks": ["short"]}, "fallbacks"),
    ],
)
def test_a_secret_that_can_be_guessed_is_refused(arguments: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{setting} must have at least 8 characters") as rejected:
        FlaskSession(**{"user_key": "_user_id", **arguments})
    assert rejected.value.setting == setting


def test_a_missing_itsdangerous_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "itsdangerous", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'wsgi-mfa\[flask\]'"):
        FlaskSession(SECRET, user_key="_user_id")
