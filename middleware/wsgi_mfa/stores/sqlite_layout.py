"""The tables of a SQLite store, and the steps from one numbered layout to the next and back.

A file of the layout before is brought to this release's when it is opened, in one transaction. A worker of the release
before that still has it open then finds a table gone and answers 503, never anything else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from wsgi_mfa.stores.admin import INVITED_ONLY, STATUS, report_entry, status_from, status_text
from wsgi_mfa.stores.protocol import STORE_SCHEMA, StoreState, StoreStatus, WorkerReport

#: The body comes last in a row: it reaches into overflow pages, which the look at a revision need not read.
CREATE = """
CREATE TABLE birth (store_id TEXT NOT NULL, made_at INTEGER NOT NULL, schema INTEGER NOT NULL);
CREATE TABLE accounts (user TEXT PRIMARY KEY NOT NULL, revision TEXT NOT NULL, saved_at INTEGER NOT NULL,
                       address TEXT, body TEXT NOT NULL);
CREATE INDEX accounts_by_address ON accounts (address) WHERE address IS NOT NULL;
CREATE TABLE events (id INTEGER PRIMARY KEY, user TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX events_by_user ON events (user);
CREATE TABLE admin (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
"""
#: The tables that a store of any layout has.
COMMON_TABLES = frozenset({"accounts", "birth", "events"})
PUT_ADMIN = "INSERT OR REPLACE INTO admin (key, value) VALUES (?, ?)"
DROP_ADMIN = "DELETE FROM admin WHERE key = ?"
#: By a range of keys, which the index finds; no key has the greatest code point in it.
READ_ADMIN = "SELECT key, value FROM admin WHERE key >= ? AND key < ? || char(1114111) ORDER BY key"
_READ_STATUS = "SELECT value FROM admin WHERE key = ?"


@dataclass(frozen=True, kw_only=True, slots=True)
class LayoutStep:
    """The step from the layout before ``number`` to the layout ``number``, and back, inside a transaction."""

    number: int
    upgrade: Callable[[sqlite3.Connection], None]
    downgrade: Callable[[sqlite3.Connection], None]


def read_status(connection: sqlite3.Connection) -> StoreStatus:
    """Return the store status.

    :raises sqlite3.Error: it cannot be read.
    :raises StoreError: it is corrupt.
    """
    row = connection.execute(_READ_STATUS, (STATUS,)).fetchone()
    return status_from(None if row is None else row[0])


def change_layout(connection: sqlite3.Connection, wanted: int = STORE_SCHEMA) -> int:
    """Bring the tables to the layout ``wanted`` in one transaction, and return the layout that they had.

    :raises ValueError: no steps lead there.
    :raises sqlite3.Error: the file cannot be read or written.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        (found,) = connection.execute("SELECT schema FROM birth").fetchone()
        for number in range(found + 1, wanted + 1):
            _step(number).upgrade(connection)
        for number in range(found, wanted, -1):
            _step(number).downgrade(connection)
        if found != wanted:
            connection.execute("UPDATE birth SET schema = ?", (wanted,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return int(found)


def _step(number: int) -> LayoutStep:
    for step in LAYOUT_STEPS:
        if step.number == number:
            return step
    raise ValueError(f"this release knows the layouts {OLDEST_LAYOUT} to {STORE_SCHEMA}")


def _tables_to_one(connection: sqlite3.Connection) -> None:
    """Put what three tables held into the table ``admin``; a store may have been made before one of them was."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    entries = []
    if "opening" in names:
        for state, changed_at, fenced_at in connection.execute(
            "SELECT door, changed_at, fenced_at FROM opening"
        ):
            status = StoreStatus(state=StoreState(state), changed_at=changed_at, fenced_at=fenced_at)
            entries.append((STATUS, status_text(status)))
    if "invited_only" in names and connection.execute("SELECT 1 FROM invited_only").fetchone():
        entries.append((INVITED_ONLY, "true"))
    if "workers" in names:
        for worker_id, key_ids, at in connection.execute("SELECT worker_id, key_ids, at FROM workers"):
            entries.append(
                report_entry(WorkerReport(worker_id=worker_id, key_ids=tuple(key_ids.split()), at=at))
            )
    connection.execute("CREATE TABLE admin (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)")
    connection.executemany(PUT_ADMIN, entries)
    for name in sorted(names & {"opening", "invited_only", "workers"}):
        connection.execute(f"DROP TABLE {name}")


def _one_to_tables(connection: sqlite3.Connection) -> None:
    """Make the three tables again; reports are left out, since each worker makes its own within a minute."""
    status = read_status(connection)
    invited_only = connection.execute("SELECT 1 FROM admin WHERE key = ?", (INVITED_ONLY,)).fetchone()
    connection.execute(
        "CREATE TABLE opening (door TEXT NOT NULL, changed_at INTEGER NOT NULL, fenced_at INTEGER NOT NULL)"
    )
    connection.execute(
        "INSERT INTO opening VALUES (?, ?, ?)", (status.state.value, status.changed_at, status.fenced_at)
    )
    connection.execute("CREATE TABLE invited_only (one INTEGER PRIMARY KEY NOT NULL CHECK (one = 1))")
    if invited_only is not None:
        connection.execute("INSERT INTO invited_only VALUES (1)")
    connection.execute(
        "CREATE TABLE workers (worker_id TEXT PRIMARY KEY NOT NULL, key_ids TEXT NOT NULL, at INTEGER NOT NULL)"
    )
    connection.execute("DROP TABLE admin")


#: The steps of the layout, the oldest first.
LAYOUT_STEPS = (LayoutStep(number=2, upgrade=_tables_to_one, downgrade=_one_to_tables),)
OLDEST_LAYOUT = LAYOUT_STEPS[0].number - 1
