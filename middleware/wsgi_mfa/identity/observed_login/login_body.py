"""What was typed into one field of a sign-in, read out of its body as every portal reads it (D4, D9).

A user who is read here as one and by the portal as another would sign in as the one and be asked for the second
factor of the other. So a body counts only in the spelling in which browsers send it, and anything that some parser
reads otherwise is not read at all: `;` between fields (Python before 3.9.2), another charset (Django decodes by it),
names in another case or with spaces, a field that is there twice, parts with headers of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, unquote_plus, urlencode

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON = "application/json"

FIELDS_MAX = 200
_WRITTEN_BOUNDARY = "wsgi-mfa-rehearsal"
_PLAIN = re.compile(r'([a-z/-]+)(?: *; *charset="?utf-8"?)?', re.ASCII | re.IGNORECASE)
# What a browser's serializer, `encodeURIComponent` and people with curl leave unencoded.
_URLENCODED_BODY = re.compile(rb"(?:[A-Za-z0-9*._+&=~!'()@/:,$?-]|%[0-9A-Fa-f]{2})*")
_BOUNDARY = re.compile(
    r'multipart/form-data *; *boundary=("?)([0-9A-Za-z\'()+_,./:=?-]{1,70})\1', re.ASCII | re.IGNORECASE
)
_DISPOSITION = re.compile(
    rb'content-disposition: *form-data; *name="([^"\\]*)"(; *filename="[^"\\]*")?', re.I
)
_TEXT_TYPE = re.compile(rb'content-type: *text/plain(?: *; *charset="?utf-8"?)?', re.I)
_FILE_TYPE = re.compile(rb"content-type:[^\r\n]*", re.I)

_ALIKE = str.maketrans(" .[", "___")
_UNREADABLE = "\ufffd"  # what is no UTF-8; two users must not become one by it

Pairs = list[tuple[str, object]]


def typed_in(
    body: bytes, content_type: str, query: str, *, field: str, media_types: tuple[str, ...]
) -> str | None:
    """The text in ``field``; None where it is not there exactly once in a body of these kinds, or in the query too."""
    pairs = _read_pairs(body, content_type, media_types)
    found = None if pairs is None else _found(pairs, query, field)
    if pairs is None or found is None or len(found) != 1 or found[0] not in pairs:
        return None
    name, value = found[0]
    legible = isinstance(value, str) and _UNREADABLE not in value
    return str(value) if legible and name == field else None


def is_absent(
    body: bytes, content_type: str, query: str, *, field: str, media_types: tuple[str, ...]
) -> bool:
    """Return whether no reader finds ``field`` in a body of these kinds, nor in the query."""
    pairs = _read_pairs(body, content_type, media_types)
    return pairs is not None and _found(pairs, query, field) == []


def _read_pairs(body: bytes, content_type: str, media_types: tuple[str, ...]) -> Pairs | None:
    plain = _PLAIN.fullmatch(content_type.strip())
    kind = plain[1].lower() if plain else MULTIPART
    if kind not in media_types:
        return None
    try:
        pairs = _READERS[kind](body) if kind in _READERS else _multipart(body, content_type)
    except (ValueError, RecursionError):
        return None
    if any(_alike(name, "_charset_") and str(value).lower() not in ("", "utf-8") for name, value in pairs):
        return None
    return pairs


def _found(pairs: Pairs, query: str, field: str) -> Pairs | None:
    """Return what some reader takes for ``field``; None where the query cannot be read."""
    try:
        asked = parse_qsl(query.replace(";", "&"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return None
    return [(name, value) for name, value in (*pairs, *asked) if _alike(name, field)]


def written(fields: Mapping[str, str], media_type: str) -> tuple[str, bytes]:
    """The ``Content-Type`` and the body by which a client of that kind sends ``fields``."""
    if media_type == JSON:
        return JSON, json.dumps(fields).encode()
    if media_type == URLENCODED:
        return URLENCODED, urlencode(fields).encode()
    parts = [
        f'--{_WRITTEN_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join([*parts, f"--{_WRITTEN_BOUNDARY}--\r\n"])
    return f"{MULTIPART}; boundary={_WRITTEN_BOUNDARY}", body.encode()


def _alike(name: str, field: str) -> bool:
    """Whether some portal takes ``name`` for ``field``; PHP is the one to which these four letters are one."""
    bare = unquote_plus(name).replace("\0", "").strip()
    return bare.translate(_ALIKE).casefold() == field.translate(_ALIKE).casefold()


def _urlencoded(body: bytes) -> Pairs:
    if _URLENCODED_BODY.fullmatch(body) is None:
        raise ValueError("no form as browsers send it")
    return list(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX))


def _json(body: bytes) -> Pairs:
    # UTF-8 alone (RFC 8259 section 8.1): others would not read what `loads` guesses from the bytes.
    members = json.loads(body.decode("utf-8"), object_pairs_hook=tuple)
    if not isinstance(members, tuple):
        raise ValueError("no JSON object")
    return list(members)


def _multipart(body: bytes, content_type: str) -> Pairs:
    boundary = _BOUNDARY.fullmatch(content_type.strip())
    if boundary is None:
        raise ValueError("no boundary as browsers send it")
    mark = b"--" + boundary[2].encode("ascii")
    first, *parts = (b"\r\n" + body).split(b"\r\n" + mark + b"\r\n")
    end = b"\r\n" + mark + b"--"
    if first or not parts or not parts[-1].removesuffix(b"\r\n").endswith(end):
        raise ValueError("something stands before, between or behind the parts")
    parts[-1] = parts[-1].removesuffix(b"\r\n").removesuffix(end)
    if len(parts) > FIELDS_MAX or any(mark in part for part in parts):
        raise ValueError("a boundary that some parser might take for another")
    return [_part(part) for part in parts]


def _part(part: bytes) -> tuple[str, object]:
    """The name of one part, and its text; a file has bytes."""
    head, blank, data = part.partition(b"\r\n\r\n")
    disposition, *others = head.split(b"\r\n")
    match = _DISPOSITION.fullmatch(disposition)
    kind = _TEXT_TYPE if match is None or match[2] is None else _FILE_TYPE
    if match is None or not blank or len(others) > 1 or not all(kind.fullmatch(line) for line in others):
        raise ValueError("a part with headers that browsers do not send")
    return match[1].decode("utf-8"), data.decode("utf-8", "replace") if match[2] is None else data


_READERS: dict[str, Callable[[bytes], Pairs]] = {URLENCODED: _urlencoded, JSON: _json}
