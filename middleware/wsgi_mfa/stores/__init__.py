"""The stores, their contracts, and what it takes to write one; the values that they keep are in ``accounts``."""

from __future__ import annotations

from wsgi_mfa.core.codec import ACCOUNT_CODEC, EVENT_CODEC, Codec, CodecError, UnknownSchemaError
from wsgi_mfa.stores.base import StoreBase
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import (
    AccountStore,
    EventStore,
    Store,
    StoreAdmin,
    StoreIdentity,
    StoreState,
    StoreStatus,
    WorkerReport,
)
from wsgi_mfa.stores.sqlite import SqliteStore

__all__ = [
    "ACCOUNT_CODEC",
    "EVENT_CODEC",
    "AccountStore",
    "Codec",
    "CodecError",
    "EventStore",
    "MemoryStore",
    "SqliteStore",
    "Store",
    "StoreAdmin",
    "StoreBase",
    "StoreIdentity",
    "StoreState",
    "StoreStatus",
    "UnknownSchemaError",
    "WorkerReport",
]
