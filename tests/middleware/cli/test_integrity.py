"""``check``, ``accounts rebuild`` and ``store sign``: accounts that were edited, and keys that are others."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from wsgi_mfa.cli.context import keys_path

USER = "user1@example.com"


@pytest.fixture
def config(tmp_path, enrolled):
    path = tmp_path / "mfa.toml"
    path.write_text(
        f'issuer = "Client Portal"\nstore = "sqlite:///{enrolled}"\nkeys_file = "{keys_path(enrolled)}"\n'
        '[identity]\nkind = "remote-user"\n',
        encoding="utf-8",
    )
    return path


def execute(path, statement, *parameters):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement, parameters)
        connection.commit()


@pytest.mark.requirement("D48a")
def test_an_edited_account_is_shown_by_check_and_rebuilt(run, config, enrolled):
    assert run("check", "--config", config).code == 0
    execute(enrolled, """UPDATE accounts SET body = replace(body, '"last_step":', '"last_step":1')""")
    done = run("check", "--config", config)
    assert done.code == 1
    assert f"problem  accounts: 1 closed: the account of {USER!r} was changed in the store" in done.out
    refused = run("support", "reset", USER, "--email", USER, "--reason", "lost", "--config", config)
    assert refused.code == 2
    assert "wsgi-mfa accounts rebuild" in refused.err
    rebuilt = run("accounts", "rebuild", USER, "--config", config)
    assert (rebuilt.code, rebuilt.out) == (0, f"rebuilt: {USER} needs an invitation to enroll again\n")
    assert run("check", "--config", config).code == 0
    assert "account.rebuilt" in run("accounts", "show", USER, "--config", config).out
    again = run("accounts", "rebuild", USER, "--config", config)
    assert again.code == 2
    assert "is as it was saved" in again.err


@pytest.mark.requirement("D48a")
def test_an_account_that_cannot_be_read_any_more_is_rebuilt_too(run, config, enrolled):
    execute(enrolled, "UPDATE accounts SET body = substr(body, 1, 200)")
    assert "problem  accounts: 1 closed:" in run("check", "--config", config).out
    assert run("accounts", "rebuild", USER, "--config", config).code == 0
    assert run("check", "--config", config).code == 0
    assert run("audit", "verify", "--config", config).code == 0


@pytest.mark.requirement("D48a")
def test_accounts_of_the_release_before_are_signed_by_the_operator(run, config, enrolled):
    execute(
        enrolled,
        """UPDATE accounts SET body = '{"schema":2,' || substr(body, instr(body, '"value":'))""",
    )
    done = run("check", "--config", config)
    assert "it has no MAC" in done.out
    signed = run("store", "sign", "--config", config)
    assert (signed.code, signed.out) == (0, "signed: 1 account\n")
    assert run("check", "--config", config).code == 0


@pytest.mark.requirement("D45")
def test_init_of_a_store_that_is_there_records_the_keys_that_it_does_not_know(run, config, enrolled):
    execute(enrolled, "DELETE FROM admin WHERE key LIKE 'key_check/%'")
    done = run("check", "--config", config)
    assert done.code == 0
    assert "warning  accounts: the store has no check value of k1" in done.out
    assert "key check values: k1\n" in run("store", "init", "--config", config).out
    assert "warning" not in run("check", "--config", config).out


@pytest.mark.requirement("D45")
@pytest.mark.parametrize("is_known", [True, False])
def test_another_key_under_the_same_id_is_told_by_check_and_by_every_command(run, config, enrolled, is_known):
    if not is_known:
        execute(enrolled, "DELETE FROM admin WHERE key LIKE 'key_check/%'")
    keys_path(enrolled).write_text(run("keys", "generate", "--id", "k1").out, encoding="ascii")
    done = run("check", "--config", config)
    assert done.code == 1
    assert "problem  accounts: keys: 'k1' " in done.out
    assert "right" in done.out
    for command in (("store", "init"), ("store", "fence"), ("keys", "rotate")):
        if is_known or command != ("keys", "rotate"):
            refused = run(*command, "--config", config)
            assert refused.code == 2
            assert "keys: 'k1' " in refused.err


@pytest.mark.requirement("D45", "D29")
def test_a_whole_rotation_keeps_a_check_value_for_each_key_of_the_ring(run, config, enrolled):
    def known():
        with closing(sqlite3.connect(enrolled)) as connection:
            rows = connection.execute("SELECT key FROM admin WHERE key LIKE 'key_check/%' ORDER BY key")
            return [key.removeprefix("key_check/") for (key,) in rows]

    assert known() == ["k1"]
    for expected in (["k1", "k2"], ["k1", "k2"], ["k2"]):
        assert run("keys", "rotate", "--config", config).code == 0
        assert known() == expected
        assert run("check", "--config", config).code == 0
