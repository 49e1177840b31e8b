"""Time steps and codes, against the vectors of RFC 4226 and RFC 6238."""

from __future__ import annotations

import base64
from pathlib import Path

import pyotp
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.account import KeyParameters
from wsgi_mfa.core.instants import SECOND, seconds_until
from wsgi_mfa.core.totp import (
    canonical_code,
    code_at,
    matching_steps,
    seconds_left_in_step,
    step_at,
    step_begins_at,
)

VECTORS = Path(__file__).resolve().parents[3] / "fixtures" / "vectors"
HOTP = yaml.safe_load((VECTORS / "rfc4226.yaml").read_text())
TOTP = yaml.safe_load((VECTORS / "rfc6238.yaml").read_text())
SIX = KeyParameters(algorithm="SHA1", digits=6, period_seconds=30)
KEY = b"12345678901234567890"


@pytest.mark.requirement("R1")
@pytest.mark.parametrize("vector", HOTP["vectors"], ids=lambda vector: f"counter {vector['counter']}")
def test_hotp_vectors_of_rfc_4226_hold(vector):
    assert code_at(HOTP["key"].encode(), vector["counter"], SIX) == vector["code"]


@pytest.mark.requirement("R1", "R3")
@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
@pytest.mark.parametrize("vector", TOTP["vectors"], ids=lambda vector: f"second {vector['time']}")
def test_totp_vectors_of_rfc_6238_hold(vector, algorithm):
    parameters = KeyParameters(algorithm=algorithm, digits=8, period_seconds=30)
    step = step_at(vector["time"] * SECOND, period_seconds=30)
    assert step == int(vector["step"], 16)
    assert code_at(TOTP["keys"][algorithm].encode(), step, parameters) == vector[algorithm]


@pytest.mark.requirement("R1")
def test_the_counter_has_64_bits():
    assert code_at(KEY, 2**32 + 1, SIX) != code_at(KEY, 1, SIX)
    assert len(code_at(KEY, 2**63, SIX)) == 6


@pytest.mark.requirement("R1")
@given(step=st.integers(min_value=0, max_value=2**50), inside=st.integers(min_value=0, max_value=29_999_999))
def test_a_step_begins_where_it_says_and_lasts_a_period(step, inside):
    instant = step_begins_at(step, period_seconds=30) + inside
    assert step_at(instant, period_seconds=30) == step
    assert step_at(step_begins_at(step, period_seconds=30) - 1, period_seconds=30) == step - 1


@pytest.mark.parametrize(
    ("microseconds", "seconds"),
    [(0, 30), (1, 30), (SECOND, 29), (29 * SECOND, 1), (30 * SECOND - 1, 1), (30 * SECOND, 30)],
)
def test_the_seconds_left_in_a_step_are_rounded_up(microseconds, seconds):
    assert (
        seconds_left_in_step(step_begins_at(7, period_seconds=30) + microseconds, period_seconds=30)
        == seconds
    )


@pytest.mark.parametrize(
    ("microseconds", "seconds"), [(-5, 1), (0, 1), (1, 1), (SECOND, 1), (SECOND + 1, 2), (30 * SECOND, 30)]
)
def test_a_wait_is_rounded_up_so_that_nobody_comes_back_too_early(microseconds, seconds):
    assert seconds_until(1_000 * SECOND + microseconds, now=1_000 * SECOND) == seconds


@pytest.mark.requirement("R2")
def test_a_leading_zero_is_part_of_the_code():
    eight = KeyParameters(algorithm="SHA1", digits=8, period_seconds=30)
    step = step_at(1111111109 * SECOND, period_seconds=30)
    assert matching_steps(KEY, "07081804", [step], eight) == (step,)
    assert canonical_code("7081804", 8) is None
    assert matching_steps(KEY, "7081804", [step], eight) == ()


@pytest.mark.requirement("R8")
@pytest.mark.parametrize("text", ["123456", "123 456", " 123-456 ", "1-2-3-4-5-6", "123456   "])
def test_spaces_and_hyphens_are_no_part_of_a_code(text):
    assert canonical_code(text, 6) == "123456"


@pytest.mark.requirement("R8")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345",
        "1234567",
        "123456\n",
        "\t123456",
        "123\u00a0456",
        "1_2_3_4_5_6",
        "+12345",
        "-12345",
        "12345a",
        "0x1234",
        "1e1000",
        "１２３４５６",
        "١٢٣٤٥٦",
        "12345²",
        "123456\x00",
        "123\u2010456",
    ],
)
def test_every_other_spelling_is_no_code(text):
    assert canonical_code(text, 6) is None


@pytest.mark.requirement("R8")
@given(text=st.text())
def test_a_canonical_code_is_six_ascii_digits_whatever_was_typed(text):
    code = canonical_code(text, 6)
    assert code is None or (len(code) == 6 and set(code) <= set("0123456789"))


@pytest.mark.requirement("R5", "R9")
def test_all_steps_of_a_window_that_have_the_code_are_found():
    steps = range(100, 103)
    for step in steps:
        assert step in matching_steps(KEY, code_at(KEY, step, SIX), steps, SIX)
    assert matching_steps(KEY, code_at(KEY, 103, SIX), steps, SIX) == ()


def test_a_window_that_begins_before_1970_holds_no_negative_step():
    assert matching_steps(KEY, code_at(KEY, 0, SIX), range(-2, 2), SIX) == (0,)


@pytest.mark.requirement("R1")
@given(key=st.binary(min_size=20, max_size=64), step=st.integers(min_value=0, max_value=2**63))
def test_a_code_is_the_one_that_pyotp_gives_for_the_key_in_base32(key, step):
    assert code_at(key, step, SIX) == pyotp.HOTP(base64.b32encode(key).decode()).at(step)
