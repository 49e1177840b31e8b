"""Who may use the support desk over HTTP, in ``mfa.toml``, and what ``check`` says of it."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from wsgi_mfa import Person
from wsgi_mfa.configuration.toml_file import read_configuration

PEOPLE = {"edith": Person(name="edith", groups=("desk",)), "ed": Person(name="edith")}


@pytest.fixture
def config_of(enrolled, monkeypatch, tmp_path):
    """``config_of(line)``: an mfa.toml over the database with this line, and a directory unless it is left out."""
    module = ModuleType("people_of_the_desk")
    module.known = PEOPLE.get
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def make(line, *, directory='directory = "people_of_the_desk:known"'):
        keys = enrolled.with_name(enrolled.name + ".keys")
        path = tmp_path / "mfa.toml"
        path.write_text(
            f'issuer = "Portal"\nstore = "sqlite:///{enrolled}"\nkeys_file = "{keys}"\n{directory}\n{line}\n'
            '[identity]\nkind = "remote-user"\n'
        )
        return path

    return make


@pytest.mark.requirement("R44")
def test_the_file_names_the_agents(config_of, run):
    config = config_of('support_agents = ["edith", "group:desk"]')
    assert read_configuration(config).settings()["support_agents"] == ("edith", "group:desk")
    assert (
        "ok       support_agents: 1 by name and those in desk may use /mfa/support"
        in run("check", "--config", config).out
    )


@pytest.mark.requirement("R44", "D1")
@pytest.mark.parametrize(("name", "said"), [("farid", "knows nobody by it"), ("ed", "knows 'edith' by it")])
def test_an_agent_who_has_no_account_by_that_name_is_a_problem(config_of, run, name, said):
    done = run("check", "--config", config_of(f'support_agents = ["{name}"]'))
    assert done.code == 1
    assert f"problem  support_agents: '{name}' is no name of an account: the directory {said}" in done.out


@pytest.mark.requirement("R44")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('support_agents = "edith"', "support_agents is 'edith': legal is a list of texts"),
        ('support_agents = ["*"]', "support_agents has '*'"),
        ("support_agents = [1]", "legal is a list of texts"),
        ('support_agent = ["edith"]', 'did you mean "support_agents"?'),
    ],
)
def test_what_is_not_legal_is_an_error_with_what_is(config_of, run, line, said):
    done = run("check", "--config", config_of(line))
    assert done.code == 2
    assert said in done.err


@pytest.mark.requirement("R44")
def test_a_group_needs_a_directory(config_of, run):
    done = run("check", "--config", config_of('support_agents = ["group:desk"]', directory=""))
    assert done.code == 2
    assert "give directory=" in done.err


@pytest.mark.requirement("R44", "D30")
def test_a_desk_without_a_directory_is_warned_of(config_of, run):
    warning = "warning  support_agents: there is no directory"
    done = run("check", "--config", config_of('support_agents = ["edith"]', directory=""))
    assert warning in done.out
    assert warning not in run("check", "--config", config_of('support_agents = ["edith"]')).out


def test_keys_in_the_environment_beside_a_key_file_are_told_not_to_count(config_of, run, monkeypatch):
    told = "warning  keys: WSGI_MFA_KEYS is set too and does not count: keys_file does"
    monkeypatch.delenv("WSGI_MFA_KEYS", raising=False)
    assert told not in run("check", "--config", config_of("")).out
    monkeypatch.setenv("WSGI_MFA_KEYS", "k9:anything")
    assert told in run("check", "--config", config_of("")).out
