"""The ends of a long list: what a step of a hundred thousand requests may keep."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
KEPT = 25


class Ends(Generic[T]):
    """Keeps the first items and the last ones, and counts those in between."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._first: list[T] = []
        self._last: deque[T] = deque(maxlen=kept)
        self.left_out = 0

    def append(self, item: T) -> T | None:
        """Add an item; give the one that is left out for it, if any."""
        if len(self._first) < self._kept:
            self._first.append(item)
            return None
        gone = self._last[0] if len(self._last) == self._kept else None
        self.left_out += gone is not None
        self._last.append(item)
        return gone

    def __len__(self) -> int:
        """Count what is kept."""
        return len(self._first) + len(self._last)

    def __getitem__(self, index: int) -> T:
        """Give one of the items that are kept."""
        return list(self)[index]

    def __iter__(self) -> Iterator[T]:
        """Go through what is kept, in order."""
        yield from self._first
        yield from self._last
