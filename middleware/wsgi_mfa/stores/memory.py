"""A store for tests, simulations and single processes: it ends with the process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from heapq import nsmallest
from itertools import islice

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.stores.base import StoreBase
from wsgi_mfa.stores.protocol import StoreIdentity


class MemoryStore(StoreBase):
    """Keeps the values themselves, which is safe because they are frozen.

    Other processes see nothing of it, so several workers must not use it (R24). Of the events it keeps the
    latest ``events_max``; accounts it keeps all.
    """

    def __init__(self, *, identity: StoreIdentity, events_max: int = 100_000) -> None:
        super().__init__(identity=identity)
        self.table: dict[str, str] = {}
        self._accounts: dict[str, Account] = {}
        self._events: deque[Event] = deque(maxlen=events_max)
        self._lock = threading.Lock()

    def transaction(self) -> AbstractContextManager[object]:
        return self._lock

    def load(self, user: str) -> Account | None:
        """Return the account; one look into a dictionary needs no lock."""
        self._check()
        return self._accounts.get(user)

    def read_account(self, user: str) -> Account | None:
        return self._accounts.get(user)

    def write_account(self, account: Account, events: Sequence[Event]) -> None:
        self._accounts[account.user] = account
        self._events.extend(events)

    def read_users(self, after: str, limit: int) -> list[str]:
        return nsmallest(limit, (user for user in self._accounts if user > after))

    def read_events(self, user: str | None, limit: int) -> list[Event]:
        latest = (event for event in reversed(self._events) if user is None or event.user == user)
        return list(islice(latest, limit))[::-1]

    def drop_events(self, user: str, count: int) -> None:
        oldest = islice((event for event in self._events if event.user == user), count)
        gone = {id(event) for event in oldest}
        kept = [event for event in self._events if id(event) not in gone]
        self._events.clear()
        self._events.extend(kept)
