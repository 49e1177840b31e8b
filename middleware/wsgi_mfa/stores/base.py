"""Most of a store, ready made: a new one adds six methods and a small table."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.codec import ACCOUNT_CODEC, CodecError, UnknownSchemaError
from wsgi_mfa.core.events import Event
from wsgi_mfa.errors import CorruptAccountError, StoreError, StoreUnavailableError
from wsgi_mfa.stores.admin import STATUS, TableAdmin, status_from
from wsgi_mfa.stores.protocol import Store, StoreIdentity
from wsgi_mfa.stores.status import StatusGuard


class StoreBase(TableAdmin, ABC):
    """A whole store over what its subclass keeps: accounts, events and the mapping ``table``.

    The subclass writes :meth:`transaction` and the five methods after it, all of which are called inside a
    transaction. Comparing revisions, the store status and the administration are done here. A store whose engine
    can compare and save in one statement does better to implement :class:`~wsgi_mfa.stores.protocol.Store` itself.
    """

    #: True if other processes see what this one saves: then :meth:`transaction` has to hold them off too.
    shared_between_processes = False
    #: The form in which accounts are written; a subclass that keeps text may be told to write the one before.
    document_schema: int = ACCOUNT_CODEC.schema
    #: The small table; read and changed inside a transaction only, and kept by it like the accounts.
    table: MutableMapping[str, str]

    def __init__(self, *, identity: StoreIdentity) -> None:
        self.identity = identity
        self._guard: StatusGuard | None = StatusGuard()
        self._closed = False

    @abstractmethod
    def transaction(self) -> AbstractContextManager[object]:
        """Hold off every other transaction; what was written is durable at its end, or undone by an exception.

        :raises StoreUnavailableError: the store cannot be reached or written.
        """

    @abstractmethod
    def read_account(self, user: str) -> Account | None:
        """Return the account as it was written last; None when there is none.

        :raises StoreError: it cannot be read.
        """

    @abstractmethod
    def write_account(self, account: Account, events: Sequence[Event]) -> None:
        """Keep the account in place of the one before, and its events after all others."""

    @abstractmethod
    def read_users(self, after: str, limit: int) -> list[str]:
        """Return the first ``limit`` user names that sort after ``after``, by code point."""

    @abstractmethod
    def read_events(self, user: str | None, limit: int) -> list[Event]:
        """Return the latest ``limit`` events, of one user or of all, the newest last."""

    @abstractmethod
    def drop_events(self, user: str, count: int) -> None:
        """Drop the ``count`` oldest events of one user."""

    @property
    def fenced_at(self) -> int:
        return self._guard.fenced_at if self._guard is not None else 0

    def for_operator(self) -> Store:
        self._check_living()
        twin = copy.copy(self)
        twin._guard = None
        return twin

    def load(self, user: str) -> Account | None:
        with self.transaction():
            self._check()
            return self._account(user)

    def save(self, account: Account, events: Sequence[Event], *, expected: str | None) -> bool:
        account.check_replaces(expected)
        added = tuple(events)  # first, so that a sequence that fails has changed nothing
        with self.transaction():
            self._check()
            stored = self._account(account.user)
            if (stored.revision if stored else None) != expected:
                return False
            self.write_account(account, added)
        return True

    def users(self, *, after: str = "", limit: int = 100) -> list[str]:
        with self.transaction():
            self._check()
            return self.read_users(after, limit)

    def find_by_address(self, address: str) -> list[str]:
        """Read every account; a store with an index overrides it."""
        found: list[str] = []
        with self.transaction():
            self._check()
            after = ""
            while page := self.read_users(after, 100):
                accounts = map(self._account, page)
                found += [account.user for account in accounts if account and account.address == address]
                after = page[-1]
        return found

    def events(self, user: str | None = None, *, limit: int = 100) -> list[Event]:
        with self.transaction():
            self._check()
            try:
                return self.read_events(user, limit)
            except CodecError as error:
                raise StoreError(f"an event in the store cannot be read: {error}") from error

    def forget_events(self, user: str, count: int) -> None:
        with self.transaction():
            self._check()
            self.drop_events(user, count)

    def close(self) -> None:
        """Answer no call any more; a store that holds files or connections lets go of them too."""
        self._closed = True

    def _read_admin(self, prefix: str, *, while_closed: bool = False) -> dict[str, str]:
        with self.transaction():
            self._check_living() if while_closed else self._check()
            return {key: value for key, value in self.table.items() if key.startswith(prefix)}

    def _write_admin(self, changes: Mapping[str, str | None], *, while_closed: bool = False) -> None:
        with self.transaction():
            self._check_living() if while_closed else self._check()
            for key, value in changes.items():
                if value is None:
                    self.table.pop(key, None)
                else:
                    self.table[key] = value

    def _account(self, user: str) -> Account | None:
        """Return the account, checked: one that cannot be read is an error, and never a user who has not enrolled."""
        try:
            account = self.read_account(user)
        except UnknownSchemaError as error:
            raise StoreError(f"the account of {user!r} in the store cannot be read: {error}") from error
        except CodecError as error:
            raise CorruptAccountError(
                f"the account of {user!r} in the store cannot be read: {error}", user=user
            ) from error
        # A row that was copied from another user must not lend its counters and sessions (R42).
        if account is not None and account.user != user:
            raise CorruptAccountError(
                f"the account of {user!r} in the store is corrupt: it is another one's", user=user
            )
        return account

    def _check(self) -> None:
        """Look at the store status: inside the transaction, so that nothing is saved after a close.

        :raises StoreUnavailableError: the store was closed, by this process or by its operator, or rolled back.
        """
        self._check_living()
        if self._guard is not None:
            self._guard.check(status_from(self.table.get(STATUS)))

    def _check_living(self) -> None:
        if self._closed:
            raise StoreUnavailableError("the store is closed")


if TYPE_CHECKING:

    def _is_a_store(base: StoreBase) -> Store:
        return base
