"""A store for tests, simulations and single processes: it ends with the process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from heapq import nsmallest
from itertools import islice
from typing import TYPE_CHECKING

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.stores.opening import Doorkeeper
from wsgi_mfa.stores.protocol import AccountStore, BirthRecord, Opening, WorkerReport, check_revision


class MemoryStore:
    """Keeps the values themselves, which is safe because nobody can change them.

    Other processes see nothing of it, so several workers must not use it (R24). Of the events it keeps the
    latest ``events_max``; accounts it keeps all.
    """

    shared_between_processes = False

    def __init__(self, *, birth: BirthRecord, events_max: int = 100_000) -> None:
        self.birth = birth
        self._accounts: dict[str, Account] = {}
        self._events: deque[Event] = deque(maxlen=events_max)
        self._workers: dict[str, WorkerReport] = {}
        self._invited_only = False
        self._opening = Opening()
        self._doorkeeper = Doorkeeper()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def fenced_at(self) -> int:
        return self._doorkeeper.fenced_at

    def opening(self) -> Opening:
        self._check_living()
        return self._opening

    def set_opening(self, opening: Opening) -> None:
        self._check_living()
        with self._lock:
            self._opening = opening

    def for_operator(self) -> AccountStore:
        twin = object.__new__(_OperatorsStore)
        twin.__dict__ = self.__dict__
        return twin

    def load(self, user: str) -> Account | None:
        self._check_open()
        return self._accounts.get(user)

    def save(self, account: Account, events: Sequence[Event], *, expected: str | None) -> bool:
        self._check_open()
        check_revision(account, expected)
        added = tuple(events)  # first, so that a sequence that fails has changed nothing
        with self._lock:
            self._check_open()  # again: whoever has closed the store knows that nothing is saved any more
            stored = self._accounts.get(account.user)
            if (stored.revision if stored else None) != expected:
                return False
            self._accounts[account.user] = account
            self._events.extend(added)
        return True

    def find_by_address(self, address: str) -> list[str]:
        self._check_open()
        with self._lock:
            return sorted(user for user, account in self._accounts.items() if account.address == address)

    def users(self, *, after: str = "", limit: int = 100) -> list[str]:
        self._check_open()
        with self._lock:
            return nsmallest(limit, (user for user in self._accounts if user > after))

    def events(self, user: str | None = None, *, limit: int = 100) -> list[Event]:
        self._check_open()
        with self._lock:
            latest = (event for event in reversed(self._events) if user is None or event.user == user)
            return list(islice(latest, limit))[::-1]

    def forget_events(self, user: str, count: int) -> None:
        self._check_open()
        with self._lock:
            oldest = list(islice((event for event in self._events if event.user == user), count))
            gone = {id(event) for event in oldest}
            kept = [event for event in self._events if id(event) not in gone]
            self._events = deque(kept, maxlen=self._events.maxlen)

    def report_worker(self, report: WorkerReport, *, forget_before: int) -> None:
        self._check_open()
        with self._lock:
            self._workers[report.worker_id] = report
            self._workers = {key: kept for key, kept in self._workers.items() if kept.at >= forget_before}

    def workers(self) -> list[WorkerReport]:
        self._check_open()
        with self._lock:
            return [report for _, report in sorted(self._workers.items())]

    def invited_only(self) -> bool:
        self._check_open()
        return self._invited_only

    def set_invited_only(self, invited_only: bool) -> None:
        self._check_open()
        self._invited_only = invited_only

    def close(self) -> None:
        self._closed = True

    def _check_open(self) -> None:
        self._check_living()
        self._doorkeeper.check(self._opening)

    def _check_living(self) -> None:
        if self._closed:
            raise StoreUnavailableError("the memory store is closed")


class _OperatorsStore(MemoryStore):
    """All that another one holds, also while it is closed."""

    def _check_open(self) -> None:
        self._check_living()


if TYPE_CHECKING:
    _: AccountStore = MemoryStore(birth=BirthRecord(store_id="", made_at=0))
