"""Stores by their URL."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

import pytest

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import StoreIdentity
from wsgi_mfa.stores.sqlite import SqliteStore
from wsgi_mfa.stores.url import open_store


def test_memory_is_a_store_of_this_process(identity: StoreIdentity) -> None:
    store = open_store("memory://", new_identity=identity)
    assert isinstance(store, MemoryStore)
    assert store.identity == identity


def test_a_relative_path_starts_in_the_current_folder_and_stays_there(
    tmp_path: Path, identity: StoreIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a folder%20").mkdir()
    with closing(open_store("sqlite:///a folder%20/mfa#1.db", new_identity=identity)) as store:
        monkeypatch.chdir("/")
        assert isinstance(store, SqliteStore)
        assert store.path == tmp_path / "a folder%20" / "mfa#1.db"
        assert store.path.is_file()
        assert store.users() == []


def test_an_absolute_path_has_four_slashes(path: Path, identity: StoreIdentity) -> None:
    with closing(open_store(f"sqlite:///{path}", new_identity=identity)) as store:
        assert isinstance(store, SqliteStore)
        assert store.path == path


@pytest.mark.requirement("D2")
def test_a_store_that_is_made_is_named_in_a_warning_once(
    path: Path, identity: StoreIdentity, other_identity: StoreIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    open_store(f"sqlite:///{path}", new_identity=identity).close()
    assert caplog.record_tuples == [
        ("wsgi_mfa.stores", logging.WARNING, f"made a new store at {path}: no user is enrolled in it")
    ]
    open_store(f"sqlite:///{path}", new_identity=other_identity).close()
    assert len(caplog.records) == 1


def test_a_missing_file_is_an_error_where_none_may_be_made(path: Path, identity: StoreIdentity) -> None:
    with pytest.raises(ConfigurationError, match="there is no store"):
        open_store(f"sqlite:///{path}", new_identity=identity, create=False)
    assert not path.exists()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mfa.db",
        "memory:///x",
        "memory:",
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite://mfa.db",
        "sqlite:///:memory:",
        "sqlite:///mfa.db?mode=memory",
        "SQLITE:///mfa.db",
    ],
)
def test_any_other_form_is_refused_with_the_legal_ones(
    url: str, tmp_path: Path, identity: StoreIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ConfigurationError, match=r"legal are memory://, sqlite:///relative/mfa\.db"
    ) as caught:
        open_store(url, new_identity=identity)
    assert caught.value.setting == "store"
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_does_not_repeat_the_password_in_a_url(identity: StoreIdentity) -> None:
    with pytest.raises(ConfigurationError, match="'postgresql://'") as caught:
        open_store("postgresql://mfa:hunter2@db.example.com/mfa", new_identity=identity)
    assert "hunter2" not in str(caught.value)
