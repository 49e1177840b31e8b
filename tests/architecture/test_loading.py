"""Accounts are loaded where a rollback is detected; the modules that read past that are named here."""

from __future__ import annotations

import ast

import pytest

#: The stores themselves, and the one place that compares what a store says with what it said before.
CHECKED = ("wsgi_mfa.stores.", "wsgi_mfa.stores.rollback")
#: Commands of an operator, which also read a store that is closed or was rolled back.
OPERATORS = {
    "wsgi_mfa.audit.hash_chain",
    "wsgi_mfa.operations.spellings",
    "wsgi_mfa.cli.accounts",
    "wsgi_mfa.operations.key_rotation",
    "wsgi_mfa.operations.rollout_report",
    "wsgi_mfa.operations.integrity",
    "wsgi_mfa.operations.key_checks",
    "wsgi_mfa.operations.restore",
}


def loads_of_a_store(tree):
    """The lines on which ``load`` of a store is called or handed on."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == "load"
        and ast.unparse(node.value).rpartition(".")[2].endswith("store")
    ]


def test_only_the_service_loads_an_account_from_a_store(modules):
    """Call ``MfaService.load``; for a command of an operator, ``load_for_operator``."""
    wrong = [
        f"{module.path}:{line}"
        for module in modules
        if module.package == "wsgi_mfa" and not module.name.startswith(CHECKED)
        for line in loads_of_a_store(ast.parse(module.path.read_text(encoding="utf-8")))
    ]
    assert wrong == []


def test_only_named_modules_read_past_the_check_for_a_rollback(modules):
    found = {
        module.name
        for module in modules
        for used in module.imports
        if used.name == "load_for_operator" and module.name.startswith("wsgi_mfa.")
    }
    assert found == OPERATORS


@pytest.mark.parametrize(
    "source",
    [
        "store.load(user)",
        "service.store.load(user)",
        "self._service.store.load(user)",
        "place.operator_store.load(user)",
        "read = service.store.load",
    ],
)
def test_a_load_past_the_service_is_found(source):
    assert loads_of_a_store(ast.parse(source)) == [1]


def test_a_load_by_the_service_is_none():
    assert loads_of_a_store(ast.parse("service.load(user)\nself._service.load(user)")) == []
