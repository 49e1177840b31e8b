"""The fields of a body, read strictly: a body that the reader cannot account for to its last byte says so."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from mmap import mmap

from wsgi_mfa.identity.request.percent import decoded_argument
from wsgi_mfa.identity.sign_in_fields.names import Pair

Body = bytes | mmap

FIELDS_MAX = 1000
PARSED_BYTES_MAX = 8 * 1024 * 1024
_HEAD_BYTES_MAX = 4096
_VALUE_BYTES_MAX = 4096
_SEARCHED_BYTES = 256 * 1024

_TYPE = re.compile(r"\s*([A-Za-z0-9.+/-]+)\s*(?:;\s*charset=\"?utf-8\"?\s*)?", re.ASCII | re.IGNORECASE)
_BOUNDARY = re.compile(
    r"\s*multipart/form-data *; *boundary=(\"?)([0-9A-Za-z'()+_,./:=?-]{1,70})\1\s*", re.ASCII | re.IGNORECASE
)
_URLENCODED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*._+&=~!'()@/:,$?;-"
_LONE_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_DISPOSITION = re.compile(
    rb'content-disposition: *form-data; *name="([^"\\%\r\n]*)"(; *filename="[^"\\\r\n]*")?', re.IGNORECASE
)
_PART_HEADER = re.compile(rb"(?:content-type|content-length):[^\r\n]*", re.IGNORECASE)
# In text that is in lower case.
_PERCENT = re.compile(rb"%([0-9a-f]{2})")
_UNICODE = re.compile(rb"\\u00([0-9a-f]{2})")


# An object inside of another one, whose members were read before.
_OBJECT = object()


class UnaccountedError(Exception):
    """A body of another type or form than browsers send."""


def pairs_in_body(body: Body, content_type: str, names: Collection[str]) -> list[Pair]:
    """Return the fields of a form or of JSON; the contents of files are not read.

    Fields that have none of ``names`` may be left out.

    :raises UnaccountedError: some reader may read another field.
    """
    boundary = _BOUNDARY.fullmatch(content_type)
    if boundary is not None:
        return list(_multipart(body, boundary[2].encode("ascii")))
    kind = _TYPE.fullmatch(content_type)
    word = "" if kind is None else kind[1].lower()
    if word == "application/x-www-form-urlencoded":
        return _urlencoded(body)
    if word == "application/json" or (word.startswith("application/") and word.endswith("+json")):
        return _json(body, names)
    raise UnaccountedError(content_type)


def mentions(body: Body, names: Iterable[str]) -> bool:
    """Return whether the bytes of a body have one of ``names`` in them, decoded and without case."""
    wanted = _Wanted.of(frozenset(names))
    if wanted is None:
        return False
    for begin in range(0, len(body), _SEARCHED_BYTES):
        text = bytes(body[begin : begin + _SEARCHED_BYTES + wanted.overlap]).lower()
        if any(wanted.is_in(reading) for reading in _readings(text)):
            return True
    return False


class _Wanted:
    """Names as they are looked for: first a few pieces, which are found much faster than a pattern is."""

    def __init__(self, names: Collection[str]) -> None:
        spelt = [
            b"".join(
                rb"[._\- \[+]" if letter == "_" else re.escape(letter.lower().encode()) for letter in name
            )
            for name in names
        ]
        longest = {max(name.lower().split("_"), key=len).encode() for name in names}
        self._pieces = [piece for piece in longest if not any(each in piece for each in longest - {piece})]
        self._search = re.compile(b"|".join(spelt)).search
        self.overlap = 6 * max(map(len, names)) + 8

    @staticmethod
    @lru_cache(maxsize=256)  # sets of names are those of settings
    def of(names: frozenset[str]) -> _Wanted | None:
        return _Wanted(names) if names else None

    def is_in(self, text: bytes) -> bool:
        return any(piece in text for piece in self._pieces) and self._search(text) is not None


def _readings(text: bytes) -> Iterator[bytes]:
    """Yield a text in lower case as it is, and as readers may decode it."""
    yield text
    if b"\0" in text or b"\\" in text:
        # Without what lies between letters in UTF-16, and before a letter that needs no escape.
        yield text.translate(None, b"\0\\")
        if b"\\u00" in text:
            yield _UNICODE.sub(_letter, text).translate(None, b"\0\\")
    if _PERCENT.search(text) is not None:
        once = _PERCENT.sub(_letter, text)
        yield once
        if _PERCENT.search(once) is not None:
            yield _PERCENT.sub(_letter, once)


def _letter(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 16)]).lower()


def _urlencoded(body: Body) -> list[Pair]:
    if len(body) > PARSED_BYTES_MAX:
        raise UnaccountedError("too long")
    data = bytes(body)
    if data.translate(None, _URLENCODED).strip(b"%") or _LONE_PERCENT.search(data) is not None:
        raise UnaccountedError("not as browsers send a form")
    parts = data.decode("ascii").replace(";", "&").split("&", FIELDS_MAX)
    if len(parts) > FIELDS_MAX:
        raise UnaccountedError("too many fields")
    pairs = (part.partition("=") for part in parts if part)
    return [(decoded_argument(name), decoded_argument(value[:_VALUE_BYTES_MAX])) for name, _, value in pairs]


def _json(body: Body, names: Collection[str]) -> list[Pair]:
    if len(body) > PARSED_BYTES_MAX:
        raise UnaccountedError("too long")
    data = bytes(body)
    # Without escapes and other letters than those of ASCII, a name in the JSON is one in its bytes.
    is_plain = data.isascii() and b"\\u" not in data and b"%" not in data
    if is_plain and not mentions(data, names):
        return []
    pairs: list[Pair] = []

    def note(members: list[tuple[str, object]]) -> object:
        for name, value in members:
            is_text = isinstance(value, str | int | float)
            pairs.append((name, str(value) if is_text else "" if value is None else None))
        return _OBJECT

    try:
        # UTF-8 alone (RFC 8259 section 8.1): others would not read what `loads` guesses from the bytes.
        json.loads(data.decode("utf-8"), object_pairs_hook=note)
    except (ValueError, RecursionError):
        raise UnaccountedError("not JSON") from None
    return pairs


def _multipart(body: Body, boundary: bytes) -> Iterator[Pair]:
    """Yield name and text of each part; a file has none."""
    mark = b"--" + boundary
    if body[: len(mark)] != mark:
        raise UnaccountedError("something before the first part")
    place = len(mark)
    for _ in range(FIELDS_MAX + 1):
        if body[place : place + 2] == b"--":
            if body[place + 2 : place + 5] not in (b"", b"\r\n"):
                raise UnaccountedError("something behind the last part")
            return
        head_end = body.find(b"\r\n\r\n", place, place + _HEAD_BYTES_MAX)
        if body[place : place + 2] != b"\r\n" or head_end < 0:
            raise UnaccountedError("a part without headers")
        name, is_file = _headers(bytes(body[place + 2 : head_end]))
        begin = head_end + 4
        end = body.find(mark, begin)
        # A mark anywhere else than at the beginning of a line may be one to another reader.
        if end < 0 or bytes(body[end - 2 : end]) != b"\r\n" or end - 2 < begin:
            raise UnaccountedError("a boundary that some reader takes for another")
        yield name, None if is_file else _text(bytes(body[begin : min(end - 2, begin + _VALUE_BYTES_MAX)]))
        place = end + len(mark)
    raise UnaccountedError("too many parts")


def _text(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _headers(head: bytes) -> tuple[str, bool]:
    """Return the name of a part, and whether it is a file."""
    disposition, *others = head.split(b"\r\n")
    match = _DISPOSITION.fullmatch(disposition)
    if match is None or not all(_PART_HEADER.fullmatch(line) for line in others):
        raise UnaccountedError("a part with headers that browsers do not send")
    try:
        return match[1].decode("utf-8"), match[2] is not None
    except UnicodeDecodeError:
        raise UnaccountedError("a name that is not UTF-8") from None
