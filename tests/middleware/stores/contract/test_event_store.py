"""The contract of an event store: each test runs over every store."""

from __future__ import annotations

from collections.abc import Callable

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.stores.protocol import Store

MakeAccount = Callable[..., Account]
MakeEvent = Callable[..., Event]
USER = "user1@example.com"


def test_events_are_told_with_the_newest_last(store: Store, account: MakeAccount, event: MakeEvent) -> None:
    details = (("method", "code"),)
    first = [event("a", index=0), event("b", index=1, source="192.0.2.1", details=details)]
    store.save(account(1), first, expected=None)
    store.save(account(2, user="user2"), [event("c", user="user2")], expected=None)
    store.save(account(3), [event("d", save_id="3")], expected=account(1).revision)

    assert store.events() == [*first, event("c", user="user2"), event("d", save_id="3")]
    assert store.events(USER) == [*first, event("d", save_id="3")]
    assert store.events(USER, limit=2) == [first[1], event("d", save_id="3")]
    assert store.events(limit=1) == [event("d", save_id="3")]
    assert store.events("nobody") == []


def test_the_oldest_events_of_one_user_can_be_forgotten(
    store: Store, account: MakeAccount, event: MakeEvent
) -> None:
    kept = [event("a"), event("b"), event("c"), event("x", user="user2")]
    store.save(account(1), kept, expected=None)
    store.forget_events(USER, 0)
    store.forget_events("nobody", 9)
    assert store.events() == kept
    store.forget_events(USER, 2)
    assert store.events() == kept[2:]
    assert store.load(USER) == account(1)
    store.forget_events(USER, 9)
    assert store.events() == kept[3:]
