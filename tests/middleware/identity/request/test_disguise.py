from __future__ import annotations

import time

import pytest

from wsgi_mfa.identity.request.cookie_header import CookieReader
from wsgi_mfa.identity.request.disguise import DisguiseFinder
from wsgi_mfa.identity.request.undeclared import UndeclaredTable, Where

pytestmark = pytest.mark.requirement("D39a")

TABLE = UndeclaredTable()
FINDER = DisguiseFinder(
    ("portal_session", "sid"), is_undeclared=lambda name: TABLE.is_credential(Where.COOKIE, name)
)
READER = CookieReader(
    credentials=("portal_session", "sid"), own=(), undeclared_credentials=TABLE, anonymous=None
)


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param("portal.session=V", id="a dot, which PHP reads as an underscore"),
        pytest.param("portal-session=V", id="a hyphen"),
        pytest.param("portal%20session=V", id="an encoded space"),
        pytest.param("portal%5Bsession=V", id="an encoded bracket"),
        pytest.param("PORTAL_SESSION=V", id="another case"),
        pytest.param("%73id=V", id="an encoded letter"),
        pytest.param("%2573id=V", id="encoded twice"),
        pytest.param("%u0073id=V", id="encoded as Perl decodes"),
        pytest.param("sid%5B0%5D=V", id="an array"),
        pytest.param("sid%00x=V", id="a NUL that is dropped"),
        pytest.param("x%3Bsid=V", id="an encoded separator before the name"),
        pytest.param("x=[sid=V", id="an opening bracket, as WebOb ends a value"),
        pytest.param("x=a]sid=V", id="a closing bracket"),
        pytest.param('x="a sid=V"', id="in quotes"),
        pytest.param(r'x="\" sid=V"', id="behind an escaped quote"),
        pytest.param(r'x="\163id=V"', id="an octal escape"),
        pytest.param("x=%3Bsid%3DV", id="encoded in a value"),
        pytest.param("x=%253Bsid%253DV", id="encoded twice in a value"),
        pytest.param('x="sid  =V"', id="spaces before the equals sign"),
        pytest.param("x=[remember_token=V", id="a credential that nobody declared"),
    ],
)
def test_a_cookie_in_which_a_reader_finds_a_credential_is_left_out(cookie: str) -> None:
    assert READER.read(f"theme=dark; {cookie}").header == "theme=dark"


@pytest.mark.parametrize(
    "cookie",
    [
        "theme=dark",
        "inside=1",
        "my.portal_session2=1",
        "next=/a?b=1&inside=2",
        'prefs="a=1 b=2"',
        "utm=a%3D1%26b%3D2",
        "token2=dGhlIHF1aWNr==",
        "sidebar=open",
        "x=presid=1",
    ],
)
def test_a_cookie_that_hides_nothing_passes_byte_for_byte(cookie: str) -> None:
    assert READER.read(cookie).header == cookie


@pytest.mark.parametrize("cookie", ["sid=V]x", "sid=[portal_session=V", "sid=[sid=V"])
def test_a_credential_of_which_webob_reads_a_part_is_left_out(cookie: str) -> None:
    assert READER.read(cookie).header == ""


@pytest.mark.requirement("D43a")
@pytest.mark.parametrize(
    "value",
    ["sid" * 80_000, "sid " * 60_000 + "=", "%" * 250_000, "\\" * 250_000, "a=" * 125_000, "sid[" * 60_000],
)
def test_a_long_value_is_read_in_time_linear_in_it(value: str) -> None:
    start = time.process_time()
    FINDER.is_in(value)
    assert time.process_time() - start < 0.5


def test_a_value_of_very_many_names_is_no_cookie_of_an_application() -> None:
    assert FINDER.is_in("&".join(f"a{number}=1" for number in range(100)))
