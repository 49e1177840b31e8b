"""The page for operators names commands and options that there are."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from wsgi_mfa import AccessRule
from wsgi_mfa.cli.root import root as wsgi_mfa
from wsgi_mfa.configuration.toml_file import read_configuration


@pytest.fixture
def page(root):
    return (root / "docs" / "operating.md").read_text(encoding="utf-8")


def command_lines(page):
    lines = re.findall(r"^\$ wsgi-mfa (.*?)(?: > \S+)?$", page, re.MULTILINE)
    return [shlex.split(line) for line in lines]


def parsed(arguments):
    """The path of the command that ``arguments`` call, after its own parser has taken the rest."""
    command, path = wsgi_mfa, []
    while isinstance(command, click.Group):
        word, *arguments = arguments
        path.append(word)
        command = command.commands[word]
    place = (
        []
        if {"--config", "--database"} & set(arguments) or path == ["keys", "generate"]
        else ["--database", "x"]
    )
    command.make_context(path[-1], [*arguments, *place])
    return " ".join(path)


def test_every_command_line_is_one_that_is_understood(page):
    told = {parsed(arguments) for arguments in command_lines(page)}
    assert {"demo", "serve", "check", "store init", "store fence", "keys rotate", "support invite"} <= told


def test_every_command_of_the_operator_is_told_of(page):
    told = {parsed(arguments) for arguments in command_lines(page)}
    there = {
        f"{name} {each}"
        for name in ("accounts", "audit", "keys", "support", "store")
        for each in wsgi_mfa.commands[name].commands
    }
    assert there - told == set()


def test_the_access_rules_of_the_page_are_those_that_it_describes(page, tmp_path):
    (text,) = re.findall(r"```toml\n(\[\[policy\.rules\]\].*?)```", page, re.DOTALL)
    file = tmp_path / "mfa.toml"
    file.write_text(
        f'issuer = "P"\nstore = "sqlite:///mfa.db"\n[identity]\nkind = "remote-user"\n{text}', "utf-8"
    )
    assert read_configuration(file).policy.rules == (
        AccessRule(user="batch@example.com", second_factor=False),
        AccessRule(methods=("GET",), path="/reports", group="clerks", second_factor=False),
        AccessRule(path="/transfers/help", second_factor=True),
        AccessRule(methods=("POST",), path="/transfers", max_age_seconds=300),
    )


def test_the_first_file_of_the_page_is_complete(page, tmp_path, monkeypatch):
    (text,) = re.findall(r"```toml\n(issuer = .*?)```", page, re.DOTALL)
    monkeypatch.setenv("SECRET_KEY", "the secret of a portal in tests")
    file = tmp_path / "mfa.toml"
    file.write_text(text, encoding="utf-8")
    assert read_configuration(file).store == "sqlite:///portal.db"
