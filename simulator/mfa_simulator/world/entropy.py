"""Chance from a seed: one stream for each purpose, the same on every Python and on every machine."""

from __future__ import annotations

import random


class SeededEntropy:
    """Random bytes that depend on nothing but the seed, the stream's name and how much was drawn before.

    A string seed goes through SHA-512 and not through `hash()`, so that PYTHONHASHSEED has no say.
    """

    def __init__(self, seed: int, name: str) -> None:
        self._random = random.Random(f"{seed}:{name}")  # reproducible chance is the purpose

    def token_bytes(self, count: int) -> bytes:
        """Give the next `count` bytes of the stream."""
        return self._random.getrandbits(8 * count).to_bytes(count, "big") if count else b""

    def below(self, limit: int) -> int:
        """Give a whole number from 0 up to, and without, `limit`."""
        # Taken from the bytes, because Random.randrange has changed its ways between versions before.
        return int.from_bytes(self.token_bytes(16), "big") % limit
