"""A whole store over one JSON file, as an engineer would write one: six methods and a small table."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from heapq import nsmallest
from pathlib import Path

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.codec import ACCOUNT_CODEC, EVENT_CODEC
from wsgi_mfa.core.events import Event
from wsgi_mfa.stores.base import StoreBase
from wsgi_mfa.stores.protocol import StoreIdentity


class JsonStore(StoreBase):
    """Reads the file at the begin of each transaction, and writes a changed one to another file in its place."""

    def __init__(self, path: Path, *, identity: StoreIdentity) -> None:
        super().__init__(identity=identity)
        self._path = path
        self._lock = threading.Lock()
        self._accounts: dict[str, str] = {}
        self._events: list[tuple[str, str]] = []
        self.table: dict[str, str] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            text = self._path.read_text() if self._path.exists() else "[{}, [], {}]"
            self._accounts, self._events, self.table = json.loads(text)
            yield
            changed = json.dumps([self._accounts, self._events, self.table])
            if changed != text:
                draft = self._path.with_suffix(".new")
                draft.write_text(changed)
                draft.replace(self._path)

    def read_account(self, user: str) -> Account | None:
        return ACCOUNT_CODEC.decode(self._accounts[user]) if user in self._accounts else None

    def write_account(self, account: Account, events: Sequence[Event]) -> None:
        self._accounts[account.user] = ACCOUNT_CODEC.encode(account)
        self._events += [(event.user, EVENT_CODEC.encode(event)) for event in events]

    def read_users(self, after: str, limit: int) -> list[str]:
        return nsmallest(limit, (user for user in self._accounts if user > after))

    def read_events(self, user: str | None, limit: int) -> list[Event]:
        texts = [text for owner, text in self._events if user in (None, owner)]
        return [EVENT_CODEC.decode(text) for text in texts[-limit:]]

    def drop_events(self, user: str, count: int) -> None:
        mine = [number for number, (owner, _) in enumerate(self._events) if owner == user][:count]
        self._events = [kept for number, kept in enumerate(self._events) if number not in mine]
