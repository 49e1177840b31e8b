from __future__ import annotations

import re
from http.cookies import CookieError, SimpleCookie
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_cookie

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.request.cookie_header import CanonicalCookies, CookieReader, value_in
from wsgi_mfa.identity.request.head_limits import COOKIES_MAX
from wsgi_mfa.identity.request.undeclared import UndeclaredTable

OWN = "__Host-wsgi_mfa_session"
READER = CookieReader(
    credentials=("session", "sso"), own=(OWN,), undeclared_credentials=UndeclaredTable(), anonymous=None
)


def read(raw: str) -> CanonicalCookies:
    return READER.read(raw)


# Credentials


@pytest.mark.requirement("D6")
def test_a_credential_comes_first_and_is_known_by_name() -> None:
    cookies = read("theme=dark; session=abc.def-_=; lang=de")
    assert cookies.credentials == {"session": "abc.def-_="}
    assert cookies.header == "session=abc.def-_=; theme=dark; lang=de"
    assert cookies.without_credentials == "theme=dark; lang=de"
    assert value_in(cookies.header, "session") == "abc.def-_="


def test_one_pair_of_quotes_around_a_credential_is_taken_off() -> None:
    assert read('session="abc!def="').header == "session=abc!def="


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param(r'session="\141bc"', id="octal escape"),
        pytest.param(r'session="a\"c"', id="escaped quote"),
        pytest.param("session=a,b", id="comma"),
        pytest.param("session=1, session=2", id="two headers joined by a server"),
        pytest.param("session=a b", id="space inside"),
        pytest.param("session =abc", id="space before the equals sign"),
        pytest.param("session= abc", id="space behind it"),
        pytest.param('session="abc', id="one quote"),
        pytest.param('session=""abc""', id="two pairs of quotes"),
        pytest.param("session=abc\x00", id="control character"),
        pytest.param("session=\xe9", id="not ascii"),
        pytest.param("session", id="no value"),
        pytest.param("session=", id="empty value"),
        pytest.param('session=""', id="empty value in quotes"),
        pytest.param("=session=abc", id="nameless"),
        pytest.param("$session=abc", id="dollar name"),
        pytest.param("%73ession=abc", id="encoded name"),
        pytest.param("\nsession=abc", id="line feed before it"),
        pytest.param("session=abc\n", id="line feed behind it"),
    ],
)
def test_a_credential_that_is_oddly_spelt_is_left_out(spelling: str) -> None:
    cookies = read(f"theme=dark; {spelling}; lang=de")
    assert cookies.credentials == {}
    assert cookies.header == "theme=dark; lang=de"
    assert cookies.digest is None


def test_a_credential_given_twice_alike_is_one() -> None:
    # Kotti and TurboGears set one value for three domains, and the browser sends all that match.
    cookies = read('session=abc; theme=dark; session=abc; session="abc"')
    assert cookies.header == "session=abc; theme=dark"
    assert cookies.doubled == ()


@pytest.mark.requirement("D6")
@pytest.mark.parametrize("values", list(permutations(["abc", "abd", ""], 2)))
def test_a_credential_with_two_different_values_is_left_out_and_named(values: tuple[str, str]) -> None:
    cookies = read(f"session={values[0]}; theme=dark; sso=x; session={values[1]}")
    assert cookies.header == "sso=x; theme=dark"
    assert cookies.doubled == ("session",)


def test_a_badly_spelt_copy_does_not_hide_the_good_credential() -> None:
    assert read(r'session="\141"; session=abc').header == "session=abc"


@pytest.mark.parametrize("spelling", ['"a,b"', r'"a\054b"'])
def test_commas_in_quotes_have_one_spelling_where_a_credential_may_hold_them(spelling: str) -> None:
    reader = CookieReader(
        credentials=("session",),
        own=(),
        undeclared_credentials=UndeclaredTable(),
        anonymous=None,
        commas=True,
    )
    cookies = reader.read(f"theme=dark; session={spelling}")
    assert cookies.header == r'session="a\054b"; theme=dark'
    assert value_in(cookies.header, "session") == cookies.credentials["session"] == r'"a\054b"'
    assert read(f"session={spelling}").header == ""


@pytest.mark.parametrize(
    "spelling",
    ["a,b", r"a\054b", r'"\141,b"', r'"a\073b"', '"a, b"', '"a,b', r'"a\"b"', r'"a\\054b"', '"é,b"'],
)
def test_nothing_else_is_let_in_with_the_commas(spelling: str) -> None:
    reader = CookieReader(
        credentials=("session",),
        own=(),
        undeclared_credentials=UndeclaredTable(),
        anonymous=None,
        commas=True,
    )
    assert reader.read(f"session={spelling}").header == ""


def test_a_version_attribute_says_nothing() -> None:
    assert read("$Version=1; session=abc; $Path=/").header == "session=abc"


# Others


@pytest.mark.requirement("D6")
@pytest.mark.parametrize(
    "cookie",
    [
        "theme=dark",
        "a=b=c",
        "empty=",
        'quoted="x y"',
        r'messages="\"a\" \054 \073 \\"',
        "!#%&'*+-.^_`|~0=x",
        "json={}[]():/?@<>",
    ],
)
def test_another_well_formed_cookie_stays_byte_for_byte(cookie: str) -> None:
    assert read(f"{cookie}; session=abc").header == f"session=abc; {cookie}"


@pytest.mark.requirement("D6")
@pytest.mark.parametrize(
    "cookie",
    [
        "a,b=c",
        "a b=c",
        "a[]=b",
        "a=b,c",
        "a=b c",
        'a=b"c',
        'a="b,c"',
        'a="b"c"',
        'a="b',
        'a="\\9"',
        "a=\\141",
        "a=\xe9",
        "\xe9=a",
        "nameless",
        "=nameless",
        "$a=b",
        "",
    ],
)
def test_another_cookie_that_is_not_well_formed_is_left_out(cookie: str) -> None:
    assert read(f"{cookie}; theme=dark").header == "theme=dark"


@pytest.mark.parametrize(
    "name", ["remember_token", "REMEMBER_ME", "auth_tkt", "authtkt", "trac_auth", "__ac", "%72emember_token"]
)
def test_a_cookie_that_is_known_to_carry_a_user_is_a_door(name: str) -> None:
    assert read(f"{name}=x; theme=dark").header == "theme=dark"


def test_a_door_that_the_adapter_declares_is_its_credential() -> None:
    reader = CookieReader(
        credentials=("auth_tkt",), own=(), undeclared_credentials=UndeclaredTable(), anonymous=None
    )
    assert reader.read("auth_tkt=x; authtkt=y").header == "auth_tkt=x"


def test_cookies_of_a_portal_on_another_port_do_not_reach_the_application() -> None:
    assert read("wsgi_mfa_session_8001=x; __Host-wsgi_mfa_browser=y; theme=dark").header == "theme=dark"


# Ours


def test_our_cookies_are_split_out() -> None:
    cookies = read(f"theme=dark; {OWN}=k1.abc; session=abc")
    assert cookies.own == {OWN: "k1.abc"}
    assert cookies.header == "session=abc; theme=dark"


@pytest.mark.requirement("R54", "D6")
@pytest.mark.parametrize(
    "spelling",
    [
        f"{OWN}=a; {OWN}=b",
        f"{OWN}=a; {OWN}=a",
        f'{OWN}="a"',
        f"{OWN}=\xe9",
        f"{OWN}=a b",
        f"{OWN} =a",
        f"={OWN}=a",
        f"{OWN.upper()}=a",
        f"%5F{OWN[1:]}=a",
        f"${OWN}=a",
        f"{OWN}=a, {OWN}=b",
    ],
)
def test_our_cookie_doubled_or_oddly_spelt_is_none_and_never_passed_on(spelling: str) -> None:
    cookies = read(f"theme=dark; {spelling}")
    assert cookies.own == {}
    assert cookies.header == "theme=dark"


# Nobody


def test_without_a_user_only_the_named_cookies_stay_where_the_adapter_reads_none() -> None:
    reader = CookieReader(
        credentials=(), own=(OWN,), undeclared_credentials=UndeclaredTable(), anonymous=("lang",)
    )
    cookies = reader.read("theme=dark; lang=de; sessionid=abc")
    assert cookies.for_anonymous == "lang=de"
    assert cookies.header == "theme=dark; lang=de; sessionid=abc"


def test_an_illegal_credential_name_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="'a b' is not legal"):
        CookieReader(credentials=("a b",), own=(), undeclared_credentials=UndeclaredTable(), anonymous=None)


# What every application reads

FRAGMENTS = st.sampled_from(
    [
        *("session", "sso", OWN, "x", "$Version", "%73ession", "path", "expires", "secure"),
        *("=", "=", "=", ";", ";", "; ", ",", ", ", '"', '"', "\\", r"\141", r"\073", r"\"", " ", "\t", "\n"),
        *("abc", "abd", "1", "\xe9", "\x00", "\xa0", "{}", "[]", "session=abc", 'x="; session=abc; y="'),
    ]
)
RAW = st.lists(FRAGMENTS, max_size=24).map("".join)


def simple_cookie(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


def comma_or_semicolon(header: str) -> dict[str, str]:
    """As Trac, Roundup and WebOb's older versions split, the last value winning."""
    parts = [part.strip().partition("=") for part in re.split("[;,]", header)]
    return {name: value for name, _, value in parts}


def first_wins(header: str) -> dict[str, str]:
    parts = [part.strip().partition("=") for part in header.split(";")]
    return {name: value for name, _, value in reversed(parts)}


@pytest.mark.requirement("D6")
@pytest.mark.parametrize("name", ["session", "sso", OWN])
@pytest.mark.parametrize("application", [simple_cookie, parse_cookie, comma_or_semicolon, first_wins])
@given(raw=RAW)
def test_every_application_reads_the_credentials_that_the_adapter_reads(
    application, name: str, raw: str
) -> None:
    cookies = read(raw)
    assert (
        application(cookies.header).get(name)
        == cookies.credentials.get(name)
        == value_in(cookies.header, name)
    )


@given(st.one_of(RAW, st.text(), st.text(alphabet=st.characters(max_codepoint=0xFF))))
def test_any_header_is_read_and_its_canonical_form_is_final(raw: str) -> None:
    cookies = read(raw)
    again = read(cookies.header)
    assert again.header == cookies.header
    assert (again.credentials, again.digest) == (cookies.credentials, cookies.digest)
    assert (again.own, again.doubled) == ({}, ())
    assert cookies.header.isascii()


def test_a_long_header_is_read_as_a_short_one_is() -> None:
    padding = "; ".join(f"c{number}=x" for number in range(COOKIES_MAX - 1))
    cookies = read(f"{padding}; session=abc")
    assert cookies.header == f"session=abc; {padding}"


def test_the_digest_depends_on_names_and_values_but_not_on_order_or_spelling() -> None:
    digest = read("session=abc; sso=x").digest
    assert digest is not None
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert read('sso="x"; theme=dark; session=abc').digest == digest
    assert len({digest, read("session=x; sso=abc").digest, read("session=abc").digest}) == 3
