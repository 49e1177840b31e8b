"""Cookies, headers, paths and methods by which somebody with a password alone might get past the second factor.

The portal here believes everything: it reads cookies in all the ways in which applications were seen to read them,
takes a user from any header that somebody's proxy sets, and finds its pages however their paths are spelt.
"""

from __future__ import annotations

import posixpath
import re
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, unquote

import pytest
from werkzeug.http import parse_cookie

from wsgi_mfa import FlaskSession, Policy

pytestmark = pytest.mark.any_python

SECRET_KEY = "the secret of a portal in tests"
SESSION = "__Host-wsgi_mfa_session_portal"
PRIVATE = "/private"


def first_wins(header):
    cookies = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        cookies.setdefault(name, value)
    return cookies


def last_wins(header):
    return dict(part.strip().partition("=")[::2] for part in header.split(";"))


def commas_too(header):
    return dict(part.strip().partition("=")[::2] for part in re.split("[;,]", header))


def unquoted(header):
    return {unquote(name): unquote(value).strip('"') for name, value in last_wins(header).items()}


def standard_library(header):
    try:
        cookies = SimpleCookie(header)
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in cookies.items()}


def standard_library_each(header):
    """As Pylons and Trac were seen to: what one part spoils does not spoil the others."""
    cookies = {}
    for part in re.split("[;,]", header):
        cookies |= standard_library(part)
    return cookies


def werkzeug_reads(header):
    return dict(parse_cookie(header).items())


READERS = (
    *(first_wins, last_wins, commas_too, unquoted),
    *(standard_library, standard_library_each, werkzeug_reads),
)


class BelievingPortal:
    """``believed`` is each user whom it took somebody for without being told of a second factor, and each page."""

    def __init__(self):
        self.calls = 0
        self.believed = []
        self.pages = []
        self.of_whom = {}

    def __call__(self, environ, start_response):
        self.calls += 1
        if "wsgi_mfa.user" not in environ:
            self.believed += self._users(environ)
        self.pages += self._paths(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"welcome"]

    def _users(self, environ):
        header = environ.get("HTTP_COOKIE", "")
        for reader in READERS:
            if self.of_whom.get(reader(header).get("session")):
                yield reader.__name__
        for key, value in environ.items():
            if (
                isinstance(value, str)
                and re.search("alice|YWxpY2U|secret-token", value)
                and key != "HTTP_HOST"
            ):
                yield key

    def _paths(self, environ):
        path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]
        for text in (path, unquote(path), unquote(unquote(path))):
            for plain in (
                text,
                text.replace("\\", "/"),
                re.sub(";[^/]*", "", text),
                text.lower(),
                text.strip(),
            ):
                yield posixpath.normpath("/" + plain.partition("\x00")[0].partition("?")[0].lstrip("/"))


@pytest.fixture
def believing():
    return BelievingPortal()


# Cookies


@pytest.fixture
def password_only(wrapped, believing, portal, new_browser):
    """A browser whose user has signed in at the portal, and the cookie's value."""
    value = portal.cookie("alice")
    believing.of_whom[value] = "alice"
    application = wrapped(believing, identity=FlaskSession(SECRET_KEY, user_key="_user_id"), validated=False)
    return new_browser(application, validated=False), value


COOKIES = (
    "session={V}",
    "session={V}; session={V}",
    "session=x; session={V}",
    "session={V}; session=x",
    "session=; session={V}",
    "session={V}; session=",
    "session={V}; session=x; session={V}",
    'session="{V}"',
    'session="{V}',
    'session={V}"',
    'session="{O}"',
    'session="\\{V}"',
    "session={O}",
    "session={P}",
    "session='{V}'",
    "session= {V}",
    "session ={V}",
    " session={V}",
    "\tsession={V}",
    "session={V} ",
    "session={V}\t",
    "session=\x0b{V}",
    "\x0bsession={V}",
    "\xa0session={V}",
    "\x1csession={V}",
    "session\x00={V}",
    "session={V}\x00",
    "%73ession={V}",
    "sess%69on={V}",
    "%2573ession={V}",
    "SESSION={V}",
    "Session={V}",
    "$session={V}",
    "$Version=1; session={V}",
    '$Version="1"; session="{V}"; $Path="/"',
    "$Version=1, session={V}",
    "$Path=/; session={V}",
    "a=b, session={V}",
    "a=b,session={V}",
    "session={V}, a=b",
    "session={V},session=x",
    "session=x, session={V}",
    'a="b, session={V}"',
    'a="b; session={V}; c="',
    'a="; session={V}',
    'a="b\\"; session={V}; c="',
    "a; session={V}",
    "=; session={V}",
    "=session={V}",
    "=a; session={V}",
    "; session={V}",
    ";;;session={V};;;",
    "session; session={V}",
    "b[a]d=1; session={V}",
    "a=\xff; session={V}",
    "\xe9=1; session={V}",
    "a=b\r\nCookie: session={V}",
    "a=b\nsession={V}",
    "a=b\rsession={V}",
    "a=b session={V}",
    "a=b&session={V}",
    "expires=Thu, 01 Jan 2099; session={V}",
    "path=/; session={V}; secure; httponly",
    "session={V}; path=/",
    "session={V}=; session={V}",
    "__Host-session={V}",
    "a={L}; session={V}",
    "session={V}; " + "x=y; " * 300,
)


@pytest.mark.requirement("R54", "D6")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_login_is_never_read_out_of_a_cookie_without_the_second_factor(password_only, believing, method):
    browser, value = password_only
    octal = f"\\{ord(value[0]):03o}{value[1:]}"
    percent = f"%{ord(value[0]):02x}{value[1:]}"
    for spelling in COOKIES:
        header = spelling
        for name, text in (("V", value), ("O", octal), ("P", percent), ("L", "a" * 5000)):
            header = header.replace("{" + name + "}", text)
        answer = browser.request(method, PRIVATE, environ={"HTTP_COOKIE": header})
        assert answer.status in (200, 401), spelling
        assert believing.believed == [], spelling


def test_the_portal_would_believe_all_of_its_readers(believing, portal, serve_once, new_browser):
    value = portal.cookie("alice")
    believing.of_whom[value] = "alice"
    new_browser(believing, validated=False).request(
        "GET", "/", environ={"HTTP_COOKIE": f"session={value}", "HTTP_X_USER": "alice"}
    )
    assert set(believing.believed) == {*(reader.__name__ for reader in READERS), "HTTP_X_USER"}


# Headers

#: What proxies and clients were seen to name a user, a login or a grant by.
HEADERS = (
    *("Remote-User", "REMOTE_USER", "Remote_User", "remote-user", "X-Remote-User", "X_Remote_User"),
    *("X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Auth-Request-User"),
    *("X-Auth-Request-Email", "X-Auth-Request-Access-Token", "X-Webauth-User", "X-Authenticated-User"),
    *("X-Authenticated-Userid", "X-Proxy-Remote-User", "X-Original-Remote-User", "Proxy-Remote-User"),
    *(
        "Authorization",
        "Proxy-Authorization",
        "X-Authorization",
        "CGI-Authorization",
        "X-Forwarded-Authorization",
    ),
    *(
        "X-Api-Key",
        "X-ApiKey",
        "Api-Key",
        "X-Auth-Token",
        "X-Access-Token",
        "X-Devpi-Auth",
        "X-Csrf-Auth-Token",
    ),
    *(
        "Wsgi-Mfa-User",
        "Wsgi_Mfa.User",
        "X-Wsgi-Mfa",
        "X-Wsgi-Mfa-User",
        "X-Wsgi-Mfa-Method",
        "WSGI_MFA_USER",
    ),
)


@pytest.mark.requirement("R56", "R57", "R59", "R62", "D4")
@pytest.mark.parametrize("value", ["alice", "alice,bob", "Basic YWxpY2U6cGFzc3dvcmQ=", "Bearer secret-token"])
def test_no_header_makes_anybody_a_user(browser_of, believing, wrapped, value):
    nobody = browser_of(None, wrapped(believing, validated=False))
    nobody.validated = False
    for name in HEADERS:
        answer = nobody.request("GET", PRIVATE, headers={name: value})
        assert (answer.status, believing.believed) == (200, []), name
    # Nor does it make anybody somebody else, or verified.
    half = browser_of("carol", nobody.application)
    calls = believing.calls
    for name in HEADERS:
        assert half.request("GET", PRIVATE, headers={name: value}).status == 401, name
    assert believing.calls == calls


@pytest.mark.requirement("R59")
@pytest.mark.parametrize(
    "key", ["wsgi_mfa.user", "wsgi_mfa.method", "wsgi_mfa.verified_at", "wsgi_mfa.anything"]
)
def test_our_own_words_come_from_us_alone(browser_of, portal, wrapped, key):
    nobody = browser_of(None, wrapped(portal))
    nobody.request("GET", PRIVATE, environ={key: "alice"})
    assert [name for name in portal.calls[-1] if "wsgi_mfa" in name] == []


@pytest.mark.requirement("R62", "D4")
@pytest.mark.parametrize(
    "query",
    [
        *("api_key=alice", "%61pi_key=alice", "API_KEY=alice", "api-key=alice", "a=b&api_key=alice"),
        *("a=b;api_key=alice", "x_api_key=alice", "apikey=alice", "auth_token=alice", "access_token=alice"),
        *("access%5Ftoken=alice", "access_token=a&access_token=alice", "+api_key=alice", "%20api_key=alice"),
        *("api_key%00=alice&api_key=alice", "api.key=alice", "my_auth_token=alice", "AUTH-TOKEN=alice"),
        *("apikey=alice&apikey", "&&api_key=alice&&"),
    ],
)
def test_no_argument_makes_anybody_a_user(browser_of, portal, wrapped, query):
    nobody = browser_of(None, wrapped(portal))
    nobody.request("GET", PRIVATE, environ={"QUERY_STRING": query, "REQUEST_URI": f"{PRIVATE}?{query}"})
    called = portal.calls[-1]
    told = parse_qs(called["QUERY_STRING"]) | parse_qs(called["REQUEST_URI"].partition("?")[2])
    assert {name for name, values in told.items() if "alice" in values} <= {"api_key\x00"}


# Paths

#: What somebody might ask for to reach /private by way of the exempt /static; as the server hands it on.
PATHS = (
    *(
        "/private",
        "//private",
        "/./private",
        "/private/",
        "/private//",
        "/PRIVATE",
        "/private;x",
        "/private\x00",
    ),
    *("/static/../private", "/static/./../private", "/static//../private", "/static/..//private"),
    *("/static/../../private", "/static/a/../../private", "/static/..;/private", "/static/..;x=y/private"),
    *("/static;/../private", "/static;x/../private", "/static\\..\\private", "/static/..\\private"),
    *("/static\\../private", "\\static/../private", "/static/%2e%2e/private", "/static/%2E%2E%2Fprivate"),
    *("/static/..%2fprivate", "/static%2f..%2fprivate", "/static/%252e%252e/private", "/static/..%5cprivate"),
    *("/static/.%2e/private", "/static/..\x00/private", "/static/..%00/private", "/static\x00/../private"),
    *("/static/.. /private", "/static/ ../private", "/static /../private", "/static\t/../private"),
    *("/static\n/../private", "/static/..\r/private", "//static/../private", "/./static/../private"),
    *("/a/../static/../private", "/staticprivate", "/static.html/../private", "/statics/../private"),
    *(
        "/Static/../private",
        "/STATIC/../private",
        "static/../private",
        "http://evil.example/static/../private",
    ),
    *("/http://portal.example/static/../private", "/static?/../private", "/static#/../private"),
    *("/static/\xe2\x80\xae../private", "/static/\xc0\xae\xc0\xae/private", "/static/\xef\xbc\x8e./private"),
    *("/static/../static/../private", "/static/~/../private", "/static/.../../private", "*", "", "?", "//"),
)


@pytest.mark.requirement("R63", "R64")
def test_no_spelling_of_a_path_leads_past_an_exempt_one(wrapped, believing, browser_of):
    application = wrapped(believing, policy=Policy(exempt_paths=("/static",)), validated=False)
    alice = browser_of("alice", application)
    alice.validated = False
    assert alice.request("GET", "/static/portal.css").status == 200
    assert believing.believed == []
    for path in PATHS:
        for root in ("", "/portal"):
            believing.pages.clear()
            answer = alice.request("GET", "/", environ={"PATH_INFO": path, "SCRIPT_NAME": root})
            assert answer.status in (200, 401), path
            assert not any(page.endswith(PRIVATE) for page in believing.pages), path
            assert believing.believed == [], path


@pytest.mark.requirement("R64", "R66")
@pytest.mark.parametrize(
    "header",
    [
        *("X-Original-URL", "X-Original-URI", "X-Rewrite-URL", "X-Forwarded-URI", "X-Forwarded-Path"),
        *("X-Forwarded-Prefix", "X-Script-Name", "Script-Name", "SCRIPT_NAME", "Path-Info", "PATH_INFO"),
        *("X-Accel-Redirect", "X-Sendfile", "X-Envoy-Original-Path", "X-Replaced-Path", "X-Request-URI"),
        *("Request-URI", "X-Forwarded-Host", "X-Forwarded-Method", "X-HTTP-Method-Override", "User-Agent"),
        *("Origin", "Access-Control-Request-Method", "Referer", "Forwarded", "Via", "Upgrade"),
    ],
)
@pytest.mark.parametrize("value", ["/static/portal.css", "/static", "OPTIONS", "kube-probe/1.30"])
def test_no_header_moves_a_path(wrapped, portal, browser_of, header, value):
    policy = Policy(exempt_paths=("/static",), exempt_methods=("OPTIONS",))
    alice = browser_of("alice", wrapped(portal, policy=policy))
    headers = {header: value, "Accept": "application/json"}
    assert alice.request("GET", PRIVATE, headers=headers).problem == "must_enroll"
    # Our own pages stay where they are, too.
    assert alice.request("GET", "/mfa/methods", headers=headers).json == {"outcome": "must_enroll"}
    assert portal.calls == []


@pytest.mark.requirement("R64")
@pytest.mark.parametrize(
    "query",
    [
        *(
            "/static/portal.css",
            "static",
            "?/static",
            "path=/static",
            "next=/static",
            "..%2fstatic",
            "#/static",
        ),
        *(";/static", "/../static", "%2fstatic", "a=b&/static=1", "mount=/static", "url=/static/portal.css"),
        *("x=.css", ".css", "?.css", "a.css", "%3f.css", "static=1", "/mfa/help", "//static", "signed-out=1"),
    ],
)
def test_no_query_makes_a_path_exempt(wrapped, portal, browser_of, query):
    alice = browser_of("alice", wrapped(portal, policy=Policy(exempt_paths=("/static",))))
    answer = alice.request("GET", PRIVATE, environ={"QUERY_STRING": query})
    assert answer.problem == "must_enroll"
    assert portal.calls == []


@pytest.mark.requirement("R65")
@pytest.mark.parametrize("exempt", [(), ("OPTIONS",)])
def test_no_method_is_a_way_around(wrapped, portal, browser_of, exempt):
    alice = browser_of("alice", wrapped(portal, validated=False, policy=Policy(exempt_methods=exempt)))
    alice.validated = False
    for method in (
        *(
            "GET",
            "HEAD",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "OPTIONS",
            "TRACE",
            "CONNECT",
            "PROPFIND",
            "MKCOL",
        ),
        *("get", "Head", "options", "OPTIONS ", " OPTIONS", "OPTIONS\x00", "JEFF", "", "*", "GET GET", "PRI"),
    ):
        assert alice.request(method, PRIVATE).status == 401, method
        for headers in (
            {"Origin": "https://evil.example"},
            {"Access-Control-Request-Method": "GET"},
            {"Access-Control-Request-Headers": "authorization"},
        ):
            assert alice.request(method, PRIVATE, headers=headers).status == 401, (method, headers)
    both = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    assert portal.calls == []
    assert alice.request("OPTIONS", PRIVATE, headers=both).status == (200 if exempt else 401)
    assert alice.request("GET", PRIVATE, headers=both).status == 401


#: Paths that somebody might take for one of ours, or the other way round.
NEAR_OURS = (
    *("/mfa", "/mfa/", "/mfa//verify", "/mfa/./verify", "/mfa/../verify", "/mfa/verify/", "/mfa/verify//"),
    *("/mfa/Verify", "/mfa/VERIFY", "/mfa/verify;x", "/mfa/verify\x00", "/mfa/verify ", "/mfa/verify\n"),
    *(
        "/mfa/verify%00",
        "/mfa/%76erify",
        "/mfa/verify.json",
        "/mfa/verify?",
        "/mfa\\verify",
        "/mfa/..",
        "/mfa/.",
    ),
    *("/mfa/../private", "/mfa/help/../../private", "/mfa/qr.png", "/mfa/static/a.css", "/mfa/help/x"),
    *(
        "/mfax",
        "/mf",
        "/MFA/verify",
        "/mfa.html",
        "//mfa/verify",
        "/./mfa/verify",
        "mfa/verify",
        "/a/mfa/verify",
    ),
)


@pytest.mark.requirement("R63", "R66")
def test_a_path_near_ours_is_ours_or_is_gated(wrapped, portal, browser_of):
    alice = browser_of("alice", wrapped(portal, validated=False))
    alice.validated = False
    for path in NEAR_OURS:
        for method in ("GET", "POST"):
            answer = alice.request(
                method, "/", headers={"Accept": "application/json"}, environ={"PATH_INFO": path}
            )
            assert answer.status in (401, 404), path
            assert answer.problem in ("must_enroll", "not_found"), path
    assert portal.calls == []
