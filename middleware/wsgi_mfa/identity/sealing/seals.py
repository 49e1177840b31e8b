"""Seals a portal's cookies and opens them, by the key ring and for one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from wsgi_mfa.entropy import Entropy
from wsgi_mfa.identity.sealing.chunks import Seal, to_chunks
from wsgi_mfa.identity.sealing.contents import SealedCookie

#: The purpose of the sub-key, which encrypts nothing else.
PURPOSE = "portal cookie"
FORMAT = "1"
NONCE_BYTES = 12
#: Seals of one header that are tried; browsers hold fewer cookies for one site.
TRIED_MAX = 128


class Ring(Protocol):
    """The part of a key ring that seals cookies."""

    @property
    def writing_id(self) -> str:
        """The id of the key that makes new seals."""
        ...

    def seal_bytes(self, purpose: str, plain: bytes, *, nonce: bytes, place: bytes) -> tuple[str, bytes]:
        """Encrypt ``plain``; the id of the key, and nonce, ciphertext and tag."""
        ...

    def open_bytes(self, purpose: str, key_id: str, sealed: bytes, *, place: bytes) -> bytes | None:
        """Decrypt, or None for what was not sealed so."""
        ...


class Keys(Protocol):
    """The source of the ring in use, which may be another one a moment later."""

    @property
    def ring(self) -> Ring:
        """The ring in use."""
        ...


class Opened(NamedTuple):
    """A seal that a request bore: the cookie's name, its contents, and the key and chunks that it came in."""

    name: str
    cookie: SealedCookie
    key_id: str
    chunks: tuple[str, ...]


class CookieSeals:
    """Makes and opens the seals of one portal.

    ``place`` is part of what each seal is bound to, beside the cookie's name and the format: a store's id and the
    label of this portal's cookies, or the name of a group of applications that share their sessions.
    """

    def __init__(self, *, keys: Keys, entropy: Entropy, place: tuple[str, ...]) -> None:
        self._keys = keys
        self._entropy = entropy
        self._place = b"".join(map(_with_length, (FORMAT, *place)))

    @property
    def ring(self) -> Ring:
        """The ring in use, by whose identity caches of opened seals are kept."""
        return self._keys.ring

    def seal(self, name: str, cookie: SealedCookie, *, attributes_length: int = 0) -> tuple[str, ...]:
        """Return the values of the one or two cookies that carry ``cookie`` sealed.

        :raises SealTooLargeError: two cookies cannot hold it.
        """
        nonce = self._entropy.token_bytes(NONCE_BYTES)
        place = self._place + _with_length(name)
        key_id, sealed = self._keys.ring.seal_bytes(PURPOSE, cookie.to_bytes(), nonce=nonce, place=place)
        return to_chunks(name, key_id, sealed, attributes_length=attributes_length)

    def open(self, seals: Iterable[Seal], *, ring: Ring, now: int) -> list[Opened]:
        """Return those of ``seals`` that were made here and have not expired at ``now``, in their order."""
        opened = []
        for number, seal in enumerate(seals):
            if number >= TRIED_MAX:
                break
            place = self._place + _with_length(seal.name)
            plain = ring.open_bytes(PURPOSE, seal.key_id, seal.sealed, place=place)
            if plain is None:
                continue
            cookie = SealedCookie.from_bytes(plain)
            if not cookie.is_expired(now):
                opened.append(Opened(seal.name, cookie, seal.key_id, seal.chunks))
        return opened


def _with_length(text: str) -> bytes:
    """Return ``text`` behind its length, so that no two places are spelt alike."""
    # Cookie names are latin-1 text; a lone surrogate must not raise here.
    data = text.encode("utf-8", "surrogatepass")
    return len(data).to_bytes(4, "big") + data
