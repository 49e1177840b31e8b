"""The kinds of single values: durations, instants, paths, names and the like."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from mfa_simulator.language.document import Mapping, Node, Scalar
from mfa_simulator.language.format.kinds import (
    NO,
    TEXT_SCHEMA,
    YES,
    Key,
    Kind,
    Reading,
    Schema,
    UnreadableError,
    known,
    one_or_many,
    scalar,
    shape,
    text_of,
    yes_or_no,
)
from mfa_simulator.language.quantities import (
    at_least_zero,
    duration,
    instant,
    moment,
    ppm,
    seconds,
    zone_shift,
)


def a_path(text: str) -> str:
    """Read a path of the site."""
    if not text.startswith("/"):
        raise ValueError(f'"{text}" is not a path: it must begin with /')
    return text


def _texts(node: Node, _: Reading) -> dict[str, str]:
    if not isinstance(node, Mapping):
        raise UnreadableError(
            node.position, f"a mapping of names to texts is needed here, not {shape(node)}", "wrong-shape"
        )
    return {key.text: _text_or_empty(value) for key, value in node}


def _text_or_empty(node: Node) -> str:
    return "" if isinstance(node, Scalar) and node.is_nothing else text_of(node, "a text")


def _worker(node: Node, reading: Reading) -> int:
    text = text_of(node, "the number of a worker")
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= reading.workers:
        raise UnreadableError(
            node.position, f'no worker "{text}": this file has workers 1 to {reading.workers}', "unknown-name"
        )
    return int(text)


def client_address(text: str) -> str:
    """Read an IP address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ValueError(f'"{text}" is not an IP address, such as 203.0.113.7') from error


def a_title(text: str) -> str:
    """Read a title: one line of printable text."""
    if not text.isprintable():
        raise ValueError("a title is one line of printable text: no line break, no control character")
    return text


def not_empty(text: str) -> str:
    """Read a text of at least one character."""
    if not text:
        raise ValueError("at least one character is needed here")
    return text


def a_start(text: str) -> int:
    """Read the instant at which a story begins."""
    at = instant(text)
    if not FIRST_START <= at < LAST_START:
        raise ValueError(f'"{text}": a story begins in the years from 1971 to 9990')
    return at


def _pattern(pattern: str, *examples: str) -> Schema:
    """Give the schema of a text; a number without its unit is none, but an instant, which is no JSON type, may be."""
    not_text = {"not": {"type": ["number", "boolean", "object", "array", "null"]}}
    return {**not_text, "pattern": f"^(?:{pattern})$", "examples": list(examples)}


def _any_case(words: Iterable[str]) -> str:
    return "|".join("".join(f"[{letter.upper()}{letter}]" for letter in word) for word in words)


def bytes_or_half(text: str) -> int | None:
    """Read how much of a body arrives: a number of bytes, `yes` for the first half (-1), or `no`."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return -1 if yes_or_no(text) else None
    except ValueError as error:
        raise ValueError(f"{error}, and no number of bytes") from error


_PLAIN_SPAN = r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))+"
_INSTANT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]{1,6})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DURATION = _pattern(f"[+-]?{_PLAIN_SPAN}", "45s", "2m", "1h30m", "-1s")
_SPAN = _pattern(rf"\+?{_PLAIN_SPAN}", "45s", "2m", "300ms")
_TICKS = _any_case((*YES, *NO))

TEXT = scalar("TEXT", "a text", str, TEXT_SCHEMA)
DURATION = scalar("DURATION", "a duration such as 45s", duration, _DURATION, rule="duration")
SPAN = scalar("DURATION", "a duration such as 45s", at_least_zero, _SPAN, rule="duration")
SECONDS = scalar(
    "SECONDS",
    "a number of seconds such as 30 or 30s",
    seconds,
    {"type": ["integer", "string"], "minimum": 0, "pattern": f"^(?:[0-9]+|{_PLAIN_SPAN})$"},
    rule="duration",
)
INSTANT = scalar(
    "INSTANT",
    "an instant such as 2026-03-02T09:00:00Z",
    instant,
    _pattern(_INSTANT, "2026-03-02T09:00:00Z"),
)
MOMENT = scalar(
    "MOMENT",
    "a moment such as step+2s",
    moment,
    _pattern(
        f"(?:step|lockout_end|session_end)(?:[+-]{_PLAIN_SPAN})?|{_INSTANT}",
        "step+2s",
        "step-1s",
        "lockout_end+1s",
        "session_end-1s",
        "2026-03-02T09:00:00Z",
    ),
)
PPM = scalar(
    "PPM",
    "a number of parts per million",
    ppm,
    {"type": ["number", "string"], "pattern": r"^[+-]?[0-9]+(?:\.[0-9]+)?$"},
)
ZONE = scalar(
    "DURATION",
    "a shift such as 1h or +01:00",
    zone_shift,
    _pattern(f"[+-]?{_PLAIN_SPAN}|[+-][0-9]{{2}}:[0-9]{{2}}", "1h", "-1h", "+05:30"),
    rule="duration",
)
TICK = scalar(
    "yes or no",
    "yes or no",
    yes_or_no,
    {"type": ["boolean", "string"], "pattern": f"^(?:{_TICKS})$", "examples": ["yes", "no"]},
)
CUT = scalar(
    "BYTES or yes",
    "a number of bytes, or yes",
    bytes_or_half,
    {"type": ["boolean", "integer", "string"], "minimum": 0, "pattern": f"^(?:[0-9]+|{_TICKS})$"},
)
PATH = scalar("PATH", "a path", a_path, {"type": "string", "pattern": "^/"})
TEXTS = Kind(
    name="a mapping of texts",
    read=_texts,
    schema={"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}},
)
USER = known("USER", "user", lambda reading: reading.users)
PHONE = known("PHONE", "phone", lambda reading: reading.phones)
WORKER = Kind(
    name="WORKER", read=_worker, schema={"type": ["integer", "string"], "minimum": 1, "pattern": "^[0-9]+$"}
)
NAMES = one_or_many(TEXT)
TITLE = scalar("TEXT", "a text", a_title, TEXT_SCHEMA)
PASSWORD = scalar("TEXT", "a password", not_empty, TEXT_SCHEMA)
ADDRESS = scalar("ADDRESS", "an IP address", client_address, {"type": "string"})
FIRST_START, LAST_START = instant("1971-01-01T00:00:00Z"), instant("9991-01-01T00:00:00Z")
START = scalar("INSTANT", "an instant such as 2026-03-02T09:00:00Z", a_start, INSTANT.schema)
CLOCK_KEYS = (
    Key(name="offset", kind=DURATION, about="ahead of true time by so much (behind when negative)"),
    Key(name="jump", kind=DURATION, about="move by so much, once"),
    Key(name="drift_ppm", kind=PPM, about="run at another rate from now on"),
    Key(name="wrong_zone", kind=ZONE, about="off by a zone that was made up for by hand"),
    Key(name="synchronise", kind=TICK, about="show true time"),
)
