"""A store that fails when it is told to, lets others act at each call, and notes what was saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import TypeAlias

from mfa_simulator.world.clocks import TrueTime
from mfa_simulator.world.recorder import Recorder
from mfa_simulator.world.store_faults import (
    AFTER,
    BEFORE,
    LATER,
    LOAD,
    SAVE,
    Halts,
    SaveFailures,
    StaleReads,
)
from wsgi_mfa import Event, MemoryStore, StoreUnavailableError
from wsgi_mfa.accounts import Account
from wsgi_mfa.stores import StoreIdentity

Saved: TypeAlias = "Callable[[Account | None, Account, Sequence[Event]], object]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """A copy of a store at one moment."""

    accounts: Mapping[str, Account]
    events: tuple[Event, ...]
    table: Mapping[str, str]


class FaultyStore(MemoryStore):
    """The middleware's own memory store, but for the failures that a story asks for.

    `pause` is called before each call, so that others can act in between; saved events go into the step's record.
    `saved` is told of each save that is durable: the account before and after it, and its events.
    """

    def __init__(
        self,
        *,
        identity: StoreIdentity,
        time: TrueTime,
        pause: Callable[[], object],
        recorder: Recorder,
        saved: Saved | None = None,
        serving: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(identity=identity)
        self._saved = saved
        self._time = time
        self._pause = pause
        self._recorder = recorder
        self.span = 0
        self.failures = SaveFailures()
        self.stale = StaleReads()
        self.halts = Halts(time, serving)

    def load(self, user: str) -> Account | None:
        """Load, unless the store fails now; what is loaded may be stale."""
        self.halts.meet(LOAD, BEFORE)
        self._refuse_while_down()
        found = self.stale.seen(super().load(user), user, self._time.now())
        self.halts.meet(LOAD, AFTER)
        return found

    def save(self, account: Account, events: Sequence[Event], *, expected: str | None) -> bool:
        """Save, unless the store fails now: before the save, after it, or while it is under way."""
        self.halts.meet(SAVE, BEFORE)
        self._pause()
        self._take_time()
        failing = self.failures.fails(self._time.now())
        if failing and self.failures.when == LATER:
            at, context = self._time.now() + self.failures.by, copy_context()
            self._time.plan(at, lambda: self._land(context, account, events, expected))
        if failing and self.failures.when != AFTER:
            self.failures.fail()
        saved = self._commit(account, events, expected=expected)
        if failing:
            self.failures.fail()
        self.halts.meet(SAVE, AFTER)
        return saved

    def _land(
        self, context: Context, account: Account, events: Sequence[Event], expected: str | None
    ) -> None:
        """Commit what was under way: as part of the request that asked for it, and in the record of this step."""
        record = self._recorder.current
        if context.run(lambda: self._commit(account, events, expected=expected)):
            for event in events:
                record.saved(event)

    def _commit(self, account: Account, events: Sequence[Event], *, expected: str | None) -> bool:
        before = self.read_account(account.user)
        saved = super().save(account, events, expected=expected)
        if saved:
            self.stale.before[account.user] = before
            for event in events:
                self._recorder.current.saved(event)
            if self._saved is not None:
                self._saved(before, account, events)
        return saved

    def find_by_address(self, address: str) -> list[str]:
        """Find users, unless the store fails now."""
        self._refuse_while_down()
        return super().find_by_address(address)

    def users(self, *, after: str = "", limit: int = 100) -> list[str]:
        """List users, unless the store fails now."""
        self._refuse_while_down()
        return super().users(after=after, limit=limit)

    def events(self, user: str | None = None, *, limit: int = 100) -> list[Event]:
        """Give the latest events, unless the store fails now."""
        self._refuse_while_down()
        return super().events(user, limit=limit)

    def backup(self) -> Backup:
        """Return a copy of all that is kept."""
        return Backup(accounts=dict(self._accounts), events=tuple(self._events), table=dict(self.table))

    def restore(self, backup: Backup) -> None:
        """Put a copy in the place of all that is kept."""
        # The objects themselves stay, since an operator's view of the store shares them.
        self._accounts.clear()
        self._accounts.update(backup.accounts)
        self.table.clear()
        self.table.update(backup.table)
        self._events.clear()
        self._events.extend(backup.events)
        self.stale.before.clear()

    def accounts(self) -> dict[str, Account]:
        """Return the accounts to the simulator itself."""
        return dict(self._accounts)

    def peek(self, user: str) -> Account | None:
        """Load for the simulator itself, which no failure stops; by whatever case the file writes a name in."""
        return self.read_account(user) or self.read_account(user.casefold())

    def latest(self, count: int) -> list[Event]:
        """Give the latest events to the simulator itself."""
        return self.read_events(None, count)

    def _take_time(self) -> None:
        """Let the time pass that a slow store takes for a call."""
        if self.span:
            self._time.wait(self.span)

    def _refuse_while_down(self) -> None:
        self._pause()
        self._take_time()
        if self._time.now() < self.failures.until:
            raise StoreUnavailableError("the store is down, as the scenario asked")
