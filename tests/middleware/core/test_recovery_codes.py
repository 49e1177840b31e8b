"""Recovery codes as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.recovery_codes import (
    ALPHABET,
    ENROLLMENT_CODE_SYMBOLS,
    SALT_BYTES,
    canonical_recovery_code,
    code_from,
    digest,
    entropy_bytes,
    grouped,
    matches,
)

CODE = "0123456789ABCDEFGHJKMNPQ"
SALT = b"0123456789abcdef"


@pytest.mark.requirement("R26")
def test_the_default_code_has_120_bits():
    symbols = Policy().recovery_code_symbols
    assert len(set(ALPHABET)) == 32
    assert symbols * 5 == 120
    assert entropy_bytes(symbols) == 15
    assert ENROLLMENT_CODE_SYMBOLS * 5 == 60


@pytest.mark.requirement("R26")
@given(entropy=st.binary(min_size=15, max_size=15))
def test_each_entropy_gives_its_own_code(entropy):
    code = code_from(entropy, 24)
    number = 0
    for symbol in code:
        number = number * 32 + ALPHABET.index(symbol)
    assert number == int.from_bytes(entropy, "big")


@pytest.mark.requirement("R26")
def test_too_little_entropy_is_no_code():
    with pytest.raises(ValueError, match="24 symbols need 15 bytes, not 14"):
        code_from(b"x" * 14, 24)


@pytest.mark.requirement("R31")
@given(
    code=st.text(alphabet=ALPHABET, min_size=24, max_size=24),
    separator=st.sampled_from(["", " ", "-", " - "]),
)
def test_what_a_page_shows_is_read_back_in_any_case_and_grouping(code, separator):
    shown = grouped(code)
    for typed in (shown, shown.lower(), f"  {shown}\n", shown.replace("-", separator)):
        assert canonical_recovery_code(typed, 24) == code


@pytest.mark.requirement("R31")
def test_letters_that_look_like_digits_are_read_as_digits():
    assert canonical_recovery_code("OoIiLl000000000000000000", 24) == "001111000000000000000000"
    assert not set("OIL") & set(ALPHABET)


@pytest.mark.requirement("R30", "R31")
@pytest.mark.parametrize(
    "typed",
    [
        "",
        CODE[:-1],
        CODE + "0",
        CODE[:-1] + "U",
        CODE[:-1] + "!",
        CODE[:-1] + "٣",
        "０" * 24,
        "0" * 1_000_000,
        " " * 300 + CODE,
    ],
    ids=lambda typed: f"{typed[:5]}... of {len(typed)}",
)
def test_what_is_no_code_is_not_hashed(typed):
    assert canonical_recovery_code(typed, 24) is None


@pytest.mark.requirement("R27")
def test_only_a_salted_hash_is_needed_to_check_a_code():
    stored = digest(CODE, SALT)
    assert CODE.encode() not in stored
    assert stored[:SALT_BYTES] == SALT
    assert stored != digest(CODE, b"another salt 16b")
    assert matches(CODE, stored)
    assert not matches(CODE[::-1], stored)


@pytest.mark.requirement("R26")
def test_a_shown_code_comes_in_groups_of_four():
    assert grouped(CODE) == "0123-4567-89AB-CDEF-GHJK-MNPQ"
