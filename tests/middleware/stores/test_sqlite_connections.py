"""Connections belong to one process and one thread, and none outlives a fork (D32)."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.stores import sqlite_connections
from wsgi_mfa.stores.sqlite import SqliteStore

StartWorker = Callable[..., "subprocess.Popen[str]"]
USER = "user1@example.com"

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")


def open_files(path: Path) -> int:
    return sum(str(entry.resolve()).startswith(str(path)) for entry in Path("/proc/self/fd").iterdir())


@pytest.mark.requirement("D32")
@needs_proc
def test_nothing_is_open_before_the_first_call_nor_in_a_forked_child(
    sqlite_store: SqliteStore, start_worker: StartWorker
) -> None:
    told = start_worker("fork").communicate()[0].splitlines()
    assert told == [
        "after opening: 0",
        "after a save: open",
        "in the child: 0",
        "child saved: True",
        "parent sees: child",
    ]
    account = sqlite_store.load(USER)
    assert account is not None
    assert account.revision == "child"


@pytest.mark.requirement("D32")
def test_a_process_may_fork_while_another_thread_saves(
    sqlite_store: SqliteStore, start_worker: StartWorker
) -> None:
    worker = start_worker("fork_while_busy")
    told = worker.communicate(timeout=60)[0].splitlines()
    assert told == ["good: 20, lost: [], users: 21"]
    assert worker.returncode == 0
    assert len(sqlite_store.users()) == 21


@needs_proc
def test_a_thread_that_ends_leaves_nothing_open(path: Path, sqlite_store: SqliteStore) -> None:
    seen: list[int] = []

    def use() -> None:
        sqlite_store.load(USER)
        seen.append(open_files(path))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen[0] > 0
    assert open_files(path) == 0


@needs_proc
def test_closing_closes_the_connections_of_all_threads(path: Path, sqlite_store: SqliteStore) -> None:
    used, closed = threading.Event(), threading.Event()

    def use() -> None:
        sqlite_store.load(USER)
        used.set()
        closed.wait()

    thread = threading.Thread(target=use)
    thread.start()
    used.wait()
    try:
        assert open_files(path) > 0
        sqlite_store.close()
        assert open_files(path) == 0
    finally:
        closed.set()
        thread.join()


def test_a_process_forked_past_python_is_told_so(
    sqlite_store: SqliteStore, account: Callable[..., Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_store.save(account(1), [], expected=None)
    pid = os.getpid()
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_connections.os, "getpid", lambda: pid + 1)
        patch.setattr(sqlite_connections, "LOOK_SECONDS", 0)  # as a quarter of a second later
        with pytest.raises(StoreUnavailableError, match="forked past Python"):
            sqlite_store.load(USER)
    assert sqlite_store.load(USER) == account(1)
