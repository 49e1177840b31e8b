"""Requests that passed, remembered by each worker, so that the next one like it finds nothing out anew (D24).

A pass is good for one session cookie, as long as its account was not saved anew, which the store is asked on every
request, the keys that signed the cookie are in use, and the rules give the same answer: all of that is compared.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.authentication_state import AuthenticationState
from wsgi_mfa.keys.ring import KeyRing

CACHED_REQUESTS_MAX = 4096


class CachedRequest(NamedTuple):
    """The session that a cookie has named for ``user`` in ``login``, its state, and what the application is told.

    ``revision`` is that of the account, and ``ring`` signed the cookie.
    """

    user: str
    login: str | None
    revision: str
    ring: KeyRing
    session_id: str
    state: AuthenticationState
    told: Mapping[str, object]


class WorkerCache:
    """The passes of one worker by session cookie. Only what has passed is kept, so nobody fills it from outside."""

    def __init__(self) -> None:
        self._passes: dict[str, CachedRequest] = {}

    def find(
        self, cookie: str | None, account: Account, *, login: str | None, ring: KeyRing, now: int
    ) -> CachedRequest | None:
        """The pass of a browser with this cookie, if it is still good."""
        known = self._passes.get(cookie)  # type: ignore[arg-type] # no pass is kept under None
        if (
            known is not None
            and known.revision == account.revision
            and known.user == account.user
            and known.login == login
            and known.ring is ring
            and known.state.since <= now < known.state.until
        ):
            return known
        return None

    def keep(self, cookie: str, known: CachedRequest) -> None:
        if len(self._passes) >= CACHED_REQUESTS_MAX:
            self._passes.clear()
        self._passes[cookie] = known


USED_CODES_MAX = 4096


class UsedAppendedCodes:
    """Credentials whose code was refused, or has served its session: no code is good twice, so none is judged twice.

    Without it a program that goes on to send an old code would use up its user's tries.
    """

    def __init__(self) -> None:
        self._spent: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, client: str) -> None:
        with self._lock:
            self._spent[client] = None
            if len(self._spent) > USED_CODES_MAX:
                self._spent.popitem(last=False)

    def __contains__(self, client: str) -> bool:
        return client in self._spent
