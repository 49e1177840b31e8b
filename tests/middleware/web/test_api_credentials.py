"""The portal's own API tokens pass at the paths that settings name, alone and as a visitor's (D50)."""

from __future__ import annotations

import logging

import pytest

from wsgi_mfa import HttpBasic, Policy
from wsgi_mfa.errors import ConfigurationError

pytestmark = pytest.mark.requirement("D50", "D4")

BEARER = {"header": "Authorization", "scheme": "Bearer", "path": "/api"}
KEY = {"header": "X-Api-Key", "path": "/feeds"}


@pytest.fixture
def application(wrapped, portal, flask_identity):
    return wrapped(portal, identity=flask_identity, api_credentials=[BEARER, KEY])


@pytest.fixture
def ask(application, portal, new_browser):
    """``ask(path, headers)``: the environ that the portal sees of such a request."""

    def send(path, headers):
        answer = new_browser(application).request("GET", path, headers=headers)
        assert answer.status == 200, answer.text
        return portal.calls[-1]

    return send


PASS = {
    "at the path": ("/api", {"Authorization": "Bearer abc.def-_~+/="}),
    "below the path": ("/api/orders/7", {"Authorization": "Bearer abc"}),
    "with a slash": ("/api/", {"Authorization": "Bearer abc"}),
    "a scheme in another case": ("/api/orders", {"Authorization": "bearer abc"}),
    "a key of its own": ("/feeds/all.rss", {"X-Api-Key": "0123"}),
}


@pytest.mark.parametrize(("path", "headers"), PASS.values(), ids=PASS.keys())
def test_a_declared_token_reaches_the_portal(ask, path, headers):
    seen = ask(path, headers)
    name, value = next(iter(headers.items()))
    assert seen["HTTP_" + name.upper().replace("-", "_")] == value
    assert "wsgi_mfa.user" not in seen


REMOVED = {
    "another path": ("/orders", {"Authorization": "Bearer abc"}),
    "a path that only begins so": ("/apis", {"Authorization": "Bearer abc"}),
    "a path with dots": ("/api/../orders", {"Authorization": "Bearer abc"}),
    "an encoded slash": ("/api%2f..%2forders", {"Authorization": "Bearer abc"}),
    "two slashes": ("//api/orders", {"Authorization": "Bearer abc"}),
    "a path parameter": ("/api;x=/orders", {"Authorization": "Bearer abc"}),
    "another scheme": ("/api", {"Authorization": "Basic YW5uOnNlY3JldA=="}),
    "no scheme": ("/api", {"Authorization": "abc"}),
    "two tokens": ("/api", {"Authorization": "Bearer abc, Bearer def"}),
    "two joined": ("/api", {"Authorization": "Bearer abc,Basic YW5uOnNlY3JldA=="}),
    "no token": ("/api", {"Authorization": "Bearer "}),
    "a key elsewhere": ("/api", {"X-Api-Key": "0123"}),
    "a header that moves the path": ("/api", {"Authorization": "Bearer abc", "X-Original-Url": "/orders"}),
    "a header that moves the root": ("/api", {"Authorization": "Bearer abc", "X-Script-Name": "/api"}),
}


@pytest.mark.parametrize(("path", "headers"), REMOVED.values(), ids=REMOVED.keys())
def test_anything_else_is_removed(ask, path, headers):
    seen = ask(path, headers)
    assert "HTTP_AUTHORIZATION" not in seen
    assert "HTTP_X_API_KEY" not in seen


def test_two_declared_tokens_at_one_path_are_both_removed(wrapped, portal, new_browser):
    application = wrapped(portal, api_credentials=[BEARER, {**KEY, "path": "/api"}])
    program = new_browser(application)
    program.request("GET", "/api", headers={"Authorization": "Bearer abc", "X-Api-Key": "0123"})
    assert {"HTTP_AUTHORIZATION", "HTTP_X_API_KEY"}.isdisjoint(portal.calls[-1])


def test_every_other_credential_is_removed_beside_a_token(application, portal, browser_of, sign_in):
    ann = browser_of(application=application)
    ann.follow(sign_in(ann, "ann@example.com"))
    assert ann.navigate("/").status == 303
    answer = ann.request(
        "GET",
        "/api/orders",
        headers={"Authorization": "Bearer abc", "X-Api-Key": "0123"},
        environ={"REMOTE_USER": "bob@example.com"},
    )
    assert answer.status == 200
    seen = portal.calls[-1]
    assert seen["HTTP_AUTHORIZATION"] == "Bearer abc"
    assert "session=" not in seen.get("HTTP_COOKIE", "")
    assert {"HTTP_X_API_KEY", "REMOTE_USER", "wsgi_mfa.user"}.isdisjoint(seen)


def test_without_a_user_an_adapter_that_reads_no_cookie_lets_none_pass_beside_a_token(
    wrapped, portal, new_browser
):
    program = new_browser(wrapped(portal, api_credentials=[BEARER]), cookies={"session": "of-the-portal"})
    program.request(
        "GET", "/api", headers={"Authorization": "Bearer abc"}, environ={"REMOTE_USER": "ann@example.com"}
    )
    seen = portal.calls[-1]
    assert seen["HTTP_AUTHORIZATION"] == "Bearer abc"
    assert {"HTTP_COOKIE", "REMOTE_USER"}.isdisjoint(seen)


def test_a_sign_in_by_a_token_is_held_like_any_other(wrapped, portal, new_browser, flask_identity, sign_in):
    application = wrapped(portal, identity=flask_identity, api_credentials=[{**BEARER, "path": "/sign-in"}])
    program = new_browser(application)
    answer = sign_in(program, "ann@example.com", headers={"Authorization": "Bearer abc"})
    assert answer.status == 303
    assert answer.location.startswith("/mfa/enroll?")


def test_a_closed_path_stays_closed(wrapped, portal, new_browser):
    application = wrapped(portal, api_credentials=[BEARER], undeclared_credentials=["path /api/rpc"])
    program = new_browser(application)
    answer = program.request("GET", "/api/rpc", headers={"Authorization": "Bearer abc"})
    assert answer.status == 401
    assert portal.calls == []


def test_our_own_pages_know_no_token(wrapped, portal, new_browser):
    application = wrapped(portal, api_credentials=[{**BEARER, "path": "/mfa"}])
    answer = new_browser(application).request(
        "GET", "/mfa/account", headers={"Authorization": "Bearer abc", "Accept": "application/json"}
    )
    assert answer.status == 401


def test_the_log_tells_once_of_each_credential_that_was_removed(ask, caplog):
    with caplog.at_level(logging.WARNING, logger="wsgi_mfa"):
        for _ in range(3):
            ask("/orders", {"Authorization": "Token 0123"})
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 1
    assert "removed HTTP_AUTHORIZATION from requests" in lines[0]
    assert "name it in api_credentials" in lines[0]
    assert "0123" not in lines[0]


def test_the_start_logs_what_is_protected_by_a_token_alone(wrapped, portal, caplog):
    with caplog.at_level(logging.INFO, logger="wsgi_mfa"):
        wrapped(portal, api_credentials=[BEARER])
    assert "api_credentials: /api by Authorization: Bearer alone, without a second factor" in caplog.text


def test_beside_basic_another_scheme_may_pass(wrapped, portal, new_browser):
    application = wrapped(portal, identity=HttpBasic(lambda *_: None), api_credentials=[BEARER])
    new_browser(application).request("GET", "/api", headers={"Authorization": "Bearer abc"})
    assert portal.calls[-1]["HTTP_AUTHORIZATION"] == "Bearer abc"


WRONG = {
    "no table": ("/api", "api_credentials has '/api'"),
    "no header": ({"path": "/api"}, "legal is a table such as"),
    "an unknown member": ({**BEARER, "paths": "/api"}, "legal is a table such as"),
    "a number": ({**BEARER, "path": 1}, "legal is a table such as"),
    "no scheme": ({"header": "Authorization", "path": "/api"}, "the scheme None for Authorization"),
    "a scheme elsewhere": ({**KEY, "scheme": "Bearer"}, "the scheme 'Bearer' for X-Api-Key"),
    "a scheme of two words": ({**BEARER, "scheme": "Bearer x"}, "the scheme 'Bearer x'"),
    "cookies": ({"header": "Cookie", "path": "/api"}, "the header 'Cookie'"),
    "no header's name": ({"header": "X Api", "path": "/api"}, "the header 'X Api'"),
    "one of ours": ({"header": "X-Wsgi-Mfa-User", "path": "/api"}, "the header 'X-Wsgi-Mfa-User'"),
    "the whole portal": ({**BEARER, "path": "/"}, "the path '/'"),
    "a pattern": ({**BEARER, "path": "/api/*"}, r"the path '/api/\*'"),
}


@pytest.mark.parametrize(("entry", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_entry_is_an_error_of_the_start(wrapped, portal, entry, message):
    with pytest.raises(ConfigurationError, match=message):
        wrapped(portal, api_credentials=[entry])


def test_the_adapters_own_header_is_none(wrapped, portal):
    with pytest.raises(ConfigurationError, match="by which HttpBasic knows its users"):
        wrapped(portal, identity=HttpBasic(lambda *_: None), api_credentials=[{**BEARER, "scheme": "Basic"}])


def test_a_proxy_that_asks_passes_such_paths_itself(wrapped, portal, flask_identity):
    with pytest.raises(ConfigurationError, match="api_credentials is given with forward_auth"):
        wrapped(
            portal,
            identity=flask_identity,
            forward_auth=True,
            renews_sessions=True,
            api_credentials=[BEARER],
        )


def test_exempt_paths_do_not_let_tokens_pass(wrapped, portal, new_browser):
    application = wrapped(portal, policy=Policy(exempt_paths=("/api",)))
    new_browser(application).request("GET", "/api", headers={"Authorization": "Bearer abc"})
    assert "HTTP_AUTHORIZATION" not in portal.calls[-1]
