"""Secrets: random, sealed for one place each, and told to nobody."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from wsgi_mfa.core import recovery_codes
from wsgi_mfa.core.account import (
    Account,
    Answer,
    Authenticator,
    EnrollmentCode,
    FirstCode,
    PendingEnrollment,
    Retry,
)
from wsgi_mfa.core.enrollment import made_recovery_code
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import UnsealError
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.keys.vault import Vault

USER = "user1@example.com"


@pytest.fixture
def make_vault(keys):
    def make(store_id="0" * 32, entropy=None, **policy) -> Vault:
        return Vault(
            keys=keys, store_id=store_id, entropy=entropy or SystemEntropy(), policy=Policy(**policy)
        )

    return make


@pytest.fixture
def vault(make_vault):
    return make_vault()


def pending_of(key, login="login"):
    return PendingEnrollment(
        id=key.id,
        browser="laptop",
        login=login,
        sealed_key=key.sealed_key,
        parameters=key.parameters,
        made_at=0,
    )


def bound(key):
    authenticator = Authenticator(
        id=key.id, sealed_key=key.sealed_key, parameters=key.parameters, confirmed_at=0, last_step=0
    )
    return Account(user=USER, generation="g", authenticator=authenticator)


@pytest.mark.requirement("R4")
def test_a_thousand_keys_have_160_bits_each_and_never_repeat(vault):
    keys = [vault.pending_key(USER, pending_of(vault.new_key(USER))) for _ in range(1000)]
    assert {len(key) for key in keys} == {20}
    assert len(set(keys)) == 1000


@pytest.mark.requirement("R4", "R3")
def test_a_key_is_made_by_the_policy_and_remembers_what_it_was_made_for(make_vault):
    vault = make_vault(key_bytes=32, digits=8, algorithm="SHA256", period_seconds=60)
    key = vault.new_key(USER)
    assert len(vault.pending_key(USER, pending_of(key))) == 32
    assert (key.parameters.digits, key.parameters.algorithm, key.parameters.period_seconds) == (
        8,
        "SHA256",
        60,
    )


@pytest.mark.requirement("R26")
def test_a_thousand_recovery_codes_have_24_symbols_each_and_never_repeat(vault):
    codes = {
        vault.recovery_copy(USER, made_recovery_code(vault.new_recovery_code(USER), 0)) for _ in range(1000)
    }
    assert len(codes) == 1000
    symbol = f"[{recovery_codes.ALPHABET}]"
    assert all(re.fullmatch(rf"{symbol}{{4}}(-{symbol}{{4}}){{5}}", code) for code in codes)
    # All 32 symbols stand at all 24 places: nothing of the 120 bits is constant.
    places = zip(*(code.replace("-", "") for code in codes), strict=True)
    assert all(len(set(place)) == 32 for place in places)


@pytest.mark.requirement("R50", "D24")
def test_ids_are_128_random_bits(vault):
    ids = {vault.new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", text) for text in ids)


@pytest.mark.requirement("R27", "D13")
def test_a_recovery_code_is_checked_by_a_salted_digest_and_shown_by_its_copy(vault):
    code = made_recovery_code(vault.new_recovery_code(USER), 0)
    shown = vault.recovery_copy(USER, code)
    digest = vault.recovery_digest(USER, code)
    typed = recovery_codes.canonical_recovery_code(shown.lower(), 24)
    assert recovery_codes.matches(typed, digest)
    assert len(digest) == 16 + 32  # salt and SHA-256
    assert shown.replace("-", "").encode() not in digest
    assert vault.recovery_copy(USER, replace(code, sealed_copy=None)) is None


@pytest.mark.requirement("R27")
def test_equal_codes_have_different_digests_at_rest(vault):
    assert recovery_codes.digest("A" * 24, b"1" * 16) != recovery_codes.digest("A" * 24, b"2" * 16)
    sealed = {vault.new_recovery_code(USER).sealed_digest for _ in range(100)}
    assert len(sealed) == 100


@pytest.mark.requirement("D15")
def test_an_enrollment_code_is_read_out_in_groups_and_checked_by_its_digest(vault):
    shown, sealed = vault.new_enrollment_code(USER)
    assert re.fullmatch(r"\w{4}-\w{4}-\w{4}", shown)
    digest = vault.enrollment_digest(USER, EnrollmentCode(sealed_digest=sealed, made_at=0))
    assert recovery_codes.matches(shown.replace("-", ""), digest)
    assert shown.replace("-", "") not in sealed


@pytest.mark.requirement("D17")
def test_the_first_of_two_codes_is_kept_sealed(vault):
    sealed = vault.sealed_first_code(USER, "123456")
    assert "123456" not in sealed
    assert vault.first_code(USER, FirstCode(browser="b", login=None, sealed_code=sealed, at=0)) == "123456"


@pytest.mark.requirement("R42")
def test_a_sealed_value_opens_nowhere_but_where_it_was_put(vault, make_vault):
    key, other_key = vault.new_key(USER), vault.new_key(USER)
    pending, code = pending_of(key), made_recovery_code(vault.new_recovery_code(USER), 0)
    misplaced = [
        lambda: vault.pending_key("user2@example.com", pending),
        lambda: make_vault(store_id="1" * 32).pending_key(USER, pending),
        lambda: vault.pending_key(USER, replace(pending, id=other_key.id)),
        lambda: vault.pending_key(USER, replace(pending, sealed_key=code.sealed_digest)),
        lambda: vault.recovery_digest(USER, replace(code, sealed_digest=code.sealed_copy)),
        lambda: vault.recovery_copy(USER, replace(code, sealed_copy=code.sealed_digest)),
        lambda: vault.recovery_copy("user2@example.com", code),
        lambda: vault.recovery_digest(USER, replace(code, id=key.id)),
        lambda: vault.enrollment_digest(USER, EnrollmentCode(sealed_digest=code.sealed_digest, made_at=0)),
        lambda: vault.active_key(replace(bound(key), user="user2@example.com")),
    ]
    for open_misplaced in misplaced:
        with pytest.raises(UnsealError):
            open_misplaced()


def test_the_key_of_a_confirmed_enrollment_opens_under_the_id_of_its_enrollment(vault):
    key = vault.new_key(USER)
    assert vault.active_key(bound(key)) == vault.pending_key(USER, pending_of(key))


def test_what_is_not_there_opens_to_nothing(vault):
    assert vault.active_key(Account(user=USER, generation="g")) is None
    assert vault.pending_key(USER, None) is None
    assert vault.recovery_digest(USER, None) is None
    assert vault.recovery_copy(USER, None) is None
    assert vault.enrollment_digest(USER, None) is None
    assert vault.first_code(USER, None) is None


@pytest.mark.requirement("D10", "D11")
def test_a_fingerprint_tells_typed_codes_apart_by_user_and_purpose_without_telling_them(vault):
    prints = {
        vault.fingerprint(user, purpose, code)
        for user in (USER, "user2@example.com")
        for purpose in ("code", "recovery_code", "clock")
        for code in ("123456", "123457", None)
    }
    assert len(prints) == 18
    assert not any("123456" in text for text in prints)
    assert vault.fingerprint(USER, "code", "123456") == vault.fingerprint(USER, "code", "123456")


@pytest.mark.requirement("D10", "D11", "D29", "R29")
@pytest.mark.parametrize("memory", ["retries", "answers"])
def test_a_code_that_was_typed_before_a_rotation_is_known_after_it(memory):
    texts = [KeyRing.generate_text(SystemEntropy(), key_id) for key_id in ("k1", "k2")]
    earlier, later = (
        Vault(
            keys=KeyRing.from_text(",".join(texts[:count])),
            store_id="0" * 32,
            entropy=SystemEntropy(),
            policy=Policy(),
        )
        for count in (1, 2)
    )
    before = earlier.fingerprint(USER, "recovery_code", "CODE")
    kept = {
        "retries": Retry(
            purpose="recovery", browser="b", login=None, fingerprint=before, session_id="s", at=0
        ),
        "answers": Answer(browser="b", fingerprint=before, at=0, outcome="wrong_code", hint=None),
    }
    account = replace(Account(user=USER, generation="g"), **{memory: (kept[memory],)})
    assert later.fingerprint(USER, "recovery_code", "CODE") != before
    assert later.fingerprint(USER, "recovery_code", "CODE", account=account) == before
    assert later.fingerprint(USER, "recovery_code", "CODF", account=account) != before
    assert later.fingerprint(USER, "code", "CODE", account=account) != before
    assert later.fingerprint("user2@example.com", "recovery_code", "CODE", account=account) != before


@pytest.mark.requirement("R27", "R42", "D13")
def test_nothing_that_an_account_is_given_for_keeping_holds_a_secret_in_the_clear(make_vault):
    class Remembering:
        """All randomness that was handed out, so that a test can look for it."""

        def __init__(self):
            self.given = []

        def token_bytes(self, count):
            self.given.append(SystemEntropy().token_bytes(count))
            return self.given[-1]

    entropy = Remembering()
    vault = make_vault(entropy=entropy)
    key, code = vault.new_key(USER), vault.new_recovery_code(USER)
    shown, sealed = vault.new_enrollment_code(USER)
    kept = [getattr(value, field.name) for value in (key, code) for field in fields(value)]
    text = " ".join(str(item) for item in (*kept, sealed))
    secret = vault.pending_key(USER, pending_of(key))
    copy = vault.recovery_copy(USER, made_recovery_code(code, 0))
    for plain in (secret.hex(), copy, copy.replace("-", ""), shown, shown.replace("-", "")):
        assert plain not in text
    assert secret in entropy.given  # it is the one that was drawn
