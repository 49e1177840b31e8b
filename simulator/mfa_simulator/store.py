"""A store that fails when it is told to, and notes what was saved through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mfa_simulator.clock import TrueTime
from mfa_simulator.record import record
from wsgi_mfa import Account, AccountStore, BirthRecord, Event, StoreUnavailableError


class FaultyStore:
    """Hands everything on to a real store, but for the failures that a story asks for.

    `pause` is called before each call, so that others can act in between; saved events go into the step's record.
    """

    def __init__(self, inner: AccountStore, time: TrueTime, *, pause: Callable[[], None]) -> None:
        self._inner = inner
        self._time = time
        self._saves_to_fail = 0
        self._fails_until = time.now()
        self._after_commit = False
        self._pause = pause

    def fail(self, *, calls: int | None, span: int | None, after_commit: bool) -> None:
        """Fail so many saves, or every call for a span; `after_commit` means that each save is durable all the same."""
        self._saves_to_fail = calls or 0
        self._fails_until = self._time.now() + (span or 0)
        self._after_commit = after_commit

    @property
    def birth(self) -> BirthRecord:
        """Which store this is."""
        return self._inner.birth

    @property
    def shared_between_processes(self) -> bool:
        """As the real store says; all workers of a run live in one process."""
        return self._inner.shared_between_processes

    def load(self, user: str) -> Account | None:
        """Load, unless the store fails now."""
        self._refuse_while_down()
        return self._inner.load(user)

    def save(self, account: Account, events: Sequence[Event], *, expected: str | None) -> bool:
        """Save, unless the store fails now, before or after the save."""
        self._pause()
        down = self._time.now() < self._fails_until
        failing = down or self._saves_to_fail > 0
        if self._saves_to_fail > 0:
            self._saves_to_fail -= 1
        if failing and not self._after_commit:
            raise StoreUnavailableError("the store failed before its commit, as the scenario asked")
        saved = self._inner.save(account, events, expected=expected)
        if saved:
            record().events.extend(events)
        if failing:
            raise StoreUnavailableError("the store failed after its commit, as the scenario asked")
        return saved

    def find_by_address(self, address: str) -> list[str]:
        """Find users, unless the store fails now."""
        self._refuse_while_down()
        return self._inner.find_by_address(address)

    def users(self, *, after: str = "", limit: int = 100) -> list[str]:
        """List users, unless the store fails now."""
        self._refuse_while_down()
        return self._inner.users(after=after, limit=limit)

    def events(self, user: str | None = None, *, limit: int = 100) -> list[Event]:
        """Give the latest events, unless the store fails now."""
        self._refuse_while_down()
        return self._inner.events(user, limit=limit)

    def peek(self, user: str) -> Account | None:
        """Load for the simulator itself, which no failure stops."""
        return self._inner.load(user) or self._inner.load(user.casefold())

    def close(self) -> None:
        """Close the real store."""
        self._inner.close()

    def _refuse_while_down(self) -> None:
        self._pause()
        if self._time.now() < self._fails_until:
            raise StoreUnavailableError("the store is down, as the scenario asked")
