"""Key check values: another key under a known id is told, and a worker never makes it the right one (D45)."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from wsgi_mfa.core.policy import Policy
from wsgi_mfa.errors import InvalidKeyError
from wsgi_mfa.keys.check_values import check_value, reject_other_keys
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.operations import key_checks
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import StoreIdentity
from wsgi_mfa.stores.sqlite import SqliteStore

pytestmark = pytest.mark.requirement("D45")

USER = "user1@example.com"
OTHER = KeyRing([("k1", bytes(32))])
BOTH = KeyRing([("k1", bytes(range(32))), ("k2", bytes(range(1, 33)))])


@pytest.fixture
def worker(memory_store, keys, clock, entropy):
    def make(ring=keys, store=memory_store):
        return MfaService(store=store, keys=ring, policy=Policy(), clock=clock, entropy=entropy)

    return make


def test_a_recorded_key_is_taken_and_another_one_under_its_id_is_not(worker, keys, memory_store):
    assert key_checks.record(worker()) == ("k1",)
    assert key_checks.record(worker()) == ()
    known, store_id = memory_store.key_checks(), memory_store.identity.store_id
    reject_other_keys(keys, known, store_id)
    with pytest.raises(
        InvalidKeyError, match="'k1' is another key than the one by which this store"
    ) as raised:
        reject_other_keys(OTHER, known, store_id)
    assert raised.value.key_id == "k1"
    assert "Put the right key under 'k1' into the ring" in str(raised.value)
    with pytest.raises(InvalidKeyError):
        key_checks.record(worker(OTHER))
    assert memory_store.key_checks() == known


def test_a_check_value_tells_nothing_of_its_key_and_belongs_to_one_store(keys):
    first, second = check_value(keys, "k1", "0" * 32), check_value(keys, "k1", "1" * 32)
    assert first != second
    assert bytes(range(32)).hex() not in first + second
    assert len(bytes.fromhex(first)) == 32


def test_two_stores_with_one_ring_have_check_values_of_their_own(worker, memory_store):
    other = MemoryStore(identity=StoreIdentity(store_id="f" * 32, made_at=0))
    assert key_checks.record(worker()) == key_checks.record(worker(store=other)) == ("k1",)
    assert memory_store.key_checks() != other.key_checks()
    for store in (memory_store, other):
        reject_other_keys(BOTH, store.key_checks(), store.identity.store_id)
    # A rotation for one of them leaves the other one without; that one is told its own.
    assert key_checks.record(worker(BOTH)) == ("k2",)
    assert sorted(other.key_checks()) == ["k1"]
    assert key_checks.record(worker(BOTH, other)) == ("k2",)


def test_a_key_that_has_sealed_is_recorded_only_if_it_opens_a_value(worker, enroll, memory_store):
    enroll("laptop")
    with pytest.raises(InvalidKeyError, match="'k1' opens nothing of what a key of this id has sealed"):
        key_checks.record(worker(OTHER))
    assert memory_store.key_checks() == {}
    assert key_checks.record(worker()) == ("k1",)


def test_one_value_that_was_edited_does_not_make_the_right_key_wrong(worker, enroll, memory_store):
    enroll("laptop")
    account = memory_store.load(USER)
    broken = replace(account.authenticator, sealed_key="k1.AAAA")
    memory_store._accounts["abe"] = replace(account, user="abe", authenticator=broken, recovery_code=None)
    assert key_checks.record(worker()) == ("k1",)


def test_a_wrong_key_that_a_worker_meets_is_no_edited_account(worker, enroll, memory_store):
    enroll("laptop")
    key_checks.record(worker())
    with pytest.raises(InvalidKeyError, match="'k1' is another key"):
        worker(OTHER).load(USER)


def test_a_restored_backup_of_before_a_rotation_gets_the_check_value_of_the_new_key(
    worker, memory_store, tmp_path
):
    path, backup = tmp_path / "mfa.db", tmp_path / "backup.db"
    with closing(SqliteStore(path, create=True, new_identity=memory_store.identity)) as store:
        key_checks.record(worker(store=store))
        store.backup(backup)
        key_checks.record(worker(BOTH, store))
        assert sorted(store.key_checks()) == ["k1", "k2"]
    with closing(SqliteStore(backup, create=False, new_identity=memory_store.identity)) as restored:
        assert sorted(restored.key_checks()) == ["k1"]  # told by a store that serves nobody, too
        operator = restored.for_operator()
        with closing(operator):
            assert key_checks.record(worker(BOTH, operator)) == ("k2",)
        assert sorted(restored.key_checks()) == ["k1", "k2"]
