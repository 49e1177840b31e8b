"""Ends a step that makes no progress in real time: an application that waits by a clock that does not move.

Virtual time moves when a story lets it, or when the application sleeps. A loop that only looks at the clock waits for
ever. A timer of the operating system (`SIGALRM`) interrupts the main thread then, whatever it waits for. Where there
is no such timer, and where other code uses it, nothing is watched.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

#: After the first interruption the next ones come so soon: what cleans up may wait by the same clock.
AGAIN_SECONDS = 0.5
_OURS = str(Path(__file__).resolve().parents[1])
_LIBRARY = tuple(
    str(Path(path).resolve())
    for name in ("stdlib", "purelib", "platlib")
    if (path := sysconfig.get_path(name))
)


class StandstillError(BaseException):
    """No progress in real time; no handler of the application for `Exception` catches it."""


class Watchdog:
    """Watches one story: each sign of progress gives it `seconds` more; None watches nothing."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._is_armed = False
        self._doing = ""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Interrupt the main thread when no progress is made meanwhile."""
        if self._seconds is None or not _is_alarm_free():
            yield
            return
        before = signal.signal(signal.SIGALRM, self._ring)
        self._is_armed = True
        self.progress("")
        try:
            yield
        finally:
            self._is_armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def progress(self, doing: str) -> None:
        """Take a sign of progress; `doing` is what begins now."""
        if self._is_armed and self._seconds is not None:
            self._doing = doing
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def _ring(self, _: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
        place = waiting_place(frame)
        where = f"at {place} by a clock that does not move" if place else "and does not come back"
        asked = f" in {self._doing}" if self._doing else ""
        raise StandstillError(
            f"your application waits {where}{asked}: no progress in {self._seconds:g} s of real time"
            " (--timeout sets how long)"
        )


def _is_alarm_free() -> bool:
    """Return whether the timer of the operating system is there and not in use."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        return False
    return (
        signal.getsignal(signal.SIGALRM) in (signal.SIG_DFL, None)
        and not signal.getitimer(signal.ITIMER_REAL)[0]
    )


def waiting_place(frame: FrameType | None) -> str:
    """Return `FILE:LINE` of the application's innermost call that waits; empty when it is nowhere to be seen.

    It is looked for where the main thread was interrupted, then in the tasks of event loops, then in other threads.
    """
    others = [found for ident, found in sys._current_frames().items() if ident != threading.get_ident()]
    for stack in (frame, *others):
        place = _place_in(stack)
        if place:
            return place
        for waiting in _tasks_below(stack):
            place = _place_in(waiting)
            if place:
                return place
    return ""


def _place_in(frame: FrameType | None) -> str:
    while frame is not None:
        file = str(Path(frame.f_code.co_filename).resolve())
        if not file.startswith((_OURS, *_LIBRARY)) and Path(file).is_file():
            return f"{file}:{frame.f_lineno}" if _is_served(frame) else ""
        frame = frame.f_back
    return ""


def _is_served(frame: FrameType) -> bool:
    """Return whether a call answers a request: below it is the worker, or an event loop."""
    outer: FrameType | None = frame
    while outer is not None:
        if outer.f_code.co_filename.endswith(("world/worker.py", "world\\worker.py")):
            return True
        outer = outer.f_back
    return frame.f_back is None  # a task that waits has no caller


def _tasks_below(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        loop = frame.f_locals.get("self") if frame.f_code.co_name == "run_forever" else None
        if isinstance(loop, asyncio.AbstractEventLoop):
            for task in asyncio.all_tasks(loop):
                yield from reversed(task.get_stack())
        frame = frame.f_back
