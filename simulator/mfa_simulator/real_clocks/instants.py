"""Instants in a text, in the spellings in which applications write them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TypeAlias
from uuid import UUID

SECOND, DAY = 1.0, 86_400.0
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Days between the beginnings of the calendars of UUIDs of version 1 and of Julian days, and 1970.
UUID_1_EPOCH_SECONDS = -12_219_292_800
JULIAN_DAY_OF_1970 = 2_440_587.5


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownInstant:
    """An instant that stands in a text: seconds since 1970 UTC, to within `grain` seconds.

    What is written without a zone is taken for UTC, and may be off by the server's zone.
    """

    text: str
    at: float
    grain: float


Reader: TypeAlias = "Callable[[re.Match[str]], Iterator[ShownInstant]]"

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d))?"
_ISO = re.compile(
    r"(?<![\w.])(\d{4})-?(\d\d)-?(\d\d)(?:[T _]?(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s?(Z|[+-]\d\d:?\d\d)?)?(?![\w])"
)
_DAY_FIRST = re.compile(
    rf"(?<!\w)(\d{{1,2}})[ .-]+({_MONTH})[ ,-]+(\d{{4}}|\d\d(?= ))(?:,? (?:at )?{_CLOCK})?", re.IGNORECASE
)
_MONTH_FIRST = re.compile(
    rf"(?<!\w)({_MONTH}) +(\d{{1,2}})(?:,? (?:at )?{_CLOCK})?,? +(\d{{4}})(?:,? (?:at )?{_CLOCK})?",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"(?<!\w)(\d{1,2})[./](\d{1,2})[./](\d{4})(?!\w)")
_EPOCH = re.compile(r"(?<![\w.])(\d{10}(?:\.\d+)?|\d{13}|\d{16}|\d{19})(?![\w])")
_JULIAN = re.compile(r"(?<![\w.])(24\d{5}\.\d+)(?![\w])")
_UUID = re.compile(
    r"(?<!\w)[0-9a-f]{8}-[0-9a-f]{4}-([17])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?!\w)", re.IGNORECASE
)
# A signed value as itsdangerous writes it: the middle part is an instant.
_SIGNED = re.compile(r"(?<=\.)([A-Za-z0-9_-]{6})(?=\.[A-Za-z0-9_-]{27})")


def instants_in(text: str) -> Iterator[ShownInstant]:
    """Give every instant that stands in a text; what is no date is passed over."""
    for pattern, read in READERS:
        for match in pattern.finditer(text):
            yield from _read(read, match)


def _read(read: Reader, match: re.Match[str]) -> list[ShownInstant]:
    try:
        return list(read(match))
    except (ValueError, OverflowError):
        return []


def _of(match: re.Match[str], parts: tuple[str | None, ...], zone: str | None = None) -> ShownInstant:
    year, month, day, hour, minute, second = (int(part) if part else None for part in parts)
    if year is None or month is None or day is None:
        raise ValueError("no date")
    at = datetime(year, month, day, hour or 0, minute or 0, second or 0, tzinfo=timezone.utc)
    if zone and zone != "Z":
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        at += shift if zone[0] == "-" else -shift
    grain = DAY if hour is None else 60.0 if second is None else SECOND
    return ShownInstant(text=match[0].strip(), at=at.timestamp(), grain=grain)


def _iso(match: re.Match[str]) -> Iterator[ShownInstant]:
    *parts, zone = match.groups()
    yield _of(match, tuple(parts), zone)


def _day_first(match: re.Match[str]) -> Iterator[ShownInstant]:
    day, month, year, *clock = match.groups()
    full = year if len(year) == 4 else f"20{year}"
    yield _of(match, (full, _month(month), day, *clock))


def _month_first(match: re.Match[str]) -> Iterator[ShownInstant]:
    month, day, hour, minute, second, year, *later = match.groups()
    clock = (hour, minute, second) if hour else tuple(later)
    yield _of(match, (year, _month(month), day, *clock))


def _month(name: str) -> str:
    return str(MONTHS.index(name[:3].lower()) + 1)


def _numbers(match: re.Match[str]) -> Iterator[ShownInstant]:
    """A date in numbers has the day first or the month, and both are looked at."""
    one, other, year = match.groups()
    for day, month in {(one, other), (other, one)}:
        if int(month) <= 12:
            yield _of(match, (year, month, day, None, None, None))


def _epoch(match: re.Match[str]) -> Iterator[ShownInstant]:
    digits = match[1].partition(".")[0]
    yield ShownInstant(text=match[0], at=float(match[1]) / 10 ** (len(digits) - 10), grain=SECOND)


def _julian(match: re.Match[str]) -> Iterator[ShownInstant]:
    yield ShownInstant(text=match[0], at=(float(match[1]) - JULIAN_DAY_OF_1970) * DAY, grain=SECOND)


def _uuid(match: re.Match[str]) -> Iterator[ShownInstant]:
    value = UUID(match[0])
    at = value.time / 10**7 + UUID_1_EPOCH_SECONDS if match[1] == "1" else (value.int >> 80) / 1000
    yield ShownInstant(text=match[0], at=at, grain=SECOND)


def _signed(match: re.Match[str]) -> Iterator[ShownInstant]:
    at = int.from_bytes(base64.urlsafe_b64decode(match[1] + "=="), "big")
    yield ShownInstant(text=match[1], at=float(at), grain=SECOND)


READERS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (_ISO, _iso),
    (_DAY_FIRST, _day_first),
    (_MONTH_FIRST, _month_first),
    (_NUMBERS, _numbers),
    (_EPOCH, _epoch),
    (_JULIAN, _julian),
    (_UUID, _uuid),
    (_SIGNED, _signed),
)
