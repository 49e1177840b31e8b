"""A store that fails when it is told to."""

from __future__ import annotations

import pytest

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.store import FaultyStore
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
    store.fail(calls=1, span=None, after_commit=False)
    with pytest.raises(StoreUnavailableError, match="before"):
        store.save(account(), [], expected=None)
    assert store.load("user1") is None
    assert store.save(account(), [], expected=None)


def test_a_failure_after_the_commit_has_saved_all_the_same(store, record):
    store.fail(calls=1, span=None, after_commit=True)
    with pytest.raises(StoreUnavailableError, match="after"):
        store.save(account(), [EVENT], expected=None)
    assert store.load("user1") == account()
    assert list(record.events) == [EVENT]


def test_a_failing_save_that_would_have_lost_its_race_notes_no_event(store, record):
    store.fail(calls=1, span=None, after_commit=True)
    with pytest.raises(StoreUnavailableError):
        store.save(account(), [EVENT], expected="another")
    assert list(record.events) == []


def test_while_it_is_down_nothing_works_and_then_all_does(store, true_time):
    store.fail(calls=None, span=20 * SECOND, after_commit=False)
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
