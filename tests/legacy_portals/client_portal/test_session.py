"""Tests for legacy_portals.client_portal.session: the cookie, by the rules that Flask has for it.

The signer below is built by hand from those rules, and shares no code with the portal.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from legacy_portals import PortalUser, make_portal

pytestmark = pytest.mark.any_python

SECRET_KEY = "a secret key for tests"
SIGNED_AT = 1_767_225_600  # 2026-01-01T00:00:00Z


def unpadded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def signature(signed: bytes, secret_key: str = SECRET_KEY) -> bytes:
    key = hmac.new(secret_key.encode(), b"cookie-session", hashlib.sha1).digest()
    return unpadded(hmac.new(key, signed, hashlib.sha1).digest())


def signed_cookie(payload: bytes, *, signed_at: int = SIGNED_AT, secret_key: str = SECRET_KEY) -> str:
    signed = payload + b"." + unpadded(signed_at.to_bytes(4, "big"))
    return (signed + b"." + signature(signed, secret_key)).decode()


def flask_cookie(session: object, **signing: object) -> str:
    return signed_cookie(unpadded(json.dumps(session).encode()), **signing)  # type: ignore[arg-type]


def user_of(client: Client, cookie: str) -> str | None:
    """Ask the portal whom it takes the owner of the cookie for."""
    answer = client.get("/api/status.json", headers={"Cookie": f"session={cookie}"})
    assert answer.json is not None
    return answer.json.get("user")


@pytest.fixture
def client() -> Client:
    users = {"Ann@example.com": PortalUser("Ann@example.com", "correct horse")}
    return Client(make_portal(users, SECRET_KEY), use_cookies=False)


def cookie_of_a_sign_in(client: Client) -> str:
    form = {"username": "Ann@example.com", "password": "correct horse"}
    return client.post("/sign-in", data=form).headers["Set-Cookie"]


@freeze_time("2026-01-01T00:00:00Z")
def test_the_cookie_of_a_sign_in_is_what_flask_would_write(client: Client) -> None:
    text = b'{"_fresh":true,"_user_id":"Ann@example.com","visit":1}'
    expected = signed_cookie(unpadded(text))
    assert cookie_of_a_sign_in(client) == f"session={expected}; HttpOnly; Path=/"


@freeze_time("2026-01-01T00:00:00Z")
def test_a_cookie_that_flask_wrote_is_read(client: Client) -> None:
    session = {"_flashes": [{" t": ["message", "Hello"]}], "_user_id": "Ann@example.com"}
    assert user_of(client, flask_cookie(session)) == "Ann@example.com"


@freeze_time("2026-01-01T00:00:00Z")
def test_a_compressed_cookie_is_read(client: Client) -> None:
    text = json.dumps({"_user_id": "Ann@example.com", "basket": "lamp " * 200}).encode()
    assert user_of(client, signed_cookie(b"." + unpadded(zlib.compress(text)))) == "Ann@example.com"


def test_a_cookie_is_good_for_31_days(client: Client) -> None:
    cookie = flask_cookie({"_user_id": "Ann@example.com"})
    with freeze_time("2026-02-01T00:00:00Z") as clock:
        assert user_of(client, cookie) == "Ann@example.com"
        clock.tick(1)
        assert user_of(client, cookie) is None


@freeze_time("2026-01-01T00:00:00Z")
@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param(flask_cookie({"_user_id": "Ann@example.com"}, secret_key="another key"), id="other key"),
        pytest.param(flask_cookie({"_user_id": "nobody@example.com"}), id="unknown user"),
        pytest.param(flask_cookie({"_user_id": ["Ann@example.com"]}), id="user is a list"),
        pytest.param(flask_cookie({"_user_id": "ann@example.com"}), id="not the name as stored"),
        pytest.param(flask_cookie({}), id="empty session"),
        pytest.param(flask_cookie(["_user_id"]), id="not a session"),
        pytest.param(signed_cookie(unpadded(b"no json")), id="no JSON"),
        pytest.param(signed_cookie(b"." + unpadded(b"not compressed")), id="not compressed"),
        pytest.param("a.b.c", id="no signature"),
        pytest.param("", id="empty"),
    ],
)
def test_a_cookie_that_proves_nobody_is_anonymous(client: Client, cookie: str) -> None:
    assert user_of(client, cookie) is None


GOOD_COOKIE = flask_cookie({"_user_id": "Ann@example.com"})


# Without the last letter of the signature, which has two bits that do not count.
@freeze_time("2026-01-01T00:00:00Z")
@given(place=st.integers(0, len(GOOD_COOKIE) - 2), sign=st.sampled_from("AZaz09-_.="))
def test_a_tampered_cookie_is_anonymous(place: int, sign: str) -> None:
    users = {"Ann@example.com": PortalUser("Ann@example.com", "x")}
    client = Client(make_portal(users, SECRET_KEY), use_cookies=False)
    cookie = GOOD_COOKIE[:place] + sign + GOOD_COOKIE[place + 1 :]
    assert user_of(client, cookie) == ("Ann@example.com" if cookie == GOOD_COOKIE else None)


@freeze_time("2026-01-01T00:00:00Z")
def test_the_cookie_is_set_only_when_the_session_changed(client: Client) -> None:
    headers = {"Cookie": f"session={GOOD_COOKIE}"}
    for path in ("/", "/reports", "/orders", "/api/status.json", "/static/portal.css", "/no-such-page"):
        with client.get(path, headers=headers) as answer:
            assert "Set-Cookie" not in answer.headers
    order = {"product": "Desk lamp", "quantity": "1"}
    assert "Set-Cookie" in client.post("/orders", data=order, headers=headers).headers


@freeze_time("2026-01-01T00:00:00Z")
def test_signing_out_expires_the_cookie(client: Client) -> None:
    answer = client.get("/sign-out", headers={"Cookie": f"session={GOOD_COOKIE}"})
    expected = "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/"
    assert answer.headers["Set-Cookie"] == expected


def test_the_cookie_is_secure_on_request() -> None:
    users = {"ann": PortalUser("ann", "correct horse")}
    client = Client(make_portal(users, SECRET_KEY, secure_cookie=True))
    answer = client.post("/sign-in", data={"username": "ann", "password": "correct horse"})
    assert answer.headers["Set-Cookie"].endswith("; Secure; HttpOnly; Path=/")


def test_an_empty_secret_key_is_refused() -> None:
    with pytest.raises(ValueError, match="secret_key must not be empty"):
        make_portal({}, "")


@freeze_time("2026-01-01T00:00:00Z")
def test_two_sign_ins_in_the_same_second_have_different_cookies(client: Client) -> None:
    assert cookie_of_a_sign_in(client) != cookie_of_a_sign_in(client)
