"""The contracts of a store: its accounts, their events, its administration, and the bindings of observed logins.

Code that uses a store names the part that it needs. A whole store is a :class:`Store`; most of one is ready made in
:mod:`wsgi_mfa.stores.base`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event

#: The layout that this version writes; a store of a later one is refused.
STORE_SCHEMA = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreIdentity:
    """Tells one store from another, so that an emptied store is not taken for a store of new users (D2).

    ``store_id`` is a random 128-bit value in hex; ``made_at`` an instant in microseconds since 1970 UTC.
    """

    store_id: str
    made_at: int
    schema: int = STORE_SCHEMA

    def __post_init__(self) -> None:
        if len(self.store_id) != 32 or not set(self.store_id) <= set("0123456789abcdef"):
            raise ValueError("StoreIdentity.store_id: legal are 128 bits as 32 lower-case hex digits")


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerReport:
    """What one worker told of itself at the instant ``at`` (D29).

    ``worker_id`` names its process; ``key_ids`` are the keys of its ring in their order, so that it seals with the
    last one.
    """

    worker_id: str
    key_ids: tuple[str, ...]
    at: int


class StoreState(str, Enum):
    """Whether a store serves requests: it is ``OPEN``, ``CLOSED`` by its operator, or ``UNFENCED``.

    An unfenced store was restored, or its fence was begun and not ended: only a fence leads out of that (D28).
    """

    OPEN = "open"
    CLOSED = "closed"
    UNFENCED = "unfenced"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreStatus:
    """Whether a store serves requests, when that was changed last, and when it was fenced last; 0 means never (D28).

    Neither instant ever goes back, whatever clocks do: a store in which one has gone back was restored.
    """

    state: StoreState = StoreState.OPEN
    changed_at: int = 0
    fenced_at: int = 0


class AccountStore(Protocol):
    """Keeps accounts, and saves one only over the revision that was loaded; knows no rule, no clock and no chance.

    Every method of every part of a store raises :exc:`~wsgi_mfa.errors.StoreUnavailableError` when the store cannot
    be reached or written, and its root :exc:`~wsgi_mfa.errors.StoreError` when what it holds cannot be read; neither
    ever looks like a user who has not enrolled (R80). A store that is not open, and one that was rolled back, is
    unavailable (D28). Stores may be used from several threads.
    """

    @property
    def document_schema(self) -> int:
        """The number of the form in which accounts are written; the release's own but during an upgrade."""
        ...

    def load(self, user: str) -> Account | None:
        """Return the account as it was saved last, by any thread or process; None when there is none."""
        ...

    def save(self, account: Account, events: Sequence[Event], *, expected: str | None) -> bool:
        """Compare and save: the account and its events together, or nothing.

        ``expected`` is the revision that was loaded, None when there was no account. True: it still was the
        stored one, and account and events are durable. False: another save was first, and nothing was
        written. After :exc:`~wsgi_mfa.errors.StoreUnavailableError` the outcome is unknown: send the same
        save again, and if that answers False, see whether the stored revision is the one you sent (D25).

        :raises ValueError: ``account.revision`` is empty or equals ``expected``; it must be new (D24).
        """
        ...

    def users(self, *, after: str = "", limit: int = 100) -> list[str]:
        """Return the first ``limit`` user names that sort after ``after``, by code point."""
        ...

    def find_by_address(self, address: str) -> list[str]:
        """Return users, in order, saved with exactly this address: a hint, to be loaded and compared (D30)."""
        ...

    def close(self) -> None:
        """Let go of files and connections; any later call finds the store unavailable."""
        ...


class EventStore(Protocol):
    """Keeps the events that were saved with accounts, in the order of the saves."""

    def events(self, user: str | None = None, *, limit: int = 100) -> list[Event]:
        """Return the latest ``limit`` events, of one user or of all, the newest last."""
        ...

    def forget_events(self, user: str, count: int) -> None:
        """Drop the ``count`` oldest events of one user, durably; the account stays as it is."""
        ...


class StoreAdmin(Protocol):
    """Keeps what concerns a store as a whole: its identity, its status, and what workers report."""

    @property
    def identity(self) -> StoreIdentity:
        """Which store this is; the same for as long as it lives."""
        ...

    @property
    def shared_between_processes(self) -> bool:
        """Whether other processes see what this one saves (R24)."""
        ...

    @property
    def fenced_at(self) -> int:
        """When the store was fenced last, as far as its calls have shown; accounts from before it say nothing now."""
        ...

    def status(self) -> StoreStatus:
        """Return the store status; also told by a store that is not open, and by one that was rolled back (D28)."""
        ...

    def set_status(self, status: StoreStatus) -> None:
        """Change what :meth:`status` answers, durably and for all processes.

        As soon as it says anything but open, no call of another store object is answered, and no save lands.
        """
        ...

    def for_operator(self) -> Store:
        """Return the same store, for an operator who works on it while it is closed."""
        ...

    def report_worker(self, report: WorkerReport, *, forget_before: int) -> None:
        """Keep a worker's latest report, and forget those from before ``forget_before``."""
        ...

    def workers(self) -> list[WorkerReport]:
        """Return the reports that are kept, in the order of the workers' ids."""
        ...

    def invited_only(self) -> bool:
        """Return True if a user without an account needs an invitation, whatever the policy says (D33)."""
        ...

    def set_invited_only(self, invited_only: bool) -> None:
        """Change what :meth:`invited_only` answers, durably and for all processes."""
        ...

    def key_checks(self) -> dict[str, str]:
        """Return the key check values by their key ids; also told by a store that is not open (D45)."""
        ...

    def set_key_checks(self, changes: Mapping[str, str | None]) -> None:
        """Write these check values, and drop those that are None: together, durably, also while closed."""
        ...


class BindingStore(Protocol):
    """Keeps small rows of text by their keys, found by one key at each request: the bindings of observed logins."""

    def bindings(self, prefix: str) -> dict[str, str]:
        """Return the rows whose keys begin with ``prefix``, in the order of their keys."""
        ...

    def write_bindings(self, changes: Mapping[str, str | None]) -> None:
        """Write these rows, and drop those that are None: together, durably and for all processes."""
        ...


class Store(AccountStore, EventStore, StoreAdmin, BindingStore, Protocol):
    """A whole store: what ``store=`` of the middleware takes."""


def every_user(store: AccountStore) -> Iterator[str]:
    """Yield every user by name; one who comes while the names are read is found if the name comes later."""
    after = ""
    while page := store.users(after=after):
        yield from page
        after = page[-1]


def load_for_operator(store: AccountStore, user: str) -> Account | None:
    """Return the account as the store holds it now; a rollback goes unnoticed.

    Commands of an operator use it, which also read a store that is closed or was rolled back. Requests are served
    by :attr:`MfaService.load <wsgi_mfa.service.MfaService>`, which detects a rollback.
    """
    return store.load(user)
