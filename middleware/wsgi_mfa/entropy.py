"""Where randomness comes from: the only module that asks the operating system for it."""

from __future__ import annotations

import secrets
from typing import Protocol

__all__ = ["Entropy", "SystemEntropy"]


class Entropy(Protocol):
    """Gives bytes that nobody can predict."""

    def token_bytes(self, count: int) -> bytes:
        """``count`` random bytes."""
        ...


class SystemEntropy:
    """The operating system's generator (R4, R26, R50: keys, codes and session secrets from a CSPRNG)."""

    __slots__ = ()

    def token_bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)
