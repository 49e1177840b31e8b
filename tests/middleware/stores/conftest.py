"""Stores to test, and accounts to put into them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.stores.base import StoreBase
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import Store, StoreIdentity
from wsgi_mfa.stores.sqlite import SqliteStore

USER = "user1@example.com"


def _loaded(name: str) -> ModuleType:
    """Load a module from beside this file."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def json_store_type() -> Callable[..., StoreBase]:
    """The store that an engineer would write; see json_store.py."""
    kind: Callable[..., StoreBase] = _loaded("json_store").JsonStore
    return kind


@pytest.fixture
def identity() -> StoreIdentity:
    return StoreIdentity(store_id="0123456789abcdef" * 2, made_at=1_767_225_600_000_000)


@pytest.fixture
def other_identity() -> StoreIdentity:
    return StoreIdentity(store_id="fedcba9876543210" * 2, made_at=1_767_225_600_000_001)


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
def sqlite_store(path: Path, identity: StoreIdentity) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path, create=True, new_identity=identity)) as store:
        yield store


@pytest.fixture(params=["memory", "sqlite", "json"])
def store(request: pytest.FixtureRequest, path: Path, identity: StoreIdentity) -> Store:
    """Each store in turn: a test of this fixture states the contract of all."""
    if request.param == "memory":
        return MemoryStore(identity=identity)
    if request.param == "json":
        json_store: Store = request.getfixturevalue("json_store_type")(
            path.with_suffix(".json"), identity=identity
        )
        return json_store
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
