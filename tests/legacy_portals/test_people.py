"""Tests for legacy_portals.people."""

from __future__ import annotations

import subprocess
import sys

import pytest

from legacy_portals import DEMO_USERS, PortalUser


def test_the_demo_has_users_of_both_roles_under_their_addresses() -> None:
    assert [name for name, user in DEMO_USERS.items() if user.name != name] == []
    assert all(name.endswith("@example.com") for name in DEMO_USERS)
    roles = [user.role for user in DEMO_USERS.values()]
    assert (roles.count("user"), roles.count("support")) == (4, 2)


def test_a_line_with_a_demo_user_splits_into_its_words() -> None:
    lines = [f"account: {user.name} {user.password} {user.role}" for user in DEMO_USERS.values()]
    assert {len(line.split()) for line in lines} == {4}


@pytest.mark.parametrize(
    ("name", "password", "role", "fact"),
    [
        ("", "secret", "user", "name must be"),
        (" ann", "secret", "user", "' ann'"),
        ("ann", "", "user", "password of 'ann'"),
        ("ann", "secret", "root", "one of user, support, not 'root'"),
    ],
)
def test_a_user_that_no_portal_accepts_is_refused(name: str, password: str, role: str, fact: str) -> None:
    with pytest.raises(ValueError, match=fact):
        PortalUser(name, password, role=role)


def test_a_user_is_printed_without_the_password() -> None:
    assert "secret" not in repr(PortalUser("ann", "secret"))


def test_importing_the_package_loads_neither_werkzeug_nor_itsdangerous() -> None:
    question = "import sys, legacy_portals; print({'werkzeug', 'itsdangerous'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)
    assert answer.stdout == "set()\n"
