"""A user whom a proxy names in a header: from no peer but the listed one, and never two at once (R57, R58)."""

from __future__ import annotations

import pytest

from wsgi_mfa import TrustedHeader

pytestmark = pytest.mark.any_python

PEER = "10.0.0.5"
#: What is not the listed peer, however it is written.
OTHER_PEERS = (
    *(
        "10.0.0.50",
        "10.0.0.4",
        "110.0.0.5",
        "10.0.0.5.1",
        "10.0.0",
        "192.0.2.1",
        "127.0.0.1",
        "0.0.0.0",
        "::1",
    ),
    *(
        "10.0.0.5 ",
        " 10.0.0.5",
        "10.0.0.5\n",
        "10.0.0.5\x00",
        "10.0.0.5.",
        "10.0.0.05",
        "010.0.0.5",
        "012.0.0.5",
    ),
    *("0x0a.0.0.5", "0x0a000005", "167772165", "10.5", "10.0.5", "10.0.0.5:443", "[10.0.0.5]", "10.0.0.5/32"),
    *("10.0.0.5, 10.0.0.5", "10.0.0.5,192.0.2.1", "192.0.2.1, 10.0.0.5", "for=10.0.0.5", "10.0.0.5%eth0"),
    *(
        "::10.0.0.5",
        "::ffff:10.0.0.6",
        "[::ffff:10.0.0.5]",
        "64:ff9b::10.0.0.5",
        "2002:a00:5::",
        "fe80::a00:5",
    ),
    *("localhost", "proxy.example", "unix", "unix:/run/s", "-", "unknown", "_hidden", "*", ""),
    *("\u0661\u0660.0.0.5", "10\u30020\u30020\u30025", "\uff11\uff10.0.0.5"),
)
#: By what clients were seen to make servers and applications believe that they come from elsewhere.
CLAIMS = (
    *(
        "X-Forwarded-For",
        "X_Forwarded_For",
        "X-Forwarded",
        "Forwarded-For",
        "X-Real-IP",
        "X-Client-IP",
        "Client-IP",
    ),
    *("True-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "X-Cluster-Client-IP", "X-Originating-IP"),
    *("X-Remote-IP", "X-Remote-Addr", "Remote-Addr", "REMOTE_ADDR", "X-Azure-ClientIP", "X-ProxyUser-Ip"),
    *("Proxy-Client-IP", "WL-Proxy-Client-IP", "X-Host", "X-Envoy-External-Address", "Via", "Forwarded"),
)
#: Two users in one header, or what a header cannot say.
AMBIGUOUS = (
    *(
        "alice,admin",
        "alice, admin",
        "alice ,admin",
        "alice,alice",
        ",alice",
        "alice,",
        ",",
        ",,",
        "alice,\t",
    ),
    *("alice\x00", "\x00alice", "al\x00ice", "alice\nadmin", "alice\radmin", "alice\r\nX-User: admin"),
    *("alice\x0badmin", "alice\x0cadmin", "alice\x1badmin", "alice\x01", "\x7falice", "alice\tadmin"),
)
#: One user, who is nobody's second factor.
STRANGE = (
    *("admin", "ALICE2", "alice;admin", "alice admin", "alice|admin", "alice%2Cadmin", "alice%00", "%61lice"),
    *(
        '"alice"',
        "'alice'",
        "alice@evil.example",
        "alice/../admin",
        "=?utf-8?q?alice?=",
        "alice\xa0admin",
        "\xff\xfe",
    ),
    *(
        "alice\xad",
        "\xd0\xb0lice",
        "alice\xe2\x80\x8b",
        "alice\xe2\x80\xae",
        "\xef\xbb\xbfalice",
        "' OR '1'='1",
    ),
    *("{{7*7}}", "${jndi:ldap://evil}", "<script>", "a" * 5000),
)


@pytest.fixture
def behind(wrapped, portal, new_browser):
    """``behind(**environ)``: a browser before the portal, to which a proxy may name the user."""
    application = wrapped(portal, identity=TrustedHeader("X-User", peers=[PEER]), validated=False)
    return lambda **environ: new_browser(application, environ=environ, validated=False)


@pytest.fixture
def enrolled(behind, phone_of):
    """The cookies of alice's browser, with both factors."""
    browser = behind(REMOTE_ADDR=PEER, HTTP_X_USER="alice")
    browser.enroll("/", phone_of)
    assert browser.request("GET", "/private").status == 200
    return browser.cookies


def is_told_of(portal):
    return any("alice" in str(value) for call in portal.calls for value in call.values())


@pytest.mark.requirement("R57")
def test_no_spelling_of_another_peer_is_the_listed_one(behind, enrolled, portal):
    portal.calls.clear()
    for peer in OTHER_PEERS:
        browser = behind(REMOTE_ADDR=peer, HTTP_X_USER="alice")
        browser.cookies = dict(enrolled)
        assert browser.request("GET", "/private").status == 200, peer  # as nobody
        assert browser.get_json("/mfa/verify").status == 401, peer
    assert not is_told_of(portal)
    assert len(portal.calls) == len(OTHER_PEERS)


@pytest.mark.requirement("R57", "R58")
@pytest.mark.parametrize("value", [PEER, f"for={PEER}", f"{PEER}, {PEER}"])
def test_no_header_says_who_the_peer_is(behind, enrolled, portal, value):
    portal.calls.clear()
    for name in CLAIMS:
        browser = behind(REMOTE_ADDR="192.0.2.1")
        browser.cookies = dict(enrolled)
        answer = browser.request("GET", "/private", headers={name: value, "X-User": "alice"})
        assert answer.status == 200, name
    assert not is_told_of(portal)


@pytest.mark.requirement("R57", "R58")
@pytest.mark.parametrize("path", ["/private", "/mfa/verify"])
def test_what_may_be_two_users_is_nobody_and_is_read_no_further(behind, enrolled, portal, path):
    portal.calls.clear()
    for user in AMBIGUOUS:
        browser = behind(REMOTE_ADDR=PEER, HTTP_X_USER=user)
        browser.cookies = dict(enrolled)
        assert browser.get_json(path).problem == "bad_request", user
    assert portal.calls == []


@pytest.mark.requirement("R57", "R23", "R49")
def test_no_other_name_passes_by_the_second_factor_of_alice(behind, enrolled, portal, memory_store):
    portal.calls.clear()
    for user in STRANGE:
        browser = behind(REMOTE_ADDR=PEER, HTTP_X_USER=user)
        browser.cookies = dict(enrolled)
        assert browser.request("GET", "/private").status in (401, 403), user
    assert portal.calls == []
