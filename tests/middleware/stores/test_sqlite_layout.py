"""The layout of a SQLite file: a file of the release before is opened, and can be brought back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.stores import sqlite_connections, sqlite_layout
from wsgi_mfa.stores.protocol import STORE_SCHEMA, StoreIdentity, StoreState, StoreStatus, WorkerReport
from wsgi_mfa.stores.sqlite import SqliteStore
from wsgi_mfa.stores.sqlite_layout import COMMON_TABLES, LAYOUT_STEPS, change_layout

USERS = ["user1@example.com", "user2@example.com"]
MADE = StoreIdentity(store_id="0123456789abcdef" * 2, made_at=1_772_442_000_000_000)
REPORT = WorkerReport(worker_id="host/1.1", key_ids=("k1",), at=1_772_442_392_000_000)


@pytest.fixture
def old_path(path: Path) -> Path:
    """A database of layout 1: what the first code wrote, with two accounts, after a fence."""
    text = (Path(__file__).parent / "files" / "layout-1.sql").read_text()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(text)
    return path


def tables(path: Path) -> dict[str, list[object]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name: connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608 - a name of our own
            for name in sorted(names)
        }


def change(path: Path, wanted: int) -> int:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return change_layout(connection, wanted)


def test_the_steps_are_consecutive_and_end_at_the_layout_of_this_release() -> None:
    numbers = [step.number for step in LAYOUT_STEPS]
    assert numbers == list(range(STORE_SCHEMA - len(numbers) + 1, STORE_SCHEMA + 1))


@pytest.mark.requirement("D2")
def test_a_database_of_the_first_layout_opens_with_all_that_it_held(
    old_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(SqliteStore(old_path, create=False, new_identity=MADE)) as store:
        assert f"brought the store {old_path} from layout 1 to 2" in caplog.text
        assert store.identity == MADE
        assert store.users() == USERS
        accounts = [store.load(user) for user in USERS]
        assert [account and account.event_count for account in accounts] == [5, 3]
        assert len(store.events()) == 11
        assert store.status() == StoreStatus(
            changed_at=1_772_442_062_000_003, fenced_at=1_772_442_062_000_002
        )
        assert store.invited_only()
        assert store.workers() == [REPORT]
    assert set(tables(old_path)) == {*COMMON_TABLES, "admin"}
    caplog.clear()
    SqliteStore(old_path, create=False, new_identity=MADE).close()
    assert caplog.text == ""


def test_a_database_that_was_made_before_the_tables_beside_it_opens_with_their_defaults(
    old_path: Path,
) -> None:
    with closing(sqlite3.connect(old_path)) as connection:
        connection.executescript("DROP TABLE workers; DROP TABLE invited_only; DROP TABLE opening;")
    with closing(SqliteStore(old_path, create=False, new_identity=MADE)) as store:
        assert store.status() == StoreStatus()
        assert store.workers() == []
        assert not store.invited_only()
        assert store.users() == USERS


@pytest.mark.requirement("D28")
def test_a_closed_or_unfenced_database_stays_so(old_path: Path) -> None:
    with closing(sqlite3.connect(old_path)) as connection, connection:
        connection.execute("UPDATE opening SET door = 'unfenced'")
    with closing(SqliteStore(old_path, create=False, new_identity=MADE)) as store:
        assert store.status().state is StoreState.UNFENCED
        with pytest.raises(StoreUnavailableError, match="fence"):
            store.load(USERS[0])


def test_a_store_goes_back_to_the_layout_of_the_release_before_and_comes_again(old_path: Path) -> None:
    before = tables(old_path)
    assert change(old_path, 2) == 1
    after = tables(old_path)
    assert change(old_path, 1) == 2
    assert tables(old_path) == {**before, "workers": []}  # each worker reports anew
    assert change(old_path, 2) == 1
    without_reports = [row for row in after["admin"] if not str(row).startswith("('worker/")]
    assert tables(old_path) == {**after, "admin": without_reports}


def test_a_step_that_fails_has_changed_nothing(old_path: Path) -> None:
    with closing(sqlite3.connect(old_path)) as connection, connection:
        connection.execute("UPDATE opening SET door = 'ajar'")
    before = tables(old_path)
    with pytest.raises(ValueError, match="ajar"):
        change(old_path, 2)
    assert tables(old_path) == before


@pytest.mark.parametrize("wanted", [0, 3])
def test_a_layout_to_which_no_step_leads_is_refused(old_path: Path, wanted: int) -> None:
    before = tables(old_path)
    with pytest.raises(ValueError, match="knows the layouts 1 to 2"):
        change(old_path, wanted)
    assert tables(old_path) == before


@pytest.mark.requirement("D28")
def test_a_store_that_is_brought_back_under_a_worker_is_unavailable_to_it(
    sqlite_store: SqliteStore, account: Callable[..., Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connections, "LOOK_SECONDS", 0)
    sqlite_store.save(account(1), [], expected=None)
    change(sqlite_store.path, 1)
    with pytest.raises(StoreUnavailableError, match="no such table"):
        sqlite_store.load(account(1).user)
    with pytest.raises(StoreUnavailableError, match="no such table"):
        sqlite_store.save(account(2), [], expected=account(1).revision)


def test_a_new_store_has_the_tables_that_the_steps_lead_to(old_path: Path, tmp_path: Path) -> None:
    change(old_path, STORE_SCHEMA)
    SqliteStore(tmp_path / "new.db", create=True, new_identity=MADE).close()
    schemas = []
    for path in (old_path, tmp_path / "new.db"):
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
            schemas.append([(name, " ".join(str(sql).split())) for name, sql in rows])
    assert schemas[0] == schemas[1]
    assert sqlite_layout.OLDEST_LAYOUT == 1
