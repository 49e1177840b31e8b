"""The accounts that were read or saved last, so that the common request parses nothing (D24)."""

from __future__ import annotations

import threading
from collections import OrderedDict

from wsgi_mfa.core.account import Account


class RecentAccounts:
    """At most ``accounts_max`` decoded accounts; the one not asked for the longest goes first.

    What it finds may be old. The caller asks the store for the revision and compares for equality, which is
    safe because no revision is ever used twice.
    """

    def __init__(self, *, accounts_max: int) -> None:
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._accounts_max = accounts_max
        self._lock = threading.Lock()

    def find(self, user: str) -> Account | None:
        with self._lock:
            account = self._accounts.get(user)
            if account is not None:
                self._accounts.move_to_end(user)
            return account

    def keep(self, account: Account) -> None:
        with self._lock:
            self._accounts[account.user] = account
            self._accounts.move_to_end(account.user)
            if len(self._accounts) > self._accounts_max:
                self._accounts.popitem(last=False)

    def forget(self, user: str) -> None:
        with self._lock:
            self._accounts.pop(user, None)
