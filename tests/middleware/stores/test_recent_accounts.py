"""The bounded memory of accounts."""

from __future__ import annotations

from collections.abc import Callable

from wsgi_mfa.core.account import Account
from wsgi_mfa.stores.sqlite import RecentAccounts


def test_the_account_that_was_read_the_longest_ago_goes_first(account: Callable[..., Account]) -> None:
    recent = RecentAccounts(accounts_max=2)
    recent.keep(account(1, user="ann"))
    recent.keep(account(1, user="bob"))
    recent.keep(account(1, user="zoe"))
    assert recent.find("ann") is None
    assert recent.find("bob") == account(1, user="bob")
    assert recent.find("zoe") == account(1, user="zoe")


def test_a_newer_value_takes_the_place_of_the_older_and_counts_as_read_last(
    account: Callable[..., Account],
) -> None:
    recent = RecentAccounts(accounts_max=2)
    recent.keep(account(1, user="ann"))
    recent.keep(account(1, user="bob"))
    recent.keep(account(2, user="ann"))
    recent.keep(account(1, user="zoe"))
    assert recent.find("ann") == account(2, user="ann")
    assert recent.find("bob") is None


def test_a_forgotten_account_is_not_found(account: Callable[..., Account]) -> None:
    recent = RecentAccounts(accounts_max=2)
    recent.keep(account(1, user="ann"))
    recent.forget("ann")
    recent.forget("ann")
    assert recent.find("ann") is None
