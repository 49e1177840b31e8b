"""Requests that passed, remembered by each worker, so that the next one like it finds nothing out anew (D24).

A pass is good for one session cookie, as long as its account was not saved anew, which the store is asked on every
request, the keys that signed the cookie are in use, and the rules give the same answer: all of that is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.standing import Standing
from wsgi_mfa.keys import KeyRing

PASSES_MAX = 4096


class Pass(NamedTuple):
    """The session that a cookie has named for ``user`` in ``login``, where it stands, and what the application is told.

    ``revision`` is that of the account, and ``ring`` signed the cookie.
    """

    user: str
    login: str | None
    revision: str
    ring: KeyRing
    session_id: str
    standing: Standing
    told: Mapping[str, object]


class Passes:
    """The passes of one worker by session cookie. Only what has passed is kept, so nobody fills it from outside."""

    def __init__(self) -> None:
        self._passes: dict[str, Pass] = {}

    def find(
        self, cookie: str | None, account: Account, *, login: str | None, ring: KeyRing, now: int
    ) -> Pass | None:
        """The pass of a browser with this cookie, if it is still good."""
        known = self._passes.get(cookie)  # type: ignore[arg-type] # no pass is kept under None
        if (
            known is not None
            and known.revision == account.revision
            and known.user == account.user
            and known.login == login
            and known.ring is ring
            and known.standing.since <= now < known.standing.until
        ):
            return known
        return None

    def keep(self, cookie: str, known: Pass) -> None:
        if len(self._passes) >= PASSES_MAX:
            self._passes.clear()
        self._passes[cookie] = known
