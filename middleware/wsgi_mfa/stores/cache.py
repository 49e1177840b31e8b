"""The accounts that were read or saved last, so that the common request parses nothing (D24)."""

from __future__ import annotations

import threading

from wsgi_mfa.core.account import Account


class RecentAccounts:
    """At most ``accounts_max`` decoded accounts; the one that was read or saved the longest ago goes first.

    What it finds may be old. The caller asks the store for the revision and compares for equality, which is
    safe because no revision is ever used twice.
    """

    def __init__(self, *, accounts_max: int) -> None:
        self._accounts: dict[str, Account] = {}
        self._accounts_max = accounts_max
        self._lock = threading.Lock()  # for those who change it; one look into a dictionary needs none
        self.find = self._accounts.get

    def keep(self, account: Account) -> None:
        with self._lock:
            self._accounts.pop(account.user, None)
            self._accounts[account.user] = account
            if len(self._accounts) > self._accounts_max:
                del self._accounts[next(iter(self._accounts))]

    def forget(self, user: str) -> None:
        with self._lock:
            self._accounts.pop(user, None)
