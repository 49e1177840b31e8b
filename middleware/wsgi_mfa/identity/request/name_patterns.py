"""Names in which ``*`` is any text, matched in time linear in the name, since clients choose it."""

from __future__ import annotations

import re
from collections.abc import Iterable


class NamePatterns:
    """A set of patterns, asked whether a name matches one of them."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._literal: set[str] = set()
        self._wild: list[tuple[str, ...]] = []
        for pattern in patterns:
            pieces = pattern.split("*")
            if len(pieces) == 1:
                self._literal.add(pattern)
            else:
                self._wild.append(tuple(pieces))
        # Most names have none of these words in them, which one search tells.
        words = {max(pieces, key=len) for pieces in self._wild}
        self._words = re.compile("|".join(map(re.escape, sorted(words)))) if words else None

    def match(self, name: str) -> bool:
        """Return whether ``name`` matches one of the patterns as a whole."""
        if name in self._literal:
            return True
        if self._words is None or self._words.search(name) is None:
            return False
        return any(_matches(pieces, name) for pieces in self._wild)


def _matches(pieces: tuple[str, ...], name: str) -> bool:
    """Return whether ``name`` is these pieces with any text between them."""
    first, *middle, last = pieces
    end = len(name) - len(last)
    if not name.startswith(first) or not name.endswith(last):
        return False
    place = len(first)
    for piece in middle:
        found = name.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return place <= end
