from __future__ import annotations

from typing import Any

import pytest

from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, AdapterTraits, Credentials, FirstFactor
from wsgi_mfa.identity.adapters.remote_user import RemoteUser
from wsgi_mfa.identity.request.sanitizer import UNDERSCORES_KEY, RequestSanitizer, without_own_cookies
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential, Where

OWN = ("__Host-wsgi_mfa_browser", "__Host-wsgi_mfa_session")
ALL_CARRIERS = Credentials(
    cookies=("session",), headers=("HTTP_X_USER", "REMOTE_USER"), arguments=("ticket",)
)


def request(**extra: str) -> dict[str, Any]:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.url_scheme": "https", **extra}


def sanitizer(adapter: Any) -> RequestSanitizer:
    return RequestSanitizer(adapter, own_cookie_names=OWN)


def test_the_environ_is_changed_in_place_and_the_adapter_reads_the_cleaned_one(recorded) -> None:
    adapter = recorded(Credentials(cookies=("session",)))
    environ = request(HTTP_COOKIE=f"a=b,c; session=abc; {OWN[1]}=k.mac", HTTP_AUTHORIZATION="Basic eDp5")
    sanitized = sanitizer(adapter).clean(environ)
    assert environ == request(HTTP_COOKIE="session=abc")
    assert adapter.seen == [environ]
    assert sanitized.identification == FirstFactor(user="alice")
    assert sanitized.own_cookies == {OWN[1]: "k.mac"}


def test_a_cookie_header_of_which_nothing_is_left_is_taken_away(recorded) -> None:
    environ = request(HTTP_COOKIE="a=b,c")
    sanitizer(recorded(Credentials())).clean(environ)
    assert environ == request()


@pytest.mark.requirement("D4", "R59")
@pytest.mark.parametrize(
    "key",
    [
        "HTTP_REMOTE_USER",
        "REMOTE_USER",
        "HTTP_X_API_KEY",
        "HTTP_X_WSGI_MFA",
        "wsgi_mfa.user",
        "wsgi_mfa.method",
    ],
)
def test_a_door_or_a_look_alike_is_taken_out_on_every_request(recorded, key: str) -> None:
    each = sanitizer(recorded(Credentials()))
    for _ in range(3):
        environ = request(**{key: "admin", "HTTP_X_OTHER": "x"})
        each.clean(environ)
        assert environ == request(HTTP_X_OTHER="x")


def test_a_declared_header_stays(recorded) -> None:
    environ = request(HTTP_X_USER="alice", REMOTE_USER="alice")
    sanitizer(recorded(ALL_CARRIERS)).clean(environ)
    assert environ == request(HTTP_X_USER="alice", REMOTE_USER="alice")


def test_a_setting_adds_a_door(recorded) -> None:
    door = UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_X_BADGE", reason="the gate of the building"
    )
    environ = request(HTTP_X_BADGE="17")
    RequestSanitizer(recorded(Credentials()), own_cookie_names=OWN, extra_undeclared=[door]).clean(environ)
    assert environ == request()


def test_a_flood_of_header_names_changes_nothing(recorded) -> None:
    each = sanitizer(recorded(Credentials(headers=("REMOTE_USER",))))
    for number in range(15):
        names = {f"HTTP_X_{number}_{each_name}": "x" for each_name in range(400)}
        environ = request(**names, REMOTE_USER="alice", HTTP_REMOTE_USER="admin")
        each.clean(environ)
        assert environ == request(**names, REMOTE_USER="alice")


@pytest.mark.requirement("D4")
def test_a_door_in_the_query_is_taken_out_of_every_copy_of_the_query(recorded) -> None:
    environ = request(
        QUERY_STRING="a=1&api_key=K",
        REQUEST_URI="/p%2Fq?a=1&%61pi_key=K",
        RAW_URI="https://portal.example/p?api_key=K",
    )
    sanitizer(recorded(Credentials())).clean(environ)
    assert environ == request(
        QUERY_STRING="a=1", REQUEST_URI="/p%2Fq?a=1", RAW_URI="https://portal.example/p?"
    )


def test_a_target_without_a_query_stays_as_it_is(recorded) -> None:
    environ = request(QUERY_STRING="", REQUEST_URI="/api_key=K", RAW_URI="*")
    sanitizer(recorded(Credentials())).clean(environ)
    assert environ == request(QUERY_STRING="", REQUEST_URI="/api_key=K", RAW_URI="*")


@pytest.mark.requirement("D7")
def test_an_unresolved_credential_is_taken_out_at_once(recorded) -> None:
    adapter = recorded(ALL_CARRIERS, rule=lambda environ: UNRESOLVED)
    environ = request(
        HTTP_COOKIE="theme=dark; session=forged",
        HTTP_X_USER="alice",
        REMOTE_USER="alice",
        QUERY_STRING="a=1&ticket=T",
        RAW_URI="/?ticket=T&a=1",
    )
    sanitized = sanitizer(adapter).clean(environ)
    assert sanitized.identification is UNRESOLVED
    assert environ == request(HTTP_COOKIE="theme=dark", QUERY_STRING="a=1", RAW_URI="/?a=1")
    assert sanitized.credentials_digest is not None


def test_the_credentials_of_a_user_can_be_taken_out_afterwards(recorded) -> None:
    each = sanitizer(recorded(ALL_CARRIERS))
    environ = request(HTTP_COOKIE="theme=dark; session=abc", REMOTE_USER="alice", QUERY_STRING="ticket=T")
    each.remove_credentials(environ, each.clean(environ))
    assert environ == request(HTTP_COOKIE="theme=dark", QUERY_STRING="")


def test_doubled_cookies_and_arguments_are_named(recorded) -> None:
    environ = request(HTTP_COOKIE="session=a; session=b", QUERY_STRING="ticket=A&ticket=B")
    sanitized = sanitizer(recorded(ALL_CARRIERS)).clean(environ)
    assert sanitized.doubled == ("session", "ticket")
    assert environ == request(QUERY_STRING="")


# D5


@pytest.mark.requirement("D5")
def test_with_remote_user_and_no_user_only_named_cookies_reach_the_application() -> None:
    each = sanitizer(RemoteUser(anonymous_cookies=("lang",)))
    environ = request(HTTP_COOKIE="sessionid=abc; lang=de")
    assert each.clean(environ).identification is None
    assert environ == request(HTTP_COOKIE="lang=de")


@pytest.mark.requirement("D5")
def test_with_remote_user_and_a_user_all_cookies_reach_the_application() -> None:
    environ = request(HTTP_COOKIE="sessionid=abc; lang=de", REMOTE_USER="alice")
    sanitized = sanitizer(RemoteUser()).clean(environ)
    assert environ == request(HTTP_COOKIE="sessionid=abc; lang=de", REMOTE_USER="alice")
    assert sanitized.identification == FirstFactor(user="alice")


def test_a_remote_user_taken_out_leaves_no_cookie_that_could_stand_for_one() -> None:
    each = sanitizer(RemoteUser(anonymous_cookies=("lang",)))
    environ = request(HTTP_COOKIE="sessionid=abc; lang=de", REMOTE_USER="alice")
    each.remove_credentials(environ, each.clean(environ))
    assert environ == request(HTTP_COOKIE="lang=de")


# The digest


def test_what_the_server_sets_is_no_credential_that_a_browser_could_change() -> None:
    environ = request(HTTP_COOKIE="sessionid=abc", REMOTE_USER="alice")
    assert sanitizer(RemoteUser()).clean(environ).credentials_digest is None


@pytest.mark.parametrize(
    "change",
    [
        {"HTTP_COOKIE": "session=abd"},
        {"HTTP_X_USER": "bob"},
        {"QUERY_STRING": "ticket=U"},
        {"HTTP_X_USER": ""},
    ],
)
def test_the_digest_changes_with_any_credential_and_with_nothing_else(
    recorded, change: dict[str, str]
) -> None:
    each = sanitizer(recorded(ALL_CARRIERS))
    credentials = {"HTTP_COOKIE": "session=abc", "HTTP_X_USER": "alice", "QUERY_STRING": "ticket=T"}
    digest = each.clean(request(**credentials)).credentials_digest
    others = {
        "HTTP_COOKIE": 'theme=dark; session="abc"',
        "QUERY_STRING": "a=1&ticket=T",
        "REMOTE_USER": "alice",
    }
    assert each.clean(request(**{**credentials, **others})).credentials_digest == digest
    assert each.clean(request(**{**credentials, **change})).credentials_digest not in (digest, None)


def test_without_credentials_there_is_no_digest(recorded) -> None:
    assert (
        sanitizer(recorded(ALL_CARRIERS)).clean(request(HTTP_COOKIE="theme=dark")).credentials_digest is None
    )


# Errors


@pytest.mark.requirement("D7")
def test_an_adapter_that_cannot_ask_is_heard(recorded) -> None:
    def cannot_ask(environ: object) -> None:
        raise AdapterUnavailableError("the session table does not answer")

    with pytest.raises(AdapterUnavailableError):
        sanitizer(recorded(Credentials(), rule=cannot_ask)).clean(request())


@pytest.mark.parametrize(("cookies", "anonymous"), [((OWN[1],), None), ((), (OWN[0],))])
def test_an_adapter_must_not_claim_our_cookies(recorded, cookies: tuple, anonymous: tuple | None) -> None:
    adapter = recorded(
        Credentials(cookies=cookies),
        traits=AdapterTraits(user_changes_in_response=True, anonymous_cookies=anonymous),
    )
    with pytest.raises(ConfigurationError, match="belongs to the middleware"):
        sanitizer(adapter)


# Our own names in responses


@pytest.mark.parametrize("spelling", ["{}=x; Path=/; Secure", " {} = x", "={}=x", "= ={}=x", "{}", "{}="])
def test_a_cookie_of_the_application_with_our_name_is_taken_out(spelling: str) -> None:
    headers = [
        ("Content-Type", "text/html"),
        ("Set-Cookie", spelling.format(OWN[0])),
        ("Set-Cookie", "session=alice"),
    ]
    kept = without_own_cookies(headers, OWN)
    assert kept == [headers[0], headers[2]]
    assert len(headers) == 3


def test_headers_without_our_names_are_the_same_list() -> None:
    headers = [
        ("Set-Cookie", f"session=a; Comment={OWN[0]}=x"),
        ("X-Note", f"{OWN[0]}=x"),
        ("Set-Cookie", f"{OWN[0]}2=x"),
    ]
    assert without_own_cookies(headers, OWN) is headers


@pytest.mark.requirement("D43a")
def test_the_log_names_no_mark_of_our_own_server(recorded, caplog) -> None:
    environ = request(**{UNDERSCORES_KEY: "1"})
    sanitizer(recorded(Credentials())).clean(environ)
    assert environ == request()
    assert "removed a header whose name is spelt with an underscore from requests" in caplog.text
    assert "UNDERSCORES" not in caplog.text
