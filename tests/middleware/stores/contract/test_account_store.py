"""The contract of an account store: each test runs over every store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.stores.protocol import Store, WorkerReport, every_user

MakeAccount = Callable[..., Account]
MakeEvent = Callable[..., Event]
USER = "user1@example.com"


def contents(store: Store) -> tuple[object, ...]:
    return [store.load(user) for user in store.users()], store.events()


class BrokenEvents(Sequence[Event]):
    """Events of which only the first can be had."""

    def __init__(self, first: Event) -> None:
        self.first = first

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: object) -> Event:  # type: ignore[override]
        if index == 0:
            return self.first
        raise RuntimeError("this event cannot be had")

    def __iter__(self) -> Iterator[Event]:
        yield self.first
        raise RuntimeError("this event cannot be had")


def test_a_user_who_was_never_saved_has_no_account(store: Store) -> None:
    assert store.load(USER) is None


def test_an_account_is_loaded_as_it_was_saved(store: Store, account: MakeAccount) -> None:
    saved = account(1, address=USER, hints=(1, 2), saved_at=5)
    assert store.save(saved, [], expected=None)
    assert store.load(USER) == saved


def test_a_save_over_the_loaded_revision_replaces_the_account(store: Store, account: MakeAccount) -> None:
    store.save(account(1, hints=(1,)), [], expected=None)
    assert store.save(account(2, hints=(1, 2)), [], expected=account(1).revision)
    assert store.load(USER) == account(2, hints=(1, 2))


@pytest.mark.parametrize(
    "expected", [None, f"{1:032x}", "f" * 32], ids=["none", "an old one", "an unknown one"]
)
def test_a_lost_race_writes_nothing(
    store: Store, account: MakeAccount, event: MakeEvent, expected: str | None
) -> None:
    store.save(account(1), [event("first")], expected=None)
    store.save(account(2, address=USER), [event("second")], expected=account(1).revision)
    before = contents(store)

    late = account(3, address="late@example.com", hints=(7,))
    assert not store.save(late, [event("late")], expected=expected)

    assert contents(store) == before
    assert store.find_by_address("late@example.com") == []
    assert store.find_by_address(USER) == [USER]


def test_an_account_that_is_not_there_cannot_be_replaced(
    store: Store, account: MakeAccount, event: MakeEvent
) -> None:
    assert not store.save(account(2), [event("late")], expected=account(1).revision)
    assert contents(store) == ([], [])


def test_events_come_with_their_account_or_not_at_all(
    store: Store, account: MakeAccount, event: MakeEvent
) -> None:
    store.save(account(1), [event("first")], expected=None)
    with pytest.raises(RuntimeError, match="cannot be had"):
        store.save(account(2), BrokenEvents(event("second")), expected=account(1).revision)
    assert contents(store) == ([account(1)], [event("first")])
    assert store.save(account(2), [event("second")], expected=account(1).revision)


def test_users_are_found_by_the_address_they_have_now(store: Store, account: MakeAccount) -> None:
    store.save(account(1, user="zoe", address="shared@example.com"), [], expected=None)
    store.save(account(1, user="ann", address="shared@example.com"), [], expected=None)
    store.save(account(1, user="none"), [], expected=None)
    assert store.find_by_address("shared@example.com") == ["ann", "zoe"]

    store.save(account(2, user="zoe", address="zoe@example.com"), [], expected=account(1).revision)
    store.save(account(2, user="ann", address=None), [], expected=account(1).revision)
    assert store.find_by_address("shared@example.com") == []
    assert store.find_by_address("zoe@example.com") == ["zoe"]
    assert store.find_by_address("zoe@example") == []


def test_users_are_listed_in_pages_by_code_point(store: Store, account: MakeAccount) -> None:
    names = sorted(["ann", "Zoe", "äpfel", "\ufffd", "\U0001f600", "zoe", "user 1"])
    for name in reversed(names):
        store.save(account(1, user=name), [], expected=None)
    assert store.users() == names
    assert store.users(limit=3) == names[:3]
    assert store.users(after=names[2], limit=3) == names[3:6]
    assert store.users(after=names[-1]) == []


def test_every_user_is_named_once_however_long_the_pages_are(store: Store, account: MakeAccount) -> None:
    names = [f"user{number:03}" for number in range(250)]
    for name in names:
        store.save(account(1, user=name), [], expected=None)
    assert list(every_user(store)) == names


@pytest.mark.parametrize("revision", ["", "used"])
def test_a_save_without_a_new_revision_is_refused(store: Store, account: MakeAccount, revision: str) -> None:
    store.save(replace(account(1), revision="used"), [], expected=None)
    with pytest.raises(ValueError, match=r"new random revision"):
        store.save(replace(account(1), revision=revision, hints=(9,)), [], expected="used")
    assert store.load(USER) == replace(account(1), revision="used")


def test_of_eight_threads_at_one_revision_exactly_one_wins(
    store: Store, account: MakeAccount, event: MakeEvent
) -> None:
    store.save(account(1), [], expected=None)
    loaded = account(1)
    for number in range(20):
        attempts = [account(100 * (number + 1) + thread) for thread in range(8)]
        winners = race(store, loaded.revision, attempts, event)
        assert len(winners) == 1
        loaded = winners[0]
        assert store.load(USER) == loaded
    assert [one.save_id for one in store.events(limit=1000)][-1] == loaded.revision
    assert len(store.events(limit=1000)) == 20


def race(store: Store, expected: str | None, attempts: list[Account], event: MakeEvent) -> list[Account]:
    """Save all at once over ``expected``; who won."""
    barrier = threading.Barrier(len(attempts))
    winners: list[Account] = []

    def attempt(account: Account) -> None:
        barrier.wait()
        if store.save(account, [event("raced", save_id=account.revision)], expected=expected):
            winners.append(account)

    threads = [threading.Thread(target=attempt, args=(account,)) for account in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return winners


def test_of_eight_threads_that_make_an_account_exactly_one_wins(
    store: Store, account: MakeAccount, event: MakeEvent
) -> None:
    winners = race(store, None, [account(number) for number in range(1, 9)], event)
    assert len(winners) == 1
    assert store.load(USER) == winners[0]
    assert [one.save_id for one in store.events()] == [winners[0].revision]


def test_a_closed_store_is_unavailable_and_never_empty(store: Store, account: MakeAccount) -> None:
    store.save(account(1), [], expected=None)
    store.close()
    store.close()
    calls: list[Callable[[], object]] = [
        lambda: store.load(USER),
        lambda: store.save(account(2), [], expected=account(1).revision),
        lambda: store.find_by_address(USER),
        store.users,
        store.events,
        lambda: store.report_worker(WorkerReport(worker_id="host/1.1", key_ids=(), at=1), forget_before=0),
        store.workers,
        store.invited_only,
        lambda: store.set_invited_only(True),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailableError, match="closed"):
            call()
