"""``accounts spellings`` and ``accounts migrate``, and what ``check`` says of user names (D44)."""

from __future__ import annotations

import json

import pytest

from wsgi_mfa.core.commands import Origin, RefuseSpelling
from wsgi_mfa.service import Visit

pytestmark = pytest.mark.requirement("D44")

USER = "user1@example.com"
OTHER = "User1@example.com"


@pytest.fixture
def asked(enrolled, service_at):
    """A database with an account that is bound, and another spelling that was rejected."""
    with service_at(enrolled) as service:
        visit = Visit(user=USER, origin=Origin(browser="", next_browser=""), now=service.clock.now())
        service.apply(visit, RefuseSpelling(spelling=OTHER, source="192.0.2.1"))
    return enrolled


def listed(run, database):
    return json.loads(run("accounts", "spellings", "--json", "--database", database).out)


def test_names_with_one_spelling_are_not_listed(run, enrolled):
    done = run("accounts", "spellings", "--database", enrolled)
    assert (done.code, done.out) == (0, "each user name has one spelling\n")


def test_rejected_spellings_are_listed(run, asked):
    done = run("accounts", "spellings", "--database", asked)
    assert done.code == 0
    assert OTHER in done.out.replace("\n", "")
    (group,) = listed(run, asked)
    assert group["name"] == USER
    assert group["rejected"] == [OTHER]


def test_a_spelling_is_said_to_be_the_same_user(run, asked):
    done = run("accounts", "spellings", "--same", OTHER, "--reason", "asked her", "--database", asked)
    assert (done.code, done.out) == (0, f"same: {OTHER} signs in to the account {USER}\n")
    assert OTHER in listed(run, asked)[0]["accounts"][USER]
    assert listed(run, asked)[0]["rejected"] == []
    assert "spelling.same" in run("accounts", "show", USER, "--database", asked).out


def test_a_spelling_is_kept_apart(run, asked):
    done = run("accounts", "spellings", "--apart", OTHER, "--json", "--database", asked)
    assert json.loads(done.out) == {"apart": OTHER, "account": OTHER, "other_account": USER}
    (group,) = listed(run, asked)
    assert group["accounts"][OTHER] == [OTHER]
    assert group["rejected"] == []


def test_a_rejected_spelling_is_forgotten(run, asked):
    assert run("accounts", "spellings", "--forget", OTHER, "--database", asked).code == 0
    assert listed(run, asked) == []
    again = run("accounts", "spellings", "--forget", OTHER, "--database", asked)
    assert again.code == 2
    assert "no spelling" in again.err


def test_two_decisions_at_once_are_an_error(run, asked):
    done = run("accounts", "spellings", "--same", OTHER, "--apart", OTHER, "--database", asked)
    assert done.code == 2
    assert "exclude each other" in done.err


def test_a_spelling_without_an_account_is_an_error(run, asked):
    done = run("accounts", "spellings", "--same", "Nobody", "--database", asked)
    assert done.code == 2
    assert "there is no account 'nobody'" in done.err


def test_a_migration_needs_a_directory(run, enrolled):
    done = run("accounts", "migrate", "--database", enrolled)
    assert done.code == 2
    assert "directory" in done.err


CONFIG = """
issuer = "Client Portal"
store = "sqlite:///{path}"
keys_file = "{path}.keys"
{more}
[identity]
kind = "remote-user"
"""

PEOPLE = """
from wsgi_mfa import Person

PEOPLE = [Person(name="{user}", email="{user}", key="7"), Person(name="b", key="8")]


class Directory:
    def __call__(self, key):
        return next((person for person in PEOPLE if person.key == key), None)

    def people(self):
        return iter(PEOPLE)


directory = Directory()
"""


@pytest.fixture
def config(asked, tmp_path, monkeypatch):
    """``config(more)``: an mfa.toml over the database; the module ``keyed_people`` has a directory."""
    (tmp_path / "keyed_people.py").write_text(PEOPLE.format(user=USER))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "keyed_people", raising=False)

    def write(more: str = ""):
        path = tmp_path / "mfa.toml"
        path.write_text(CONFIG.format(path=asked, more=more))
        return path

    return write


def test_check_tells_how_names_are_taken_and_what_waits(run, config):
    done = run("check", "--config", config())
    assert "ok       user names: ask, as the adapter says; 1 rejected spelling waits" in done.out
    done = run("check", "--config", config('user_names = "folded"'))
    assert done.code == 1
    assert "problem  user names: 'user1@example.com'" in done.out
    done = run("check", "--config", config('user_names = "exact"'))
    assert "ok       user names: exact, as the setting says" in done.out
    done = run("check", "--config", config('user_names = "some"'))
    assert "user_names is 'some': legal are exact, ask, folded" in done.out + done.err


def test_accounts_are_moved_to_the_keys_of_the_directory(run, config):
    file = config('directory = "keyed_people:directory"')
    done = run("accounts", "migrate", "--config", file)
    assert (done.code, done.out) == (0, "migrated: 1 account\n")
    assert "spellings" in run("accounts", "show", "7", "--config", file).out
    again = run("accounts", "migrate", "--config", file)
    assert again.code == 2
    assert "already" in again.err


def test_accounts_are_renamed_exactly_where_names_are_exact(run, config):
    file = config('user_names = "exact"')
    done = run("accounts", "rename", USER, "Ann@Example.com", "--config", file)
    assert done.out == f"renamed: {USER} is Ann@Example.com now\n"
    assert run("accounts", "show", "Ann@Example.com", "--config", file).code == 0
