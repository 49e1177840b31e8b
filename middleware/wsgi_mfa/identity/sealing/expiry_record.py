"""The record of how long cookies last that each key has sealed, by which a key is not retired too early."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

logger = logging.getLogger("wsgi_mfa")

#: Each row says that a key has sealed a cookie that lasts to the end of a day, counted from 1970 UTC.
PREFIX = "sealed/"
_DAY_SECONDS = 86_400


class Rows(Protocol):
    """The part of a store that keeps the record."""

    def bindings(self, prefix: str) -> dict[str, str]:
        """Return the rows whose keys begin with ``prefix``."""
        ...

    def write_bindings(self, changes: Mapping[str, str | None]) -> None:
        """Write these rows, and drop those that are None."""
        ...


class ExpiryRecord:
    """Notes the longest expiry that each key has sealed.

    Days are noted rather than seconds, so that a worker saves about one row a day, whatever clients do.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._noted: dict[str, int] = {}

    def note(self, key_id: str, expires_at: int | None, *, now_seconds: int) -> None:
        """Note that ``key_id`` seals a cookie until ``expires_at``, in seconds; one without an expiry lasts a day.

        A store that cannot be written to loses the note and not the response; the next cookie is noted again.
        """
        until = now_seconds + _DAY_SECONDS if expires_at is None else expires_at
        day = -(-until // _DAY_SECONDS)
        if day <= self._noted.get(key_id, 0):
            return
        try:
            # Workers may write at the same time: each day is a row of its own, and only earlier days are dropped.
            days = days_in(self._rows.bindings(f"{PREFIX}{key_id}/")).get(key_id, [])
            if day > max(days, default=0):
                earlier = {_row(key_id, each): None for each in days}
                self._rows.write_bindings({**earlier, _row(key_id, day): ""})
        except Exception:
            logger.warning("the expiry of a sealed cookie could not be noted", exc_info=True)
            return
        self._noted[key_id] = max([day, *days])


def days_in(rows: Mapping[str, str]) -> dict[str, list[int]]:
    """Return the days of each key in rows of the record."""
    days: dict[str, list[int]] = {}
    for row in rows:
        key_id, _, day = row.removeprefix(PREFIX).rpartition("/")
        days.setdefault(key_id, []).append(int(day))
    return days


def expiries_in(rows: Rows) -> dict[str, int]:
    """Return for each key when the last cookie that it has sealed expires, in seconds."""
    return {key_id: max(days) * _DAY_SECONDS for key_id, days in days_in(rows.bindings(PREFIX)).items()}


def forget_keys(rows: Rows, key_ids: tuple[str, ...]) -> None:
    """Drop what is noted of keys that are retired."""
    changes = {row: None for key_id in key_ids for row in rows.bindings(f"{PREFIX}{key_id}/")}
    if changes:
        rows.write_bindings(changes)


def _row(key_id: str, day: int) -> str:
    return f"{PREFIX}{key_id}/{day}"
