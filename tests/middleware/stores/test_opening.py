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
from wsgi_mfa.stores import connections
from wsgi_mfa.stores.opening import Doorkeeper
from wsgi_mfa.stores.protocol import AccountStore, BirthRecord, Door, Opening
from wsgi_mfa.stores.sqlite import SqliteStore

MakeAccount = Callable[..., Account]
USER = "user1@example.com"


@pytest.fixture(autouse=True)
def _a_hundredth_of_a_second_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0)


def closed(at: int) -> Opening:
    return Opening(door=Door.CLOSED, changed_at=at)


def test_a_new_store_is_open(store: AccountStore) -> None:
    assert store.opening() == Opening(door=Door.OPEN, changed_at=0, fenced_at=0)
    assert store.fenced_at == 0


@pytest.mark.requirement("D28")
@pytest.mark.parametrize("door", [Door.CLOSED, Door.UNFENCED])
def test_a_store_that_is_not_open_answers_nobody_but_its_operator(
    store: AccountStore, account: MakeAccount, door: Door
) -> None:
    store.save(account(1), [], expected=None)
    store.load(USER)
    store.set_opening(Opening(door=door, changed_at=1))
    calls: list[Callable[[], object]] = [
        lambda: store.load(USER),
        lambda: store.save(account(2), [], expected=account(1).revision),
        store.users,
        store.events,
        store.invited_only,
    ]
    for call in calls:
        with pytest.raises(StoreUnavailableError, match="closed"):
            call()
    operator = store.for_operator()
    assert operator.load(USER) == account(1)
    assert operator.save(account(2), [], expected=account(1).revision)
    store.set_opening(Opening(door=Door.OPEN, changed_at=2))
    assert store.load(USER) == account(2)


@pytest.mark.requirement("D28")
def test_a_save_that_was_decided_on_before_the_close_does_not_land_after_it(
    path: Path, sqlite_store: SqliteStore, account: MakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    look = connections.Link._looked_after

    def looked_and_closed(link: connections.Link) -> sqlite3.Connection:
        connection = look(link)
        monkeypatch.undo()
        sqlite_store.set_opening(closed(1))
        return connection

    monkeypatch.setattr(connections.Link, "_looked_after", looked_and_closed)
    with pytest.raises(StoreUnavailableError, match="closed"):
        sqlite_store.save(account(2), [], expected=account(1).revision)
    assert sqlite_store.for_operator().load(USER) == account(1)


@pytest.mark.requirement("D28")
def test_other_processes_see_that_the_store_is_closed_and_when_it_was_fenced(
    path: Path, sqlite_store: SqliteStore, birth: BirthRecord
) -> None:
    with closing(SqliteStore(path, create=False, new_birth=birth)) as other:
        other.set_opening(closed(1))
        assert sqlite_store.opening() == closed(1)
        with pytest.raises(StoreUnavailableError, match="closed"):
            sqlite_store.load(USER)
        other.set_opening(Opening(changed_at=2, fenced_at=2))
        sqlite_store.load(USER)
        assert sqlite_store.fenced_at == 2


@pytest.mark.requirement("D28")
def test_a_file_of_before_the_close_is_known_by_whoever_saw_the_close(
    path: Path, sqlite_store: SqliteStore, account: MakeAccount, tmp_path: Path
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(tmp_path / "copy")) as copy:
        live.backup(copy)
        sqlite_store.set_opening(closed(5))
        with pytest.raises(StoreUnavailableError, match="closed"):
            sqlite_store.load(USER)
        copy.backup(live)
    assert sqlite_store.opening().door is Door.OPEN
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="restored"):
            sqlite_store.load(USER)
    sqlite_store.set_opening(Opening(changed_at=6))  # opened anew is not fenced
    with pytest.raises(StoreUnavailableError, match="restored"):
        sqlite_store.load(USER)
    sqlite_store.set_opening(Opening(changed_at=7, fenced_at=7))
    assert sqlite_store.load(USER) == account(1)


@pytest.mark.requirement("D28")
def test_a_backup_of_ours_serves_nobody_before_its_fence(
    sqlite_store: SqliteStore, account: MakeAccount, tmp_path: Path, birth: BirthRecord
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    sqlite_store.set_opening(Opening(changed_at=3, fenced_at=2))
    sqlite_store.backup(tmp_path / "backup.db")
    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600
    assert sqlite_store.load(USER) == account(1)
    with closing(SqliteStore(tmp_path / "backup.db", create=False, new_birth=birth)) as copy:
        assert copy.opening() == Opening(door=Door.UNFENCED, changed_at=3, fenced_at=2)
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


def test_a_store_that_was_let_go_of_has_no_door(store: AccountStore) -> None:
    store.close()
    for call in (store.opening, lambda: store.set_opening(Opening())):
        with pytest.raises(StoreUnavailableError):
            call()


openings = st.builds(
    Opening,
    door=st.sampled_from(Door),
    changed_at=st.integers(0, 4),
    fenced_at=st.integers(0, 4),
)


@pytest.mark.requirement("D28")
@given(st.lists(openings, max_size=8))
def test_whoever_saw_a_later_opening_serves_only_after_a_later_fence(found: list[Opening]) -> None:
    doorkeeper = Doorkeeper()
    highest, put_back = Opening(), False
    for opening in found:
        if opening.fenced_at > highest.fenced_at:
            put_back = False
        elif opening.fenced_at < highest.fenced_at or opening.changed_at < highest.changed_at:
            put_back = True
        if not put_back:
            highest = opening
        serves = opening.door is Door.OPEN and not put_back
        if serves:
            doorkeeper.check(opening)
        else:
            with pytest.raises(StoreUnavailableError):
                doorkeeper.check(opening)
        assert doorkeeper.fenced_at == highest.fenced_at
