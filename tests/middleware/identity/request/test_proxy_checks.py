"""What a front would hand on as it came: nothing by which an application could read another user passes."""

from __future__ import annotations

import pytest

from wsgi_mfa.identity.adapter import Credentials
from wsgi_mfa.identity.request.cookie_header import CookieReader
from wsgi_mfa.identity.request.proxy_checks import passed_on_cookies, undeclared_headers
from wsgi_mfa.identity.request.undeclared import UndeclaredTable

OWN = ("__Host-wsgi_mfa_browser", "__Host-wsgi_mfa_session")
CARRIERS = Credentials(cookies=("session", "sid"), headers=("HTTP_X_SESSION_TOKEN",))


@pytest.fixture
def strays():
    reader = CookieReader(
        credentials=CARRIERS.cookies, own=OWN, undeclared_credentials=UndeclaredTable(), anonymous=None
    )
    return lambda raw: passed_on_cookies(
        raw, reader.read(raw), CARRIERS, OWN, UndeclaredTable(), reader.disguises
    )


@pytest.mark.requirement("D8")
@pytest.mark.parametrize(
    "raw",
    [
        "",
        "session=V",
        "session=V; session=V",
        "lang=de; session=V; __Host-wsgi_mfa_session=x.y",
        "session=",
        'session="V"',
        "my_session_id=1; session_hint=2; presession=3",
        "note=session",
        'theme="dark, light"; session=V',
        "junk; session=V",
        "a=1,b=2",
    ],
)
def test_what_every_reader_reads_alike_may_pass(strays, raw):
    assert strays(raw) == ()


@pytest.mark.requirement("D8", "D6")
@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ("session=V; session=W", ("session",)),
        ("session=; session=V", ("session",)),
        ('session="V, sid=W"', ("session",)),
        ('session="\\126"', ("session",)),
        ("session=V, sid=W", ("session",)),
        ("a=1, session=V", ("a",)),
        ("a=1,session=V", ("a",)),
        ("a=1,session =V", ("a",)),
        ("session =V", ("session",)),
        ("Session\t=V, session=W", ("Session",)),
        ('x="; session=V; y="', ()),
        ('x=", session=V; y="', ("x",)),
        ("$Version=1, session=V", ("$Version",)),
        ("%73ession=V", ("%73ession",)),
        ("__Host-wsgi_mfa_session=a,session=V", ("__Host-wsgi_mfa_session",)),
        ("remember_token=R; session=V", ("remember_token",)),
        ("=session=V", ("",)),
        ("junk session=V", ("junk session",)),
    ],
)
def test_whatever_could_be_read_as_another_user_is_named(strays, raw, names):
    assert strays(raw) == names


@pytest.mark.requirement("D8", "D4")
def test_headers_that_carry_a_user_are_named_unless_declared():
    environ = {
        "HTTP_AUTHORIZATION": "Basic x",
        "HTTP_X_FORWARDED_USER": "alice",
        "HTTP_X_SESSION_TOKEN": "declared",
        "HTTP_X_FORWARDED_FOR": "192.0.2.1",
        "HTTP_HOST": "portal.example",
        "REMOTE_USER": "the server's, which no front hands on",
    }
    assert undeclared_headers(environ, CARRIERS, UndeclaredTable()) == ["Authorization", "X-Forwarded-User"]


@pytest.mark.parametrize("raw", ['auth_tkt="abc!a,b!"', 'auth_tkt="abc!a\\054b!"', "auth_tkt=abc!a!"])
def test_a_ticket_with_commas_may_pass_in_its_two_spellings(raw):
    reader = CookieReader(
        credentials=("auth_tkt",),
        own=OWN,
        undeclared_credentials=UndeclaredTable(),
        anonymous=None,
        commas=True,
    )
    credentials = Credentials(cookies=("auth_tkt",), commas=True)
    assert (
        passed_on_cookies(raw, reader.read(raw), credentials, OWN, UndeclaredTable(), reader.disguises) == ()
    )
    hidden = raw.replace("abc!", "abc!x,auth_tkt=V")
    assert (
        passed_on_cookies(hidden, reader.read(hidden), credentials, OWN, UndeclaredTable(), reader.disguises)
        != ()
    )
