"""One request as our pages see it: which answer it reads, what its query says, and whose browser it is."""

from __future__ import annotations

import pytest

from wsgi_mfa import FlaskSession
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer
from wsgi_mfa.web.cookies import CookieNames
from wsgi_mfa.web.request import Caller, IdentifiedRequest, IncomingRequest, VerifiedRequest

BROWSER, SESSION = "__Host-wsgi_mfa_browser_portal", "__Host-wsgi_mfa_session_portal"
RANDOM = "0123456789abcdef" * 2


@pytest.fixture
def requested(wrapped, portal, clock):
    """``requested(environ, user=None)``: the request of this environ, as somebody's."""
    middleware = wrapped(portal)

    def make(environ=None, *, user=None, cookies=None):
        site = middleware._site
        given = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/",
            "SERVER_NAME": "portal.example",
            "SERVER_PORT": "443",
            **(environ or {}),
        }
        if cookies:
            given["HTTP_COOKIE"] = "; ".join(
                f"{name}={value}" for name, value in cookies(site.cookies).items()
            )
        names = CookieNames.over_https("portal")
        sanitizer = RequestSanitizer(
            FlaskSession(portal.secret_key, user_key="_user_id"), own_cookie_names=names.all
        )
        request = IncomingRequest(site, given, names, sanitizer.clean(given), clock.now())
        if user is None:
            return request
        return request.identified(Caller(user=user, login=None, address=None), None)

    return make


# What it reads


@pytest.mark.parametrize(
    ("method", "mode", "accept", "content_type", "is_navigation", "wants_json"),
    [
        ("GET", "navigate", "text/html", None, True, False),
        ("GET", "navigate", "application/json", None, True, False),
        ("GET", None, "text/html", None, True, False),
        ("GET", None, "TEXT/HTML;q=0.9", None, True, False),
        ("GET", None, "text/html, application/json", None, False, True),
        ("GET", None, "application/json", None, False, True),
        ("GET", None, "Application/JSON; charset=utf-8", None, False, True),
        ("GET", None, "application/problem+json", None, False, False),
        ("GET", None, "*/*", None, False, False),
        ("GET", None, None, None, False, False),
        ("GET", "cors", "text/html", None, False, False),
        ("GET", "cors", "application/json", None, False, True),
        ("HEAD", None, "text/html", None, False, False),
        ("POST", "navigate", "text/html", "application/x-www-form-urlencoded", True, False),
        ("POST", None, "*/*", "application/json", False, True),
        ("POST", "navigate", "text/html", "application/json", True, True),
        ("POST", None, "text/html", "Application/JSON; charset=utf-8", True, True),
        ("POST", None, "text/html", "application/json5", True, False),
        ("PUT", "navigate", "text/html", None, False, False),
        ("get", None, "text/html", None, False, False),
    ],
)
def test_what_a_client_reads_is_told_by_its_headers(
    requested, method, mode, accept, content_type, is_navigation, wants_json
):
    headers = {"HTTP_SEC_FETCH_MODE": mode, "HTTP_ACCEPT": accept, "CONTENT_TYPE": content_type}
    given = {key: value for key, value in headers.items() if value is not None}
    request = requested({"REQUEST_METHOD": method, **given})
    assert request.is_navigation is is_navigation
    assert request.wants_json is wants_json


# Its query


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("next=a", "a"),
        ("a=b&next=c%20d&e=f", "c d"),
        ("next=a+b", "a b"),
        ("next=a&next=b", None),
        ("next=a&next=a", None),
        ("next=", None),
        ("next", None),
        ("NEXT=a", None),
        ("", None),
        ("&".join(f"a{number}=b" for number in range(60)) + "&next=a", None),
        ("next=%ff%fe", "\ufffd\ufffd"),
        ("next=\xff", "\xff"),
    ],
)
def test_an_argument_counts_when_it_is_there_once(requested, query, value):
    assert requested({"QUERY_STRING": query}).argument("next") == value


def test_without_a_query_there_is_no_argument(requested):
    assert requested().argument("next") is None


@pytest.mark.requirement("R66")
@pytest.mark.parametrize(
    ("script_name", "root", "mount"),
    [
        ("", "/", "/mfa"),
        ("/portal", "/portal/", "/portal/mfa"),
        ("/caf\xc3\xa9", "/caf%C3%A9/", "/caf%C3%A9/mfa"),
    ],
)
def test_our_pages_lie_below_the_root_of_the_portal(requested, script_name, root, mount):
    request = requested({"SCRIPT_NAME": script_name})
    assert (request.root, request.mount) == (root, mount)


def test_a_server_that_names_no_address_has_an_empty_source(requested):
    assert requested().source == ""
    assert requested({"REMOTE_ADDR": "192.0.2.1"}).source == "192.0.2.1"


# Whose browser it is


def both(user):
    return lambda signer: {BROWSER: signer.browser_value(RANDOM), SESSION: signer.session_value(RANDOM, user)}


def test_a_visit_is_somebodys(requested):
    with pytest.raises(ValueError, match="nobody is signed in"):
        _ = requested().visit


def test_a_browser_without_a_cookie_gets_one_id_for_the_whole_request(requested):
    request = requested(user="alice")
    assert request.known_browser is None
    assert request.browser == request.browser
    assert request.visit.origin.browser == request.browser
    assert request.visit.origin.next_browser != request.browser


def test_a_browser_with_our_cookies_is_known(requested):
    request = requested(user="alice", cookies=both("alice"))
    assert (request.known_browser, request.browser, request.session_id) == (RANDOM, RANDOM, RANDOM)
    assert not request.user_changed


@pytest.mark.requirement("R49", "R51", "D20")
def test_a_browser_with_the_session_of_another_user_has_changed_hands(requested):
    request = requested(user="bob", cookies=both("alice"))
    assert request.user_changed
    assert request.session_id is None
    assert request.known_browser is None
    assert request.browser != RANDOM


@pytest.mark.requirement("D19")
def test_a_request_of_nobody_changes_no_hands(requested):
    request = requested(cookies=both("alice"))
    assert not request.user_changed
    assert request.known_browser == RANDOM
    assert request.session_id is None


def test_going_back_to_the_incoming_request_forgets_the_user(requested):
    identified = requested(user="bob", cookies=both("alice"))
    assert (identified.known_browser, identified.session_id, identified.visit.user) == (None, None, "bob")
    request = identified.incoming
    assert request.caller is None
    assert request.account is None
    assert request.known_browser == RANDOM
    assert request.state.session is None
    with pytest.raises(ValueError, match="nobody"):
        _ = request.visit


# Its stages


def test_a_request_without_a_session_is_identified_and_not_verified(requested):
    request = requested(user="alice", cookies=both("alice"))
    assert isinstance(request, IdentifiedRequest)
    assert not isinstance(request, VerifiedRequest)
    assert (request.session_id, request.state.session) == (RANDOM, None)


def test_the_user_of_one_stage_changes_nothing_at_the_stage_before(requested):
    incoming = requested(cookies=both("alice"))
    one = incoming.identified(Caller(user="alice", login=None, address=None), None)
    other = incoming.identified(Caller(user="bob", login=None, address=None), None)
    assert (one.caller.user, other.caller.user, incoming.caller) == ("alice", "bob", None)
    assert one.incoming.caller is None
