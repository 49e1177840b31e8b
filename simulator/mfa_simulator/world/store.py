"""A store that fails when it is told to, lets others act at each call, and notes what was saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from mfa_simulator.world.clocks import TrueTime
from mfa_simulator.world.recorder import Recorder
from wsgi_mfa import Event, MemoryStore, StoreUnavailableError
from wsgi_mfa.accounts import Account
from wsgi_mfa.stores import StoreIdentity

Saved: TypeAlias = "Callable[[Account | None, Account, Sequence[Event]], object]"


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
    ) -> None:
        super().__init__(identity=identity)
        self._saved = saved
        self._time = time
        self._pause = pause
        self._recorder = recorder
        self.span = 0
        self._saves_to_fail = 0
        self._fails_until = time.now()
        self._after_commit = False

    def fail(self, *, calls: int | None, span: int | None, after_commit: bool) -> None:
        """Fail so many saves, or every call for a span; `after_commit` means that each save is durable all the same."""
        self._saves_to_fail = calls or 0
        self._fails_until = self._time.now() + (span or 0)
        self._after_commit = after_commit

    def load(self, user: str) -> Account | None:
        """Load, unless the store fails now."""
        self._refuse_while_down()
        return super().load(user)

    def save(self, account: Account, events: Sequence[Event], *, expected: str | None) -> bool:
        """Save, unless the store fails now, before or after the save."""
        self._pause()
        self._take_time()
        down = self._time.now() < self._fails_until
        failing = down or self._saves_to_fail > 0
        if self._saves_to_fail > 0:
            self._saves_to_fail -= 1
        if failing and not self._after_commit:
            raise StoreUnavailableError("the store failed before its commit, as the scenario asked")
        before = super().load(account.user)
        saved = super().save(account, events, expected=expected)
        if saved:
            for event in events:
                self._recorder.current.saved(event)
            if self._saved is not None:
                self._saved(before, account, events)
        if failing:
            raise StoreUnavailableError("the store failed after its commit, as the scenario asked")
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

    def peek(self, user: str) -> Account | None:
        """Load for the simulator itself, which no failure stops; by whatever case the file writes a name in."""
        return super().load(user) or super().load(user.casefold())

    def latest(self, count: int) -> list[Event]:
        """Give the latest events to the simulator itself."""
        return super().events(limit=count)

    def _take_time(self) -> None:
        """Let the time pass that a slow store takes for a call."""
        if self.span:
            self._time.wait(self.span)

    def _refuse_while_down(self) -> None:
        self._pause()
        self._take_time()
        if self._time.now() < self._fails_until:
            raise StoreUnavailableError("the store is down, as the scenario asked")
