from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.identity.request.query_string import QueryReader
from wsgi_mfa.identity.request.undeclared import UndeclaredTable, Where

KNOWN_CREDENTIALS = UndeclaredTable()
READER = QueryReader(credentials=("ticket",), undeclared_credentials=KNOWN_CREDENTIALS)


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        ("a=1&b=2", "a=1&b=2"),
        ("&a=1;b=%32&&c&", "&a=1;b=%32&&c&"),
        ("api_key=K", ""),
        ("api_key=K&a=1", "a=1"),
        ("a=1&%61pi_key=K&b=2", "a=1&b=2"),
        ("a=1;api_key=K", "a=1"),
        ("a=1&api_key", "a=1"),
        ("a=api_key&b=x%26api_key%3DK", "a=api_key&b=x%26api_key%3DK"),
    ],
)
def test_undeclared_doors_are_taken_out_and_the_rest_stays_byte_for_byte(raw: str, query: str) -> None:
    assert READER.read(raw).query == query


def test_a_declared_argument_stays_until_the_credentials_are_taken_out() -> None:
    read = READER.read("a=1&%74icket=S%20T&b=2")
    assert read.query == "a=1&%74icket=S%20T&b=2"
    assert read.without_credentials == "a=1&b=2"
    assert read.credentials == {"ticket": "S T"}


def test_a_declared_argument_with_two_different_values_is_left_out_and_named() -> None:
    read = READER.read("ticket=A&a=1&ticket=B")
    assert (read.query, read.credentials, read.doubled) == ("a=1", {}, ("ticket",))
    assert READER.read("ticket=A&ticket=%41").doubled == ()


QUERIES = st.lists(
    st.sampled_from(
        ["api_key", "%61pi_key", "ticket", "a", "=", "=", "&", "&", ";", "1", "2", "%26", "%3D", "+", "\xe9"]
    ),
    max_size=16,
).map("".join)


@given(QUERIES)
def test_no_application_finds_a_door_or_a_removed_credential_in_what_is_left(raw: str) -> None:
    read = READER.read(raw)
    for query, forbidden in ((read.query, set(read.doubled)), (read.without_credentials, {"ticket"})):
        for separator in "&;":
            names = {name for name, _ in parse_qsl(query, separator=separator, keep_blank_values=True)}
            assert not {name for name in names if KNOWN_CREDENTIALS.is_credential(Where.ARGUMENT, name)}
            assert not names & forbidden


@given(QUERIES)
def test_what_was_read_once_is_final(raw: str) -> None:
    read = READER.read(raw)
    assert READER.read(read.query).query == read.query
    assert READER.read(read.query).credentials == read.credentials


def test_a_long_query_is_read_as_a_short_one_is() -> None:
    padding = "&".join(f"a{number}=1" for number in range(1000))
    assert READER.read(f"{padding}&api_key=K").query == padding
