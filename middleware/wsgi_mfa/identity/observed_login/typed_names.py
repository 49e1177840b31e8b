"""The user name that was typed on the first of two sign-in pages, kept until the password is typed on the second.

The portal keeps that name in its session, so it is kept here by the portal's credential, before the portal sees it.
Two names that were typed with one credential count as none: it is unknown which of them the portal has kept.
"""

from __future__ import annotations

import hashlib
import json

from wsgi_mfa.clock import Clock
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.identity.observed_login.bindings import BindingRows, FingerprintKeys

#: So long the second page may stay open.
NAMED_SECONDS = 15 * 60
#: So many credentials have names; the oldest leave first, and their users begin again.
NAMED_MAX = 2048

_PURPOSE = "typed name"
_NAMED = "named/"
_UNKNOWN = "unknown"


class TypedNames:
    """The names typed on first pages, in one store."""

    def __init__(self, rows: BindingRows, *, keys: FingerprintKeys, clock: Clock) -> None:
        self._rows = rows
        self._keys = keys
        self._clock = clock

    def note(self, credential: str, typed: str | None) -> bool:
        """Keep a name, None for one that could not be read; return whether it is the only one of ``credential``.

        :raises StoreError: it could not be saved.
        """
        prefix = self._prefixes(credential)[0]
        suffix = (
            _UNKNOWN if typed is None else hashlib.sha256(typed.encode("utf-8", "surrogatepass")).hexdigest()
        )
        row = json.dumps([typed, self._clock.now()])
        self._rows.write_bindings({**self._stale(), prefix + suffix: row})
        # Written first and read afterwards: of two names at the same time at least one sees the other.
        if typed is not None and len(self._rows_of(credential)) == 1:
            return True
        self._rows.write_bindings({prefix + _UNKNOWN: json.dumps([None, self._clock.now()])})
        return False

    def carry(self, credential: str, renewed: str) -> None:
        """Keep the names of ``credential`` for the value with which the portal has replaced it, too.

        :raises StoreError: they could not be saved.
        """
        prefix = self._prefixes(renewed)[0]
        rows = self._rows_of(credential)
        if rows:
            self._rows.write_bindings({prefix + suffix: text for suffix, text in rows.items()})

    def find(self, credential: str) -> str | None:
        """Return the one name that was typed with ``credential``; None without one, and where there are several."""
        rows = list(self._rows_of(credential).values())
        if len(rows) != 1:
            return None
        typed, noted_at = json.loads(rows[0])
        oldest = max(self._clock.now() - NAMED_SECONDS * SECOND, self._rows.fenced_at)
        return typed if noted_at > oldest else None

    def _rows_of(self, credential: str) -> dict[str, str]:
        """Return the rows of a credential by the ends of their keys, under whichever key of the ring they were made."""
        return {
            key.removeprefix(prefix): text
            for prefix in self._prefixes(credential)
            for key, text in self._rows.bindings(prefix).items()
        }

    def _stale(self) -> dict[str, None]:
        """Return what drops the credentials that are too old, and too many, each with all of its names at once."""
        newest: dict[str, int] = {}
        rows = self._rows.bindings(_NAMED)
        for key, text in rows.items():
            name = key.split("/")[1]
            newest[name] = max(newest.get(name, 0), json.loads(text)[1])
        oldest = self._clock.now() - NAMED_SECONDS * SECOND
        kept = sorted((name for name in newest if newest[name] > oldest), key=newest.__getitem__)
        dropped = set(newest).difference(kept[-(NAMED_MAX - 1) :])
        return {key: None for key in rows if key.split("/")[1] in dropped}

    def _prefixes(self, credential: str) -> list[str]:
        names = self._keys.ring.fingerprints(_PURPOSE, credential.encode("ascii"))
        return [f"{_NAMED}{name}/" for name in names]
