"""Durations, instants and moments, as the text of a scenario file writes them.

Everything is held in whole microseconds, so that no rounding can differ between two machines.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Literal

SECOND = 1_000_000
UNITS = {"ms": SECOND // 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_DURATION = re.compile(r"([+-]?)((?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+)", re.ASCII)
_MOMENT = re.compile(r"(step|lockout_end|session_end)(?:([+-])(.+))?")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_ZONE = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)", re.IGNORECASE
)

ANCHORS = ("step", "lockout_end", "session_end")
Anchor = Literal["step", "lockout_end", "session_end", "instant"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePoint:
    """A point of true time that a story waits for: an anchor and a shift, in microseconds.

    With the anchor `instant` the shift counts from 1970 UTC.
    """

    anchor: Anchor
    shift: int


def duration(text: str) -> int:
    """Read `45s`, `2m`, `1h30m`, `300ms` or `-1s` as microseconds; a number without a unit is a ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(
            f'"{text}" is not a duration: write a number with its unit, such as 45s, 2m, 1h or 300ms'
        )
    total = sum((Fraction(number) * UNITS[unit] for number, unit in _PART.findall(match[2])), Fraction(0))
    if total.denominator != 1:
        raise ValueError(f'"{text}" is finer than a microsecond')
    return -int(total) if match[1] == "-" else int(total)


def instant(text: str) -> int:
    """Read an ISO 8601 instant with a zone as microseconds since 1970 UTC."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not an instant with a zone, such as 2026-03-02T09:00:00Z')
    body, fraction, zone = match.groups()
    try:
        value = datetime.fromisoformat(body + ("+00:00" if zone in "Zz" else zone))
        since_epoch = value - EPOCH
    except (ValueError, OverflowError) as error:
        raise ValueError(f'"{text}" is not an instant: {error}') from error
    return since_epoch // timedelta(microseconds=1) + int((fraction or "").ljust(6, "0"))


def moment(text: str) -> TimePoint:
    """Read `step+2s`, `step-1s`, `lockout_end+1s`, `session_end-1s` or an instant."""
    match = _MOMENT.fullmatch(text)
    if match is not None:
        anchor, sign, rest = match.groups()
        shift = duration(rest) if rest else 0
        if rest and rest[0] in "+-":
            raise ValueError(f'"{text}" has two signs')
        return TimePoint(anchor=anchor, shift=-shift if sign == "-" else shift)  # type: ignore[arg-type]  # one of _MOMENT's
    try:
        return TimePoint(anchor="instant", shift=instant(text))
    except ValueError as error:
        raise ValueError(
            f'"{text}" is not a moment: write step+2s, step-1s, lockout_end+1s, session_end-1s '
            f"or an instant with a zone such as 2026-03-02T09:00:00Z.{_meant_moment(text)}"
        ) from error


def _meant_moment(text: str) -> str:
    """Ask whether another anchor was meant, with the same shift."""
    word, sign, rest = next(
        ((a, s, r) for s in "+-" for a, found, r in [text.partition(s)] if found), (text, "", "")
    )
    close = difflib.get_close_matches(word, ANCHORS, n=1)
    return f' Did you mean "{close[0]}{sign}{rest}"?' if close and close[0] != word else ""


def zone_shift(text: str) -> int:
    """Read how far a hand-set wrong zone puts a clock off, as a duration or as `+02:00`, in microseconds."""
    match = _ZONE.fullmatch(text)
    if match is None:
        try:
            return duration(text)
        except ValueError as error:
            raise ValueError(
                f'"{text}" is not a shift of the clock: write how far it is off, such as 1h, -1h or +05:30'
            ) from error
    minutes = int(match[2]) * 60 + int(match[3])
    return minutes * UNITS["m"] * (-1 if match[1] == "-" else 1)


def ppm(text: str) -> Fraction:
    """Read a drift in parts per million."""
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f'"{text}" is not a number of parts per million, such as 50 or -12.5')
    return Fraction(text)


def clock_text(now: int) -> str:
    """Give the date and time of an instant in UTC, to the millisecond."""
    return (EPOCH + timedelta(microseconds=now)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def duration_text(span: int) -> str:
    """Give a duration as short as it can be said, `-45s` or `1m30s`."""
    rest, parts = abs(span), []
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if span < 0 else "") + ("".join(parts) or "0s")


def at_least_zero(text: str) -> int:
    """Read a duration that cannot be negative."""
    span = duration(text)
    if span < 0:
        raise ValueError(f'"{text}" goes back in time: true time only moves forward')
    return span


def seconds(text: str) -> int:
    """Read a span in whole seconds, written with or without its unit."""
    if text.isascii() and text.isdigit():
        return int(text)
    return at_least_zero(text) // SECOND
