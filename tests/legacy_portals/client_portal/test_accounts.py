"""Tests for legacy_portals.client_portal.accounts."""

from __future__ import annotations

import pytest

from legacy_portals.client_portal.accounts import Accounts
from legacy_portals.people import PortalUser

pytestmark = pytest.mark.any_python

ANN = PortalUser("Ann@example.com", "correct horse")


@pytest.mark.parametrize("typed", ["Ann@example.com", "ann@EXAMPLE.com", "  Ann@example.com\t"])
def test_a_user_name_is_found_without_regard_to_case_and_outer_white_space(typed: str) -> None:
    assert Accounts({ANN.name: ANN}).check(typed, "correct horse") is ANN


@pytest.mark.parametrize(
    ("typed", "password"),
    [
        ("Ann@example.com", "Correct horse"),
        ("Ann@example.com", "correct horse "),
        ("Ann@example.com", ""),
        ("Ann", "correct horse"),
        ("", "correct horse"),
    ],
)
def test_a_wrong_name_or_password_finds_nobody(typed: str, password: str) -> None:
    assert Accounts({ANN.name: ANN}).check(typed, password) is None


def test_a_session_finds_its_user_by_the_exact_name_only() -> None:
    accounts = Accounts({ANN.name: ANN})
    assert accounts.find("Ann@example.com") is ANN
    assert [accounts.find(name) for name in ("ann@example.com", None, 1, True)] == [None] * 4


def test_a_user_listed_under_another_name_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"'Ann@example\.com' must be listed under that name, not under 'ann'"
    ):
        Accounts({"ann": ANN})


def test_user_names_that_differ_in_case_only_are_refused() -> None:
    users = {name: PortalUser(name, "secret") for name in ("ann", "Ann")}
    with pytest.raises(ValueError, match="'ann' and 'Ann' differ in case only"):
        Accounts(users)


def test_visits_are_counted_from_one() -> None:
    accounts = Accounts({})
    assert [accounts.next_visit() for _ in range(3)] == [1, 2, 3]
