from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor
from wsgi_mfa.identity.adapters.framework_session import fingerprint_of
from wsgi_mfa.identity.adapters.sql import SqlSession

QUERY = "SELECT name FROM auth_cookie WHERE cookie = ?"


def environ(value: str | None) -> dict[str, Any]:
    return {} if value is None else {"HTTP_COOKIE": f"trac_auth={value}; other=1"}


@pytest.fixture
def trac(tmp_path):
    """A database as Trac has it: two sessions, and one of a visitor."""
    path = tmp_path / "trac.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE auth_cookie (cookie TEXT, name TEXT, ipnr TEXT, time INTEGER)")
        connection.executemany(
            "INSERT INTO auth_cookie VALUES (?, ?, '', 0)",
            [
                ("c1", "alice"),
                ("c2", "bob"),
                ("c3", None),
                ("c4", "x"),
                ("c4", "y"),
                ("c5", "z"),
                ("c5", "z"),
            ],
        )
        connection.commit()
    return path


@pytest.fixture
def adapter_of(trac):
    """``adapter_of(query)``: an adapter that is closed after the test."""
    made: list[SqlSession] = []

    def make(query: str = QUERY, database: Any = None, **settings: Any) -> SqlSession:
        adapter = SqlSession(
            database or f"sqlite:///{trac}", query, **{"cookie": "trac_auth", "user_key": "name", **settings}
        )
        made.append(adapter)
        return adapter

    yield make
    for adapter in made:
        adapter._close()


def test_the_user_is_the_one_of_the_sessions_row(adapter_of) -> None:
    adapter = adapter_of()
    assert adapter.credentials.cookies == ("trac_auth",)
    assert adapter.identify(environ("c1")) == FirstFactor(user="alice", login=fingerprint_of("c1"))
    assert adapter.identify(environ("c5")) == FirstFactor(user="z", login=fingerprint_of("c5"))
    assert adapter.identify(environ(None)) is None
    assert adapter.identify(environ("c3")) is None
    assert adapter.selftest() == []


@pytest.mark.parametrize("value", ["c6", "c4", "' OR 1=1 --", "C1", "c1 "])
def test_a_value_without_one_user_proves_nothing(adapter_of, value) -> None:
    assert adapter_of().identify(environ(value)) is UNRESOLVED


def test_a_decoy_lets_nobody_in(adapter_of, trac) -> None:
    with closing(sqlite3.connect(trac)) as connection:
        connection.execute("CREATE TABLE sessions (cookie TEXT, name TEXT)")
    adapter = adapter_of("SELECT name FROM sessions WHERE cookie = ?")
    assert adapter.identify(environ("c1")) is UNRESOLVED


@pytest.mark.requirement("D3")
def test_a_session_is_asked_for_on_every_request(adapter_of, trac) -> None:
    adapter = adapter_of()
    assert adapter.identify(environ("c6")) is UNRESOLVED
    with closing(sqlite3.connect(trac)) as connection:
        connection.execute("INSERT INTO auth_cookie VALUES ('c6', 'alice', '', 0)")
        connection.commit()
    assert adapter.identify(environ("c6")).user == "alice"
    with closing(sqlite3.connect(trac)) as connection:
        connection.execute("DELETE FROM auth_cookie")
        connection.commit()
    assert adapter.identify(environ("c6")) is UNRESOLVED


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT name FROM auth_cookie WHERE cookie = ? OR 1", "made up"),
        ("SELECT name FROM nowhere WHERE cookie = ?", "nowhere"),
        ("SELECT name FROM auth_cookie", "cannot ask"),
        ("SELECT name FROM auth_cookie WHERE cookie = ? AND name = ?", "cannot ask"),
    ],
)
def test_the_selftest_finds_a_query_that_does_not_look_for_the_value(adapter_of, query, said) -> None:
    (problem,) = adapter_of(query).selftest()
    assert said in problem


@pytest.mark.requirement("D7")
def test_a_database_that_is_not_there_is_not_an_unknown_session(adapter_of, tmp_path) -> None:
    adapter = adapter_of(database=f"sqlite:///{tmp_path / 'nowhere.db'}")
    with pytest.raises(AdapterUnavailableError, match=r"nowhere\.db"):
        adapter.identify(environ("c1"))
    assert not (tmp_path / "nowhere.db").exists()
    assert adapter.selftest() != []


def test_the_database_is_only_read(adapter_of) -> None:
    adapter = adapter_of("WITH x AS (SELECT 1) SELECT name FROM auth_cookie WHERE cookie = ?")
    assert adapter.identify(environ("c1")).user == "alice"
    connection = adapter._local.connection
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM auth_cookie")


def test_a_connection_that_was_cut_is_opened_anew(adapter_of, trac) -> None:
    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        opened.append(sqlite3.connect(trac))
        return opened[-1]

    adapter = adapter_of(database=connect)
    assert adapter.identify(environ("c1")).user == "alice"
    opened[0].close()
    assert adapter.identify(environ("c1")).user == "alice"
    assert len(opened) == 2


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"database": "trac.db"}, "database is 'trac.db': legal are sqlite:///PATH"),
        ({"query": "DELETE FROM auth_cookie WHERE cookie = ?"}, "query must be a SELECT"),
    ],
)
def test_a_setting_without_a_legal_value_is_named(settings, named) -> None:
    with pytest.raises(ConfigurationError, match=named):
        SqlSession(
            **{
                "database": "sqlite:///x",
                "query": QUERY,
                "cookie": "trac_auth",
                "user_key": "name",
                **settings,
            }
        )


@pytest.mark.requirement("D1")
@pytest.mark.parametrize(
    "kept",
    [
        "{'user': 'alice', 'nonce': 7}",
        '{"user": "alice"}',
        "('alice', 7)",
        "eyJ1c2VyIjogImFsaWNlIn0",
        "gASVDgA",
    ],
)
def test_a_column_with_a_whole_session_names_no_user(adapter_of, trac, kept) -> None:
    with closing(sqlite3.connect(trac)) as connection:
        connection.execute("INSERT INTO auth_cookie VALUES ('c6', ?, '', 0)", (kept,))
        connection.commit()
    with pytest.raises(AdapterUnavailableError, match="whole session"):
        adapter_of().identify(environ("c6"))
