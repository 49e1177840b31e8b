"""Where time comes from: the only module that reads the machine's clock."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> int:
        """The present instant, in microseconds since 1970 UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; used only for the jitter between two attempts to save."""
        ...


class SystemClock:
    """The clock of this machine."""

    __slots__ = ()

    def now(self) -> int:
        # Looked up late, so that whoever replaces the functions of `time` reaches this call too.
        return time.time_ns() // 1_000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
