"""What is special to the SQLite store: durability, other processes, corruption, and what it reads."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.codec import ACCOUNT_CODEC
from wsgi_mfa.core.events import Event
from wsgi_mfa.errors import ConfigurationError, StoreError, StoreUnavailableError
from wsgi_mfa.stores import sqlite_connections, sqlite_file
from wsgi_mfa.stores.protocol import StoreIdentity
from wsgi_mfa.stores.sqlite import SqliteStore

MakeAccount = Callable[..., Account]
MakeEvent = Callable[..., Event]
StartWorker = Callable[..., "subprocess.Popen[str]"]
USER = "user1@example.com"


def tell(path: Path, statement: str, *parameters: object) -> None:
    """Change the file behind the store's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, parameters)


def go(workers: list[subprocess.Popen[str]]) -> None:
    """Let all begin at once, when all are ready."""
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()


def test_another_connection_sees_a_save_on_its_next_load(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity, account: MakeAccount
) -> None:
    with closing(SqliteStore(path, create=False, new_identity=identity)) as other:
        sqlite_store.save(account(1), [], expected=None)
        assert other.load(USER) == account(1)
        sqlite_store.save(account(2, hints=(1,)), [], expected=account(1).revision)
        assert other.load(USER) == account(2, hints=(1,))
        assert other.save(account(3), [], expected=account(2).revision)
        assert sqlite_store.load(USER) == account(3)
        tell(path, "DELETE FROM accounts")
        assert other.load(USER) is None
        assert sqlite_store.load(USER) is None


def test_of_four_processes_at_one_revision_exactly_one_wins(
    sqlite_store: SqliteStore, start_worker: StartWorker
) -> None:
    users = [f"user{number}" for number in range(20)]
    for user in users:
        sqlite_store.save(Account(user=user, generation="g", revision="first"), [], expected=None)
    workers = [start_worker("race") for _ in range(4)]
    go(workers)
    won = [worker.communicate()[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    assert sorted(user for one in won for user in one) == sorted(users)
    for worker, its in zip(workers, won, strict=True):
        for user in its:
            account = sqlite_store.load(user)
            assert account is not None
            assert account.revision == f"{worker.pid}.{user.removeprefix('user')}"
            assert [event.save_id for event in sqlite_store.events(user)] == [account.revision]


@pytest.mark.requirement("D25")
def test_a_process_killed_while_it_saves_leaves_the_old_account_or_the_new_one(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity, start_worker: StartWorker
) -> None:
    for saves_before_kill in (1, 7, 23):
        tell(path, "DELETE FROM accounts")
        tell(path, "DELETE FROM events")
        worker = start_worker("save_forever")
        go([worker])
        assert worker.stdout is not None
        for _ in range(saves_before_kill):
            worker.stdout.readline()
        worker.send_signal(signal.SIGKILL)
        told = saves_before_kill + len(worker.communicate()[0].split())

        # What it told of is there, at most one more, and each with its event.
        with closing(SqliteStore(path, create=False, new_identity=identity)) as reopened:
            account = reopened.load(USER)
            assert account is not None
            assert account.saved_at in (told, told + 1)
            assert [event.at for event in reopened.events(limit=10_000)] == list(range(account.saved_at + 1))
        assert sqlite_store.load(USER) == account


def test_an_event_that_cannot_be_written_keeps_its_account_out(
    path: Path, sqlite_store: SqliteStore, account: MakeAccount, event: MakeEvent
) -> None:
    sqlite_store.save(account(1), [event("first")], expected=None)
    tell(
        path,
        "CREATE TRIGGER fail BEFORE INSERT ON events WHEN NEW.body LIKE '%second%' "
        "BEGIN SELECT RAISE(ABORT, 'no room'); END",
    )
    with pytest.raises(StoreUnavailableError, match="cannot be written: no room"):
        sqlite_store.save(account(2), [event("good"), event("second")], expected=account(1).revision)
    assert sqlite_store.load(USER) == account(1)
    assert sqlite_store.events() == [event("first")]
    assert sqlite_store.save(account(2), [event("good")], expected=account(1).revision)


@pytest.mark.requirement("R80")
def test_a_store_locked_by_another_is_unavailable_and_recovers(
    path: Path,
    sqlite_store: SqliteStore,
    account: MakeAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="locked") as caught:
            sqlite_store.save(account(1), [], expected=None)
        assert str(path) in str(caught.value)
        assert sqlite_store.load(USER) is None
    assert sqlite_store.save(account(1), [], expected=None)


@pytest.mark.parametrize(
    "body",
    ["", "{}", "not json", '{"schema":2,"value":{"generation":"g","user":"user1@example.com"}}', b"\x00"],
)
def test_a_corrupt_account_is_an_error_that_names_user_and_store(
    path: Path, sqlite_store: SqliteStore, account: MakeAccount, body: str | bytes
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    tell(path, "UPDATE accounts SET body = ?, revision = 'moved'", body)
    with pytest.raises(StoreError, match="is corrupt") as caught:
        sqlite_store.load(USER)
    assert USER in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.requirement("R42")
def test_an_account_in_the_row_of_another_user_is_refused(
    path: Path, sqlite_store: SqliteStore, account: MakeAccount
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    sqlite_store.save(account(2, user="user2"), [], expected=None)
    tell(path, "UPDATE accounts SET user = 'user3', revision = 'moved' WHERE user = 'user2'")
    with pytest.raises(StoreError, match=r"'user3' .* is another one's"):
        sqlite_store.load("user3")


def test_a_corrupt_event_is_an_error_that_names_user_and_store(
    path: Path, sqlite_store: SqliteStore, account: MakeAccount, event: MakeEvent
) -> None:
    sqlite_store.save(account(1), [event("a")], expected=None)
    tell(path, "UPDATE events SET body = '{}'")
    with pytest.raises(StoreError, match=f"an event of '{USER}' in the store {path} is corrupt"):
        sqlite_store.events()


@pytest.mark.requirement("R80")
def test_an_account_of_a_later_release_is_an_error_and_no_new_user(
    path: Path, sqlite_store: SqliteStore, account: MakeAccount
) -> None:
    newest = ACCOUNT_CODEC.schema
    sqlite_store.save(account(1), [], expected=None)
    change = "UPDATE accounts SET revision = 'r', body = replace(body, ?, ?)"
    tell(path, change, f":{newest},", f":{newest + 1},")
    names_both = (
        rf"cannot be read: account\.schema is {newest + 1}, and this release reads .* to {newest}; .*upgrade"
    )
    with pytest.raises(StoreError, match=names_both):
        sqlite_store.load(USER)


def test_workers_of_two_neighboring_releases_serve_side_by_side(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity, account: MakeAccount
) -> None:
    newest = ACCOUNT_CODEC.schema

    def written() -> int:
        with closing(sqlite3.connect(path)) as connection:
            (body,) = connection.execute("SELECT body FROM accounts").fetchone()
        return int(json.loads(body)["schema"])

    window = SqliteStore(path, create=False, new_identity=identity, document_schema=newest - 1)
    with closing(window):
        sqlite_store.save(account(1), [], expected=None)
        assert written() == newest
        assert window.load(USER) == account(1)
        assert window.save(account(2), [], expected=account(1).revision)
        assert written() == newest - 1
        assert sqlite_store.load(USER) == account(2)
        operator = window.for_operator()
        assert operator.save(account(3), [], expected=account(2).revision)
        assert written() == newest - 1


@pytest.mark.parametrize("number", [0, 1, 4, "2", True, None])
def test_a_form_that_this_release_cannot_write_is_refused(
    path: Path, identity: StoreIdentity, number: Any
) -> None:
    with pytest.raises(ConfigurationError, match=r"^document_schema is .*: legal are 2 and 3$"):
        SqliteStore(path, create=True, new_identity=identity, document_schema=number)
    assert not path.exists()


def test_an_account_whose_revision_stands_is_not_read_again(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity, account: MakeAccount
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    with closing(SqliteStore(path, create=False, new_identity=identity)) as other:
        assert other.load(USER) == account(1)
        tell(path, "UPDATE accounts SET body = 'unread'")
        assert other.load(USER) == account(1)
        assert sqlite_store.load(USER) == account(1)


def test_only_so_many_accounts_are_remembered(
    path: Path, sqlite_store: SqliteStore, identity: StoreIdentity, account: MakeAccount
) -> None:
    with closing(SqliteStore(path, create=False, new_identity=identity, accounts_max=1)) as small:
        small.save(account(1), [], expected=None)
        small.save(account(1, user="user2"), [], expected=None)
        tell(path, "UPDATE accounts SET body = 'unread'")
        assert small.load("user2") == account(1, user="user2")
        with pytest.raises(StoreError, match="is corrupt"):
            small.load(USER)


@pytest.mark.parametrize("fate", ["removed", "replaced"])
def test_a_file_that_is_gone_from_its_name_is_unavailable(
    path: Path,
    sqlite_store: SqliteStore,
    other_identity: StoreIdentity,
    account: MakeAccount,
    fate: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    path.rename(path.with_name("old.db"))
    if fate == "replaced":
        SqliteStore(path, create=True, new_identity=other_identity).close()
    calls: list[Callable[[], object]] = [
        lambda: sqlite_store.save(account(2), [], expected=account(1).revision),
        sqlite_store.users,
        lambda: sqlite_store.load(USER),
    ]
    monkeypatch.setattr(sqlite_connections, "LOOK_SECONDS", 0)  # as a hundredth of a second later
    for call in calls:
        with pytest.raises(StoreUnavailableError):
            call()


def test_every_save_waits_for_the_disk(path: Path, sqlite_store: SqliteStore) -> None:
    assert sqlite_store.shared_between_processes
    with closing(sqlite_file.connect(path)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT revision FROM accounts WHERE user = 'a'", "sqlite_autoindex_accounts_1"),
        ("SELECT user FROM accounts WHERE address = 'a' ORDER BY user", "accounts_by_address"),
        ("SELECT user, body FROM events WHERE user = 'a' ORDER BY id DESC LIMIT 1", "events_by_user"),
    ],
)
def test_no_question_reads_the_whole_table(
    path: Path, sqlite_store: SqliteStore, query: str, index: str
) -> None:
    sqlite_store.users()
    with closing(sqlite_file.connect(path)) as connection:
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
    assert "SEARCH" in plan
    assert index in plan
