"""Accounts that were bound by names, moved to the keys of a directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wsgi_mfa.core.removal import is_there
from wsgi_mfa.core.spellings import account_name
from wsgi_mfa.core.usernames import names_of
from wsgi_mfa.directory import Person
from wsgi_mfa.errors import AccountError, InvalidUserError
from wsgi_mfa.operations.accounts import AccountKeeper
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.names import is_keyed, mark_keyed
from wsgi_mfa.stores.protocol import every_user


@dataclass(frozen=True, kw_only=True, slots=True)
class MigrationReport:
    """How many accounts were moved, and lines about those that stayed where they were."""

    moved_count: int
    remaining: tuple[str, ...]


class KeyMigration:
    """Moves accounts to the keys of the people that ``directory`` lists."""

    def __init__(
        self, service: MfaService, directory: Callable[[str], Person | None], *, agent: str, reason: str = ""
    ) -> None:
        self._service = service
        self._directory = directory
        self._keeper = AccountKeeper(service, agent=agent, reason=reason)

    def run(self) -> MigrationReport:
        """Move all accounts, and mark the store.

        :raises AccountError: the directory lists no keys, two people have one name here, or the store is marked.
        """
        if is_keyed(self._service.store):
            raise AccountError("the accounts of this store are bound by keys already")
        keys = self._keys()
        waiting = {
            name: key
            for name, key in keys.items()
            if name != key and is_there(self._service.load(account_name(name, self._service.load)))
        }
        taken = sorted(waiting.keys() & set(keys.values()))
        if taken:
            raise AccountError(
                f"{', '.join(map(repr, taken))}: one person's name is another one's key; rename these accounts first"
            )
        for name, key in waiting.items():
            self._keeper.move(name, key, spellings=(key,))
        remaining = [user for user in every_user(self._service.store) if user not in keys.values()]
        lines = [
            f"{user} is not in the directory, and no user is led to it"
            for user in remaining
            if is_there(self._service.load(user))
        ]
        mark_keyed(self._service.store)
        return MigrationReport(moved_count=len(waiting), remaining=tuple(lines))

    def _keys(self) -> dict[str, str]:
        """Return the keys by the folded names of all people, also of those who may not sign in at present."""
        listing = getattr(self._directory, "everyone", None) or getattr(self._directory, "people", None)
        if listing is None:
            raise AccountError("the directory lists no users: it needs a method people() or everyone()")
        keys: dict[str, str] = {}
        for person in listing():
            if person.key is None:
                raise AccountError(f"the directory gives no key for {person.name!r}")
            try:
                name, key = names_of(person.name)[1], names_of(person.key)[0]
            except InvalidUserError:
                continue  # such a name has no account
            if keys.setdefault(name, key) != key and is_there(self._service.load(name)):
                raise AccountError(
                    f"{name!r} is the name of two people, with the keys {keys[name]!r} and {key!r}: rename one of them"
                    " at the portal, or remove the account"
                )
        return keys
