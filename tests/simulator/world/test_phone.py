"""Phones and their authenticator apps."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from mfa_simulator.errors import StepError
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.clocks import ClockDeviation, DeviceClock
from mfa_simulator.world.phone import AuthenticatorKey, Phone, key_from_uri

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture
def phone(true_time):
    return Phone(name="pixel", owner="user1", clock=DeviceClock(true_time))


@pytest.fixture
def key():
    return AuthenticatorKey(account="user1", secret=SECRET)


def test_codes_are_those_of_rfc_6238(root: Path):
    table = yaml.safe_load((root / "fixtures/vectors/rfc6238.yaml").read_text(encoding="utf-8"))
    checked = 0
    for algorithm, text in table["keys"].items():
        secret = base64.b32encode(text.encode("ascii")).decode("ascii").rstrip("=")
        key = AuthenticatorKey(account="user1", secret=secret, digits=8, algorithm=algorithm)
        for vector in table["vectors"]:
            assert key.code_at(vector["time"] // 30) == vector[algorithm]
            checked += 1
    assert checked == 18


def test_a_qr_code_gives_the_key_with_all_its_settings():
    key = key_from_uri(
        f"otpauth://totp/ACME%20Co:john.doe%40email.com?secret={SECRET}&issuer=ACME%20Co&algorithm=sha256&digits=8&period=60"
    )
    assert key == AuthenticatorKey(
        account="john.doe@email.com",
        issuer="ACME Co",
        secret=SECRET,
        digits=8,
        period_seconds=60,
        algorithm="SHA256",
    )
    assert key_from_uri(f"otpauth://totp/user?secret={SECRET}") == AuthenticatorKey(
        account="user", secret=SECRET
    )


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/",
        f"otpauth://hotp/user?secret={SECRET}&counter=1",
        "otpauth://totp/user?issuer=x",
    ],
)
def test_a_qr_code_of_another_kind_is_of_no_use(uri):
    with pytest.raises(StepError, match="QR code"):
        key_from_uri(uri)


def test_a_phone_shows_the_code_of_its_own_clock(true_time, key):
    slow = Phone(
        name="slow", owner="user1", clock=DeviceClock(true_time, ClockDeviation(offset=-45 * SECOND))
    )
    slow.add(key)
    assert slow.code() == key.code_at((true_time.now() - 45 * SECOND) // (30 * SECOND))


def test_the_next_code_comes_when_the_phones_own_clock_says_so(true_time, key):
    slow = Phone(
        name="slow", owner="user1", clock=DeviceClock(true_time, ClockDeviation(offset=-45 * SECOND))
    )
    slow.add(key)
    step, start = slow.step(), true_time.now()
    assert slow.code_follows_at(step) == start + 15 * SECOND
    true_time.wait(20 * SECOND)
    assert slow.code_follows_at(step) == true_time.now()


def test_a_phone_without_a_key_shows_no_code(phone):
    with pytest.raises(StepError, match="no key"):
        phone.code()


def test_the_row_that_was_accepted_is_used_though_another_was_added_later(phone, key):
    other = AuthenticatorKey(account="user1", secret=SECRET[::-1])
    phone.add(key)
    phone.use(key)
    phone.add(other)
    assert phone.key() == key
    phone.use(other)
    assert phone.key() == other


def test_a_copy_shows_the_same_code_and_a_lost_phone_none(phone, key, true_time):
    phone.add(key)
    copy = phone.clone(name="copy", clock=DeviceClock(true_time))
    phone.forget()
    assert copy.code() == key.code_at(copy.step())
    with pytest.raises(StepError, match="pixel"):
        phone.code()
