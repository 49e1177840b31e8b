"""The otpauth URI against its vectors and an independent parser, and the key as people type it."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.account import KeyParameters
from wsgi_mfa.core.errors import InvalidIssuerError, MfaError
from wsgi_mfa.core.key_uri import base32_key, checked_issuer, grouped_key, key_uri

KEY = bytes(range(20))
PARAMETERS = KeyParameters(algorithm="SHA1", digits=6, period_seconds=30)


@pytest.fixture(scope="module")
def vectors(root):
    return yaml.safe_load((root / "fixtures/vectors/key_uri.yaml").read_text(encoding="utf-8"))


@pytest.mark.requirement("R39")
def test_the_uri_is_that_of_the_vectors(vectors):
    assert len(vectors["vectors"]) == 6
    for vector in vectors["vectors"]:
        uri = key_uri(issuer=vector["issuer"], account=vector["account"], key=KEY, parameters=PARAMETERS)
        assert uri == (
            f"otpauth://totp/{vector['label']}?secret=AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT"
            f"&issuer={vector['issuer_parameter']}&algorithm=SHA1&digits=6&period=30"
        )


@pytest.mark.requirement("R39")
def test_issuers_that_would_break_a_label_are_refused(vectors):
    for issuer in (*vectors["refused_issuers"], "x" * 65, "   ", "tab\there", "\u2028", "a\x7f"):
        with pytest.raises(InvalidIssuerError, match="legal are 1 to 64") as rejected:
            checked_issuer(issuer)
        assert isinstance(rejected.value, MfaError)
        assert "\n" not in str(rejected.value)
        assert rejected.value.issuer == issuer


@pytest.mark.requirement("R39")
def test_the_issuers_of_the_vectors_are_legal(vectors):
    for vector in vectors["vectors"]:
        assert checked_issuer(vector["issuer"]) == vector["issuer"]
    assert checked_issuer("x" * 64) == "x" * 64


issuers = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=":"), min_size=1, max_size=64
)
accounts = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=254)


@pytest.mark.requirement("R39")
@given(issuer=issuers, account=accounts, key=st.binary(min_size=16, max_size=64))
def test_an_independent_parser_reads_the_uri_back(issuer, account, key):
    uri = urlsplit(key_uri(issuer=issuer, account=account, key=key, parameters=PARAMETERS))
    assert (uri.scheme, uri.netloc, uri.fragment) == ("otpauth", "totp", "")
    label_issuer, colon, label_account = uri.path.removeprefix("/").partition(":")
    assert colon
    assert ":" not in label_account  # a colon of the account is encoded, or it would end a longer issuer
    assert (unquote(label_issuer), unquote(label_account)) == (issuer, account)
    arguments = parse_qs(uri.query, strict_parsing=True)
    text = arguments["secret"][0]
    assert base64.b32decode(text + "=" * (-len(text) % 8)) == key
    assert {name: values for name, values in arguments.items() if name != "secret"} == {
        "issuer": [issuer],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }


@pytest.mark.requirement("R39")
@given(issuer=issuers, account=accounts)
def test_a_space_is_never_written_as_plus_and_all_is_ascii(issuer, account):
    uri = key_uri(issuer=issuer, account=account, key=KEY, parameters=PARAMETERS)
    assert uri.isascii()
    assert "+" not in uri
    assert " " not in uri


@pytest.mark.requirement("R3", "R39")
def test_the_uri_says_what_the_key_was_made_for():
    parameters = KeyParameters(algorithm="SHA512", digits=8, period_seconds=60)
    uri = key_uri(issuer="A", account="b", key=KEY, parameters=parameters)
    assert uri.endswith("&algorithm=SHA512&digits=8&period=60")


@pytest.mark.requirement("R39")
def test_the_key_for_typing_is_the_same_base32_in_groups_of_four_without_padding():
    assert grouped_key(KEY) == "AAAQ EAYE AUDA OCAJ BIFQ YDIO B4IB CEQT"
    assert grouped_key(b"\xff" * 16) == "7777 7777 7777 7777 7777 7777 74"  # 128 bits end in a short group
    assert base32_key(b"\xff" * 16) == "7" * 25 + "4"


@given(st.binary(min_size=16, max_size=64))
def test_a_typed_key_holds_what_the_uri_holds(key):
    assert grouped_key(key).replace(" ", "") == base32_key(key)
    assert "=" not in base32_key(key)
