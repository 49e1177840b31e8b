"""The record of how long sealed cookies last (D39)."""

from __future__ import annotations

import pytest

from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.identity.sealing.expiry_record import ExpiryRecord, expiries_in, forget_keys
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import StoreIdentity

pytestmark = pytest.mark.requirement("D39")

DAY = 86_400
NOW = 1_000 * DAY + 5


class CountingStore(MemoryStore):
    writes = 0
    fails = False

    def write_bindings(self, changes):
        if self.fails:
            raise StoreUnavailableError("away")
        self.writes += 1
        super().write_bindings(changes)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore(identity=StoreIdentity(store_id="0" * 32, made_at=0))


def test_the_longest_expiry_of_each_key_is_kept(store) -> None:
    record = ExpiryRecord(store)
    for key_id, expires_at in (
        ("k1", NOW + 9 * DAY),
        ("k1", NOW + 3 * DAY),
        ("k2", NOW + 2 * DAY),
        ("k1", None),
    ):
        record.note(key_id, expires_at, now_seconds=NOW)
    expiries = expiries_in(store)
    assert NOW + 9 * DAY <= expiries["k1"] <= NOW + 10 * DAY
    assert NOW + 2 * DAY <= expiries["k2"] <= NOW + 3 * DAY
    assert len(store.bindings("sealed/")) == 2


def test_a_cookie_that_ends_with_its_browser_counts_for_a_day(store) -> None:
    ExpiryRecord(store).note("k1", None, now_seconds=NOW)
    assert NOW + DAY <= expiries_in(store)["k1"] <= NOW + 2 * DAY


@pytest.mark.requirement("D43a")
def test_many_cookies_of_one_day_are_one_write(store) -> None:
    record = ExpiryRecord(store)
    for second in range(10_000):
        record.note("k1", NOW + second, now_seconds=NOW)
    assert store.writes == 1


def test_workers_that_write_at_the_same_time_lose_no_longer_expiry(store) -> None:
    first, second = ExpiryRecord(store), ExpiryRecord(store)
    first.note("k1", NOW + 300 * DAY, now_seconds=NOW)
    second.note("k1", NOW + 3 * DAY, now_seconds=NOW)
    assert expiries_in(store)["k1"] >= NOW + 300 * DAY
    first.note("k1", NOW + 301 * DAY, now_seconds=NOW)
    assert expiries_in(store)["k1"] >= NOW + 301 * DAY


def test_a_store_that_is_away_costs_the_note_and_the_next_cookie_is_noted(store, caplog) -> None:
    record, store.fails = ExpiryRecord(store), True
    record.note("k1", NOW + DAY, now_seconds=NOW)
    assert "could not be noted" in caplog.text
    store.fails = False
    record.note("k1", NOW + DAY, now_seconds=NOW)
    assert expiries_in(store)["k1"] >= NOW + DAY


def test_keys_that_are_retired_are_forgotten_and_others_are_not(store) -> None:
    record = ExpiryRecord(store)
    for key_id in ("k1", "k10", "k2"):
        record.note(key_id, NOW + DAY, now_seconds=NOW)
    forget_keys(store, ("k1", "k3"))
    assert sorted(expiries_in(store)) == ["k10", "k2"]
