"""Only a path of this site can come after the second factor, and only one that was signed here (R74)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.web.public_url import host_of, read_public_url
from wsgi_mfa.web.return_to import (
    RETURN_URL_CHARACTERS_MAX,
    ReturnUrlSigner,
    is_safe,
    redirected,
    requested,
    root_of,
)

PUBLIC = read_public_url(plain_http=False)
HERE = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/",
    "QUERY_STRING": "",
    "HTTP_HOST": "portal.example",
    "SERVER_NAME": "10.0.0.1",
    "SERVER_PORT": "443",
}
#: Targets that lead elsewhere, or that somebody might read so.
FOREIGN = (
    "//evil.example",
    "//evil.example/reports",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    " /reports",
    "/reports ",
    "/\x00",
    "/a\x7fb",
    "https://evil.example",
    "https://evil.example/reports",
    "https:evil.example",
    "https:/reports",
    "https:///reports",
    "https://portal.example.evil.example/",
    "https://portal.example@evil.example/",
    "https://evil.example@portal.example/",
    "https://portal.example:444/",
    "https://portal.example\\@evil.example/",
    "http://[",
    "http://[::1",
    "http://[evil]/",
    "ftp://portal.example/",
    "javascript:alert(1)",
    "javascript://portal.example/%0aalert(1)",
    "data:text/html,evil",
    "mailto:evil@evil.example",
    "evil.example",
    "reports",
    "../reports",
    "?a=b",
    "#top",
    "",
    "\ufeff/reports",
    "/\u2028",
    "日本",
    "/" + "a" * RETURN_URL_CHARACTERS_MAX,
    "https://portal.example//evil.example",
)
#: Targets of this site, and how they come out.
OWN = {
    "/": "/",
    "/reports": "/reports",
    "/reports?year=2026&q=a%20b": "/reports?year=2026&q=a%20b",
    "/reports#totals": "/reports",
    "/list?filter[name]=x|y": "/list?filter%5Bname%5D=x%7Cy",
    "/caf\xc3\xa9": "/caf%C3%A9",
    "/a/..//evil.example": "/a/..//evil.example",
    "/@evil.example": "/@evil.example",
    "/https://evil.example": "/https://evil.example",
    "/%5cevil.example": "/%5cevil.example",
    "https://portal.example": "/",
    "https://portal.example/reports?a=b#c": "/reports?a=b",
    "HTTPS://PORTAL.EXAMPLE/reports": "/reports",
    "http://portal.example/reports": "/reports",
    "https://portal.example:443/reports": "/reports",
    "https://portal.example?a=b": "/?a=b",
}


@pytest.mark.requirement("R74")
@pytest.mark.parametrize("location", FOREIGN)
@pytest.mark.parametrize("script_name", ["", "/portal"])
def test_a_foreign_or_malformed_redirect_leads_to_the_root(location, script_name):
    assert redirected(location, {**HERE, "SCRIPT_NAME": script_name}, PUBLIC) == f"{script_name}/"


@pytest.mark.requirement("R74")
@pytest.mark.parametrize(("location", "target"), OWN.items())
def test_a_redirect_within_the_site_is_kept(location, target):
    assert redirected(location, HERE, PUBLIC) == target


def test_no_redirect_leads_to_the_root():
    assert redirected(None, HERE, PUBLIC) == "/"


@pytest.mark.requirement("R74")
@given(st.text())
@example("/\x0b/evil.example")
def test_whatever_an_application_redirects_to_the_target_is_a_safe_path(location):
    assert is_safe(redirected(location, HERE, PUBLIC))


@pytest.mark.requirement("R74")
@given(path=st.binary(), query=st.binary(), mount=st.binary())
def test_whatever_is_asked_for_the_target_is_a_safe_path(path, query, mount):
    environ = {
        **HERE,
        "SCRIPT_NAME": mount.decode("latin-1"),
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
    }
    assert is_safe(requested(environ, PUBLIC))


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/reports", "", "/reports"),
        ("/reports", "year=2026", "/reports?year=2026"),
        ("/caf\xc3\xa9", "q=caf%C3%A9", "/caf%C3%A9?q=caf%C3%A9"),
        ("/caf\xc3\xa9", "q=caf\xc3\xa9", "/caf%C3%A9?q=caf%C3%A9"),
        ("/100%", "a=100%25", "/100%25?a=100%25"),
        ("/what?", "", "/what%3F"),
        ("/a b", "q=a b|c", "/a%20b?q=a%20b%7Cc"),
        ("/a;b=c,d", "x=1;y=2", "/a;b=c,d?x=1;y=2"),
        ("", "", "/"),
    ],
)
def test_the_path_and_query_of_a_get_come_back_as_a_browser_sends_them(path, query, target):
    assert requested({**HERE, "PATH_INFO": path, "QUERY_STRING": query}, PUBLIC) == target


@pytest.mark.requirement("R74")
@pytest.mark.parametrize(
    "path", ["//evil.example", "///", "http://evil.example/abs", "reports", "\\evil", "/" + "a" * 2000]
)
def test_a_path_that_names_another_host_leads_to_the_root(path):
    assert requested({**HERE, "PATH_INFO": path}, PUBLIC) == "/"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_what_was_sent_is_not_asked_for_again(method):
    assert requested({**HERE, "REQUEST_METHOD": method, "PATH_INFO": "/orders"}, PUBLIC) == "/"


@pytest.mark.requirement("R74", "R66")
@pytest.mark.parametrize(
    ("script_name", "root"),
    [
        ("", "/"),
        ("/portal", "/portal/"),
        ("/portal/", "/portal/"),
        ("/a/b", "/a/b/"),
        ("/caf\xc3\xa9", "/caf%C3%A9/"),
        ("//evil.example", "/evil.example/"),
        ("/\\evil.example", "/%5Cevil.example/"),
        ("/", "/"),
    ],
)
def test_the_root_is_a_path_of_this_site(script_name, root):
    assert root_of({"SCRIPT_NAME": script_name}, PUBLIC) == root
    assert is_safe(root)


@pytest.mark.parametrize(
    ("environ", "scheme", "host"),
    [
        ({"HTTP_HOST": "Portal.Example"}, "https", "portal.example"),
        ({"HTTP_HOST": "portal.example:443"}, "https", "portal.example"),
        ({"HTTP_HOST": "portal.example:443"}, "http", "portal.example:443"),
        ({"HTTP_HOST": "portal.example:8443"}, "https", "portal.example:8443"),
        ({"HTTP_HOST": "[::1]:80"}, "http", "[::1]"),
        ({"SERVER_NAME": "localhost", "SERVER_PORT": "8000"}, "http", "localhost:8000"),
        ({"SERVER_NAME": "localhost", "SERVER_PORT": "80"}, "http", "localhost"),
    ],
)
def test_a_host_is_named_without_the_port_that_its_scheme_implies(environ, scheme, host):
    assert host_of(environ, scheme) == host


@pytest.fixture
def signer(keys):
    return ReturnUrlSigner(keys)


@pytest.mark.requirement("R74")
@pytest.mark.parametrize("target", ["/", "/reports?year=2026&q=a%20b"])
def test_a_signed_target_comes_back(signer, target):
    sealed = signer.sealed(target)
    assert target not in sealed
    assert signer.opened(sealed) == target


@pytest.mark.requirement("R74")
def test_a_target_that_was_not_signed_here_does_not_come_back(signer, keys):
    sealed = signer.sealed("/reports")
    text, _, signature = sealed.partition(".")
    other = ReturnUrlSigner(KeyRing([("k1", bytes(32))])).sealed("/reports")
    unknown_key = ReturnUrlSigner(KeyRing([("k2", bytes(range(32)))])).sealed("/reports")
    unsafe = ReturnUrlSigner(keys).sealed("//evil.example")
    forged = [
        "",
        ".",
        "/reports",
        text,
        f"{text}.",
        f".{signature}",
        f"{text[:-2]}.{signature}",
        other,
        unknown_key,
    ]
    for value in [
        *forged,
        unsafe,
        sealed + "x",
        sealed[:-1],
        "é.k1.x",
        "=.k1.x",
        f"{text}=.{signature[:-1]}",
    ]:
        assert signer.opened(value) is None, value


@pytest.mark.requirement("R74")
@given(st.text())
def test_no_text_that_somebody_makes_up_is_a_target(value):
    assert ReturnUrlSigner(KeyRing([("k1", bytes(range(32)))])).opened(value) is None


# Over HTTP


@pytest.mark.requirement("R74")
@pytest.mark.parametrize(
    "value", ["", "/reports", "//evil.example", "L3JlcG9ydHM.k1.AAAA", "%00", "https://evil.example"]
)
def test_a_target_in_our_own_urls_that_is_not_ours_leads_to_the_root(browser_of, phone_of, value):
    alice = browser_of("alice")
    alice.enroll("/", phone_of)
    assert alice.navigate(f"/mfa/continue?next={value}").page.refresh == "0;url=/"


@pytest.mark.requirement("R74")
@pytest.mark.parametrize(
    "location", [text for text in FOREIGN if text.isascii() and text.isprintable() and text]
)
def test_a_held_sign_in_that_redirects_elsewhere_leads_to_the_root(
    flask_portal, new_browser, sign_in, portal, phone_of, location
):
    browser = new_browser(flask_portal)
    first = sign_in(browser, "alice", then=location)
    assert first.status == 303
    assert first.location.startswith("/mfa/enroll?next=")
    browser.enroll(first.location, phone_of)
    landing = browser.navigate(first.location.replace("/mfa/enroll", "/mfa/continue"))
    assert landing.page.refresh == "0;url=/"
    assert "/" in landing.page.links
