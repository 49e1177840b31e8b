from __future__ import annotations

import pytest

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.request.undeclared import (
    KNOWN_CREDENTIALS,
    UndeclaredCredential,
    UndeclaredTable,
    Where,
    undeclared_from,
)

TABLE = UndeclaredTable()


@pytest.mark.requirement("D4", "R62")
@pytest.mark.parametrize(
    "key",
    [
        "HTTP_AUTHORIZATION",
        "HTTP_PROXY_AUTHORIZATION",
        "HTTP_CGI_AUTHORIZATION",
        "REDIRECT_HTTP_AUTHORIZATION",
        "Authorization",
        "CGI-Authorization",
        "REMOTE_USER",
        "HTTP_REMOTE_USER",
        "HTTP_X_REMOTE_USER",
        "REDIRECT_REMOTE_USER",
        "HTTP_X_FORWARDED_USER",
        "HTTP_X-FORWARDED-USER",
        "http_x_forwarded_user",
        "HTTP_X_AUTH_REQUEST_EMAIL",
        "HTTP_X_WEBAUTH_USER",
        "HTTP_X_API_KEY",
        "HTTP_API_KEY",
        "HTTP_X_APIKEY",
        "HTTP_X_AUTH_TOKEN",
        "HTTP_X_DEVPI_AUTH",
        "HTTP_AUTHENTICATION_TOKEN",
        "HTTP_X_SESSION_TOKEN",
        "HTTP_X_GUESTTOKEN",
        "HTTP_X_AUTH_USER",
        "HTTP_PI_AUTHORIZATION",
        "HTTP_X_GOOG_AUTHENTICATED_USER_EMAIL",
        "HTTP_CF_ACCESS_JWT_ASSERTION",
        "HTTP_X_SSL_CLIENT_S_DN",
        "HTTP_X_FORWARDED_CLIENT_CERT",
        "HTTP_X_KOBO_USERKEY",
        "HTTP_X_VOUCH_USER",
        "HTTP_X_VOUCH_IDP_CLAIMS_EMAIL",
        "HTTP_X_CONSUMER_USERNAME",
        "HTTP_X_CREDENTIAL_IDENTIFIER",
        "HTTP_REMOTE_EMAIL",
        "HTTP_X_POMERIUM_CLAIM_EMAIL",
        "HTTP_OIDC_CLAIM_SUB",
        "HTTP_SM_USER",
        "HTTP_SM-USER",
        "HTTP_SMUSER",
        "HTTP_IV_USER",
        "HTTP_IV_CREDS",
        "HTTP_X_EMAIL",
        "HTTP_X_PROXY_USER",
        "HTTP_X_WSGI_MFA",
        "HTTP_X_WSGI.MFA_USER",
        "HTTP_WSGI_MFA_USER",
        "wsgi_mfa.user",
        "wsgi_mfa.verified_at",
    ],
)
def test_an_environ_key_that_carries_a_user_is_a_door(key: str) -> None:
    assert TABLE.is_credential(Where.ENVIRON, key)


@pytest.mark.parametrize(
    "key",
    [
        "HTTP_COOKIE",
        "HTTP_HOST",
        "HTTP_USER_AGENT",
        "HTTP_X_CSRF_TOKEN",
        "HTTP_X_CSRFTOKEN",
        "HTTP_X_XSRF_TOKEN",
        "HTTP_LOCK_TOKEN",
        "HTTP_X_KOBO_SYNCTOKEN",
        "HTTP_X_USER_AGENT",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_X_REQUESTED_WITH",
        "REMOTE_ADDR",
        "AUTH_TYPE",
        "BILLING_API_KEY",
        "wsgi.input",
        "wsgi.url_scheme",
        "werkzeug.request",
        "",
    ],
)
def test_another_environ_key_is_none(key: str) -> None:
    assert not TABLE.is_credential(Where.ENVIRON, key)


@pytest.mark.requirement("D4")
@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "API-KEY",
        "%61pi_key",
        "api%5Fkey",
        "+api_key",
        "apikey",
        "access_token",
        "jwt",
        "auth_token",
    ],
)
def test_an_argument_is_compared_decoded(name: str) -> None:
    assert TABLE.is_credential(Where.ARGUMENT, name)


@pytest.mark.requirement("D4")
@pytest.mark.parametrize(
    "name",
    [
        "remember_token",
        "__Secure-remember_token",
        "user_remember_me",
        "access_token_cookie",
        "__Host-access-token",
        "refresh_token_cookie",
        "jwt-auth",
        "__ac",
        "__Host-wsgi_mfa_session",
    ],
)
def test_a_cookie_that_carries_a_user_is_a_door_under_any_prefix(name: str) -> None:
    assert TABLE.is_credential(Where.COOKIE, name)


@pytest.mark.parametrize(
    "name", ["csrf_access_token", "csrftoken", "lang", "__Host-lang", "__Secure-", "theme"]
)
def test_another_cookie_is_none(name: str) -> None:
    assert not TABLE.is_credential(Where.COOKIE, name)


@pytest.mark.parametrize("name", ["q", "token", "key", "page", "remote_user_id", ""])
def test_another_argument_is_none(name: str) -> None:
    assert not TABLE.is_credential(Where.ARGUMENT, name)


def test_a_setting_adds_a_door() -> None:
    table = UndeclaredTable(
        [UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_COMPANY_*", reason="our gateway")]
    )
    assert table.is_credential(Where.ENVIRON, "HTTP_X_COMPANY_LOGIN")
    assert table.is_credential(Where.ENVIRON, "HTTP_AUTHORIZATION")
    assert not TABLE.is_credential(Where.ENVIRON, "HTTP_X_COMPANY_LOGIN")


def test_only_the_star_of_a_pattern_is_special() -> None:
    table = UndeclaredTable(
        [UndeclaredCredential(where=Where.COOKIE, pattern="a+b", reason="a plus sign is legal in a name")]
    )
    assert table.is_credential(Where.COOKIE, "a%2Bb")
    assert not table.is_credential(Where.COOKIE, "aab")


def test_every_door_has_a_reason() -> None:
    assert [door for door in KNOWN_CREDENTIALS if not door.reason] == []


@pytest.mark.requirement("D4")
def test_settings_add_doors() -> None:
    table = UndeclaredTable(undeclared_from(["cookie stay_*", "header X-Portal-Key", "argument sesame"]))
    assert table.is_credential(Where.COOKIE, "stay_signed_in")
    assert table.is_credential(Where.ENVIRON, "HTTP_X_PORTAL_KEY")
    assert table.is_credential(Where.ARGUMENT, "%73esame")
    assert not table.is_credential(Where.ARGUMENT, "stay_signed_in")
    assert not UndeclaredTable().is_credential(Where.COOKIE, "stay_signed_in")


@pytest.mark.parametrize(
    "undeclared_credentials",
    [
        "cookie stay",
        ["stay"],
        ["cookie"],
        ["cookie a b"],
        ["body password"],
        [""],
        ["path x"],
        ["path /"],
        ["path /a/*"],
    ],
)
def test_a_door_of_another_form_is_refused(undeclared_credentials) -> None:
    with pytest.raises(ConfigurationError, match="undeclared_credentials"):
        undeclared_from(undeclared_credentials)
