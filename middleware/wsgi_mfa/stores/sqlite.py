"""The default store: one SQLite file, for all processes of one machine."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.codec import ACCOUNT_CODEC, EVENT_CODEC, CodecError
from wsgi_mfa.core.events import Event
from wsgi_mfa.errors import StoreError, StoreUnavailableError
from wsgi_mfa.stores.connections import Connections
from wsgi_mfa.stores.opening import Doorkeeper
from wsgi_mfa.stores.protocol import AccountStore, BirthRecord, Opening, WorkerReport, check_revision
from wsgi_mfa.stores.recent import RecentAccounts
from wsgi_mfa.stores.sqlite_file import check_file, connect, copy_file, open_file, read_opening

_REVISION = "SELECT revision FROM accounts WHERE user = ?"
_LOAD = "SELECT revision, body FROM accounts WHERE user = ?"
_INSERT = (
    "INSERT INTO accounts (revision, saved_at, address, body, user) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (user) DO NOTHING"
)
_UPDATE = (
    "UPDATE accounts SET revision = ?, saved_at = ?, address = ?, body = ? WHERE user = ? AND revision = ?"
)
_ADD_EVENT = "INSERT INTO events (user, body) VALUES (?, ?)"
_FIND = "SELECT user FROM accounts WHERE address = ? ORDER BY user"
_USERS = "SELECT user FROM accounts WHERE user > ? ORDER BY user LIMIT ?"
_EVENTS = "SELECT user, body FROM events ORDER BY id DESC LIMIT ?"
_EVENTS_OF = "SELECT user, body FROM events WHERE user = ? ORDER BY id DESC LIMIT ?"
_FORGET_EVENTS = "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE user = ? ORDER BY id LIMIT ?)"
_REPORT = "INSERT OR REPLACE INTO workers (worker_id, key_ids, at) VALUES (?, ?, ?)"
_FORGET_REPORTS = "DELETE FROM workers WHERE at < ?"
_WORKERS = "SELECT worker_id, key_ids, at FROM workers ORDER BY worker_id"
_INVITED_ONLY = "SELECT 1 FROM invited_only"
_FORGET_OPENING = "DELETE FROM opening"
_SET_OPENING = "INSERT INTO opening (door, changed_at, fenced_at) VALUES (?, ?, ?)"
_SET_INVITED_ONLY = {True: "INSERT OR IGNORE INTO invited_only VALUES (1)", False: "DELETE FROM invited_only"}


class SqliteStore:
    """Keeps accounts in the SQLite file at ``path``, write-ahead logged, each save durable when it returns.

    A missing file is made only with ``create``, then with ``new_birth`` and readable by its owner alone.
    Up to ``accounts_max`` decoded accounts are remembered, so that a load which finds the revision unmoved
    reads no body. Nothing is open between the constructor and the first call, nor across a fork (D32).
    ``heeds_door`` is False for an operator's work on a store that is closed.

    :raises ConfigurationError: there is no store at ``path``, something else is there, or it cannot be used.
    """

    shared_between_processes = True

    def __init__(
        self,
        path: str | Path,
        *,
        create: bool,
        new_birth: BirthRecord,
        accounts_max: int = 1000,
        heeds_door: bool = True,
    ) -> None:
        self.path = Path(path).absolute()  # a server may change its folder later
        self.birth = open_file(self.path, create=create, new_birth=new_birth)
        # Not a method of ours: a store that is let go of closes its file at once, and not when cycles are collected.
        self._known = self.path.stat()
        self._doorkeeper = Doorkeeper() if heeds_door else None
        self._connections = Connections(
            partial(connect, self.path), partial(_look, self.path, self._known, self._doorkeeper)
        )
        # Used only while a link is held, so that no other thread is inside it when this process forks.
        self._recent = RecentAccounts(accounts_max=accounts_max)

    @property
    def fenced_at(self) -> int:
        return self._doorkeeper.fenced_at if self._doorkeeper is not None else 0

    def opening(self) -> Opening:
        if self._doorkeeper is not None:
            with closing(self.for_operator()) as twin:
                return twin.opening()
        try:
            with self._connections.mine() as connection:
                return read_opening(connection)
        except (sqlite3.Error, ValueError) as error:
            raise StoreUnavailableError(f"the store {self.path} cannot be read: {error}") from error

    def set_opening(self, opening: Opening) -> None:
        if self._doorkeeper is not None:
            with closing(self.for_operator()) as twin:
                return twin.set_opening(opening)
        row = (opening.door.value, opening.changed_at, opening.fenced_at)
        return self._write((_FORGET_OPENING, ()), (_SET_OPENING, row))

    def for_operator(self) -> SqliteStore:
        if self._connections.closed:
            raise StoreUnavailableError("the store is closed")
        check_file(self.path, self._known)
        return SqliteStore(self.path, create=False, new_birth=self.birth, heeds_door=False)

    def backup(self, path: str | Path) -> None:
        """Copy the whole store, as it is at one moment, to a new file at ``path`` that its owner alone may read.

        The copy serves nobody before it is fenced, wherever it is put back (D28).

        :raises ConfigurationError: something is at ``path`` already, or no file can be made there.
        """
        copy_file(self.path, Path(path).absolute())

    def load(self, user: str) -> Account | None:
        link = self._connections.mine()
        with link.lock:
            try:
                connection = link.connection()
                recent = self._recent.find(user)
                if recent is not None:
                    row = connection.execute(_REVISION, (user,)).fetchone()
                    if row is not None and row[0] == recent.revision:
                        return recent
                row = connection.execute(_LOAD, (user,)).fetchone()
                if row is None:
                    self._recent.forget(user)
                    return None
                account = self._decode(user, *row)
                self._recent.keep(account)
                return account
            except sqlite3.Error as error:
                link.drop()
                raise self._unavailable("read", error) from error

    def save(self, account: Account, events: Sequence[Event], *, expected: str | None) -> bool:
        check_revision(account, expected)
        values = (
            account.revision,
            account.saved_at,
            account.address,
            ACCOUNT_CODEC.encode(account),
            account.user,
        )
        event_rows = [(event.user, EVENT_CODEC.encode(event)) for event in events]
        try:
            with self._connections.mine() as connection:
                connection.execute("BEGIN IMMEDIATE")
                if self._doorkeeper is not None:
                    # Again: whoever has closed the store knows that nothing is saved any more (D28).
                    self._doorkeeper.check(read_opening(connection))
                if expected is None:
                    changed = connection.execute(_INSERT, values).rowcount
                else:
                    changed = connection.execute(_UPDATE, (*values, expected)).rowcount
                if changed != 1:
                    connection.execute("ROLLBACK")
                    return False
                if event_rows:
                    connection.executemany(_ADD_EVENT, event_rows)
                connection.execute("COMMIT")
                self._recent.keep(account)
                return True
        except sqlite3.Error as error:
            raise self._unavailable("written", error) from error

    def find_by_address(self, address: str) -> list[str]:
        return [user for (user,) in self._rows(_FIND, address)]

    def users(self, *, after: str = "", limit: int = 100) -> list[str]:
        return [user for (user,) in self._rows(_USERS, after, limit)]

    def events(self, user: str | None = None, *, limit: int = 100) -> list[Event]:
        rows = self._rows(_EVENTS, limit) if user is None else self._rows(_EVENTS_OF, user, limit)
        return [self._decode_event(owner, body) for owner, body in reversed(rows)]

    def forget_events(self, user: str, count: int) -> None:
        self._write((_FORGET_EVENTS, (user, count)))

    def report_worker(self, report: WorkerReport, *, forget_before: int) -> None:
        row = (report.worker_id, " ".join(report.key_ids), report.at)
        self._write((_REPORT, row), (_FORGET_REPORTS, (forget_before,)))

    def workers(self) -> list[WorkerReport]:
        return [
            WorkerReport(worker_id=worker_id, key_ids=tuple(key_ids.split()), at=at)
            for worker_id, key_ids, at in self._rows(_WORKERS)
        ]

    def invited_only(self) -> bool:
        return bool(self._rows(_INVITED_ONLY))

    def set_invited_only(self, invited_only: bool) -> None:
        self._write((_SET_INVITED_ONLY[invited_only], ()))

    def close(self) -> None:
        self._connections.close()

    def _write(self, *statements: tuple[str, tuple[str | int, ...]]) -> None:
        """All statements in one transaction, durable when it returns."""
        try:
            with self._connections.mine() as connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement, parameters in statements:
                    connection.execute(statement, parameters)
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._unavailable("written", error) from error

    def _rows(self, query: str, *parameters: str | int) -> list[tuple[Any, ...]]:
        try:
            with self._connections.mine() as connection:
                return connection.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._unavailable("read", error) from error

    def _decode(self, user: str, revision: str, body: str) -> Account:
        try:
            account = ACCOUNT_CODEC.decode(body)
        except CodecError as error:
            raise StoreError(
                f"the account of {user!r} in the store {self.path} is corrupt: {error}"
            ) from error
        # A row that was copied from another user must not lend its counters and sessions (R42).
        if account.user != user or account.revision != revision:
            raise StoreError(
                f"the account of {user!r} in the store {self.path} is corrupt: it is another one's"
            )
        return account

    def _decode_event(self, user: str, body: str) -> Event:
        try:
            return EVENT_CODEC.decode(body)
        except CodecError as error:
            raise StoreError(f"an event of {user!r} in the store {self.path} is corrupt: {error}") from error

    def _unavailable(self, deed: str, error: sqlite3.Error) -> StoreUnavailableError:
        return StoreUnavailableError(f"the store {self.path} cannot be {deed}: {error}")


def _look(
    path: Path, known: os.stat_result, doorkeeper: Doorkeeper | None, connection: sqlite3.Connection
) -> None:
    """What is looked at before a connection is used."""
    check_file(path, known)
    if doorkeeper is not None:
        doorkeeper.check(read_opening(connection))


if TYPE_CHECKING:
    _: AccountStore = SqliteStore("mfa.db", create=False, new_birth=BirthRecord(store_id="", made_at=0))
