"""The text of a seal in cookies: one, or two where one would be too long for browsers.

A chunk reads ``mfas1.KEY.IN.TAG.DATA``: the id of the key, the chunk's index and their number, the seal's
authentication tag, and a part of nonce and ciphertext in base64url. The tag says which chunks belong together; the
second chunk has the cookie's name with ``.1`` behind it. Nothing in this form is trusted before the seal is opened.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

MARK = "mfas1."
SECOND_NAME = ".1"
TAG_BYTES = 16

#: Browsers keep name, value and attributes of at most 4,096 bytes (RFC 6265 section 6.1).
COOKIE_CHARACTERS_MAX = 4096
#: What each cookie keeps free for separators, and for attributes such as a date.
_SPARE_CHARACTERS = 64
#: What fits into one cookie, whatever the key is called.
_ONE_PIECE_CHARACTERS = 3800

_TO_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")
_CHUNK = re.compile(
    r"mfas1\.([A-Za-z0-9_-]{1,32})\.(11|12|22)\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]+)", re.ASCII
)


class SealTooLargeError(Exception):
    """A sealed cookie does not fit into two chunks; browsers would not have kept the plain one either."""


class Seal(NamedTuple):
    """One seal as it came: the cookie's name, the id of its key, nonce, ciphertext and tag, and its chunks."""

    name: str
    key_id: str
    sealed: bytes
    chunks: tuple[str, ...]


def to_chunks(name: str, key_id: str, sealed: bytes, *, attributes_length: int = 0) -> tuple[str, ...]:
    """Return the values of the cookies that carry ``sealed``, which ends with its tag.

    :raises SealTooLargeError: two cookies of ``name`` with such attributes cannot hold it.
    """
    tag, data = _text(sealed[-TAG_BYTES:]), _text(sealed[:-TAG_BYTES])
    if len(data) + len(name) + attributes_length < _ONE_PIECE_CHARACTERS:
        return (f"{MARK}{key_id}.11.{tag}.{data}",)
    overhead = len(f"{MARK}{key_id}.11.{tag}.")
    room = COOKIE_CHARACTERS_MAX - _SPARE_CHARACTERS - len(name) - attributes_length - overhead
    if len(data) <= room:
        return (f"{MARK}{key_id}.11.{tag}.{data}",)
    room -= len(SECOND_NAME)
    if len(data) > 2 * room:
        raise SealTooLargeError(f"the cookie {name!r} has {len(sealed)} bytes when sealed")
    half = (len(data) + 1) // 2
    return f"{MARK}{key_id}.12.{tag}.{data[:half]}", f"{MARK}{key_id}.22.{tag}.{data[half:]}"


class ChunkCollector:
    """Collects the chunks of one ``Cookie`` header, and gives back the seals that are complete."""

    def __init__(self) -> None:
        # For each name, key and tag: the first chunks, and the second ones. Two may differ in their data.
        self._single: dict[tuple[str, str], tuple[str, str, str]] = {}
        self._first: dict[tuple[str, str, str], dict[str, str]] = {}
        self._second: dict[tuple[str, str, str], dict[str, str]] = {}

    def add(self, name: str, value: str) -> bool:
        """Take one cookie; False where its value is no chunk, or its name is not one where it can belong."""
        match = _CHUNK.fullmatch(value)
        if match is None:
            return False
        key_id, place, tag, data = match.groups()
        if place == "11":
            self._single[name, value] = (key_id, tag, data)
            return True
        if place == "12":
            self._first.setdefault((name, key_id, tag), {})[data] = value
            return True
        base = name.removesuffix(SECOND_NAME)
        if base == name:
            return False
        self._second.setdefault((base, key_id, tag), {})[data] = value
        return True

    def seals(self) -> Iterator[Seal]:
        """Yield each seal of which all chunks came, in the order of their first chunks."""
        for (name, value), (key_id, tag, data) in self._single.items():
            yield from _seal(name, key_id, tag, data, (value,))
        for place, firsts in self._first.items():
            # Equal tags with other data are a client's own work; at most one of each is tried.
            first = next(iter(firsts.items()))
            second = next(iter(self._second.get(place, {}).items()), None)
            if second is not None:
                name, key_id, tag = place
                yield from _seal(name, key_id, tag, first[0] + second[0], (first[1], second[1]))


def _seal(name: str, key_id: str, tag: str, data: str, chunks: tuple[str, ...]) -> Iterator[Seal]:
    body, tag_bytes = _bytes(data), _bytes(tag)
    if body is not None and tag_bytes is not None:
        yield Seal(name, key_id, body + tag_bytes, chunks)


def _text(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL_ALPHABET, b"=").decode("ascii")


def _bytes(text: str) -> bytes | None:
    """Return the bytes of ``text``, or None for text that :func:`_text` does not write."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    return data if _text(data) == text else None
