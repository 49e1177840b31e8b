"""Adapters for users whom a proxy or a middleware outside names, around a portal."""

from __future__ import annotations

import pytest

from wsgi_mfa import Chain, ConfigurationError, FlaskSession, RemoteUser, TrustedHeader

SECRET_KEY = "the secret of a portal in tests"
PROXY = {"REMOTE_ADDR": "10.0.0.5"}


@pytest.fixture
def behind_proxy(wrapped, portal, new_browser):
    application = wrapped(portal, identity=TrustedHeader("X-User", peers=["10.0.0.5"]))
    return new_browser(application, environ=PROXY)


@pytest.mark.requirement("R57")
def test_a_user_of_the_proxy_needs_a_second_factor(behind_proxy, portal, phone_of):
    behind_proxy.environ["HTTP_X_USER"] = "alice"
    assert behind_proxy.get_json("/").problem == "must_enroll"
    assert portal.calls == []
    behind_proxy.enroll("/", phone_of)
    assert behind_proxy.navigate("/").status == 200
    assert portal.calls[-1]["wsgi_mfa.user"] == "alice"


@pytest.mark.requirement("R57")
def test_the_header_from_elsewhere_reaches_no_application(behind_proxy, portal):
    behind_proxy.environ = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_USER": "alice"}
    assert behind_proxy.navigate("/").status == 200
    assert "HTTP_X_USER" not in portal.calls[-1]


@pytest.mark.requirement("R57", "R58")
@pytest.mark.parametrize("path", ["/", "/mfa/verify", "/mfa/help"])
def test_two_users_in_one_header_are_a_bad_request(behind_proxy, portal, path):
    behind_proxy.environ["HTTP_X_USER"] = "alice,admin"
    answer = behind_proxy.navigate(path)
    assert (answer.status, answer.page.name) == (400, "bad_request")
    assert behind_proxy.get_json(path).problem == "bad_request"
    assert portal.calls == []


@pytest.mark.requirement("D5")
def test_a_chain_lets_the_session_of_the_application_pass_that_a_server_signs_in(
    wrapped, portal, new_browser, phone_of
):
    chain = Chain(RemoteUser(), FlaskSession(SECRET_KEY, user_key="_user_id"))
    browser = new_browser(wrapped(portal, identity=chain), environ={"REMOTE_USER": "alice"})
    browser.enroll("/", phone_of)
    browser.cookies["session"] = portal.cookie("alice")
    assert browser.request("GET", "/").status == 200
    assert "session=" in portal.calls[-1]["HTTP_COOKIE"]
    browser.cookies["session"] = portal.cookie("admin")
    assert browser.request("GET", "/").status == 200
    assert "wsgi_mfa.user" not in portal.calls[-1]
    assert "REMOTE_USER" not in portal.calls[-1]
    assert "session=" not in portal.calls[-1].get("HTTP_COOKIE", "")


@pytest.mark.requirement("D1")
def test_aliases_need_a_directory(wrapped, portal):
    with pytest.raises(ConfigurationError, match="directory="):
        wrapped(portal, identity=RemoteUser(aliases=True))
    with pytest.raises(ConfigurationError, match="directory="):
        wrapped(
            portal, identity=Chain(FlaskSession(SECRET_KEY, user_key="_user_id"), RemoteUser(aliases=True))
        )
    assert wrapped(portal, identity=RemoteUser(aliases=True), directory={}.get)


@pytest.mark.requirement("D4")
def test_a_door_of_the_settings_is_taken_out_of_requests(wrapped, portal, new_browser):
    undeclared_credentials = ["cookie stay", "header X-Portal-Key", "argument sesame"]
    application = wrapped(
        portal,
        identity=FlaskSession(SECRET_KEY, user_key="_user_id"),
        undeclared_credentials=undeclared_credentials,
    )
    browser = new_browser(application, cookies={"stay": "1", "lang": "en"})
    browser.request("GET", "/?sesame=1&page=2", headers={"X-Portal-Key": "1"})
    seen = portal.calls[-1]
    assert (seen["HTTP_COOKIE"], seen["QUERY_STRING"]) == ("lang=en", "page=2")
    assert "HTTP_X_PORTAL_KEY" not in seen
