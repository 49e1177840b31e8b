"""The default store: one SQLite file, for all processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.codec import ACCOUNT_CODEC, EVENT_CODEC, CodecError, UnknownSchemaError
from wsgi_mfa.core.events import Event
from wsgi_mfa.errors import ConfigurationError, CorruptAccountError, StoreError, StoreUnavailableError
from wsgi_mfa.stores.admin import TableAdmin
from wsgi_mfa.stores.protocol import Store, StoreIdentity
from wsgi_mfa.stores.sqlite_connections import Connections
from wsgi_mfa.stores.sqlite_file import connect, copy_file, open_file
from wsgi_mfa.stores.sqlite_layout import DROP_ADMIN, PUT_ADMIN, READ_ADMIN, read_status
from wsgi_mfa.stores.status import StatusGuard

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


class RecentAccounts:
    """At most ``accounts_max`` decoded accounts; the one that was read or saved the longest ago goes first.

    What it finds may be old. The caller asks the store for the revision and compares for equality, which is
    safe because no revision is ever used twice.
    """

    def __init__(self, *, accounts_max: int) -> None:
        self._accounts: dict[str, Account] = {}
        self._accounts_max = accounts_max
        self._lock = threading.Lock()  # for those who change it; one look into a dictionary needs none
        self.find = self._accounts.get

    def keep(self, account: Account) -> None:
        with self._lock:
            self._accounts.pop(account.user, None)
            self._accounts[account.user] = account
            if len(self._accounts) > self._accounts_max:
                del self._accounts[next(iter(self._accounts))]

    def forget(self, user: str) -> None:
        with self._lock:
            self._accounts.pop(user, None)


class SqliteStore(TableAdmin):
    """Keeps accounts in the SQLite file at ``path``, write-ahead logged, each save durable when it returns.

    A missing file is made only with ``create``, then with ``new_identity`` and readable by its owner alone.
    Up to ``accounts_max`` decoded accounts are remembered, so that a load which finds the revision unmoved
    reads no body. Nothing is open between the constructor and the first call, nor across a fork (D32).
    ``heeds_status`` is False for an operator's work on a store that is closed. ``document_schema`` is the form in
    which accounts are written while workers of the release before serve beside this one; both forms are read.

    :raises ConfigurationError: there is no store at ``path``, something else is there, or it cannot be used.
    """

    shared_between_processes = True

    def __init__(
        self,
        path: str | Path,
        *,
        create: bool,
        new_identity: StoreIdentity,
        accounts_max: int = 1000,
        document_schema: int = ACCOUNT_CODEC.schema,
        heeds_status: bool = True,
    ) -> None:
        check_document_schema(document_schema)
        self.document_schema = document_schema
        self.path = Path(path).absolute()  # a server may change its folder later
        self.identity = open_file(self.path, create=create, new_identity=new_identity)
        # Not a method of ours: a store that is let go of closes its file at once, and not when cycles are collected.
        self._known = self.path.stat()
        self._guard = StatusGuard() if heeds_status else None
        self._connections = Connections(
            partial(connect, self.path), partial(_look, self.path, self._known, self._guard)
        )
        # Used only while a link is held, so that no other thread is inside it when this process forks.
        self._recent = RecentAccounts(accounts_max=accounts_max)

    @property
    def fenced_at(self) -> int:
        return self._guard.fenced_at if self._guard is not None else 0

    def for_operator(self) -> SqliteStore:
        if self._connections.closed:
            raise StoreUnavailableError("the store is closed")
        _check_file(self.path, self._known)
        return SqliteStore(
            self.path,
            create=False,
            new_identity=self.identity,
            document_schema=self.document_schema,
            heeds_status=False,
        )

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
        account.check_replaces(expected)
        values = (
            account.revision,
            account.saved_at,
            account.address,
            ACCOUNT_CODEC.encode(account, schema=self.document_schema),
            account.user,
        )
        event_rows = [(event.user, EVENT_CODEC.encode(event)) for event in events]
        try:
            with self._connections.mine() as connection:
                connection.execute("BEGIN IMMEDIATE")
                if self._guard is not None:
                    # Again: whoever has closed the store knows that nothing is saved any more (D28).
                    self._guard.check(read_status(connection))
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

    def close(self) -> None:
        self._connections.close()

    def _read_admin(self, prefix: str, *, while_closed: bool = False) -> dict[str, str]:
        if while_closed and self._guard is not None:
            with closing(self.for_operator()) as twin:
                return twin._read_admin(prefix)
        return dict(self._rows(READ_ADMIN, prefix, prefix))

    def _write_admin(self, changes: Mapping[str, str | None], *, while_closed: bool = False) -> None:
        if while_closed and self._guard is not None:
            with closing(self.for_operator()) as twin:
                return twin._write_admin(changes)
        put = [(PUT_ADMIN, (key, value)) for key, value in changes.items() if value is not None]
        drop = [(DROP_ADMIN, (key,)) for key, value in changes.items() if value is None]
        return self._write(*put, *drop)

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
        except UnknownSchemaError as error:
            raise StoreError(
                f"the account of {user!r} in the store {self.path} cannot be read: {error}"
            ) from error
        except CodecError as error:
            raise CorruptAccountError(
                f"the account of {user!r} in the store {self.path} is corrupt: {error}",
                user=user,
                revision=revision,
            ) from error
        # A row that was copied from another user must not lend its counters and sessions (R42).
        if account.user != user or account.revision != revision:
            raise CorruptAccountError(
                f"the account of {user!r} in the store {self.path} is corrupt: it is another one's",
                user=user,
                revision=revision,
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
    path: Path, known: os.stat_result, guard: StatusGuard | None, connection: sqlite3.Connection
) -> None:
    """What is looked at before a connection is used."""
    _check_file(path, known)
    if guard is not None:
        guard.check(read_status(connection))


def _check_file(path: Path, known: os.stat_result) -> None:
    """Refuse to go on with a file that other processes no longer find under its name (D28).

    :raises StoreUnavailableError: there is none, or another one.
    """
    try:
        found = path.stat()
    except OSError:
        found = None
    if found is None or found.st_ino != known.st_ino or found.st_dev != known.st_dev:
        raise StoreUnavailableError(f"the store {path} was replaced or removed while open: restart")


def check_document_schema(number: int) -> None:
    """Refuse a form of documents that this release cannot write.

    :raises ConfigurationError: it is neither this release's own nor the one before.
    """
    legal = (ACCOUNT_CODEC.schema - 1, ACCOUNT_CODEC.schema)
    if type(number) is not int or number not in legal:
        raise ConfigurationError(
            f"document_schema is {number!r}: legal are {' and '.join(map(str, legal))}",
            setting="document_schema",
        )


if TYPE_CHECKING:
    _: Store = SqliteStore("mfa.db", create=False, new_identity=StoreIdentity(store_id="", made_at=0))
