"""Tests for legacy_portals.ticket_portal.tickets: the cookie, by the rules of mod_auth_tkt.

The ticket below is built by hand from those rules, and shares no code with the portal.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from urllib.parse import quote

import pytest
from freezegun import freeze_time
from werkzeug.test import Client

from legacy_portals import PortalUser, make_ticket_portal

pytestmark = pytest.mark.any_python

SECRET = "a secret for tests"
START = 1_767_225_600  # 2026-01-01T00:00:00Z
USERS = {"ann": PortalUser("ann", "secret", role="support")}

# Pyramid 2.1 wrote it at START: user "alice", token "editor", secret "kotti.secret2".
PYRAMID_TICKET = (
    "af939ef67736817b1d93ad334ee7f4a9367aad9815bc47d9ce067e77af6afa9658b9ed4d3209b18db264b260c9fbc7572c1cd2c8ffba"
    "fe6fae834b52d22dd41d6955b900YWxpY2U%3D!editor!userid_type:b64unicode"
)


def ticket(
    *, place: bytes = bytes(4), digest: str = "sha512", seconds: int = START, secret: str = SECRET
) -> str:
    user_id = b64encode(b"ann")
    fields = b"\0".join([user_id, b"support", b"userid_type:b64unicode"])
    stamp = seconds.to_bytes(4, "big") if len(place) == 4 else str(seconds).encode()
    inner = hashlib.new(digest, place + stamp + secret.encode() + fields).hexdigest()
    outer = hashlib.new(digest, inner.encode() + secret.encode()).hexdigest()
    return f"{outer}{seconds:08x}{quote(user_id)}!support!userid_type:b64unicode"


def user_of(portal, value: str, *, address: str = "192.0.2.1") -> str | None:
    headers = {"Cookie": f"auth_tkt={value}"}
    client = Client(portal, use_cookies=False)
    answer = client.get("/api/status.json", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.json is not None
    return answer.json.get("user")


def ticket_of(answer) -> str:
    return answer.headers["Set-Cookie"].partition('"')[2].partition('"')[0]


def signed_in_at(portal, seconds: int, *, address: str = "192.0.2.1") -> str:
    with freeze_time("1970-01-01") as frozen:
        frozen.tick(seconds)
        form = {"username": "ann", "password": "secret"}
        client = Client(portal, use_cookies=False)
        return ticket_of(client.post("/sign-in", data=form, environ_base={"REMOTE_ADDR": address}))


@pytest.mark.parametrize("digest", ["md5", "sha256", "sha512"])
def test_a_ticket_is_written_by_the_rules(digest):
    portal = make_ticket_portal(USERS, SECRET, digest=digest)
    assert signed_in_at(portal, START) == ticket(digest=digest)
    assert user_of(portal, ticket(digest=digest)) == "ann"


def test_two_sign_ins_in_one_second_get_the_same_ticket():
    portal = make_ticket_portal(USERS, SECRET)
    assert signed_in_at(portal, START) == signed_in_at(portal, START) != signed_in_at(portal, START + 1)


def test_a_ticket_that_pyramid_wrote_is_read():
    portal = make_ticket_portal({"alice": PortalUser("alice", "secret")}, "kotti.secret2")
    assert user_of(portal, PYRAMID_TICKET) == "alice"


@pytest.mark.parametrize(
    ("address", "place"), [("192.0.2.7", bytes([192, 0, 2, 7])), ("2001:db8::7", b"2001:db8::7")]
)
def test_a_ticket_may_be_bound_to_an_address(address, place):
    portal = make_ticket_portal(USERS, SECRET, include_ip=True)
    assert signed_in_at(portal, START, address=address) == ticket(place=place)
    assert user_of(portal, ticket(place=place), address=address) == "ann"
    for other in ("192.0.2.8", "2001:db8::8", "", "unix:", "1.2.3", "999.0.2.7"):
        assert user_of(portal, ticket(place=place), address=other) is None


@pytest.mark.parametrize(
    "value",
    [
        "INVALID",
        "",
        "x",
        "!",
        "0" * 136,
        "0" * 136 + "YW5u!support!",
        "0" * 128 + "-1234567" + "YW5u!support!",
        "\u00e9" * 140,
    ],
)
def test_what_is_no_ticket_is_nobody(value):
    assert user_of(make_ticket_portal(USERS, SECRET), value) is None


def test_a_ticket_changed_anywhere_is_nobody():
    portal, value = make_ticket_portal(USERS, SECRET), ticket()
    for position in range(0, len(value), 7):
        other = "0" if value[position] != "0" else "1"
        assert user_of(portal, value[:position] + other + value[position + 1 :]) is None


def test_a_ticket_of_another_application_is_nobody():
    portal = make_ticket_portal(USERS, SECRET)
    fields = b"ann\0support\0"
    inner = hashlib.sha512(bytes(4) + START.to_bytes(4, "big") + SECRET.encode() + fields).hexdigest()
    outer = hashlib.sha512(inner.encode() + SECRET.encode()).hexdigest()
    assert user_of(portal, f"{outer}{START:08x}ann!support!") is None


def test_a_ticket_expires():
    portal = make_ticket_portal(USERS, SECRET, timeout_seconds=600)
    with freeze_time("2026-01-01T00:10:00Z") as frozen:
        assert user_of(portal, ticket()) == "ann"
        frozen.tick(1)
        assert user_of(portal, ticket()) is None
        assert user_of(make_ticket_portal(USERS, SECRET), ticket()) == "ann"


def test_a_ticket_that_grows_old_is_replaced_in_any_answer():
    portal = make_ticket_portal(USERS, SECRET, timeout_seconds=600, reissue_seconds=60)
    client = Client(portal, use_cookies=False)
    headers = {"Cookie": f"auth_tkt={ticket()}"}
    with freeze_time("2026-01-01T00:01:00Z") as frozen:
        assert "Set-Cookie" not in client.get("/reports", headers=headers).headers
        frozen.tick(1)
        assert ticket_of(client.get("/reports", headers=headers)) == ticket(seconds=START + 61)
        assert ticket_of(client.get("/nowhere", headers=headers)) == ticket(seconds=START + 61)
        assert ticket_of(client.get("/sign-out", headers=headers)) == "INVALID"


def test_cookies_are_marked_secure_on_demand():
    form = {"username": "ann", "password": "secret"}
    for secure in (False, True):
        portal = make_ticket_portal(USERS, SECRET, secure_cookie=secure)
        cookies = Client(portal).post("/sign-in", data=form).headers.getlist("Set-Cookie")
        assert [cookie.endswith("; Secure; HttpOnly") for cookie in cookies] == [secure] * 3


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"secret": ""}, "secret must not be empty"),
        ({"digest": "sha1"}, "md5, sha256, sha512"),
        ({"timeout_seconds": 60, "reissue_seconds": 60}, "less than timeout_seconds"),
    ],
)
def test_a_wrong_setting_is_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        make_ticket_portal(USERS, **{"secret": SECRET, **settings})
