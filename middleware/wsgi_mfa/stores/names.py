"""Checks that the names of the accounts in a store fit the way in which user names are taken."""

from __future__ import annotations

from collections.abc import Callable

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.usernames import names_of
from wsgi_mfa.errors import StoreError
from wsgi_mfa.stores.protocol import Store, every_user

Load = Callable[[str], "Account | None"]

KEYED = "accounts_by_key"
TOLD_MAX = 5


def is_keyed(store: Store) -> bool:
    """Return True if the accounts of ``store`` are bound by keys of the portal, not by names that users may change."""
    return bool(store.bindings(KEYED))


def mark_keyed(store: Store) -> None:
    """Say that the accounts of ``store`` are bound by keys from now on."""
    store.write_bindings({KEYED: "true"})


def check_keyed(store: Store) -> None:
    """Mark an empty store, and reject one with accounts that may be bound by names.

    :raises StoreError: an account may be bound by a name that its user has changed since.
    """
    if is_keyed(store):
        return
    if store.users(limit=1):
        raise StoreError(
            "the directory finds users by a key, and the accounts of the store are bound by names: run"
            " `wsgi-mfa accounts migrate`"
        )
    mark_keyed(store)


def unguarded_names(store: Store, load: Load) -> list[str]:
    """Return the accounts beside which a third spelling of their name could begin a new one.

    They are those made with ``user_names = "exact"`` whose folded name has no account that is bound.
    """
    found = []
    for user in every_user(store):
        folded = names_of(user)[1]
        if folded != user:
            shared = load(folded)
            if shared is None or not shared.spellings:
                found.append(user)
    return found


def check_guarded(store: Store, load: Load) -> None:
    """Reject a store with unguarded names.

    :raises StoreError: it has some.
    """
    found = unguarded_names(store, load)
    if found:
        raise StoreError(f'user_names is "ask": {unguarded_text(found)}')


def unguarded_text(names: list[str]) -> str:
    """Return what is to be done about unguarded names."""
    return (
        f'{listed(names)} were made with user_names = "exact"; say `wsgi-mfa accounts spellings --apart` for each'
        " first"
    )


def listed(names: list[str]) -> str:
    """Return the first few names in one line."""
    more = f" and {len(names) - TOLD_MAX} more" if len(names) > TOLD_MAX else ""
    return f"{', '.join(map(repr, names[:TOLD_MAX]))}{more}"
