"""Which user each credential of an observed login belongs to, kept in the store.

A binding is found by the portal's credential alone, so that a sign-in with the same credential replaces it, whatever
labels browsers still hold. It names the label that goes with it. A binding that has ended stays as a row without a
user: its credential may still be signed in at the portal, and must not pass for a visitor's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from wsgi_mfa.clock import Clock
from wsgi_mfa.core.instants import SECOND

#: An account keeps so many; the oldest leave first.
BINDINGS_MAX = 20
UNSAVED_MAX = 4096
#: So long a renewed credential still counts, for requests that were under way.
OVERLAP_SECONDS = 60

_PURPOSE = "login binding"
_CREDENTIAL, _USER, _FLOOR = "credential/", "user/", "floor"


class FingerprintRing(Protocol):
    """The part of a key ring that names credentials without telling them."""

    def fingerprints(self, purpose: str, message: bytes) -> tuple[str, ...]:
        """Return the keyed names of ``message`` under every key, that of the writing key first."""
        ...


class FingerprintKeys(Protocol):
    """The source of the ring in use."""

    @property
    def ring(self) -> FingerprintRing:
        """The ring in use."""
        ...


class BindingRows(Protocol):
    """The part of a store that keeps bindings."""

    def bindings(self, prefix: str) -> dict[str, str]:
        """Return the rows whose keys begin with ``prefix``, in the order of their keys."""
        ...

    def write_bindings(self, changes: Mapping[str, str | None]) -> None:
        """Write these rows together, and drop those that are None."""
        ...

    @property
    def fenced_at(self) -> int:
        """When the store was fenced last; a binding from before it has ended."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginBinding:
    """The user that a credential belongs to. ``login`` names the label that goes with it; "" after its end.

    ``was_visitors`` says that the credential was a visitor's before the sign-in. At ``until``, in microseconds, a
    renewed credential ends.
    """

    user: str
    login: str
    made_at: int
    was_visitors: bool
    until: int | None = None

    def user_at(self, now: int) -> str | None:
        """Return the user, or None after the end."""
        return self.user if self.login and (self.until is None or now < self.until) else None


class LoginBindings:
    """The bindings in one store."""

    def __init__(self, rows: BindingRows, *, keys: FingerprintKeys, clock: Clock) -> None:
        self._rows = rows
        self._keys = keys
        self._clock = clock
        # Credentials with which a sign-in has succeeded that could not be saved: they have ended in this worker.
        self._unsaved: dict[str, LoginBinding] = {}

    def find(self, credential: str) -> LoginBinding | None:
        """Return the binding of a credential, ended ones too; None where it was never bound."""
        if credential in self._unsaved:
            return self._unsaved[credential]
        for name in self._names(credential):
            text = self._rows.bindings(_CREDENTIAL + name).get(_CREDENTIAL + name)
            if text is not None:
                binding = _read(text)
                return _ended(binding) if binding.made_at <= self._rows.fenced_at else binding
        return None

    def is_too_old(self, issued_at: int) -> bool:
        """Return whether a visitor's label may be from before a sign-in whose binding is no longer kept."""
        return issued_at <= max(int(self._rows.bindings(_FLOOR).get(_FLOOR, "0")), self._rows.fenced_at)

    def bind(
        self, credential: str, *, user: str, login: str, was_visitors: bool, replaced: str | None = None
    ) -> None:
        """Bind a credential to the user who has just signed in with it; the one before it, ``replaced``, ends.

        :raises StoreError: it could not be saved; the credential is then as one that has ended.
        """
        binding = LoginBinding(user=user, login=login, made_at=self._clock.now(), was_visitors=was_visitors)
        try:
            changes = {**self._unlisted(credential), **self._written(credential, binding)}
            if replaced is not None and replaced != credential:
                changes = {**self._ended(replaced), **changes}
            self._rows.write_bindings({**self._trimmed(user, changes), **changes})
        except Exception:
            if len(self._unsaved) >= UNSAVED_MAX:
                self._unsaved.clear()
            self._unsaved |= dict.fromkeys(filter(None, (credential, replaced)), _ended(binding))
            raise
        self._unsaved.pop(credential, None)

    def renew(self, credential: str, renewed: str, binding: LoginBinding) -> None:
        """Bind a value with which the portal has replaced ``credential`` in a response to its own user."""
        now = self._clock.now()
        user = binding.user
        overlap = now + OVERLAP_SECONDS * SECOND
        old = replace(binding, until=min(overlap, binding.until or overlap))
        new = LoginBinding(user=user, login=binding.login, made_at=now, was_visitors=False)
        changes = {
            **self._unlisted(renewed),
            **self._written(credential, old),
            **self._written(renewed, new),
        }
        stale = now - OVERLAP_SECONDS * SECOND
        for key, value in self._rows.bindings(self._prefix(user)).items():
            login, visitors, name = value.split(" ")
            # Values that were the portal's own from the start; one that was a visitor's is kept until it is trimmed.
            if login == binding.login and visitors == "0" and int(key.rpartition("/")[0][-20:]) < stale:
                changes = {key: None, _CREDENTIAL + name: None, **changes}
        self._rows.write_bindings({**self._trimmed(user, changes), **changes})

    def end(self, credential: str) -> None:
        """End the binding of a credential, whose cookies will not be a visitor's again."""
        changes = self._ended(credential)
        if changes:
            self._rows.write_bindings(changes)

    def _ended(self, credential: str) -> dict[str, str | None]:
        binding = self.find(credential)
        return {} if binding is None else self._written(credential, _ended(binding))

    def _unlisted(self, credential: str) -> dict[str, str | None]:
        """Return what takes a credential that is bound again out of the list of its user before."""
        binding = self.find(credential)
        return {} if binding is None else dict.fromkeys(self._keys_of(credential, binding))

    def _keys_of(self, credential: str, binding: LoginBinding) -> list[str]:
        """Return the keys by which a binding may be listed, under whichever key of the ring it was made."""
        listed = f"{self._prefix(binding.user)}{binding.made_at:020}/"
        return [listed + name for name in self._names(credential)]

    def _written(self, credential: str, binding: LoginBinding) -> dict[str, str | None]:
        name, *others = self._names(credential)
        text = json.dumps(
            [binding.user, binding.login, binding.made_at, int(binding.was_visitors), binding.until]
        )
        changes: dict[str, str | None] = {_CREDENTIAL + other: None for other in others}
        changes[_CREDENTIAL + name] = text
        listed, *older = self._keys_of(credential, binding)
        changes |= dict.fromkeys(older)
        changes[listed] = f"{binding.login or '-'} {int(binding.was_visitors)} {name}"
        return changes

    def _trimmed(self, user: str, changes: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return what drops the oldest bindings of an account, with those in ``changes`` among its bindings."""
        prefix = self._prefix(user)
        rows: dict[str, str | None] = {**self._rows.bindings(prefix), **changes}
        kept = sorted(
            (key, value) for key, value in rows.items() if key.startswith(prefix) and value is not None
        )
        dropped: dict[str, str | None] = {}
        floor = 0
        for key, value in kept[: max(0, len(kept) - BINDINGS_MAX)]:
            _, visitors, name = value.split(" ")
            dropped |= {key: None, _CREDENTIAL + name: None}
            if visitors == "1":
                floor = max(floor, int(key[len(prefix) :].partition("/")[0]))
        if floor and self.is_too_old(floor) is False:
            dropped[_FLOOR] = str(floor)
        return dropped

    def _prefix(self, user: str) -> str:
        # Not of the ring's writing key, which changes: the name is no secret beside the accounts of the store.
        return f"{_USER}{user.encode('utf-8', 'surrogatepass').hex()}/"

    def _names(self, credential: str) -> tuple[str, ...]:
        return self._keys.ring.fingerprints(_PURPOSE, credential.encode("ascii"))


def _read(text: str) -> LoginBinding:
    user, login, made_at, was_visitors, until = json.loads(text)
    return LoginBinding(user=user, login=login, made_at=made_at, was_visitors=bool(was_visitors), until=until)


def _ended(binding: LoginBinding) -> LoginBinding:
    return replace(binding, login="", until=None)
