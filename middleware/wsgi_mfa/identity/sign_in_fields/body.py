"""The fields of a body, read strictly: a body that the reader cannot account for to its last byte says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from mmap import mmap
from urllib.parse import parse_qsl

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
_URLENCODED = re.compile(rb"(?:[A-Za-z0-9*._+&=~!'()@/:,$?;-]|%[0-9A-Fa-f]{2})*")
_DISPOSITION = re.compile(
    rb'content-disposition: *form-data; *name="([^"\\%\r\n]*)"(; *filename="[^"\\\r\n]*")?', re.IGNORECASE
)
_PART_HEADER = re.compile(rb"(?:content-type|content-length):[^\r\n]*", re.IGNORECASE)
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNICODE = re.compile(rb"\\u00([0-9A-Fa-f]{2})")


# An object inside of another one, whose members were read before.
_OBJECT = object()


class UnaccountedError(Exception):
    """A body of another type or form than browsers send."""


def pairs_in_body(body: Body, content_type: str) -> list[Pair]:
    """Return the fields of a form or of JSON; the contents of files are not read.

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
        return _json(body)
    raise UnaccountedError(content_type)


def mentions(body: Body, names: Iterable[str]) -> bool:
    """Return whether the bytes of a body have one of ``names`` in them, decoded and without case."""
    pattern = _pattern(names)
    if pattern is None:
        return False
    overlap = 6 * max(map(len, names), default=0) + 8
    for begin in range(0, len(body), _SEARCHED_BYTES):
        text = bytes(body[begin : begin + _SEARCHED_BYTES + overlap])
        if any(pattern.search(reading) is not None for reading in _readings(text)):
            return True
    return False


def _pattern(names: Iterable[str]) -> re.Pattern[bytes] | None:
    spelt = [
        b"".join(rb"[._\- \[+]" if letter == "_" else re.escape(letter.encode()) for letter in name)
        for name in names
    ]
    return re.compile(b"|".join(spelt), re.IGNORECASE) if spelt else None


def _readings(text: bytes) -> Iterator[bytes]:
    yield text
    if b"\0" in text:
        yield text.replace(b"\0", b"")  # UTF-16
    if b"\\" in text:
        yield _UNICODE.sub(lambda match: bytes([int(match[1], 16)]), text).replace(b"\\", b"")
    if b"%" in text:
        once = _PERCENT.sub(lambda match: bytes([int(match[1], 16)]), text)
        yield once
        if b"%" in once:
            yield _PERCENT.sub(lambda match: bytes([int(match[1], 16)]), once)


def _urlencoded(body: Body) -> list[Pair]:
    if len(body) > PARSED_BYTES_MAX or _URLENCODED.fullmatch(body) is None:
        raise UnaccountedError("not as browsers send a form")
    text = bytes(body).decode("ascii").replace(";", "&")
    try:
        return list(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:
        raise UnaccountedError("too many fields") from None


def _json(body: Body) -> list[Pair]:
    if len(body) > PARSED_BYTES_MAX:
        raise UnaccountedError("too long")
    pairs: list[Pair] = []

    def note(members: list[tuple[str, object]]) -> object:
        for name, value in members:
            is_text = isinstance(value, str | int | float)
            pairs.append((name, str(value) if is_text else "" if value is None else None))
        return _OBJECT

    try:
        # UTF-8 alone (RFC 8259 section 8.1): others would not read what `loads` guesses from the bytes.
        json.loads(bytes(body).decode("utf-8"), object_pairs_hook=note)
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
