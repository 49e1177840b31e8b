"""True time and the clocks that read it wrong.

There is one true time, a whole number of microseconds that only grows. Servers and phones read it through clocks of
their own, each with its offset, its drift and its history of being set.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any, Protocol

import freezegun
import freezegun.api

from mfa_simulator.errors import StepError, StoryError
from mfa_simulator.language.quantities import EPOCH, SECOND, instant
from mfa_simulator.world.virtual_waits import virtual_waits

MILLION = 1_000_000
NO_DRIFT = Fraction(0)
LAST_INSTANT = instant("9999-12-31T00:00:00Z")


class TrueTime:
    """The one true time of a run, in microseconds since 1970 UTC; it moves only when somebody waits."""

    def __init__(self, start: int) -> None:
        self._now = start
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._planned = 0
        self.sleep_in_scheduler: Callable[[int], bool] = lambda _: False

    def now(self) -> int:
        """Give the present instant."""
        return self._now

    def plan(self, at: int, action: Callable[[], object]) -> None:
        """Have `action` happen at an instant, once time passes it: a delayed request that still arrives."""
        self._planned += 1
        heapq.heappush(self._due, (at, self._planned, action))

    def wait(self, span: int) -> None:
        """Let a span pass; raises ValueError for a negative one, since true time never goes back."""
        if span < 0:
            raise ValueError(f"true time cannot go back by {-span} microseconds")
        self.wait_until(self._now + span)

    def wait_until(self, at: int) -> None:
        """Let time pass up to an instant, and let everything happen that was planned until then.

        Somebody in a crowd lets the others act meanwhile, and time passes when all of them wait.
        """
        if at > LAST_INSTANT:
            raise StepError("true time ends with the year 9999, and this would go on beyond it")
        if self.sleep_in_scheduler(at):
            return
        while self._due and self._due[0][0] <= at:
            due_at, _, action = heapq.heappop(self._due)
            self._now = max(self._now, due_at)
            action()
        self._now = max(self._now, at)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockDeviation:
    """How a clock differs from true time; the spans in microseconds, `set_at` an instant of true time."""

    offset: int = 0
    jump: int = 0
    zone: int = 0
    drift_ppm: Fraction = NO_DRIFT
    set_at: int = 0

    def at(self, now: int) -> int:
        """Give by how much the clock is ahead at an instant of true time."""
        if self.drift_ppm is NO_DRIFT:  # as most clocks, which are read several times a request
            return self.offset + self.jump + self.zone
        drifted = self.drift_ppm.numerator * (now - self.set_at) // (self.drift_ppm.denominator * MILLION)
        return self.offset + self.jump + self.zone + drifted


class DeviceClock:
    """The clock of a phone or of a server: it reads true time plus an error of its own."""

    def __init__(self, time: TrueTime, error: ClockDeviation | None = None) -> None:
        self._time = time
        self._error = error or ClockDeviation(set_at=time.now())

    def now(self) -> int:
        """Give what the clock shows, in microseconds since 1970 UTC."""
        return self._time.now() + self.error()

    def error(self) -> int:
        """Give by how much the clock is ahead of true time, in microseconds."""
        return self._error.at(self._time.now())

    def when_it_shows(self, reading: int) -> int:
        """Give the first instant of true time, not before now, at which the clock shows `reading` or later."""
        low = self._time.now()
        if self.now() >= reading:
            return low
        span = reading - self.now()
        high = low + span
        while high + self._error.at(high) < reading:
            high += span
        while low < high:
            middle = (low + high) // 2
            if middle + self._error.at(middle) >= reading:
                high = middle
            else:
                low = middle + 1
        return low

    def set_offset(self, offset: int) -> None:
        """Set the clock so that it is ahead by `offset`; earlier jumps and what it drifted are gone."""
        self._error = replace(self._error, offset=offset, jump=0, set_at=self._time.now())

    def jump(self, span: int) -> None:
        """Move the clock by a span, once."""
        self._error = replace(self._error, jump=self._error.jump + span)

    def set_drift(self, drift_ppm: Fraction) -> None:
        """Let the clock run at another rate from now on; what it shows now stays."""
        now = self._time.now()
        kept = self._error.at(now) - self._error.jump - self._error.zone
        self._error = replace(self._error, offset=kept, drift_ppm=drift_ppm, set_at=now)

    def set_zone(self, shift: int) -> None:
        """Put the clock off by a wrong zone that somebody made up for by hand."""
        self._error = replace(self._error, zone=shift)

    def synchronise(self) -> None:
        """Let the clock show true time; its rate stays what it is."""
        self._error = ClockDeviation(drift_ppm=self._error.drift_ppm, set_at=self._time.now())


class WorkerClock(DeviceClock):
    """The clock that one worker of the server reads; waiting on it lets true time pass."""

    def sleep(self, seconds: float) -> None:
        """Let a span pass, as the middleware does between two tries of a contended save."""
        self._time.wait(round(seconds * SECOND))


class WallClock(Protocol):
    """The time that a process sees in `time.time()` and `datetime.now()`."""

    def show(self, now: int) -> None:
        """Set it to an instant, in microseconds since 1970 UTC."""


class _FrozenWallClock:
    def __init__(self, frozen: Any, start: int) -> None:  # noqa: ANN401  # freezegun's factories share no public type
        self._frozen = frozen
        self._start = start
        self._shown: int | None = None

    def show(self, now: int) -> None:
        if now != self._shown:
            self._shown = now
            self._frozen.move_to(EPOCH + timedelta(microseconds=now))

    def let_pass(self, span: int) -> None:
        """Let a span pass for whatever waits outside of a story, such as a portal that is being made."""
        self.show((self._shown if self._shown is not None else self._start) + span)


@contextmanager
def frozen_wall_clock(start: int) -> Iterator[WallClock]:
    """Freeze the time that the wrapped application sees, once a run, and hand out what moves it.

    A freeze costs milliseconds and a move about one microsecond, so nothing is ever frozen a second time in a run.
    Each reading would also search the call stack for modules that shall see real time; nothing in a run shall, and
    without the search short-lived threads of the application see virtual time too. pytest's own stop-watch is left
    alone: a test that tells a story takes as long as it takes. Whatever sleeps lets virtual time pass.

    A freeze of freezegun's that surrounds this one is moved along, and put back at the end. Raises StoryError for one
    that ticks.
    """
    with _frozen(start) as frozen:
        searched = freezegun.api.call_stack_inspection_limit
        freezegun.api.call_stack_inspection_limit = 0
        wall = _FrozenWallClock(frozen, start)
        try:
            with virtual_waits(wall.let_pass):
                yield wall
        finally:
            freezegun.api.call_stack_inspection_limit = searched


@contextmanager
def _frozen(start: int) -> Iterator[Any]:
    """Give what moves frozen time; two freezes of freezegun's could only end in the order in which they began."""
    at = EPOCH + timedelta(microseconds=start)
    if not freezegun.api.freeze_factories:
        with freezegun.freeze_time(at, ignore=["_pytest.timing"]) as frozen:
            yield frozen
        return
    outer = freezegun.api.freeze_factories[-1]
    if not isinstance(outer, freezegun.api.FrozenDateTimeFactory):
        raise StoryError(
            "the time of this process is frozen already by freezegun, and ticks: a story moves time itself, so take"
            " the decorator or the `with freeze_time(...)` around it away, and give the story its `start`"
        )
    before = outer.time_to_freeze
    outer.move_to(at)
    try:
        yield outer
    finally:
        outer.move_to(before)


def real_clocks() -> tuple[object, ...]:
    """Give the functions and classes of Python that tell the real time, as they are without a freeze."""
    names = ("time", "time_ns", "datetime", "date", "gmtime", "localtime", "strftime")
    return tuple(getattr(freezegun.api, f"real_{name}") for name in names)


def processor_seconds() -> float:
    """Return the processor time that this process has used, in seconds; no freeze touches it."""
    return time.process_time()


def real_now() -> float:
    """Give the real time, in seconds since 1970 UTC, whatever is frozen."""
    now: float = freezegun.api.real_time()
    return now
