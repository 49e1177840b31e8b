"""Making and opening the file of a SQLite store; a missing or foreign file is never taken for a new store (D2)."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from wsgi_mfa.errors import ConfigurationError, StoreUnavailableError
from wsgi_mfa.stores.admin import STATUS, status_text
from wsgi_mfa.stores.protocol import STORE_SCHEMA, StoreIdentity, StoreState
from wsgi_mfa.stores.sqlite_layout import (
    COMMON_TABLES,
    CREATE,
    OLDEST_LAYOUT,
    PUT_ADMIN,
    change_layout,
    read_status,
)

#: How long a save waits for another one. A decision older than this is not saved either (D21).
BUSY_SECONDS = 5

_LOG = logging.getLogger("wsgi_mfa.stores")


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


def open_file(path: Path, *, create: bool, new_identity: StoreIdentity) -> StoreIdentity:
    """Return the identity of the store at the absolute ``path``, which is made first if it is missing and may be.

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
        _make(path, new_identity)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    else:
        if path.is_file() and size_bytes == 0:
            raise _unusable(path, "it is empty; restore it from a backup, or remove it to begin anew")
    return _read_identity(path)


def _make(path: Path, identity: StoreIdentity) -> None:
    """Make the whole store under another name and link it into place, so that nobody ever sees half of one."""
    draft = path.with_name(f"{path.name}.{identity.store_id}.{os.getpid()}.new")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _fill(draft, identity)
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
                was = read_status(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
                copy.execute("BEGIN IMMEDIATE")
                copy.execute(PUT_ADMIN, (STATUS, status_text(replace(was, state=StoreState.UNFENCED))))
                copy.execute("COMMIT")
        except BaseException:
            target.unlink()
            raise
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"cannot make the copy {target}: {error}", setting="store") from error


def _fill(draft: Path, identity: StoreIdentity) -> None:
    with closing(connect(draft)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN; {CREATE} COMMIT;")
        connection.execute(
            "INSERT INTO birth VALUES (?, ?, ?)", (identity.store_id, identity.made_at, identity.schema)
        )


def _read_identity(path: Path) -> StoreIdentity:
    try:
        with closing(connect(path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if not {name for (name,) in tables}.issuperset(COMMON_TABLES):
                raise _unusable(path, "it is a database, but not a store of wsgi-mfa")
            rows = connection.execute("SELECT store_id, made_at, schema FROM birth").fetchall()
            if len(rows) != 1:
                raise _unusable(path, f"it holds {len(rows)} store ids; a store has one")
            store_id, made_at, layout = rows[0]
            identity = StoreIdentity(store_id=store_id, made_at=made_at)
            _refuse_unknown_layout(path, layout)
            # Shows at start-up, and not at the first sign-in, that this process may not write.
            found = change_layout(connection)
            if found != STORE_SCHEMA:
                _LOG.warning("brought the store %s from layout %d to %d", path, found, STORE_SCHEMA)
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise _unusable(
                    path, f"its journal mode stays {mode!r}; a store needs WAL, on a local file system"
                )
            return identity
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StoreUnavailableError(f"the store {path} is locked by another process") from error
        raise _unusable(path, str(error)) from error
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise _unusable(path, str(error)) from error


def _refuse_unknown_layout(path: Path, layout: object) -> None:
    if type(layout) is int and OLDEST_LAYOUT <= layout <= STORE_SCHEMA:
        return
    newer = type(layout) is int and layout > STORE_SCHEMA
    remedy = (
        "a newer release has made it: upgrade this one" if newer else "upgrade by way of the releases between"
    )
    raise _unusable(
        path,
        f"its layout is {layout!r}, and this release of wsgi-mfa knows {OLDEST_LAYOUT} to {STORE_SCHEMA}; {remedy}",
    )


def _unusable(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be used as a store: {reason}", setting="store")
