"""Faults of a store at its calls: a save whose outcome is unknown, a stale read, a call at which a worker halts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mfa_simulator.world.clocks import TrueTime
from wsgi_mfa import StoreUnavailableError
from wsgi_mfa.accounts import Account

LOAD, SAVE = "load", "save"
BEFORE, AFTER, LATER = "before", "after", "later"


class WorkerEndedError(BaseException):
    """A worker ended within a call of its store, as the scenario asked; nothing in it goes on.

    No `Exception`, since no handler of the application may go on after it.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Halt:
    """The next call of a kind at which a worker stops, `when` before or after it: for a span, or for good (None)."""

    call: str
    when: str
    span: int | None


@dataclass(kw_only=True, slots=True)
class SaveFailures:
    """The saves that fail: so many, or all calls up to an instant; `when` says what becomes of them.

    They fail before the commit, after it, or the save lands by itself a span `by` later.
    """

    calls: int = 0
    until: int = 0
    when: str = BEFORE
    by: int = 0

    def fails(self, now: int) -> bool:
        """Count a save; return whether it fails."""
        counted = self.calls > 0
        self.calls -= counted
        return counted or now < self.until

    def fail(self) -> None:
        """Raise what a save that fails ends in."""
        words = {
            BEFORE: "before its commit",
            AFTER: "after its commit",
            LATER: "while its commit was under way",
        }
        raise StoreUnavailableError(f"the store failed {words[self.when]}, as the scenario asked")


@dataclass(kw_only=True, slots=True)
class StaleReads:
    """The loads that give an account as it was before its latest save: so many, or all up to an instant."""

    calls: int = 0
    until: int = 0
    before: dict[str, Account | None] = field(default_factory=dict)

    def seen(self, account: Account | None, user: str, now: int) -> Account | None:
        """Return what a load gives in place of the account."""
        if user not in self.before or not (self.calls > 0 or now < self.until):
            return account
        self.calls -= self.calls > 0
        return self.before[user]


class Halts:
    """The halts that are still to come; each happens once, at the first call of its kind by a worker that serves.

    `serving` says whether the caller serves a request: the console of an operator neither halts nor ends.
    """

    def __init__(self, time: TrueTime, serving: Callable[[], bool]) -> None:
        self._time = time
        self._serving = serving
        self._halts: list[Halt] = []

    def add(self, halt: Halt) -> None:
        """Have the next call of its kind halt."""
        self._halts.append(halt)

    def meet(self, call: str, when: str) -> None:
        """Halt here if the next call of this kind has to; raises WorkerEndedError if the worker ends."""
        if not self._halts or not self._serving():
            return
        met = next((halt for halt in self._halts if (halt.call, halt.when) == (call, when)), None)
        if met is None:
            return
        self._halts.remove(met)
        if met.span is None:
            raise WorkerEndedError
        self._time.wait(met.span)
