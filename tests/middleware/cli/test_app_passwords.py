"""``accounts app-passwords``: what an operator sees of them and ends, without a secret (D50)."""

from __future__ import annotations

import json

import pytest

from wsgi_mfa.core import app_passwords
from wsgi_mfa.core.commands import MakeAppPassword

pytestmark = pytest.mark.requirement("D50")

CODE = "0123456789ABCDEFGHJKMNPQ"


@pytest.fixture
def with_two(enrolled, service_at, visit_of):
    """The database with an account that has two app passwords, and the name of the user."""
    with service_at(enrolled) as service:
        user = visit_of(service).user
        session_id = service.load(user).sessions[0].id
        for number, name in ((1, "calendar"), (2, "uploads")):
            command = MakeAppPassword(
                origin=visit_of(service, session_id=session_id).origin,
                id=f"{number}" * 32,
                digest=app_passwords.digest_of(user, CODE),
                name=name,
                path="/cal",
                days=30,
            )
            service.apply(visit_of(service), command)
    return enrolled, user


def test_they_are_listed_without_a_secret(run, with_two):
    database, user = with_two
    done = run("accounts", "app-passwords", user, "--database", database)
    assert done.code == 0
    assert "calendar" in done.out
    assert "uploads" in done.out
    assert "/cal" in done.out
    assert app_passwords.digest_of(user, CODE) not in done.out
    assert "app passwords" in run("accounts", "show", user, "--database", database).out


def test_json_has_one_member_for_each_fact(run, with_two):
    database, user = with_two
    listed = json.loads(run("accounts", "app-passwords", user, "--json", "--database", database).out)
    assert [each["name"] for each in listed] == ["calendar", "uploads"]
    assert set(listed[0]) == {"id", "name", "path", "made_at", "used_at", "expires_at"}
    assert listed[0]["expires_at"] - listed[0]["made_at"] == 30 * 86400


def test_one_or_all_are_ended(run, with_two):
    database, user = with_two
    one = run("accounts", "app-passwords", user, "--end", "1111", "--database", database)
    assert one.out == "ended: 1 app password\n"
    assert "uploads" in run("accounts", "app-passwords", user, "--database", database).out
    again = run("accounts", "app-passwords", user, "--end", "1111", "--database", database)
    assert (again.code, again.out) == (2, "")
    assert "0 app passwords" in again.err
    rest = run("accounts", "app-passwords", user, "--end-all", "--database", database)
    assert rest.out == "ended: 1 app password\n"
    assert run("accounts", "app-passwords", user, "--database", database).out == "no app passwords\n"


def test_an_unknown_user_is_an_error(run, database):
    assert run("accounts", "app-passwords", "stranger", "--database", database).code == 2
