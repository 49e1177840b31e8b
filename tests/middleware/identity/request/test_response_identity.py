from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.identity.adapter import UNRESOLVED, AdapterTraits, Credentials, FirstFactor, Identification
from wsgi_mfa.identity.request.cookie_header import value_in
from wsgi_mfa.identity.request.response_identity import (
    ResponseIdentity,
    identify_after,
    may_change_user,
    parse_set_cookie,
)
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, without_own_cookies

NOW = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z
OWN = "__Host-wsgi_mfa_session"


def by_cookie(environ: Mapping[str, Any]) -> Identification:
    """The session cookie of a portal that writes its users in clear."""
    value = value_in(environ.get("HTTP_COOKIE", ""), "session")
    if value == "forged":
        return UNRESOLVED
    return None if value in (None, "anonymous") else FirstFactor(user=str(value))


@pytest.fixture
def sanitizer(recorded) -> RequestSanitizer:
    return RequestSanitizer(
        recorded(Credentials(cookies=("session",)), rule=by_cookie), own_cookie_names=(OWN,)
    )


def after(sanitizer: RequestSanitizer, request_cookies: str, *set_cookies: str) -> ResponseIdentity:
    request = {"HTTP_COOKIE": request_cookies} if request_cookies else {}
    headers = [("Content-Type", "text/html"), *(("Set-Cookie", each) for each in set_cookies)]
    return identify_after(sanitizer, request, headers, now=NOW)


def test_a_response_that_sets_a_credential_signs_somebody_in(sanitizer) -> None:
    observation = after(sanitizer, "theme=dark", "session=alice; HttpOnly; Path=/")
    assert observation.identification == FirstFactor(user="alice")
    assert observation.credentials_digest == sanitizer.cookie_reader.read("session=alice").digest


def test_a_response_without_cookies_leaves_the_user(sanitizer) -> None:
    observation = after(sanitizer, "session=alice; theme=dark")
    assert observation.identification == FirstFactor(user="alice")
    assert observation.credentials_digest == sanitizer.cookie_reader.read("session=alice").digest


def test_a_cookie_that_is_no_credential_changes_nothing(sanitizer) -> None:
    assert after(sanitizer, "", "other=alice; session=alice").identification is None
    assert after(sanitizer, "", "other=x, session=alice").identification is None


def test_the_header_is_known_by_its_name_in_any_case(sanitizer) -> None:
    observation = identify_after(sanitizer, {}, [("set-COOKIE", "session=alice")], now=NOW)
    assert observation.identification == FirstFactor(user="alice")


@pytest.mark.parametrize(
    "sign_out",
    [
        "session=; Path=/",
        'session=""; Path=/',
        "session=alice; Max-Age=0",
        "session=alice; max-age=-1",
        "session=INVALID; Max-Age=0; Expires=Wed, 01 Jan 2031 00:00:00 GMT",
        "session=alice; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "session=alice; expires=Thu, 01-Jan-1970 00:00:01 GMT",
        "session=alice; Expires=Thursday, 01-Jan-70 00:00:00 GMT",
        "session=alice; Expires=Thu Jan  1 00:00:00 1970",
        "session=alice; Expires=Wed, 31 Dec 2025 23:59:59 GMT",
        "session=anonymous",
        r'session="\141lice"',
    ],
)
def test_a_response_that_removes_or_replaces_the_credential_signs_out(sanitizer, sign_out: str) -> None:
    assert after(sanitizer, "session=alice", sign_out).identification is None


@pytest.mark.parametrize(
    "attributes",
    [
        "Max-Age=3600",
        "Max-Age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "Max-Age=0; Max-Age=3600",
        "Max-Age=soon",
        "Max-Age=",
        "Expires=Thu, 01 Jan 2026 00:00:01 GMT",
        "Expires=never",
        "Expires=Thu, 99 Jan 99999999999999 00:00:00 GMT",
        "X-Max-Age=0",
        "Comment=Max-Age=0",
        "Domain=portal.example; Path=/deep; Secure; SameSite=None",
    ],
)
def test_a_cookie_that_a_browser_keeps_counts(sanitizer, attributes: str) -> None:
    assert after(sanitizer, "", f"session=alice; {attributes}").identification == FirstFactor(user="alice")


def test_the_last_of_several_headers_for_one_credential_wins(sanitizer) -> None:
    switched = after(sanitizer, "session=alice", "session=alice; Max-Age=0", "session=bob; Domain=example")
    assert switched.identification == FirstFactor(user="bob")
    gone = after(
        sanitizer, "", "session=bob", "session=INVALID; Max-Age=0", "session=INVALID; Max-Age=0; Domain=x"
    )
    assert gone.identification is None


def test_a_changed_credential_of_the_same_user_has_another_digest(recorded) -> None:
    adapter = recorded(Credentials(cookies=("session",)))
    each = RequestSanitizer(adapter, own_cookie_names=())
    before, later = after(each, "session=one"), after(each, "session=one", "session=two")
    assert before.identification == later.identification
    assert before.credentials_digest != later.credentials_digest


def test_an_unresolved_credential_in_a_response_is_no_user(sanitizer) -> None:
    assert after(sanitizer, "", "session=forged").identification is UNRESOLVED


def test_what_else_the_adapter_reads_is_that_of_the_request(recorded) -> None:
    adapter = recorded(Credentials(cookies=("session",)))
    request = {"REMOTE_ADDR": "192.0.2.7", "HTTP_COOKIE": "session=a"}
    each = RequestSanitizer(adapter, own_cookie_names=())
    identify_after(each, request, [("Set-Cookie", "session=b")], now=NOW)
    assert adapter.seen == [{"REMOTE_ADDR": "192.0.2.7", "HTTP_COOKIE": "session=b"}]
    assert request["HTTP_COOKIE"] == "session=a"


# Any header


@given(st.text(alphabet=st.characters(max_codepoint=0xFF)))
def test_any_set_cookie_header_is_read(text: str) -> None:
    cookie = parse_set_cookie(text, now=NOW)
    assert cookie is None or (cookie.name and "=" not in cookie.name and ";" not in cookie.value)
    assert without_own_cookies([("Set-Cookie", text)], {OWN}) in ([], [("Set-Cookie", text)])


@given(st.text(max_size=40))
def test_any_expiry_date_is_read(date: str) -> None:
    cookie = parse_set_cookie(f"session=alice; Expires={date.replace(';', '')}", now=NOW)
    assert cookie is not None
    assert cookie.name == "session"


@pytest.mark.requirement("D3")
def test_where_each_sign_in_sets_a_cookie_a_response_without_one_changes_nobody(recorded):
    renewing = recorded(
        credentials=Credentials(cookies=("session",)),
        traits=AdapterTraits(user_changes_in_response=True, renews_sessions=True),
    )
    sanitizer = RequestSanitizer(renewing, own_cookie_names=())
    assert not may_change_user(sanitizer, [("Content-Type", "text/html"), ("Vary", "Cookie")])
    assert may_change_user(sanitizer, [("Content-Type", "text/html"), ("set-cookie", "session=2")])
    other = RequestSanitizer(recorded(credentials=Credentials(cookies=("session",))), own_cookie_names=())
    assert may_change_user(other, [("Content-Type", "text/html")])
