"""Instants and spans as integers, so that no rule depends on a float or a time zone.

An *instant* is a number of microseconds since 1970-01-01T00:00:00Z, leap seconds not counted (as POSIX and
RFC 6238 section 4 count). A *span* carries its unit in its name.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def seconds_until(instant: int, *, now: int) -> int:
    """Whole seconds from ``now`` to ``instant``, rounded up, at least 1: what ``Retry-After`` may promise."""
    return max(1, -((now - instant) // SECOND))


def utc_text(instant: int) -> str:
    """An instant for people, in UTC; built from whole seconds, so that no float rounds it."""
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (epoch + timedelta(seconds=instant // SECOND)).strftime("%Y-%m-%d %H:%M:%S")
