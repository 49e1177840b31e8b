"""A store that fails when it is told to."""

from __future__ import annotations

import pytest

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.store import FaultyStore
from mfa_simulator.world.store_faults import Halt, SaveFailures, WorkerEndedError
from wsgi_mfa import Event, StoreUnavailableError
from wsgi_mfa.accounts import Account
from wsgi_mfa.stores import StoreIdentity


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def store(true_time, pauses, recorder, record):
    identity = StoreIdentity(store_id="0" * 32, made_at=0)

    def pause():
        pauses.append(true_time.now())

    return FaultyStore(identity=identity, time=true_time, pause=pause, recorder=recorder)


def account(revision="r1"):
    return Account(user="user1", generation="g", revision=revision)


EVENT = Event(at=0, user="user1", kind="thing.happened")


def test_it_is_a_store_like_any_other_until_it_fails(store, pauses, record):
    assert store.save(account(), [EVENT], expected=None)
    assert store.load("user1") == account()
    assert store.users() == ["user1"]
    assert store.events("user1") == [EVENT]
    assert store.find_by_address("a@b.c") == []
    assert list(record.events) == [EVENT]
    assert len(pauses) == 5


def test_a_failure_before_the_commit_saves_nothing(store):
    store.failures = SaveFailures(calls=1)
    with pytest.raises(StoreUnavailableError, match="before"):
        store.save(account(), [], expected=None)
    assert store.load("user1") is None
    assert store.save(account(), [], expected=None)


def test_a_failure_after_the_commit_has_saved_all_the_same(store, record):
    store.failures = SaveFailures(calls=1, when="after")
    with pytest.raises(StoreUnavailableError, match="after"):
        store.save(account(), [EVENT], expected=None)
    assert store.load("user1") == account()
    assert list(record.events) == [EVENT]


def test_a_failing_save_that_would_have_lost_its_race_notes_no_event(store, record):
    store.failures = SaveFailures(calls=1, when="after")
    with pytest.raises(StoreUnavailableError):
        store.save(account(), [EVENT], expected="another")
    assert list(record.events) == []


def test_while_it_is_down_nothing_works_and_then_all_does(store, true_time):
    store.failures = SaveFailures(until=true_time.now() + 20 * SECOND)
    for call in (store.users, store.events, lambda: store.load("user1"), lambda: store.find_by_address("a")):
        with pytest.raises(StoreUnavailableError, match="down"):
            call()
    with pytest.raises(StoreUnavailableError):
        store.save(account(), [], expected=None)
    assert store.peek("user1") is None
    true_time.wait(20 * SECOND)
    assert store.users() == []


def test_it_says_which_store_it_is(store):
    assert store.identity.store_id == "0" * 32
    assert store.shared_between_processes is False


def test_a_save_whose_outcome_is_unknown_lands_later_unless_another_came_first(store, true_time, record):
    store.failures = SaveFailures(calls=1, when="later", by=5 * SECOND)
    with pytest.raises(StoreUnavailableError, match="under way"):
        store.save(account(), [EVENT], expected=None)
    true_time.wait(5 * SECOND - 1)
    assert store.load("user1") is None
    true_time.wait(1)
    assert store.load("user1") == account()
    assert EVENT in list(record.events)
    store.failures = SaveFailures(calls=1, when="later", by=5 * SECOND)
    with pytest.raises(StoreUnavailableError):
        store.save(account("r2"), [], expected="r1")
    assert store.save(account("r3"), [], expected="r1")
    true_time.wait(10 * SECOND)
    assert store.load("user1") == account("r3")


def test_a_stale_read_gives_what_was_there_before_the_latest_save(store):
    store.stale.calls = 1
    assert store.load("user1") is None
    assert store.save(account(), [], expected=None)
    assert store.save(account("r2"), [], expected="r1")
    assert store.load("user1") == account()
    assert store.load("user1") == account("r2")
    assert not store.save(account("r3"), [], expected="r1")


def test_reads_are_stale_for_a_time(store, true_time):
    assert store.save(account(), [], expected=None)
    store.stale.until = true_time.now() + SECOND
    assert (store.load("user1"), store.load("user1")) == (None, None)
    true_time.wait(SECOND)
    assert store.load("user1") == account()


def test_a_worker_stalls_once_at_a_call(store, true_time):
    began = true_time.now()
    store.halts.add(Halt(call="load", when="after", span=20 * SECOND))
    assert store.save(account(), [], expected=None)
    assert true_time.now() == began
    assert store.load("user1") == account()
    assert true_time.now() == began + 20 * SECOND
    assert store.load("user1") == account()
    assert true_time.now() == began + 20 * SECOND


@pytest.mark.parametrize(("when", "saved"), [("before", None), ("after", account())])
def test_a_worker_ends_at_a_save(store, when, saved):
    store.halts.add(Halt(call="save", when=when, span=None))
    with pytest.raises(WorkerEndedError):
        store.save(account(), [], expected=None)
    assert store.load("user1") == saved
