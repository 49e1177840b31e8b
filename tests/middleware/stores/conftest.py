"""Stores to test, and accounts to put into them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import AccountStore, BirthRecord
from wsgi_mfa.stores.sqlite import SqliteStore

USER = "user1@example.com"


@pytest.fixture
def birth() -> BirthRecord:
    return BirthRecord(store_id="0123456789abcdef" * 2, made_at=1_767_225_600_000_000)


@pytest.fixture
def other_birth() -> BirthRecord:
    return BirthRecord(store_id="fedcba9876543210" * 2, made_at=1_767_225_600_000_001)


@pytest.fixture
def account() -> Callable[..., Account]:
    """``account(3)``: the account of user1 with the third revision; any field by its name."""

    def make(revision: int, **fields: Any) -> Account:
        return Account(**{"user": USER, "generation": "g" * 32, "revision": f"{revision:032x}", **fields})

    return make


@pytest.fixture
def event() -> Callable[..., Event]:
    """``event("sign_in.accepted")``: an event of user1; any field by its name."""

    def make(kind: str, **fields: Any) -> Event:
        return Event(**{"at": 1_767_225_600_000_000, "user": USER, "kind": kind, **fields})

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mfa.db"


@pytest.fixture
def sqlite_store(path: Path, birth: BirthRecord) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path, create=True, new_birth=birth)) as store:
        yield store


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, birth: BirthRecord) -> AccountStore:
    """Each store in turn: what a test of this fixture says is the contract of all."""
    if request.param == "memory":
        return MemoryStore(birth=birth)
    sqlite_store: SqliteStore = request.getfixturevalue("sqlite_store")
    return sqlite_store


@pytest.fixture
def start_worker(path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``start_worker("race", ...)``: another process at the same file; what it does stands in worker.py."""
    started: list[subprocess.Popen[str]] = []

    def start(job: str, *arguments: str) -> subprocess.Popen[str]:
        script = Path(__file__).with_name("worker.py")
        command = [sys.executable, str(script), job, str(path), *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
