"""A store by its URL, as it stands in ``store=`` and in ``mfa.toml``."""

from __future__ import annotations

import logging

from wsgi_mfa.core.codec import ACCOUNT_CODEC
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import Store, StoreIdentity
from wsgi_mfa.stores.sqlite import SqliteStore, check_document_schema

_LOG = logging.getLogger("wsgi_mfa.stores")
_LEGAL = "legal are memory://, sqlite:///relative/mfa.db and sqlite:////absolute/mfa.db"
_SQLITE = "sqlite:///"


def open_store(
    url: str,
    *,
    new_identity: StoreIdentity,
    create: bool = True,
    document_schema: int = ACCOUNT_CODEC.schema,
) -> Store:
    """Return the store that ``url`` names; a relative path starts in the current folder.

    With ``create`` a missing SQLite file is made with ``new_identity``, and a warning with its absolute path is
    logged: in production it means a wrong path, and a store in which no user is enrolled (D2). ``document_schema`` is
    the form in which accounts are written during an upgrade.

    :raises ConfigurationError: another form of URL, or a file that cannot be used.
    """
    check_document_schema(document_schema)
    if url == "memory://":
        return MemoryStore(identity=new_identity)
    path = url.removeprefix(_SQLITE)
    if path == url:
        # The rest of a foreign URL may hold a password, so only its kind is repeated.
        scheme, separator, _ = url.partition("://")
        raise ConfigurationError(f"store is of the kind {scheme + separator!r}: {_LEGAL}", setting="store")
    if not path or path.startswith(":memory:") or "?" in path:
        raise ConfigurationError(f"store is {url!r}: {_LEGAL}", setting="store")
    store = SqliteStore(path, create=create, new_identity=new_identity, document_schema=document_schema)
    if store.identity == new_identity:
        _LOG.warning("made a new store at %s: no user is enrolled in it", store.path)
    return store
