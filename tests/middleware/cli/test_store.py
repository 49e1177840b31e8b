"""``wsgi-mfa store``: a new store, and the fence after a restored backup."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from contextlib import closing

import pytest

from wsgi_mfa.core.decision import Outcome

USER = "user1@example.com"


@pytest.mark.requirement("D2", "R42")
def test_a_new_store_gets_a_store_id_and_its_keys(run, tmp_path):
    path = tmp_path / "new.db"
    done = run("store", "init", "--database", path)
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(rf"store: {path}\nstore id: [0-9a-f]{{32}}\n", done.out)
    assert stat.S_IMODE(path.with_name("new.db.keys").stat().st_mode) == 0o600
    assert run("accounts", "list", "--database", path).out == "no accounts\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["new.db", "new.db.keys"]


@pytest.mark.requirement("D2")
def test_a_store_that_is_there_is_left_alone(run, enrolled):
    keys = enrolled.with_name("mfa.db.keys").read_text()
    first, second = (run("store", "init", "--database", enrolled).out for _ in range(2))
    assert first == second
    assert enrolled.with_name("mfa.db.keys").read_text() == keys
    assert USER in run("accounts", "list", "--database", enrolled).out


@pytest.mark.parametrize(
    ("setting", "form"), [("", 3), ("document_schema = 2", 2), ("document_schema = 3", 3)]
)
def test_accounts_are_written_in_the_form_that_the_configuration_names(
    run, enrolled, tmp_path, setting, form
):
    config = tmp_path / "mfa.toml"
    config.write_text(
        f'issuer = "P"\nstore = "sqlite:///{enrolled}"\nkeys_file = "{enrolled}.keys"\n{setting}\n'
        '[identity]\nkind = "remote-user"\n'
    )
    done = run("support", "reset", USER, "--email", USER, "--reason", "lost", "--config", config)
    assert done.code == 0, done.err
    with closing(sqlite3.connect(enrolled)) as connection:
        (body,) = connection.execute("SELECT body FROM accounts WHERE user = ?", (USER,)).fetchone()
    assert json.loads(body)["schema"] == form


@pytest.mark.parametrize(("store", "number"), [("sqlite:///{}", "4"), ("memory://", "0")])
def test_a_form_that_cannot_be_written_is_refused(run, enrolled, tmp_path, store, number):
    config = tmp_path / "mfa.toml"
    config.write_text(
        f'issuer = "P"\nstore = "{store.format(enrolled)}"\nkeys_file = "{enrolled}.keys"\n'
        f'document_schema = {number}\n[identity]\nkind = "remote-user"\n'
    )
    done = run("store", "init", "--config", config)
    assert (done.code, done.out) == (2, "")
    assert f"document_schema is {number}: legal are 2 and 3" in done.err


@pytest.mark.requirement("D29")
def test_a_store_that_is_there_gets_no_new_keys(run, enrolled):
    enrolled.with_name("mfa.db.keys").unlink()
    done = run("store", "init", "--database", enrolled)
    assert done.code == 2
    assert "no keys: set WSGI_MFA_KEYS" in done.err
    assert not enrolled.with_name("mfa.db.keys").exists()


def test_keys_of_the_environment_are_taken_where_they_are_set(run, tmp_path, monkeypatch):
    ring = run("keys", "generate").out.strip()
    monkeypatch.setenv("WSGI_MFA_KEYS", ring)
    assert run("store", "init", "--database", tmp_path / "new.db").code == 0
    assert not (tmp_path / "new.db.keys").exists()


@pytest.mark.parametrize("path", ["missing/new.db", "."])
def test_a_store_that_cannot_be_made_is_told_in_one_line(run, tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    done = run("store", "init", "--database", path)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch("wsgi-mfa: .*\n", done.err)
    assert list(tmp_path.iterdir()) == []


def test_keys_that_cannot_be_read_are_named_by_their_file(run, enrolled):
    enrolled.with_name("mfa.db.keys").write_text("k1:short\n")
    done = run("support", "reset", USER, "--email", USER, "--reason", "x", "--database", enrolled)
    assert done.code == 2
    assert done.err.startswith(f"wsgi-mfa: {enrolled}.keys: ")
    assert "short" not in done.err


@pytest.mark.requirement("R13", "D28")
def test_a_fence_closes_what_a_restored_backup_would_open_again(run, enrolled, service_at, visit_of):
    with service_at(enrolled) as service:
        before = service.store.load(USER)
        code = service.vault.recovery_copy(USER, before.recovery_code)
    done = run("store", "fence", "--database", enrolled)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("fenced: 1 account\n")
    assert done.out.endswith("store: open\n")
    with service_at(enrolled) as service:
        account = service.store.load(USER)
        assert account.sessions == ()
        assert account.authenticator.last_step > before.authenticator.last_step
        assert service.sign_in_by_recovery_code(visit_of(service), code).outcome is Outcome.WRONG_CODE


def test_a_fence_reaches_every_account(run, database, service_at, visit_of):
    with service_at(database) as service:
        for number in range(103):
            service.begin_enrollment(visit_of(service, f"user{number:03d}"))
    assert run("store", "fence", "--database", database).out.startswith("fenced: 103 accounts\n")


@pytest.mark.requirement("D33")
def test_the_rule_for_new_users_is_shown_and_changed(run, database):
    def told(*rule):
        done = run("store", "enrollment", *rule, "--database", database)
        assert (done.code, done.err) == (0, "")
        return done.out

    by_policy, invited = "enrollment: open, as the policy says\n", "enrollment: invited, for every new user\n"
    assert told() == by_policy
    assert told("invited") == told() == invited
    assert told("policy") == told() == by_policy
    wrong = run("store", "enrollment", "closed", "--database", database)
    assert wrong.code == 2
    assert told() == by_policy
