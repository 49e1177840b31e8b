"""Making and opening the file of a SQLite store; a missing or foreign file is never taken for a new store (D2)."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from wsgi_mfa.errors import ConfigurationError, StoreUnavailableError
from wsgi_mfa.stores.protocol import STORE_SCHEMA, BirthRecord, Door, Opening

#: How long a save waits for another one. A decision older than this is not saved either (D21).
BUSY_SECONDS = 5

_TABLES = ("accounts", "birth", "events")
# The body comes last in a row: it reaches into overflow pages, which the look at a revision need not read.
_SCHEMA = """
CREATE TABLE birth (store_id TEXT NOT NULL, made_at INTEGER NOT NULL, schema INTEGER NOT NULL);
CREATE TABLE accounts (user TEXT PRIMARY KEY NOT NULL, revision TEXT NOT NULL, saved_at INTEGER NOT NULL,
                       address TEXT, body TEXT NOT NULL);
CREATE INDEX accounts_by_address ON accounts (address) WHERE address IS NOT NULL;
CREATE TABLE events (id INTEGER PRIMARY KEY, user TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX events_by_user ON events (user);
"""
# They hold nothing that an account rests on, so a store that was made without them gets them when it is opened.
_BESIDE_BIRTH = """
CREATE TABLE IF NOT EXISTS workers (worker_id TEXT PRIMARY KEY NOT NULL, key_ids TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS invited_only (one INTEGER PRIMARY KEY NOT NULL CHECK (one = 1));
CREATE TABLE IF NOT EXISTS opening (door TEXT NOT NULL, changed_at INTEGER NOT NULL, fenced_at INTEGER NOT NULL);
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the file at the absolute ``path``, which is never made by it.

    It commits nothing by itself, and may be closed by another thread than the one that uses it.

    :raises sqlite3.Error: the file is missing or is no database.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        # A save that was answered for must survive a power cut; NORMAL would lose the latest ones in WAL mode.
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def open_file(path: Path, *, create: bool, new_birth: BirthRecord) -> BirthRecord:
    """The birth record of the store at the absolute ``path``, which is made first if it is missing and may be.

    :raises ConfigurationError: there is no store, something else is there, or it cannot be used from here.
    :raises StoreUnavailableError: another process kept it locked.
    """
    try:
        size_bytes = path.stat().st_size
    except FileNotFoundError:
        if not create:
            raise ConfigurationError(
                f"there is no store at {path}: correct the path, or make a store with `wsgi-mfa store init`",
                setting="store",
            ) from None
        _make(path, new_birth)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    else:
        if path.is_file() and size_bytes == 0:
            raise _unusable(path, "it is empty; restore it from a backup, or remove it to begin anew")
    return _read_birth(path)


def _make(path: Path, birth: BirthRecord) -> None:
    """Make the whole store under another name and link it into place, so that nobody ever sees half of one."""
    draft = path.with_name(f"{path.name}.{birth.store_id}.{os.getpid()}.new")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _fill(draft, birth)
            os.link(draft, path)
        except FileExistsError:
            return  # another process was faster: its store is the one
        finally:
            draft.unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"cannot make the store {path}: {error}", setting="store") from error


def copy_file(source: Path, target: Path) -> None:
    """Copy a whole store to a new file, which nobody can use before it is fenced (D28).

    :raises ConfigurationError: something is there already, or no file can be made.
    """
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with closing(connect(source)) as live, closing(connect(target)) as copy:
                live.backup(copy)
                was = read_opening(copy)
                copy.executescript("PRAGMA journal_mode = DELETE; BEGIN IMMEDIATE; DELETE FROM opening;")
                copy.execute(
                    "INSERT INTO opening (door, changed_at, fenced_at) VALUES (?, ?, ?)",
                    (Door.UNFENCED.value, was.changed_at, was.fenced_at),
                )
                copy.execute("COMMIT")
        except BaseException:
            target.unlink()
            raise
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"cannot make the copy {target}: {error}", setting="store") from error


def _fill(draft: Path, birth: BirthRecord) -> None:
    with closing(connect(draft)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN; {_SCHEMA} {_BESIDE_BIRTH} COMMIT;")
        connection.execute(
            "INSERT INTO birth VALUES (?, ?, ?)", (birth.store_id, birth.made_at, birth.schema)
        )


def _read_birth(path: Path) -> BirthRecord:
    try:
        with closing(connect(path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if not {name for (name,) in tables}.issuperset(_TABLES):
                raise _unusable(path, "it is a database, but not a store of wsgi-mfa")
            rows = connection.execute("SELECT store_id, made_at, schema FROM birth").fetchall()
            if len(rows) != 1:
                raise _unusable(path, f"it holds {len(rows)} birth records; a store has one")
            if rows[0][2] != STORE_SCHEMA:
                reason = (
                    f"its schema is {rows[0][2]} and this version of wsgi-mfa knows {STORE_SCHEMA}: upgrade"
                )
                raise _unusable(path, reason)
            # Shows at start-up, and not at the first sign-in, that this process may not write.
            connection.executescript(f"BEGIN IMMEDIATE; {_BESIDE_BIRTH} COMMIT;")
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise _unusable(
                    path, f"its journal mode stays {mode!r}; a store needs WAL, on a local file system"
                )
            return BirthRecord(store_id=rows[0][0], made_at=rows[0][1], schema=rows[0][2])
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StoreUnavailableError(f"the store {path} is locked by another process") from error
        raise _unusable(path, str(error)) from error
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise _unusable(path, str(error)) from error


def check_file(path: Path, known: os.stat_result) -> None:
    """Refuse to go on with a file that other processes no longer find under its name (D28).

    :raises StoreUnavailableError: there is none, or another one.
    """
    try:
        found = path.stat()
    except OSError:
        found = None
    if found is None or found.st_ino != known.st_ino or found.st_dev != known.st_dev:
        raise StoreUnavailableError(f"the store {path} was replaced or removed while open: restart")


def read_opening(connection: sqlite3.Connection) -> Opening:
    """What the store says of its door; it says nothing where that was never changed.

    :raises sqlite3.Error: it cannot be read.
    """
    row = connection.execute("SELECT door, changed_at, fenced_at FROM opening").fetchone()
    if row is None:
        return Opening()
    return Opening(door=Door(row[0]), changed_at=row[1], fenced_at=row[2])


def _unusable(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be used as a store: {reason}", setting="store")
