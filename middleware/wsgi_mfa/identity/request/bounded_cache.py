"""A cache that is bounded by the size of what it keeps, since clients choose its keys (D43a)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class BoundedCache(Generic[V]):
    """Keeps values until they are larger than ``bytes_max`` together, then forgets the least recent ones.

    The entries are in two generations. A value that is found in the older one goes into the younger one; when the
    younger one is full, it becomes the older one. Each step is one operation on a dictionary, so that threads need
    no lock; a lost race costs one entry.
    """

    __slots__ = ("_bytes", "_half", "_old", "_young")

    def __init__(self, *, bytes_max: int) -> None:
        self._half = bytes_max // 2
        self._young: dict[Hashable, tuple[V, int]] = {}
        self._old: dict[Hashable, tuple[V, int]] = {}
        self._bytes = 0

    def get(self, key: Hashable) -> V | None:
        """Return the value of ``key``, or None."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is None:
                return None
            self.put(key, found[0], size=found[1])
        return found[0]

    def put(self, key: Hashable, value: V, *, size: int) -> None:
        """Keep ``value``, which takes about ``size`` bytes; one larger than half of the cache is not kept."""
        if size > self._half:
            return
        if self._bytes + size > self._half:
            self._old, self._young, self._bytes = self._young, {}, 0
        self._young[key] = (value, size)
        self._bytes += size

    @property
    def bytes_kept(self) -> int:
        """The size of all that is kept, as it was told."""
        return sum(size for kept in (self._young, self._old) for _, size in kept.values())
