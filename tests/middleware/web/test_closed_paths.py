"""Paths at which an application takes credentials in a body, or in the path itself (D4)."""

from __future__ import annotations

import pytest

from wsgi_mfa import AccessRule, ConfigurationError, FlaskSession, Person, Policy

KNOWN_CREDENTIALS = ["path /xmlrpc", "path /feeds"]
JSON = {"Accept": "application/json"}
USER = "user1@example.com"

pytestmark = pytest.mark.requirement("D4")


@pytest.mark.parametrize(
    "path",
    ["/xmlrpc", "/xmlrpc/2", "/feeds/s3cret/all.xml", "/a//xmlrpc", "/XMLRPC", "/a/..;/xmlrpc", "/xmlrpc."],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_visitor_does_not_get_there_in_any_spelling(wrapped, portal, new_browser, path, method):
    visitor = new_browser(wrapped(portal, undeclared_credentials=KNOWN_CREDENTIALS))
    answer = visitor.request(method, path, headers=JSON)
    assert (answer.status, answer.problem) == (401, "sign_in_required")
    assert portal.calls == []


def test_a_visitor_gets_everywhere_else(wrapped, portal, new_browser):
    visitor = new_browser(wrapped(portal, undeclared_credentials=KNOWN_CREDENTIALS))
    for path in ("/", "/xmlrpcs", "/about/xmlrpc", "/static/a b.css"):
        assert visitor.request("GET", path).status == 200


def test_a_header_that_names_another_path_opens_nothing(wrapped, portal, new_browser):
    visitor = new_browser(wrapped(portal, undeclared_credentials=KNOWN_CREDENTIALS))
    moved = visitor.request("GET", "/", headers={**JSON, "X-Original-URL": "/xmlrpc"})
    assert (moved.status, portal.calls) == (401, [])


def test_after_the_second_factor_it_is_a_page_like_any_other(wrapped, portal, browser_of, phone_of):
    browser = browser_of(USER, wrapped(portal, undeclared_credentials=KNOWN_CREDENTIALS))
    assert browser.request("GET", "/xmlrpc", headers=JSON).problem == "must_enroll"
    browser.enroll("/", phone_of)
    assert browser.request("POST", "/xmlrpc", headers=JSON).status == 200


@pytest.mark.parametrize(
    "policy",
    [
        {"exempt_paths": ("/xmlrpc",)},
        {"rules": (AccessRule(path="/xmlrpc", group="clerks", second_factor=False),)},
        {"rules": (AccessRule(user="ann", second_factor=False),)},
        {"required_from": "2030-01-01T00:00:00Z"},
    ],
)
def test_nothing_else_opens_it(wrapped, portal, browser_of, policy):
    clerk = Person(name="ann", email="ann@example.com", groups=("clerks",))
    application = wrapped(
        portal, undeclared_credentials=KNOWN_CREDENTIALS, policy=Policy(**policy), directory=lambda _: clerk
    )
    assert browser_of("ann", application).request("POST", "/xmlrpc", headers=JSON).status == 401
    assert portal.calls == []


def test_behind_a_proxy_that_asks_it_belongs_into_the_proxy(wrapped, portal):
    with pytest.raises(ConfigurationError, match="undeclared_credentials name a path"):
        wrapped(
            portal,
            identity=FlaskSession("the secret of tests", user_key="_user_id"),
            undeclared_credentials=KNOWN_CREDENTIALS,
            forward_auth=True,
        )
