"""What is said in our answers: headers that a server can send (R71), and targets within the site (R74)."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote, urljoin, urlsplit

import pytest

from wsgi_mfa import FlaskSession

pytestmark = pytest.mark.any_python

SECRET_KEY = "the secret of a portal in tests"
ORIGIN = "https://portal.example"
HOP_BY_HOP = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"),
    *("transfer-encoding", "upgrade"),
}
OURS = {
    *("Content-Type", "Content-Length", "Cache-Control", "Vary", "Referrer-Policy", "X-Content-Type-Options"),
    *("X-Frame-Options", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Set-Cookie"),
    *("Content-Security-Policy", "Link", "Location", "Retry-After", "Allow"),
}
PAGES = (
    "enroll",
    "enroll/manual",
    "verify",
    "methods",
    "resync",
    "recover",
    "recovery-code",
    "continue",
    "help",
)

#: Text that would end a header, or that no header can carry.
UGLY = (
    *("a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\r\n\r\n<script>", "a\x00b", "a\x0bb", "a\x0cb"),
    *("a\x7fb", "a\x1fb", "a\tb", "a\x85b", "\xff\xfe", "\xc3\x28", "\u65e5\u672c", "\u202ea", "\ufeffa"),
    *("\U0001f600", "\ud800", 'a"; Path=/; Domain=evil.example', "a; Secure", "a, b", "a'b", "<a>", "&amp;"),
    *("{{7*7}}", "%0d%0aX-Evil: 1", "a" * 3000, " ", "=", "a=b"),
)


def is_sendable(answer):
    """Whether every server can send these headers, and none was put in from outside (R71)."""
    for name, value in answer.headers:
        assert name in OURS, name
        assert name.lower() not in HOP_BY_HOP
        assert isinstance(value, str)
        value.encode("latin-1")
        assert re.search(r"[\x00-\x1f\x7f]", value) is None, (name, value)
    assert len(answer.all("Content-Length")) <= 1
    return True


def as_a_server_gives_it(text):
    """PEP 3333: bytes in the shape of latin-1 text."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


@pytest.mark.requirement("R71")
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_user_of_any_name_gets_headers_that_can_be_sent(wrapped, portal, browser_of, accept):
    application = wrapped(portal, validated=False)
    for user in UGLY:
        browser = browser_of(as_a_server_gives_it(user), application)
        browser.validated = False
        for path in ("/", *(f"/mfa/{page}" for page in PAGES)):
            answer = browser.request("GET", path, headers={"Accept": accept})
            assert is_sendable(answer)
            # A name without any letter is nobody's, and one with control characters can have no account (D1).
            assert answer.status in (200, 303, 401, 403), (user, path)
    assert [call for call in portal.calls if "REMOTE_USER" in call and call["REMOTE_USER"].strip()] == []


@pytest.mark.requirement("R71")
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize(
    "key",
    [
        *(
            "HTTP_HOST",
            "HTTP_COOKIE",
            "HTTP_ORIGIN",
            "HTTP_REFERER",
            "HTTP_USER_AGENT",
            "HTTP_ACCEPT_LANGUAGE",
        ),
        *("QUERY_STRING", "PATH_INFO", "SCRIPT_NAME", "CONTENT_TYPE", "HTTP_SEC_FETCH_MODE", "REMOTE_ADDR"),
        *(
            "HTTP_SEC_FETCH_SITE",
            "SERVER_NAME",
            "SERVER_PORT",
            "HTTP_X_FORWARDED_FOR",
            "HTTP_X_FORWARDED_HOST",
        ),
    ],
)
def test_nothing_that_a_client_sends_gets_into_a_header(wrapped, portal, new_browser, key, accept):
    application = wrapped(portal, identity=FlaskSession(SECRET_KEY, user_key="_user_id"), validated=False)
    browser = new_browser(application, validated=False)
    browser.cookies["session"] = portal.cookie("alice")
    browser.navigate("/mfa/enroll")
    cookies = dict(browser.cookies)
    for text in UGLY:
        ugly = as_a_server_gives_it(text)
        value = {
            "PATH_INFO": f"/{ugly}",
            "SCRIPT_NAME": f"/{ugly}",
            "QUERY_STRING": f"next={ugly}",
            "HTTP_COOKIE": f"session={browser.cookies['session']}; a={ugly}; __Host-wsgi_mfa_browser_portal={ugly}",
        }.get(key, ugly)
        for path in ("/", "/mfa/enroll/manual", "/mfa/verify", "/mfa/continue", "/mfa/nowhere"):
            environ = {"PATH_INFO": path, key: value} if key != "PATH_INFO" else {key: path + value}
            answer = browser.request("GET", "/", headers={"Accept": accept}, environ=environ)
            assert is_sendable(answer)
            assert answer.status in (200, 303, 401, 403, 404, 429), (text, path)
            browser.cookies = dict(cookies)
    assert portal.calls == []


# Where to go

#: What leads a browser elsewhere, if it is taken for a path of this site.
ELSEWHERE = (
    *("//evil.example", "//evil.example/reports", "///evil.example", "////evil.example", "/\\evil.example"),
    *("\\/evil.example", "\\\\evil.example", "/\\/evil.example", "/\t/evil.example", "/\n/evil.example"),
    *(
        "\t//evil.example",
        " //evil.example",
        "\x00//evil.example",
        "/\x00/evil.example",
        "//evil.example:443",
    ),
    *(
        "https://evil.example",
        "HTTPS://EVIL.EXAMPLE",
        "https:evil.example",
        "https:/evil.example",
        "http:evil",
    ),
    *("https:///evil.example", "https://portal.example@evil.example", "https://portal.example.evil.example"),
    *("https://portal.example\\@evil.example", "//portal.example@evil.example", "javascript:alert(1)"),
    *("JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "\x01javascript:alert(1)", "data:text/html,evil"),
    *("vbscript:a", "blob:https://evil.example/", "ftp://evil.example", "evil.example", "..//evil.example"),
    *("//%65vil.example", "/%09/evil.example", "/%5cevil.example", "%2f%2fevil.example", "/%2f/evil.example"),
    *(
        "//[::1]/",
        "//0x7f.1",
        "//evil\u3002example",
        "/\u2215/evil.example",
        "\u2044\u2044evil.example",
        "//",
    ),
)


def host_of(target):
    """The host that a browser goes to by ``target`` from our page (WHATWG URL: backslashes are slashes there)."""
    stripped = re.sub(r"[\t\r\n]", "", target.strip("".join(map(chr, range(33))))).replace("\\", "/")
    return urlsplit(urljoin(f"{ORIGIN}/mfa/continue", stripped)).netloc


def targets_of(answer):
    """Every place to which a page of ours leads by itself or by a link."""
    page = answer.page
    refresh = [page.refresh.partition("url=")[2]] if page.refresh else []
    return [*page.links, *refresh, *(form.action for form in page.forms)]


@pytest.mark.requirement("R74")
def test_whatever_somebody_puts_into_next_leads_to_this_site(scene, clock):
    alice = scene.browsers["alice"]
    sealed = alice.navigate("/reports").location.partition("next=")[2]
    forged = [
        f"{sealed}x",
        sealed[1:],
        f"{sealed.partition('.')[0]}.",
        f"L2V2aWwuZXhhbXBsZQ.{sealed}",
        "L3JlcG9ydHM",
    ]
    for text in (*ELSEWHERE, *forged):
        for page in ("verify", "methods", "resync", "recover"):
            answer = alice.navigate(f"/mfa/{page}?next={quote(text.encode())}")
            assert answer.status == 200
            assert {host_of(target) for target in targets_of(answer)} == {"portal.example"}, text
            # It is not even carried on.
            assert all("next" not in form.fields for form in answer.page.forms), text
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R74")
def test_a_sign_in_leads_where_the_page_said_and_nowhere_else(scene, clock):
    for text in ELSEWHERE:
        for name, value in scene.before.items():
            loaded = scene.store.load(name)
            if loaded is not None and value is not None and loaded != value:
                # All as it was, but for the record, which never goes back (D28).
                kept = {"event_count": loaded.event_count, "event_link": loaded.event_link}
                scene.application.service.save(replace(value, **kept), (), expected=loaded.revision)
        told = scene.post_json("verify", {"code": scene.right["alice"]["code"], "next": text})
        assert (told.status, told.json["next"]) == (200, "/"), text
        query = f"?next={quote(text.encode())}"
        led = scene.post_form("verify", scene.fields_of("verify", next=text), query=query)
        assert led.json["next"] == "/", text


@pytest.mark.requirement("R74")
def test_a_path_that_names_another_host_is_not_gone_to_afterwards(browser_of, wrapped, portal, phone_of):
    application = wrapped(portal, validated=False)
    alice = browser_of("alice", application)
    alice.validated = False
    alice.enroll("/", phone_of)
    session = dict(alice.cookies)
    for text in ELSEWHERE:
        asked = as_a_server_gives_it(text)
        alice.cookies = {}
        location = alice.navigate("/", environ={"PATH_INFO": asked, "QUERY_STRING": asked}).location
        assert host_of(location) == "portal.example"
        alice.cookies = dict(session)
        page = alice.navigate("/mfa/continue?" + location.partition("?")[2])
        assert page.page.outcome == "signed_in"
        assert {host_of(target) for target in targets_of(page)} == {"portal.example"}, text
