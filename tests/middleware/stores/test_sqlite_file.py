"""Making and opening the file: what is no store of ours is never taken for a new one."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.errors import ConfigurationError, StoreUnavailableError
from wsgi_mfa.stores import sqlite_file
from wsgi_mfa.stores.protocol import StoreIdentity, WorkerReport
from wsgi_mfa.stores.sqlite import SqliteStore


def rejection(path: Path, identity: StoreIdentity, *, create: bool = True) -> str:
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ConfigurationError) as caught:
        SqliteStore(path, create=create, new_identity=identity)
    assert str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before
    return str(caught.value)


@pytest.mark.requirement("D2")
def test_a_missing_store_is_named_by_its_absolute_path(
    path: Path, identity: StoreIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(ConfigurationError) as caught:
        SqliteStore(path.name, create=False, new_identity=identity)
    assert f"there is no store at {path}: correct the path, or make a store with" in str(caught.value)
    assert list(path.parent.iterdir()) == []


def test_a_store_is_made_for_its_owner_alone(
    path: Path, sqlite_store: SqliteStore, account: Callable[..., Account]
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["mfa.db", "mfa.db-shm", "mfa.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_reopened_store_keeps_its_own_store_id(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity, other_identity: StoreIdentity
) -> None:
    assert sqlite_store.identity == identity
    for create in (True, False):
        with closing(SqliteStore(path, create=create, new_identity=other_identity)) as reopened:
            assert reopened.identity == identity


def test_processes_that_make_one_store_at_once_agree_on_it(
    path: Path, identity: StoreIdentity, start_worker: Callable[..., subprocess.Popen[str]]
) -> None:
    workers = [start_worker("make") for _ in range(4)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    answers = set()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        answers.add(worker.communicate()[0].strip())
        assert worker.returncode == 0
    with closing(SqliteStore(path, create=False, new_identity=identity)) as store:
        assert answers == {store.identity.store_id}
    assert [file.name for file in path.parent.iterdir()] == ["mfa.db"]


@pytest.mark.parametrize("create", [True, False])
def test_what_is_no_database_is_refused(path: Path, identity: StoreIdentity, create: bool) -> None:
    path.write_text("a letter to somebody\n" * 100)
    assert "not a database" in rejection(path, identity, create=create)


@pytest.mark.requirement("D2")
@pytest.mark.parametrize("create", [True, False])
def test_an_emptied_file_is_not_taken_for_a_new_store(
    path: Path, identity: StoreIdentity, create: bool
) -> None:
    path.touch()
    assert "it is empty" in rejection(path, identity, create=create)


def test_the_database_of_another_program_is_refused(path: Path, identity: StoreIdentity) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE accounts (id INTEGER)")
    assert "not a store of wsgi-mfa" in rejection(path, identity)


@pytest.mark.requirement("D2")
def test_a_store_that_lost_its_store_id_is_refused(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity
) -> None:
    sqlite_store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM birth")
    assert "0 store ids" in rejection(path, identity)


def test_a_damaged_store_id_is_refused(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity
) -> None:
    sqlite_store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE birth SET store_id = 'x'")
    assert "store_id" in rejection(path, identity)


def test_the_store_of_a_newer_version_is_refused(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity
) -> None:
    sqlite_store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE birth SET schema = 3")
    assert "its layout is 3, and this release of wsgi-mfa knows 1 to 2; a newer release" in rejection(
        path, identity
    )


def test_a_folder_is_refused(path: Path, identity: StoreIdentity) -> None:
    path.mkdir()
    assert "cannot be used as a store" in rejection(path, identity)


def test_a_missing_folder_is_not_made(path: Path, identity: StoreIdentity) -> None:
    assert "cannot make the store" in rejection(path.parent / "missing" / "mfa.db", identity)
    assert list(path.parent.iterdir()) == []


def test_a_file_below_a_file_is_refused(path: Path, identity: StoreIdentity) -> None:
    path.write_text("no folder")
    assert "Not a directory" in rejection(path / "mfa.db", identity)


def test_a_store_that_is_locked_at_start_up_is_unavailable(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.01)
    sqlite_store.users()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="locked by another process"):
            SqliteStore(path, create=True, new_identity=identity)


@pytest.mark.parametrize("layout", [0, -1, "2", None])
def test_a_store_of_an_unknown_layout_is_refused_with_what_to_do(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity, layout: object
) -> None:
    sqlite_store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "ALTER TABLE birth RENAME TO old; CREATE TABLE birth (store_id, made_at, schema);"
        )
        connection.execute("INSERT INTO birth SELECT store_id, made_at, ? FROM old", (layout,))
    assert "knows 1 to 2; upgrade by way of the releases between" in rejection(path, identity)


@pytest.mark.requirement("D29", "D33")
def test_other_processes_see_reports_and_the_need_of_an_invitation(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity
) -> None:
    report = WorkerReport(worker_id="host/1.1", key_ids=("k2", "k1"), at=7)
    with closing(SqliteStore(path, create=False, new_identity=identity)) as other:
        other.report_worker(report, forget_before=0)
        other.set_invited_only(True)
    assert sqlite_store.workers() == [report]
    assert sqlite_store.invited_only()
