"""The key ring: seals what is stored, signs what is handed out, and lets its keys be rotated.

Every key of the ring is a master key that encrypts nothing itself: HKDF (RFC 5869) derives one sub-key
for sealing and one for each purpose of signing, so that a value made for one purpose proves nothing in
another. Sealed and signed values name their key, ``id.base64url``; the last key of the ring makes new ones,
and all keys of the ring open and check old ones.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from wsgi_mfa.errors import ConfigurationError, InvalidKeyError, UnknownKeyError, UnsealError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from wsgi_mfa.entropy import Entropy

KEY_BYTES = 32  # AES-256 and the full strength of HMAC-SHA-256
NONCE_BYTES = 12  # NIST SP 800-38D 8.2.2: a random nonce of 96 bits, at most 2**32 of them under one key
FINGERPRINT_BYTES = 16

_VERSION = "wsgi-mfa/1"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_KEY_TEXT_CHARACTERS = 43
_TO_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, kw_only=True, slots=True)
class SealContext:
    """Where a sealed value lives; opened anywhere else it is refused (R42).

    ``store_id`` is the store id (D2), ``user`` the canonical user, ``field`` what was sealed.
    """

    store_id: str
    user: str
    field: str


class KeySource(Protocol):
    """Where the key ring in use is, and may be another one a moment later (D29)."""

    @property
    def ring(self) -> KeyRing:
        """The ring in use; asked for anew by each use."""
        ...

    def reread(self) -> bool:
        """Read the ring anew; whether it is another one now. What cannot be read changes nothing."""
        ...


class KeyRing:
    """Master keys with their ids, the oldest first; the last one seals and signs, all open and check.

    The ring never changes, shows ids only, and refuses to be pickled, so that no key leaves the process
    inside of a cache or a task queue.
    """

    __slots__ = ("_ciphers", "_keys", "_signing_keys", "ids")

    ids: tuple[str, ...]
    _keys: dict[str, bytes]
    _ciphers: dict[tuple[str, ...], AESGCM]
    _signing_keys: dict[tuple[str, str], bytes]

    def __init__(self, keys: Iterable[tuple[str, bytes]]) -> None:
        """Make a ring of ``(id, key)`` pairs, a key being 32 bytes.

        :raises InvalidKeyError: no key, an illegal or doubled id, another length, or one key under two ids.
        """
        ring: dict[str, bytes] = {}
        for key_id, key in keys:
            _reject_illegal_key(key_id, key)
            if key_id in ring:
                raise InvalidKeyError(f"the key id {key_id!r} is given twice", key_id=key_id)
            if key in ring.values():
                raise InvalidKeyError(
                    f"the key {key_id!r} is in the ring under another id too", key_id=key_id
                )
            ring[key_id] = bytes(key)
        if not ring:
            raise InvalidKeyError("a key ring needs at least one key")
        for name, value in (("ids", tuple(ring)), ("_keys", ring), ("_ciphers", {}), ("_signing_keys", {})):
            object.__setattr__(self, name, value)

    @classmethod
    def from_environment(cls, name: str = "WSGI_MFA_KEYS") -> KeyRing:
        """Read the ring from the environment variable ``name``; see :meth:`from_text` for its form.

        :raises ConfigurationError: the variable is missing or empty.
        :raises InvalidKeyError: it does not hold a key ring.
        """
        text = os.environ.get(name, "")
        if not text.strip():
            raise ConfigurationError(
                f"{name} is not set: it must hold the key ring as ID:KEY,ID:KEY"
                f" (make one with: export {name}=$(wsgi-mfa keys generate))",
                setting=name,
            )
        return cls.from_text(text, setting=name)

    @classmethod
    def from_text(cls, text: str, *, setting: str = "keys") -> KeyRing:
        """Read ``ID:KEY,ID:KEY``, the oldest key first, a key being 32 bytes in unpadded base64url.

        ``setting`` is the name by which an error speaks of the text.

        :raises InvalidKeyError: an entry has another form; the message counts entries and never repeats a key.
        """
        pairs = []
        for number, entry in enumerate(text.split(","), start=1):
            key_id, colon, key_text = entry.strip().partition(":")
            if not colon:
                raise InvalidKeyError(
                    f"{setting}: entry {number} must have the form ID:KEY, entries separated by commas",
                    setting=setting,
                )
            pairs.append((key_id, _key_from(key_text, where=f"{setting}: entry {number}", setting=setting)))
        try:
            return cls(pairs)
        except InvalidKeyError as error:
            raise InvalidKeyError(f"{setting}: {error}", key_id=error.key_id, setting=setting) from None

    @staticmethod
    def generate_text(entropy: Entropy, key_id: str) -> str:
        """A new key as the text ``ID:KEY`` that :meth:`from_text` reads."""
        key = entropy.token_bytes(KEY_BYTES)
        _reject_illegal_key(key_id, key)
        return f"{key_id}:{_to_base64url(key)}"

    @property
    def ring(self) -> KeyRing:
        """Itself: a ring may stand wherever one that is read anew may (:class:`KeySource`)."""
        return self

    def reread(self) -> bool:
        """False: there is nothing to read anew. The environment of a process does not change from outside."""
        return False

    @property
    def writing_id(self) -> str:
        """The id of the key that seals and signs new values."""
        return self.ids[-1]

    def text_of(self, key_id: str) -> str:
        """The key ``key_id`` as ``ID:KEY``, to be written where the ring is kept and nowhere else."""
        return f"{key_id}:{_to_base64url(self._keys[key_id])}"

    def seal(self, plain: bytes, *, nonce: bytes, context: SealContext) -> str:
        """Encrypt ``plain`` with AES-256-GCM for one place; the result is ASCII text.

        ``nonce`` is 12 random bytes that were never used before.
        """
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
        key_id = self.writing_id
        sealed = self._cipher(key_id).encrypt(nonce, plain, _associated_data(key_id, context))
        return f"{key_id}.{_to_base64url(nonce + sealed)}"

    def open(self, sealed: str, *, context: SealContext) -> bytes:
        """Give back what was sealed for ``context``.

        :raises UnknownKeyError: the ring does not hold the key that sealed it (D29).
        :raises UnsealError: it was changed, or sealed for another store, user or field.
        """
        from cryptography.exceptions import InvalidTag

        key_id, dot, text = sealed.partition(".")
        if not dot or _KEY_ID.fullmatch(key_id) is None:
            raise _unseal_error(context, "it names no key")
        if key_id not in self._keys:
            raise UnknownKeyError(key_id, known=self.ids)
        body = _from_base64url(text)
        if body is None or len(body) < NONCE_BYTES:
            raise _unseal_error(context, "it is not the text of a sealed value")
        try:
            return self._cipher(key_id).decrypt(
                body[:NONCE_BYTES], body[NONCE_BYTES:], _associated_data(key_id, context)
            )
        except InvalidTag:
            raise _unseal_error(context, "it was changed, or sealed for another place") from None

    def seal_bytes(self, purpose: str, plain: bytes, *, nonce: bytes, place: bytes) -> tuple[str, bytes]:
        """Encrypt ``plain`` under the sub-key for ``purpose``; the key's id, and nonce, ciphertext and tag."""
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
        key_id = self.writing_id
        # The key's id needs no place in the associated data: its sub-key is derived from it.
        return key_id, nonce + self._cipher(key_id, purpose).encrypt(nonce, plain, place)

    def open_bytes(self, purpose: str, key_id: str, sealed: bytes, *, place: bytes) -> bytes | None:
        """Return what :meth:`seal_bytes` sealed for ``purpose`` and ``place``; any bytes may be asked about.

        None where they were changed or sealed for another place, and for a key that the ring does not hold: such
        values come from clients, and one that names a retired key is old and no failure of the key source.
        """
        from cryptography.exceptions import InvalidTag

        if key_id not in self._keys or len(sealed) < NONCE_BYTES:
            return None
        try:
            return self._cipher(key_id, purpose).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
        except InvalidTag:
            return None

    def sign(self, purpose: str, message: bytes) -> bytes:
        """The HMAC-SHA-256 of ``message`` under the writing key's sub-key for ``purpose``, 32 bytes."""
        return self._mac(self.writing_id, purpose, message)

    def verify(self, purpose: str, message: bytes, mac: bytes, *, key_id: str | None = None) -> bool:
        """Whether ``mac`` was made by :meth:`sign`, with the key ``key_id`` or else any key of the ring."""
        candidates = [each for each in self.ids if key_id in (None, each)]
        return any(hmac.compare_digest(self._mac(each, purpose, message), mac) for each in candidates)

    def mac_under(self, key_id: str, purpose: str, message: bytes) -> bytes:
        """Return the HMAC-SHA-256 of ``message`` under the sub-key of one key of the ring for ``purpose``."""
        return self._mac(key_id, purpose, message)

    def sign_value(self, purpose: str, message: bytes) -> str:
        """A signature that names its key, ``id.base64url``; the key's id is part of what is signed."""
        key_id = self.writing_id
        return f"{key_id}.{_to_base64url(self._mac(key_id, purpose, message))}"

    def check_value(self, purpose: str, message: bytes, value: str) -> bool:
        """Whether ``value`` was made by :meth:`sign_value`; any text may be asked about.

        A key that the ring does not hold makes it False: values come from browsers, and one that names a
        retired key is an old cookie and no failure of the key source.
        """
        key_id, _, mac = value.partition(".")
        if key_id not in self._keys or not mac.isascii():
            return False
        return hmac.compare_digest(_to_base64url(self._mac(key_id, purpose, message)), mac)

    def fingerprint(self, purpose: str, message: bytes) -> str:
        """A keyed 128-bit name of ``message`` that can be stored without telling it: ``id.base64url``.

        Equal messages have equal fingerprints under one writing key only; :meth:`has_fingerprint` compares
        over a rotation.
        """
        return self._fingerprint(self.writing_id, purpose, message)

    def has_fingerprint(self, purpose: str, message: bytes, fingerprint: str) -> bool:
        """Whether ``fingerprint`` is one of ``message``, under whichever key of the ring it was made."""
        key_id, _, mac = fingerprint.partition(".")
        if key_id not in self._keys or not mac.isascii():
            return False
        return hmac.compare_digest(self._fingerprint(key_id, purpose, message), fingerprint)

    def fingerprints(self, purpose: str, message: bytes) -> tuple[str, ...]:
        """Return the fingerprints of ``message`` under every key of the ring, that of the writing key first."""
        others = [key_id for key_id in self.ids if key_id != self.writing_id]
        return tuple(self._fingerprint(key_id, purpose, message) for key_id in (self.writing_id, *others))

    def _fingerprint(self, key_id: str, purpose: str, message: bytes) -> str:
        mac = self._mac(key_id, "fingerprint/" + purpose, message)
        return f"{key_id}.{_to_base64url(mac[:FINGERPRINT_BYTES])}"

    def _cipher(self, key_id: str, *purpose: str) -> AESGCM:
        cipher = self._ciphers.get((key_id, *purpose))
        if cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            sub_key = _sub_key(self._keys[key_id], key_id, "seal", *purpose)
            cipher = self._ciphers[(key_id, *purpose)] = AESGCM(sub_key)
        return cipher

    def _mac(self, key_id: str, purpose: str, message: bytes) -> bytes:
        key = self._signing_keys.get((key_id, purpose))
        if key is None:
            key = self._signing_keys[key_id, purpose] = _sub_key(self._keys[key_id], key_id, "sign", purpose)
        return hmac.digest(key, message, "sha256")

    def __repr__(self) -> str:
        return f"<KeyRing {', '.join(self.ids)}>"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a key ring does not change; make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a key ring does not change; make a new one")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key ring cannot be pickled or copied: its keys must not leave this process")


def sealing_id(sealed: str) -> str:
    """The id of the key that sealed a value."""
    return sealed.partition(".")[0]


def _sub_key(master_key: bytes, key_id: str, *purpose: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    # No salt: RFC 5869 3.3 asks for none where the input is a uniformly random key.
    info = _unambiguous(_VERSION, key_id, *purpose)
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master_key)


def _associated_data(key_id: str, context: SealContext) -> bytes:
    return _unambiguous(_VERSION, key_id, context.store_id, context.user, context.field)


def _unambiguous(*parts: str) -> bytes:
    """Each part behind its length, so that no two lists of parts give the same bytes."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _reject_illegal_key(key_id: str, key: bytes) -> None:
    if not isinstance(key_id, str) or _KEY_ID.fullmatch(key_id) is None:
        raise InvalidKeyError("a key id must be 1 to 32 of A-Z a-z 0-9 _ -")
    if not isinstance(key, bytes) or len(key) != KEY_BYTES:
        raise InvalidKeyError(f"the key {key_id!r} must be {KEY_BYTES} bytes", key_id=key_id)


def _key_from(text: str, *, where: str, setting: str) -> bytes:
    key = _from_base64url(text)
    if key is None or len(key) != KEY_BYTES:
        raise InvalidKeyError(
            f"{where}: the key must be {KEY_BYTES} bytes in unpadded base64url, that is"
            f" {_KEY_TEXT_CHARACTERS} of A-Z a-z 0-9 - _ (it has {len(text)} characters)",
            setting=setting,
        )
    if not any(key):
        raise InvalidKeyError(f"{where}: the key is all zero bytes, which is no random key", setting=setting)
    return key


def _to_base64url(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL_ALPHABET, b"=").decode("ascii")


def _from_base64url(text: str) -> bytes | None:
    """The bytes that are spelt exactly so, or None: one value has one spelling, also in its last bits."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return data if _to_base64url(data) == text else None


def _unseal_error(context: SealContext, reason: str) -> UnsealError:
    return UnsealError(
        f"the sealed {context.field} of user {context.user!r} cannot be opened: {reason}",
        user=context.user,
        field=context.field,
    )
