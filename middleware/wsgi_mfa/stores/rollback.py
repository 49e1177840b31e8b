"""What a worker remembers of accounts, so that it notices a store that was put back to what it once was (D28).

The number of an account's events never goes back, whatever clocks, workers and support do. Where it does, a backup was
restored under a worker that was running, and codes, recovery codes and phones of before would work again: nothing is
answered until the operator has fenced the store, which the store then shows.
"""

from __future__ import annotations

from collections.abc import Callable

from wsgi_mfa.core.account import Account
from wsgi_mfa.errors import CorruptAccountError, StoreUnavailableError
from wsgi_mfa.stores.protocol import Store

ACCOUNTS_MAX = 4096


class RollbackDetector:
    """Loads the accounts of one store for one worker. Without a lock: a thread that loses a race remembers less."""

    __slots__ = ("_check", "_fenced_at", "_incident", "_seen", "_store")

    def __init__(
        self,
        store: Store,
        *,
        check: Callable[[Account], None],
        incident: Callable[[CorruptAccountError], None],
    ) -> None:
        self._store = store
        self._check = check  # rejects an account that was edited (D48a)
        self._incident = incident  # is told of each account that is closed
        self._seen: dict[str, Account] = {}
        self._fenced_at = store.fenced_at

    def load(self, user: str) -> Account | None:
        """The account as it was saved last.

        :raises StoreUnavailableError: the store cannot be read, or it was restored and not fenced.
        :raises CorruptAccountError: the account cannot be read, or was edited in the store.
        """
        seen = self._seen.get(user)  # before the load: what comes after it cannot be older
        try:
            account = self._store.load(user)
            if account is seen:
                return account
            if account is not None:
                self._check(account)
        except CorruptAccountError as error:
            self._incident(error)
            raise
        if self._fenced_at != self._store.fenced_at:
            # The operator knows that the store was put back, and has closed what would open again.
            self._fenced_at = self._store.fenced_at
            self._seen.clear()
            seen = None
        if seen is not None and (account is None or account.event_count < seen.event_count):
            raise StoreUnavailableError(
                f"the account {user!r} went back to what it once was: was the store restored?"
                " Run `wsgi-mfa store fence`"
            )
        if account is not None:
            self.saw(account)
        return account

    def saw(self, account: Account) -> None:
        """Remember an account that is in the store."""
        if len(self._seen) >= ACCOUNTS_MAX:
            self._seen.clear()
        self._seen[account.user] = account
