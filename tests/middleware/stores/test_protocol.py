"""Stores beside each other; the contract of each part is in the folder contract."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.stores.base import StoreBase
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import Store, StoreIdentity
from wsgi_mfa.stores.sqlite import SqliteStore


def contents(store: Store) -> tuple[object, ...]:
    return [store.load(user) for user in store.users()], store.events()


users = st.sampled_from(["ann", "zoe", "user1@example.com"])
# A save over: the revision that was loaded, no account, or a revision of long ago.
saves = st.lists(st.tuples(users, st.sampled_from(["loaded", "none", "old"]), st.integers(0, 2)), max_size=20)


@given(saves)
@settings(max_examples=30)
def test_all_stores_answer_alike(
    json_store_type: Callable[..., StoreBase], steps: list[tuple[str, str, int]]
) -> None:
    identity = StoreIdentity(store_id="0" * 32, made_at=0)
    with tempfile.TemporaryDirectory() as folder:
        sqlite = SqliteStore(Path(folder) / "mfa.db", create=True, new_identity=identity)
        json_store = json_store_type(Path(folder) / "mfa.json", identity=identity)
        with closing(sqlite), closing(MemoryStore(identity=identity)) as memory:
            stores = (memory, sqlite, json_store)
            for number, (user, base, event_count) in enumerate(steps):
                loaded = memory.load(user)
                expected = {"none": None, "old": "old", "loaded": loaded.revision if loaded else None}[base]
                account = Account(
                    user=user, generation="g", revision=f"r{number}", address=f"{base}@example.com"
                )
                events = [Event(at=number, user=user, kind="k", index=i) for i in range(event_count)]
                answers = {store.save(account, events, expected=expected) for store in stores}
                assert len(answers) == 1
            for other in (sqlite, json_store):
                assert contents(other) == contents(memory)
                found = other.find_by_address("loaded@example.com")
                assert found == memory.find_by_address("loaded@example.com")


@pytest.mark.parametrize("store_id", ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32])
def test_a_store_id_is_128_bits_in_hex(store_id: str) -> None:
    with pytest.raises(ValueError, match=r"StoreIdentity\.store_id: legal are 128 bits"):
        StoreIdentity(store_id=store_id, made_at=0)
