"""What is special to the store in memory."""

from __future__ import annotations

from collections.abc import Callable

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import StoreIdentity


def test_it_says_that_other_processes_see_nothing_of_it(identity: StoreIdentity) -> None:
    assert not MemoryStore(identity=identity).shared_between_processes


def test_it_keeps_only_the_latest_events(
    identity: StoreIdentity, account: Callable[..., Account], event: Callable[..., Event]
) -> None:
    store = MemoryStore(identity=identity, events_max=2)
    store.save(account(1), [event("a"), event("b"), event("c")], expected=None)
    assert [one.kind for one in store.events()] == ["b", "c"]
