"""A store by its URL, as it stands in ``store=`` and in ``mfa.toml``."""

from __future__ import annotations

import logging

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import AccountStore, BirthRecord
from wsgi_mfa.stores.sqlite import SqliteStore

_LOG = logging.getLogger("wsgi_mfa.stores")
_LEGAL = "legal are memory://, sqlite:///relative/mfa.db and sqlite:////absolute/mfa.db"
_SQLITE = "sqlite:///"


def open_store(url: str, *, new_birth: BirthRecord, create: bool = True) -> AccountStore:
    """The store that ``url`` names; a relative path starts in the current folder.

    With ``create`` a missing SQLite file is made with ``new_birth``, and a warning with its absolute path is
    logged: whoever sees it in production has a wrong path, and a store of which nobody is enrolled (D2).

    :raises ConfigurationError: another form of URL, or a file that cannot be used.
    """
    if url == "memory://":
        return MemoryStore(birth=new_birth)
    path = url.removeprefix(_SQLITE)
    if path == url:
        # The rest of a foreign URL may hold a password, so only its kind is repeated.
        scheme, separator, _ = url.partition("://")
        raise ConfigurationError(f"store is of the kind {scheme + separator!r}: {_LEGAL}", setting="store")
    if not path or path.startswith(":memory:") or "?" in path:
        raise ConfigurationError(f"store is {url!r}: {_LEGAL}", setting="store")
    store = SqliteStore(path, create=create, new_birth=new_birth)
    if store.birth == new_birth:
        _LOG.warning("made a new store at %s: nobody is enrolled in it", store.path)
    return store
