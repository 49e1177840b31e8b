"""What every store promises: each test runs over all of them."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import AccountStore, BirthRecord, WorkerReport, every_user
from wsgi_mfa.stores.sqlite import SqliteStore

MakeAccount = Callable[..., Account]
MakeEvent = Callable[..., Event]
USER = "user1@example.com"


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


def contents(store: AccountStore) -> tuple[object, ...]:
    return [store.load(user) for user in store.users()], store.events()


def test_a_store_tells_which_one_it_is(store: AccountStore, birth: BirthRecord) -> None:
    assert store.birth == birth


def test_a_user_who_was_never_saved_has_no_account(store: AccountStore) -> None:
    assert store.load(USER) is None


def test_an_account_is_loaded_as_it_was_saved(store: AccountStore, account: MakeAccount) -> None:
    saved = account(1, address=USER, hints=(1, 2), saved_at=5)
    assert store.save(saved, [], expected=None)
    assert store.load(USER) == saved


def test_a_save_over_the_loaded_revision_replaces_the_account(
    store: AccountStore, account: MakeAccount
) -> None:
    store.save(account(1, hints=(1,)), [], expected=None)
    assert store.save(account(2, hints=(1, 2)), [], expected=account(1).revision)
    assert store.load(USER) == account(2, hints=(1, 2))


@pytest.mark.parametrize(
    "expected", [None, f"{1:032x}", "f" * 32], ids=["none", "an old one", "an unknown one"]
)
def test_a_lost_race_writes_nothing(
    store: AccountStore, account: MakeAccount, event: MakeEvent, expected: str | None
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
    store: AccountStore, account: MakeAccount, event: MakeEvent
) -> None:
    assert not store.save(account(2), [event("late")], expected=account(1).revision)
    assert contents(store) == ([], [])


def test_events_come_with_their_account_or_not_at_all(
    store: AccountStore, account: MakeAccount, event: MakeEvent
) -> None:
    store.save(account(1), [event("first")], expected=None)
    with pytest.raises(RuntimeError, match="cannot be had"):
        store.save(account(2), BrokenEvents(event("second")), expected=account(1).revision)
    assert contents(store) == ([account(1)], [event("first")])
    assert store.save(account(2), [event("second")], expected=account(1).revision)


def test_events_are_told_with_the_newest_last(
    store: AccountStore, account: MakeAccount, event: MakeEvent
) -> None:
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
    store: AccountStore, account: MakeAccount, event: MakeEvent
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


def test_users_are_found_by_the_address_they_have_now(store: AccountStore, account: MakeAccount) -> None:
    store.save(account(1, user="zoe", address="shared@example.com"), [], expected=None)
    store.save(account(1, user="ann", address="shared@example.com"), [], expected=None)
    store.save(account(1, user="none"), [], expected=None)
    assert store.find_by_address("shared@example.com") == ["ann", "zoe"]

    store.save(account(2, user="zoe", address="zoe@example.com"), [], expected=account(1).revision)
    store.save(account(2, user="ann", address=None), [], expected=account(1).revision)
    assert store.find_by_address("shared@example.com") == []
    assert store.find_by_address("zoe@example.com") == ["zoe"]
    assert store.find_by_address("zoe@example") == []


def test_users_are_listed_in_pages_by_code_point(store: AccountStore, account: MakeAccount) -> None:
    names = sorted(["ann", "Zoe", "äpfel", "\ufffd", "\U0001f600", "zoe", "user 1"])
    for name in reversed(names):
        store.save(account(1, user=name), [], expected=None)
    assert store.users() == names
    assert store.users(limit=3) == names[:3]
    assert store.users(after=names[2], limit=3) == names[3:6]
    assert store.users(after=names[-1]) == []


@pytest.mark.parametrize("revision", ["", "used"])
def test_a_save_without_a_new_revision_is_refused(
    store: AccountStore, account: MakeAccount, revision: str
) -> None:
    store.save(replace(account(1), revision="used"), [], expected=None)
    with pytest.raises(ValueError, match=r"new random revision \(D24\)"):
        store.save(replace(account(1), revision=revision, hints=(9,)), [], expected="used")
    assert store.load(USER) == replace(account(1), revision="used")


def test_of_eight_threads_at_one_revision_exactly_one_wins(
    store: AccountStore, account: MakeAccount, event: MakeEvent
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


def race(
    store: AccountStore, expected: str | None, attempts: list[Account], event: MakeEvent
) -> list[Account]:
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
    store: AccountStore, account: MakeAccount, event: MakeEvent
) -> None:
    winners = race(store, None, [account(number) for number in range(1, 9)], event)
    assert len(winners) == 1
    assert store.load(USER) == winners[0]
    assert [one.save_id for one in store.events()] == [winners[0].revision]


def report(worker_id: str, *key_ids: str, at: int) -> WorkerReport:
    return WorkerReport(worker_id=worker_id, key_ids=key_ids, at=at)


@pytest.mark.requirement("D29")
def test_of_each_worker_the_latest_report_is_kept_with_its_keys_in_their_order(store: AccountStore) -> None:
    assert store.workers() == []
    store.report_worker(report("host/2.1", "k1", at=10), forget_before=0)
    store.report_worker(report("host/1.1", "k2", "k1", at=11), forget_before=0)
    store.report_worker(report("host/2.1", "k1", "k2", at=12), forget_before=0)
    assert store.workers() == [
        report("host/1.1", "k2", "k1", at=11),
        report("host/2.1", "k1", "k2", at=12),
    ]


@pytest.mark.requirement("D29")
def test_reports_from_before_the_given_instant_are_forgotten(store: AccountStore) -> None:
    store.report_worker(report("old", "k1", at=9), forget_before=0)
    store.report_worker(report("just", "k1", at=10), forget_before=0)
    store.report_worker(report("new", "k1", at=20), forget_before=10)
    assert [each.worker_id for each in store.workers()] == ["just", "new"]


@pytest.mark.requirement("D33")
def test_a_store_asks_new_users_for_an_invitation_when_it_is_told_to(store: AccountStore) -> None:
    answers = [store.invited_only()]
    for rule in (True, True, False, False, True):
        store.set_invited_only(rule)
        answers.append(store.invited_only())
    assert answers == [False, True, True, False, False, True]


def test_what_stands_beside_the_birth_record_is_no_account_and_no_event(store: AccountStore) -> None:
    store.report_worker(report("host/1.1", "k1", at=1), forget_before=0)
    store.set_invited_only(True)
    assert contents(store) == ([], [])


def test_every_user_is_named_once_however_long_the_pages_are(
    store: AccountStore, account: MakeAccount
) -> None:
    names = [f"user{number:03}" for number in range(250)]
    for name in names:
        store.save(account(1, user=name), [], expected=None)
    assert list(every_user(store)) == names


def test_a_closed_store_is_unavailable_and_never_empty(store: AccountStore, account: MakeAccount) -> None:
    store.save(account(1), [], expected=None)
    store.close()
    store.close()
    calls: list[Callable[[], object]] = [
        lambda: store.load(USER),
        lambda: store.save(account(2), [], expected=account(1).revision),
        lambda: store.find_by_address(USER),
        store.users,
        store.events,
        lambda: store.report_worker(report("host/1.1", at=1), forget_before=0),
        store.workers,
        store.invited_only,
        lambda: store.set_invited_only(True),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailableError, match="closed"):
            call()


users = st.sampled_from(["ann", "zoe", "user1@example.com"])
# A save over: the revision that was loaded, no account, or a revision of long ago.
saves = st.lists(st.tuples(users, st.sampled_from(["loaded", "none", "old"]), st.integers(0, 2)), max_size=20)


@given(saves)
@settings(max_examples=30)
def test_all_stores_answer_alike(steps: list[tuple[str, str, int]]) -> None:
    birth = BirthRecord(store_id="0" * 32, made_at=0)
    with tempfile.TemporaryDirectory() as folder:
        sqlite = SqliteStore(Path(folder) / "mfa.db", create=True, new_birth=birth)
        with closing(sqlite), closing(MemoryStore(birth=birth)) as memory:
            for number, (user, base, event_count) in enumerate(steps):
                loaded = memory.load(user)
                expected = {"none": None, "old": "old", "loaded": loaded.revision if loaded else None}[base]
                account = Account(
                    user=user, generation="g", revision=f"r{number}", address=f"{base}@example.com"
                )
                events = [Event(at=number, user=user, kind="k", index=i) for i in range(event_count)]
                answers = {store.save(account, events, expected=expected) for store in (memory, sqlite)}
                assert len(answers) == 1
            assert contents(sqlite) == contents(memory)
            assert sqlite.find_by_address("loaded@example.com") == memory.find_by_address(
                "loaded@example.com"
            )


@pytest.mark.parametrize("store_id", ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32])
def test_a_store_id_is_128_bits_in_hex(store_id: str) -> None:
    with pytest.raises(ValueError, match=r"BirthRecord\.store_id: legal are 128 bits"):
        BirthRecord(store_id=store_id, made_at=0)
