from __future__ import annotations

import base64
import hashlib
import time
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webob import Request
from werkzeug.http import parse_cookie

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor
from wsgi_mfa.identity.adapters.auth_tkt import AuthTkt
from wsgi_mfa.identity.request.response_identity import identify_after
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer

SECRET = "a portal's own secret"
START = 1_767_225_600  # 2026-01-01T00:00:00Z
STAMP = f"{START:08x}"
ALICE = FirstFactor(user="alice", login=STAMP)

# What real software wrote at START under this secret, for the address that it was asked from.
REAL_SECRET = "kotti.secret2"
PYRAMID = {  # Pyramid 2.1
    "text": (
        "sha512",
        None,
        "alice",
        (
            "091e4d756a0781a253c127f0bf353cd1a2ebe37cd4bec1f132697ff4e135b89fedc9d4dffe1cde0a87726e91cb91558b33289d9d3c61"
            "ff1199e56311c64536176955b900YWxpY2U%3D!userid_type:b64unicode"
        ),
    ),
    "md5": (
        "md5",
        None,
        "alice",
        "ed3858a2d6c743608e860880bf401c0a6955b900YWxpY2U%3D!userid_type:b64unicode",
    ),
    "sha256": (
        "sha256",
        None,
        "alice",
        "96c095adaab9e1d4309fb4aa9551cd1457336f8e8f550daa9d629b248010abe46955b900YWxpY2U%3D!userid_type:b64unicode",
    ),
    "number": (
        "sha512",
        None,
        "17",
        (
            "fc92607fd7b97884c2edc54330464d57c5a2ceda7a7d4ed4f2316554e30772d9f9fc5e60251aa7ea013380ac508691ce5ebeb61730fd"
            "bceedfe1935ca31bf62d6955b90017!userid_type:int"
        ),
    ),
    "bytes": (
        "sha512",
        None,
        "alice",
        (
            "8812cb11987627d9808e78ad7c17089807cce57ef0543c2798dd7772fba49a086d6097b7e0ad353c9ae19abf69c0d49e9e711e718c82"
            "0a9cf2201cf6ebe2cd2d6955b900YWxpY2U%3D!userid_type:b64str"
        ),
    ),
    "not ASCII": (
        "sha512",
        None,
        "Zoë/x?",
        (
            "9b69a2ecc72f3d4c5f0102db9f96d57822bb044f8a60d64e500e015bba5774b1e797409f7ec20bc6837f5d32602c4d16ca3b8f24c9bc"
            "030dba5b20d34f15118f6955b900Wm/Dqy94Pw%3D%3D!userid_type:b64unicode"
        ),
    ),
    "IPv4": (
        "sha512",
        "192.0.2.7",
        "alice",
        (
            "6807fa63f2451e212015d139e8c64abe5b1304ec2b0fd8278fdf39d9a6cb057928132880616e71991bfa381b3a624db39c62590af7cb"
            "ee060db2d603626261536955b900YWxpY2U%3D!userid_type:b64unicode"
        ),
    ),
    "IPv6": (
        "sha512",
        "2001:db8::7",
        "alice",
        (
            "8f4b55f62ace64d870826dd4f3d89d8ce282e0d2436cdb3190eacbd9b637e9b6f436a7365e04294dc0f453c545679583f8c6241f162d"
            "47652bc5ea56b634921f6955b900YWxpY2U%3D!userid_type:b64unicode"
        ),
    ),
    "a token": (
        "sha512",
        None,
        "alice",
        (
            "af939ef67736817b1d93ad334ee7f4a9367aad9815bc47d9ce067e77af6afa9658b9ed4d3209b18db264b260c9fbc7572c1cd2c8ffba"
            "fe6fae834b52d22dd41d6955b900YWxpY2U%3D!editor!userid_type:b64unicode"
        ),
    ),
}
# The cookies of two tokens, as they are set.
TWO_TOKENS = {
    "Pyramid 2.1": (
        "sha512",
        (
            '"65477ae561534f755e0b68af59ebee3f307883b8b27e530777c864a3deb8ece51c5ac03eec1874173587e5a1526ad14e851310c5c1'
            r'bc8d13237c60c8c36177c76955b900YWxpY2U%3D!editor\054admin!userid_type:b64unicode"'
        ),
    ),
    "repoze.who 3.2": ("md5", '"5c7a71d3ad060a36e30a3a3050f9d8ce6955b900alice!editor,admin!"'),
}
OTHERS = {
    "repoze.who 3.2": ("md5", None, "alice", "f47813981b9efc97d9bd688f1a7287b06955b900alice!"),
    "repoze.who 3.2, user data": ("md5", None, "alice", "b4292d22b95918b3b2d7b3228a02896c6955b900alice!x=1"),
    "repoze.who 3.2, number": (
        "md5",
        None,
        "17",
        "fad1f6a48a92982a3ce497445c20e9236955b90017!x=1&userid_type=int",
    ),
    "repoze.who 3.2, not ASCII": ("md5", None, "Zoë", "f90a1014f8bfa4d1e21f958c63f2e97f6955b900Zo%C3%AB!"),
    "Paste 3.10": (
        "md5",
        "192.0.2.7",
        "al ice@x",
        "60237ffabdbafc97389c5adb0cd3879c6955b900al%20ice%40x!",
    ),
}
REAL = {**{f"Pyramid 2.1, {name}": case for name, case in PYRAMID.items()}, **OTHERS}


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch):
    """Sets the time that the system's clock tells."""

    def set_time(seconds: float) -> None:
        monkeypatch.setattr(time, "time_ns", lambda: round(seconds * 1_000_000_000))

    set_time(START)
    return set_time


@pytest.fixture
def adapter() -> AuthTkt:
    return AuthTkt(SECRET)


def ticket(
    user_id: str | bytes = "alice",
    *,
    tokens: str = "",
    user_data: str = "",
    secret: str = SECRET,
    digest: str = "sha512",
    place: bytes = bytes(4),
    seconds: int = START,
) -> str:
    """A ticket by the description of mod_auth_tkt."""
    raw = user_id.encode() if isinstance(user_id, str) else user_id
    signed = place + seconds.to_bytes(4, "big") + secret.encode() + raw
    inner = hashlib.new(digest, b"\0".join([signed, tokens.encode(), user_data.encode()])).hexdigest()
    outer = hashlib.new(digest, inner.encode() + secret.encode()).hexdigest()
    return f"{outer}{seconds:08x}{quote(raw)}!{tokens}{'!' if tokens else ''}{user_data}"


def environ(value: str, *, name: str = "auth_tkt", **others: Any) -> dict[str, Any]:
    return {"HTTP_COOKIE": f"{name}={value}; theme=dark", "REMOTE_ADDR": "192.0.2.1", **others}


@pytest.mark.parametrize("case", REAL)
def test_a_ticket_that_real_software_wrote_is_read(case: str) -> None:
    digest, address, user, value = REAL[case]
    adapter = AuthTkt(REAL_SECRET, digest=digest, include_ip=address is not None)
    request = environ(value, REMOTE_ADDR=address or "198.51.100.1")
    assert adapter.identify(request) == FirstFactor(user=user, login=STAMP)
    assert adapter.identify(request) == FirstFactor(user=user, login=STAMP)


def test_a_ticket_counts_from_the_address_that_it_was_issued_to_alone(at) -> None:
    adapter = AuthTkt(SECRET, include_ip=True)
    value = ticket(place=bytes([192, 0, 2, 7]))
    assert adapter.identify(environ(value, REMOTE_ADDR="192.0.2.7")) == ALICE
    for address in (
        "192.0.2.8",
        "192.0.2.07x",
        "192.0.2",
        "192.0.2.7.1",
        "192.0.2.263",
        "",
        "::1",
        "unix:",
        "ä.1.1.1",
    ):
        assert adapter.identify(environ(value, REMOTE_ADDR=address)) is UNRESOLVED
    without = environ(value)
    del without["REMOTE_ADDR"]
    assert adapter.identify(without) is UNRESOLVED


def test_the_address_does_not_matter_unless_it_is_signed(adapter: AuthTkt) -> None:
    for address in ("192.0.2.7", "2001:db8::7", ""):
        assert adapter.identify(environ(ticket(), REMOTE_ADDR=address)) == ALICE


def test_a_ticket_may_be_quoted_as_a_whole_as_mod_auth_tkt_reads_it(adapter: AuthTkt) -> None:
    value = ticket("alice", tokens="a,b", user_data="full name; x")
    assert adapter.identify(environ(quote(value, safe=""))) == ALICE
    assert adapter.identify(environ(base64.b64encode(value.encode()).decode())) == ALICE


def test_no_cookie_is_nobody(adapter: AuthTkt) -> None:
    assert adapter.identify({}) is None
    assert (
        adapter.identify({"HTTP_COOKIE": f"theme=dark; auth_tkt2={ticket()}; xauth_tkt={ticket()}"}) is None
    )


def test_a_ticket_written_over_at_sign_out_is_nobody(adapter: AuthTkt) -> None:
    assert adapter.identify(environ("INVALID")) is None
    assert adapter.identify(environ("")) is None


@pytest.mark.requirement("R60")
def test_a_ticket_changed_anywhere_is_unresolved(adapter: AuthTkt) -> None:
    value = ticket(tokens="editor", user_data="data")
    assert adapter.identify(environ(value)) == ALICE
    for position in range(len(value)):
        for other in ("0", "1", "!", "A"):
            changed = value[:position] + other + value[position + 1 :]
            if changed != value:
                assert adapter.identify(environ(changed)) is UNRESOLVED


def test_another_secret_digest_or_place_is_unresolved(adapter: AuthTkt) -> None:
    for value in (
        ticket(secret="another secret"),
        ticket(digest="md5"),
        ticket(digest="sha256"),
        ticket(place=bytes([192, 0, 2, 1])),
    ):
        assert adapter.identify(environ(value)) is UNRESOLVED


@pytest.mark.requirement("R60")
@pytest.mark.parametrize(
    "value",
    [
        "alice",
        "invalid",
        "!",
        "!!!",
        "%21",
        "%",
        "====",
        "x" * 136,
        "0" * 136,
        "0" * 136 + "!",
        "0" * 136 + "alice!",
        "0" * 128 + "0x95b900" + "alice!",
        "\u00e9" * 140 + "!",
        "\udce9" * 140 + "!",
        "\u0660" * 136 + "alice!",
        "a" * 100_000,
    ],
)
def test_what_is_no_ticket_is_unresolved(adapter: AuthTkt, value: str) -> None:
    assert adapter.identify(environ(value)) is UNRESOLVED


@pytest.mark.parametrize(
    "spelt", [STAMP.upper(), f" {STAMP[1:]}", f"+{STAMP[1:]}", f"{STAMP[:3]}_{STAMP[4:]}", f"0x{STAMP[2:]}"]
)
def test_a_timestamp_has_one_spelling(adapter: AuthTkt, spelt: str) -> None:
    value = ticket(seconds=0x0955B900).replace("0955b900", STAMP)
    assert adapter.identify(environ(value)) is UNRESOLVED
    assert adapter.identify(environ(ticket().replace(STAMP, spelt))) is UNRESOLVED


@pytest.mark.parametrize("user_id", ["", "a\0b", "a!b", b"\xe9"])
def test_a_good_signature_over_no_user_is_unresolved(adapter: AuthTkt, user_id: str | bytes) -> None:
    assert adapter.identify(environ(ticket(user_id).replace("%21", "!"))) is UNRESOLVED


def test_a_nul_cannot_move_the_borders_of_what_was_signed(adapter: AuthTkt) -> None:
    value = ticket("alice", tokens="", user_data="bob")
    assert adapter.identify(environ(value)) == ALICE
    for moved in ("%00alice!bob", "alice%00!bob", "alice%00%00bob!", "alice!%00bob", "alice%00!bob!"):
        assert adapter.identify(environ(value[:136] + moved)) is UNRESOLVED
        assert adapter.identify(environ(value[:136] + moved.replace("!", "%21"))) is UNRESOLVED


@pytest.mark.parametrize("kind", ["b64unicode", "b64str"])
def test_an_id_in_base64_counts_only_as_pyramid_writes_it(adapter: AuthTkt, kind: str) -> None:
    data = f"userid_type:{kind}"
    assert adapter.identify(environ(ticket("YWxpY2U=", user_data=data))) == ALICE
    # Pyramid would read another user here than an application that does not know of types.
    for doubtful in (
        f"{data}|name:x",
        f"name:x|{data}",
        f"{data}|{data}",
        data + " ",
        data.replace(":", "="),
    ):
        assert adapter.identify(environ(ticket("YWxpY2U=", user_data=doubtful))) is UNRESOLVED
    for broken in ("YWxpY2U", "alice", "Y WxpY2U=", "6Q==", ""):
        assert adapter.identify(environ(ticket(broken, user_data=data))) is UNRESOLVED
    assert adapter.identify(environ(ticket("YWxpY2U=", user_data=f"x{data}"))) == FirstFactor(
        user="YWxpY2U=", login=STAMP
    )


@pytest.mark.parametrize(
    "data", ["userid_type:int", "userid_type=int", "a=1&userid_type=int", "a|userid_type:int"]
)
def test_a_number_has_one_spelling(adapter: AuthTkt, data: str) -> None:
    assert adapter.identify(environ(ticket("17", user_data=data))) == FirstFactor(user="17", login=STAMP)
    assert adapter.identify(environ(ticket("-3", user_data=data))) == FirstFactor(user="-3", login=STAMP)
    for spelt in ("017", "+17", "1_7", "17 ", "\u0661", "-0", "x", "1" * 30):
        assert adapter.identify(environ(ticket(spelt, user_data=data))) is UNRESOLVED


def test_user_data_and_tokens_are_signed_and_say_nothing_else(adapter: AuthTkt) -> None:
    for tokens, data in (("editor", ""), ("editor", "a!b!c"), ("", "name=x"), ("a", "userid_type=unicode")):
        assert adapter.identify(environ(ticket(tokens=tokens, user_data=data))) == ALICE


@pytest.mark.requirement("R60", "D3")
def test_a_ticket_expires_also_when_it_was_seen_before(at) -> None:
    adapter, value = AuthTkt(SECRET, timeout_seconds=1200), ticket()
    at(START + 1200)
    assert adapter.identify(environ(value)) == ALICE
    at(START + 1200.001)
    assert adapter.identify(environ(value)) is UNRESOLVED
    assert AuthTkt(SECRET, timeout_seconds=1200).identify(environ(value)) is UNRESOLVED
    assert AuthTkt(SECRET).identify(environ(value)) == ALICE


def test_a_ticket_of_a_clock_that_is_ahead_counts_as_it_does_for_the_application(at) -> None:
    at(START - 3)
    assert AuthTkt(SECRET, timeout_seconds=1200).identify(environ(ticket())) == ALICE


def test_a_ticket_that_is_issued_anew_is_another_login_of_the_same_user(adapter: AuthTkt) -> None:
    later = adapter.identify(environ(ticket(seconds=START + 300)))
    assert later == FirstFactor(user="alice", login=f"{START + 300:08x}")


def test_a_flood_of_tickets_does_not_confuse_users(adapter: AuthTkt) -> None:
    tickets = [(f"user{number}", ticket(f"user{number}")) for number in range(1100)]
    for user, value in tickets + tickets[:3]:
        assert adapter.identify(environ(value)) == FirstFactor(user=user, login=STAMP)
        assert adapter.identify(environ(value + "x")) is UNRESOLVED


@given(
    user=st.text(st.characters(exclude_characters="!\0", exclude_categories=("Cs",)), min_size=1),
    tokens=st.text(st.characters(exclude_characters="!\0", exclude_categories=("Cs",))),
    data=st.text(st.characters(exclude_characters="!\0:=", exclude_categories=("Cs",))),
)
def test_any_ticket_is_read_back(user: str, tokens: str, data: str) -> None:
    value = ticket(user, tokens=tokens, user_data=data)
    assert AuthTkt(SECRET).identify(environ(quote(value, safe=""))) == (FirstFactor(user=user, login=STAMP))


def test_names_can_be_the_portals_own() -> None:
    adapter = AuthTkt(SECRET.encode(), cookie="authtkt")
    assert adapter.credentials.cookies == ("authtkt",)
    assert adapter.identify(environ(ticket(), name="authtkt")) == ALICE
    assert adapter.identify(environ(ticket())) is None


@pytest.mark.parametrize("quoted", ["{}", '"{}"'])
def test_a_ticket_set_for_three_domains_is_one_sign_in(adapter: AuthTkt, quoted: str) -> None:
    sanitizer = RequestSanitizer(adapter, own_cookie_names=())
    value = quoted.format(ticket())
    domains = ("", "; Domain=portal.example", "; Domain=.portal.example")
    headers = [("Set-Cookie", f"auth_tkt={value}; Path=/{domain}") for domain in domains]
    assert identify_after(sanitizer, {}, headers, now=START).identification == ALICE
    # The browser sends what it kept for each of them.
    request = {"HTTP_COOKIE": f"auth_tkt={value}; auth_tkt={value}"}
    assert sanitizer.clean(request).identification == ALICE
    assert request["HTTP_COOKIE"] == f"auth_tkt={ticket()}"


@pytest.mark.parametrize("software", TWO_TOKENS)
def test_a_ticket_with_two_tokens_is_read_alike_by_adapter_and_application(software: str) -> None:
    digest, value = TWO_TOKENS[software]
    sanitizer = RequestSanitizer(AuthTkt(REAL_SECRET, digest=digest), own_cookie_names=())
    headers = [("Set-Cookie", f"auth_tkt={value}; Path=/")]
    assert identify_after(sanitizer, {}, headers, now=START).identification == ALICE
    environ = {"REQUEST_METHOD": "GET", "HTTP_COOKIE": f"auth_tkt={value}"}
    assert sanitizer.clean(environ).identification == ALICE
    plain = value.strip('"').replace(r"\054", ",")
    assert SimpleCookie(environ["HTTP_COOKIE"])["auth_tkt"].value == plain
    assert Request(environ).cookies["auth_tkt"] == plain
    assert parse_cookie(environ)["auth_tkt"] == plain


@pytest.mark.parametrize(
    "written",
    [
        'auth_tkt="INVALID"; Path=/; Max-Age=0; Expires=Thu, 01 Jan 2026 00:00:00 GMT',  # repoze.who
        'auth_tkt="INVALID"; Path=/',
        "auth_tkt=; Domain=localhost; Max-Age=0; Path=/; expires=Wed, 31-Dec-97 23:59:59 GMT",  # WebOb
        'auth_tkt=""; Expires="Sat, 01-Jan-2000 12:00:00 GMT"; Path=/',  # Paste
    ],
)
def test_a_sign_out_is_seen_however_it_is_written(adapter: AuthTkt, written: str) -> None:
    sanitizer = RequestSanitizer(adapter, own_cookie_names=())
    request = environ(ticket())
    assert sanitizer.clean(request).identification == ALICE
    assert identify_after(sanitizer, request, [("Set-Cookie", written)], now=START).identification is None


def test_the_selftest_finds_nothing_wrong(adapter: AuthTkt) -> None:
    assert adapter.selftest() == []


def test_a_digest_that_this_python_lacks_is_told(adapter: AuthTkt, monkeypatch: pytest.MonkeyPatch) -> None:
    def reject(name: str, data: bytes = b"") -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", reject)
    (problem,) = adapter.selftest()
    assert "has no sha512" in problem


@pytest.mark.parametrize(
    ("arguments", "setting", "told"),
    [
        ({"secret": "short"}, "secret", "at least 8 characters"),
        ({"secret": b""}, "secret", "at least 8 characters"),
        ({"secret": SECRET, "digest": "sha1"}, "digest", "legal are md5, sha256, sha512"),
        ({"secret": SECRET, "timeout_seconds": 0}, "timeout_seconds", "whole numbers from 1 up, and None"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(arguments: dict[str, Any], setting: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as rejected:
        AuthTkt(**arguments)
    assert rejected.value.setting == setting
