"""A store that is closed, and one that was put back, serve nobody (D28)."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.account import Account
from wsgi_mfa.errors import ConfigurationError, StoreUnavailableError
from wsgi_mfa.stores import sqlite_connections
from wsgi_mfa.stores.protocol import StoreIdentity, StoreState, StoreStatus
from wsgi_mfa.stores.sqlite import SqliteStore
from wsgi_mfa.stores.status import StatusGuard

MakeAccount = Callable[..., Account]
USER = "user1@example.com"


@pytest.fixture(autouse=True)
def _a_hundredth_of_a_second_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_connections, "LOOK_SECONDS", 0)


def closed(at: int) -> StoreStatus:
    return StoreStatus(state=StoreState.CLOSED, changed_at=at)


@pytest.mark.requirement("D28")
def test_a_save_that_was_decided_on_before_the_close_does_not_land_after_it(
    path: Path, sqlite_store: SqliteStore, account: MakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    look = sqlite_connections.Link._looked_after

    def looked_and_closed(link: sqlite_connections.Link) -> sqlite3.Connection:
        connection = look(link)
        monkeypatch.undo()
        sqlite_store.set_status(closed(1))
        return connection

    monkeypatch.setattr(sqlite_connections.Link, "_looked_after", looked_and_closed)
    with pytest.raises(StoreUnavailableError, match="closed"):
        sqlite_store.save(account(2), [], expected=account(1).revision)
    assert sqlite_store.for_operator().load(USER) == account(1)


@pytest.mark.requirement("D28")
def test_other_processes_see_that_the_store_is_closed_and_when_it_was_fenced(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity
) -> None:
    with closing(SqliteStore(path, create=False, new_identity=identity)) as other:
        other.set_status(closed(1))
        assert sqlite_store.status() == closed(1)
        with pytest.raises(StoreUnavailableError, match="closed"):
            sqlite_store.load(USER)
        other.set_status(StoreStatus(changed_at=2, fenced_at=2))
        sqlite_store.load(USER)
        assert sqlite_store.fenced_at == 2


@pytest.mark.requirement("D28")
def test_a_file_of_before_the_close_is_known_by_whoever_saw_the_close(
    path: Path, sqlite_store: SqliteStore, account: MakeAccount, tmp_path: Path
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(tmp_path / "copy")) as copy:
        live.backup(copy)
        sqlite_store.set_status(closed(5))
        with pytest.raises(StoreUnavailableError, match="closed"):
            sqlite_store.load(USER)
        copy.backup(live)
    assert sqlite_store.status().state is StoreState.OPEN
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="restored"):
            sqlite_store.load(USER)
    sqlite_store.set_status(StoreStatus(changed_at=6))  # opened anew is not fenced
    with pytest.raises(StoreUnavailableError, match="restored"):
        sqlite_store.load(USER)
    sqlite_store.set_status(StoreStatus(changed_at=7, fenced_at=7))
    assert sqlite_store.load(USER) == account(1)


@pytest.mark.requirement("D28")
def test_a_backup_of_ours_serves_nobody_before_its_fence(
    sqlite_store: SqliteStore, account: MakeAccount, tmp_path: Path, identity: StoreIdentity
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    sqlite_store.set_status(StoreStatus(changed_at=3, fenced_at=2))
    sqlite_store.backup(tmp_path / "backup.db")
    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600
    assert sqlite_store.load(USER) == account(1)
    with closing(SqliteStore(tmp_path / "backup.db", create=False, new_identity=identity)) as copy:
        assert copy.status() == StoreStatus(state=StoreState.UNFENCED, changed_at=3, fenced_at=2)
        assert copy.for_operator().load(USER) == account(1)
        with pytest.raises(StoreUnavailableError, match="fence"):
            copy.load(USER)


@pytest.mark.parametrize("there", ["file", "folder"])
def test_a_backup_is_written_over_nothing(sqlite_store: SqliteStore, tmp_path: Path, there: str) -> None:
    target = tmp_path / "there"
    target.mkdir() if there == "folder" else target.write_text("mine")
    with pytest.raises(ConfigurationError, match=f"cannot make the copy {target}"):
        sqlite_store.backup(target)
    assert there == "folder" or target.read_text() == "mine"


statuses = st.builds(
    StoreStatus,
    state=st.sampled_from(StoreState),
    changed_at=st.integers(0, 4),
    fenced_at=st.integers(0, 4),
)


@pytest.mark.requirement("D28")
@given(st.lists(statuses, max_size=8))
def test_whoever_saw_a_later_status_serves_only_after_a_later_fence(found: list[StoreStatus]) -> None:
    guard = StatusGuard()
    highest, put_back = StoreStatus(), False
    for status in found:
        if status.fenced_at > highest.fenced_at:
            put_back = False
        elif status.fenced_at < highest.fenced_at or status.changed_at < highest.changed_at:
            put_back = True
        if not put_back:
            highest = status
        serves = status.state is StoreState.OPEN and not put_back
        if serves:
            guard.check(status)
        else:
            with pytest.raises(StoreUnavailableError):
                guard.check(status)
        assert guard.fenced_at == highest.fenced_at
