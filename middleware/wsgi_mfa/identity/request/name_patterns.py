"""Names in which ``*`` is any text, matched in time linear in the name, since clients choose it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PIECES_OF_ONE_STAR = 2


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
        # Most names match none of them, which three looks tell: at their ends, their beginnings, and for a few words.
        self._ends = tuple({pieces[-1] for pieces in self._wild if pieces[-1]})
        rest = [pieces for pieces in self._wild if not pieces[-1]]
        self._beginnings = tuple({pieces[0] for pieces in rest if len(pieces) == _PIECES_OF_ONE_STAR})
        inner = {max(pieces[1:], key=len) for pieces in rest if len(pieces) > _PIECES_OF_ONE_STAR}
        words = [re.escape(word) for word in inner if word]
        self._has_word = re.compile("|".join(words)).search if words else None
        self._matches_any = any(not any(pieces) for pieces in self._wild)

    def match(self, name: str) -> bool:
        """Return whether ``name`` matches one of the patterns as a whole."""
        if name in self._literal or self._matches_any:
            return True
        if not (
            name.endswith(self._ends)
            or name.startswith(self._beginnings)
            or (self._has_word is not None and self._has_word(name) is not None)
        ):
            return False
        return any(
            name.endswith(pieces[-1]) and name.startswith(pieces[0]) and _matches(pieces, name)
            for pieces in self._wild
        )


def _matches(pieces: tuple[str, ...], name: str) -> bool:
    """Return whether ``name``, which has the right beginning and end, is these pieces with any text between them."""
    first, *middle, last = pieces
    end = len(name) - len(last)
    place = len(first)
    for piece in middle:
        found = name.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return place <= end
