from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.errors import ConfigurationError, InvalidKeyError, MfaError, UnknownKeyError, UnsealError
from wsgi_mfa.keys.ring import KeyRing, SealContext

OLD = ("old", bytes(range(32)))
NEW = ("new", bytes(range(100, 132)))
NONCE = b"twelve bytes"
CONTEXT = SealContext(store_id="0f" * 16, user="alice", field="authenticator")

RING = KeyRing([OLD, NEW])


class Counting:
    def token_bytes(self, count: int) -> bytes:
        return bytes(range(count))


def text_of(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


# Sealing


def test_what_was_sealed_is_opened_in_its_place() -> None:
    sealed = RING.seal(b"secret", nonce=NONCE, context=CONTEXT)
    assert RING.open(sealed, context=CONTEXT) == b"secret"


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_any_bytes_in_any_place_come_back(plain: bytes, store_id: str, user: str, field: str) -> None:
    context = SealContext(store_id=store_id, user=user, field=field)
    assert RING.open(RING.seal(plain, nonce=NONCE, context=context), context=context) == plain


def test_a_sealed_value_is_text_that_names_its_key_and_does_not_show_the_plain() -> None:
    sealed = RING.seal(b"secret", nonce=NONCE, context=CONTEXT)
    key_id, _, body = sealed.partition(".")
    assert key_id == "new"
    assert b"secret" not in base64.urlsafe_b64decode(body + "==")


def test_two_users_cannot_swap_their_sealed_values() -> None:
    bob = replace(CONTEXT, user="bob")
    of_alice = RING.seal(b"a" * 20, nonce=b"nonce of ali", context=CONTEXT)
    of_bob = RING.seal(b"b" * 20, nonce=b"nonce of bob", context=bob)
    with pytest.raises(UnsealError) as rejected:
        RING.open(of_bob, context=CONTEXT)
    assert (rejected.value.user, rejected.value.field) == ("alice", "authenticator")
    with pytest.raises(UnsealError):
        RING.open(of_alice, context=bob)


@pytest.mark.parametrize("change", [{"store_id": "f0" * 16}, {"user": "alic"}, {"field": "recovery"}])
def test_another_store_user_or_field_is_refused(change: dict[str, str]) -> None:
    sealed = RING.seal(b"secret", nonce=NONCE, context=CONTEXT)
    with pytest.raises(UnsealError):
        RING.open(sealed, context=replace(CONTEXT, **change))


def test_the_parts_of_a_place_do_not_run_into_each_other() -> None:
    sealed = RING.seal(b"secret", nonce=NONCE, context=replace(CONTEXT, user="ab", field="c"))
    with pytest.raises(UnsealError):
        RING.open(sealed, context=replace(CONTEXT, user="a", field="bc"))


def test_a_change_of_any_single_byte_is_refused() -> None:
    sealed = RING.seal(b"secret", nonce=NONCE, context=CONTEXT)
    body = bytearray(base64.urlsafe_b64decode(sealed.partition(".")[2] + "=="))
    for position in range(len(body)):  # nonce, cipher text, tag
        changed = bytearray(body)
        changed[position] ^= 1
        with pytest.raises(UnsealError):
            RING.open(f"new.{text_of(bytes(changed))}", context=CONTEXT)


def test_another_key_of_the_ring_does_not_open_it() -> None:
    sealed = RING.seal(b"secret", nonce=NONCE, context=CONTEXT)
    with pytest.raises(UnsealError):
        RING.open(sealed.replace("new.", "old."), context=CONTEXT)


def test_one_value_has_one_spelling() -> None:
    sealed = RING.seal(
        b"sec", nonce=NONCE, context=CONTEXT
    )  # 31 bytes: four spare bits in the last character
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    neighbour = alphabet[alphabet.index(sealed[-1]) + 1]
    for other in (sealed[:-1] + neighbour, sealed + "=", sealed + " ", sealed + "\n", sealed[:-1] + "é"):
        with pytest.raises(UnsealError):
            RING.open(other, context=CONTEXT)


@pytest.mark.parametrize("sealed", ["", ".", "new", "new.", "new.AAAA", ".AAAA", "n\xe9w.AAAA", "a b.AAAA"])
def test_what_was_never_sealed_is_refused(sealed: str) -> None:
    with pytest.raises(UnsealError):
        RING.open(sealed, context=CONTEXT)


def test_an_unknown_key_is_named_and_is_no_damage() -> None:
    sealed = RING.seal(b"secret", nonce=NONCE, context=CONTEXT)
    with pytest.raises(UnknownKeyError, match=r"'new'.*holds old") as unknown:
        KeyRing([OLD]).open(sealed, context=CONTEXT)
    assert (unknown.value.key_id, unknown.value.known) == ("new", ("old",))


def test_an_old_key_still_opens_after_a_rotation_and_the_new_one_seals() -> None:
    before = KeyRing([OLD])
    sealed = before.seal(b"secret", nonce=NONCE, context=CONTEXT)
    assert RING.open(sealed, context=CONTEXT) == b"secret"
    assert RING.seal(b"secret", nonce=NONCE, context=CONTEXT).startswith("new.")


def test_a_key_under_another_id_is_another_key() -> None:
    sealed = RING.seal(b"secret", nonce=NONCE, context=CONTEXT)
    renamed = KeyRing([("other", NEW[1])])
    with pytest.raises(UnsealError):
        renamed.open(sealed.replace("new.", "other."), context=CONTEXT)


def test_a_nonce_of_another_length_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="12 bytes, not 8"):
        RING.seal(b"secret", nonce=b"8 bytes.", context=CONTEXT)


# Signing


def test_a_signature_holds_for_its_purpose_and_message_alone() -> None:
    mac = RING.sign("session", b"message")
    assert len(mac) == 32
    assert RING.verify("session", b"message", mac)
    assert not RING.verify("csrf", b"message", mac)
    assert not RING.verify("session", b"massage", mac)
    assert not RING.verify("session", b"message", mac[:-1])


def test_a_signature_of_an_old_key_still_holds_and_may_be_asked_of_one_key() -> None:
    mac = KeyRing([OLD]).sign("session", b"message")
    assert RING.verify("session", b"message", mac)
    assert RING.verify("session", b"message", mac, key_id="old")
    assert not RING.verify("session", b"message", mac, key_id="new")
    assert not RING.verify("session", b"message", mac, key_id="gone")


@pytest.mark.parametrize("length", [0, 1, 55, 56, 64, 65, 1000])
def test_the_signature_is_hmac_sha256_under_the_hkdf_sub_key(length: int) -> None:
    def part(text: str) -> bytes:
        return len(text).to_bytes(4, "big") + text.encode()

    info = part("wsgi-mfa/1") + part("new") + part("sign") + part("session")
    # RFC 5869 written out for one block: extract with a salt of zeros, then expand once.
    pseudo_random_key = hmac.digest(bytes(32), NEW[1], hashlib.sha256)
    sub_key = hmac.digest(pseudo_random_key, info + b"\1", hashlib.sha256)
    message = b"m" * length
    assert RING.sign("session", message) == hmac.digest(sub_key, message, hashlib.sha256)


def test_a_signed_value_names_its_key_and_is_checked_by_it() -> None:
    value = RING.sign_value("session", b"message")
    assert value.startswith("new.")
    assert RING.check_value("session", b"message", value)
    assert not RING.check_value("csrf", b"message", value)
    assert not RING.check_value("session", b"other", value)
    assert not RING.check_value("session", b"message", value.replace("new.", "old."))


def test_a_signed_value_of_a_retired_key_does_not_hold() -> None:
    value = KeyRing([OLD]).sign_value("session", b"message")
    assert RING.check_value("session", b"message", value)
    assert not KeyRing([NEW]).check_value("session", b"message", value)


@given(st.text())
def test_any_text_may_be_checked(value: str) -> None:
    assert not RING.check_value("session", b"message", value)
    assert not RING.check_value("session", b"message", "new." + value)
    assert not RING.has_fingerprint("login", b"message", "new." + value)


def test_a_fingerprint_is_the_same_each_time_and_tells_nothing_without_the_key() -> None:
    fingerprint = RING.fingerprint("login", b"message")
    assert fingerprint == RING.fingerprint("login", b"message")
    assert fingerprint != RING.fingerprint("browser", b"message")
    assert fingerprint != KeyRing([("new", OLD[1])]).fingerprint("login", b"message")
    assert fingerprint.partition(".")[2] not in RING.sign_value("login", b"message")


def test_a_fingerprint_is_recognised_after_a_rotation() -> None:
    before = KeyRing([OLD]).fingerprint("login", b"message")
    assert before != RING.fingerprint("login", b"message")
    assert RING.has_fingerprint("login", b"message", before)
    assert not RING.has_fingerprint("login", b"other", before)
    assert not KeyRing([NEW]).has_fingerprint("login", b"message", before)


# The ring


def test_a_ring_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSGI_MFA_KEYS", f"old:{text_of(OLD[1])}, new:{text_of(NEW[1])}\n")
    ring = KeyRing.from_environment()
    assert (ring.ids, ring.writing_id) == (("old", "new"), "new")
    assert ring.sign("session", b"message") == RING.sign("session", b"message")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_variable_is_an_error_that_says_how_to_make_one(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("PORTAL_KEYS", raising=False)
    if value is not None:
        monkeypatch.setenv("PORTAL_KEYS", value)
    with pytest.raises(
        ConfigurationError, match=r"PORTAL_KEYS is not set.*wsgi-mfa keys generate"
    ) as missing:
        KeyRing.from_environment("PORTAL_KEYS")
    assert missing.value.setting == "PORTAL_KEYS"


KEY = text_of(OLD[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (KEY, "entry 1 must have the form ID:KEY"),
        (f"a:{KEY},", "entry 2 must have the form ID:KEY"),
        (f"a:{KEY}=", "entry 1: the key must be 32 bytes in unpadded base64url.*44 characters"),
        (f"a:{KEY[:-1]}", "entry 1: .*42 characters"),
        (f"a:{KEY[:-1]}+", "entry 1: the key must be 32 bytes"),
        (f"a:{KEY},b:", "entry 2: .*0 characters"),
        (f":{KEY}", "a key id must be 1 to 32 of"),
        (f"a.b:{KEY}", "a key id must be 1 to 32 of"),
        (f"{'a' * 33}:{KEY}", "a key id must be 1 to 32 of"),
        (f"a:{KEY},a:{text_of(NEW[1])}", "the key id 'a' is given twice"),
        (f"a:{KEY},b:{KEY}", "the key 'b' is in the ring under another id"),
    ],
)
def test_an_error_names_what_is_wrong_and_what_is_legal_but_no_key(text: str, message: str) -> None:
    with pytest.raises(InvalidKeyError, match=message) as error:
        KeyRing.from_text(text, setting="WSGI_MFA_KEYS")
    assert str(error.value).startswith("WSGI_MFA_KEYS: ")
    assert error.value.setting == "WSGI_MFA_KEYS"
    assert KEY[:8] not in str(error.value)
    assert isinstance(error.value, MfaError)


@pytest.mark.parametrize("keys", [[], [("a", b"short")], [("a", bytes(33))], [("a", "x" * 32)]])
def test_a_ring_of_no_key_or_of_a_key_that_is_no_key_is_refused(keys: list[tuple[str, bytes]]) -> None:
    with pytest.raises(InvalidKeyError):
        KeyRing(keys)


def test_a_generated_key_can_be_read() -> None:
    text = KeyRing.generate_text(Counting(), "2026-03")
    assert text == f"2026-03:{KEY}"
    assert KeyRing.from_text(text).ids == ("2026-03",)
    with pytest.raises(InvalidKeyError, match="a key id must be"):
        KeyRing.generate_text(Counting(), "a:b")


def test_a_ring_shows_its_ids_and_no_key() -> None:
    assert repr(RING) == str(RING) == "<KeyRing old, new>"


def test_a_ring_cannot_leave_the_process() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(RING, protocol)
    with pytest.raises(TypeError, match="or copied"):
        copy.copy(RING)


def test_a_ring_does_not_change() -> None:
    with pytest.raises(AttributeError, match="does not change"):
        RING.ids = ("other",)
    with pytest.raises(AttributeError, match="does not change"):
        del RING.ids
