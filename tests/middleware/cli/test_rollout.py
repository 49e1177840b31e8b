"""``wsgi-mfa accounts rollout`` and what ``check`` says of a roll-out."""

from __future__ import annotations

import re
import sys
from types import ModuleType

import pytest

from wsgi_mfa import Person
from wsgi_mfa.core.commands import PostponeEnrollment
from wsgi_mfa.core.policy import Policy

USER = "user1@example.com"
BEFORE, AFTER = "2199-01-15T00:00:00Z", "2020-01-15T00:00:00Z"


def facts_of(text):
    return dict(re.findall(r"^(\S.*?)  +(\S.*?) *$", text, re.MULTILINE))


class Directory:
    """A directory that lists its people, one of whom has a phone."""

    def __call__(self, name):
        return Person(name=name)

    def people(self):
        yield Person(name="User1@example.com", groups=("drivers",))
        yield Person(name="anna", groups=("clerks",))
        yield Person(name="bert", groups=("drivers",))


@pytest.fixture
def config_of(enrolled, monkeypatch, tmp_path):
    """``config_of(policy)``: an mfa.toml over the database with these lines in its table [policy]."""
    module = ModuleType("people_of_tests")
    module.listed = Directory()
    module.plain = lambda name: Person(name=name)
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def make(policy, *, directory="listed"):
        keys = enrolled.with_name(enrolled.name + ".keys")
        path = tmp_path / "mfa.toml"
        named = f'directory = "people_of_tests:{directory}"\n' if directory else ""
        path.write_text(
            f'issuer = "Portal"\nstore = "sqlite:///{enrolled}"\nkeys_file = "{keys}"\n{named}'
            f'[identity]\nkind = "remote-user"\n[policy]\n{policy}\n'
        )
        return path

    return make


@pytest.mark.requirement("R41")
def test_everybody_whom_the_directory_lists_is_counted(run, config_of):
    config = config_of(f'required_from = {BEFORE}\nrequired_groups = ["clerks"]')
    done = run("accounts", "rollout", "--missing", "--config", config)
    assert (done.code, done.err) == (0, "")
    facts = facts_of(done.out)
    assert facts["counted"] == "3 users in the directory"
    assert (facts["with a phone"], facts["must set one up"]) == ("1", "1")
    assert facts["need none yet"] == "1, 0 of them put it off"
    assert re.findall(r"^(must|not yet) +(\w+)$", done.out, re.MULTILINE)[-2:] == [
        ("must", "anna"),
        ("not yet", "bert"),
    ]


def test_without_a_list_those_are_counted_who_have_an_account(run, enrolled, config_of, service_at, visit_of):
    with service_at(enrolled) as service:
        service.policy = Policy(required_from="never")
        visit = visit_of(service, "carla")
        service.apply(visit, PostponeEnrollment(origin=visit.origin, groups=()))
    facts = facts_of(
        run("accounts", "rollout", "--config", config_of('required_from = "never"', directory="plain")).out
    )
    assert facts["required"] == "of nobody now, of everybody on no fixed day"
    assert facts["counted"] == "2 accounts in the store"
    assert facts["need none yet"] == "1, 1 of them put it off"


def test_from_the_day_on_all_others_must(run, enrolled, config_of):
    facts = facts_of(run("accounts", "rollout", "--config", config_of(f"required_from = {AFTER}")).out)
    assert facts["required"].startswith("of everybody, since 2020-01-15 00:00:00 UTC")
    assert (facts["with a phone"], facts["must set one up"]) == ("1", "2")
    assert facts_of(run("accounts", "rollout", "--database", enrolled).out)["required"] == "of everybody"


def test_check_says_which_users_and_groups_nobody_knows(run, config_of):
    policy = f'required_from = {BEFORE}\nrequired_users = ["Anna", "zoe"]\nrequired_groups = ["clerk"]'
    done = run("check", "--config", config_of(policy))
    assert done.code == 1
    assert (
        "problem  roll-out: policy.required_users: the directory lists no 'zoe';"
        " policy.required_groups: the directory has nobody in 'clerk'\n"
    ) in done.out
    good = f'required_from = {BEFORE}\nrequired_users = ["Anna"]'
    assert "the directory lists 3 people\n" in run("check", "--config", config_of(good)).out
    assert "no directory can tell\n" in run("check", "--config", config_of(good, directory="plain")).out


def test_check_says_that_groups_need_a_directory(run, config_of):
    policy = f'required_from = {BEFORE}\nrequired_groups = ["clerks"]'
    done = run("check", "--config", config_of(policy, directory=None))
    assert done.code == 1
    assert "problem  roll-out: policy.required_groups names groups: give directory=" in done.out


@pytest.mark.parametrize("day", ["2027-01-15", "2027-01-15T00:00:00", "true", '"soon"'])
def test_a_day_without_its_zone_is_refused_with_the_file_and_the_setting(run, config_of, day):
    done = run("check", "--config", config_of(f"required_from = {day}"))
    assert done.code == 2
    assert "mfa.toml: policy.required_from is " in done.err
    assert "legal is always, never or an instant with its zone" in done.err
