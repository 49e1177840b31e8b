"""Where a command finds the store and its keys: ``--database PATH``, with the keys beside it or from outside."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from wsgi_mfa.clock import SystemClock
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.keys import KeyRing
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import BirthRecord
from wsgi_mfa.stores.sqlite import SqliteStore

KEYS_VARIABLE = "WSGI_MFA_KEYS"
FIRST_KEY_ID = "k1"

F = TypeVar("F", bound=Callable[..., Any])


def database_option(function: F) -> F:
    """``--database PATH`` for a command that works on a store that is there."""
    return click.option(
        "--database",
        type=click.Path(path_type=Path),
        required=True,
        metavar="PATH",
        help=f"The SQLite file of the store; its keys are in {KEYS_VARIABLE}, else in PATH.keys.",
    )(function)


def keys_beside(database: Path, *, create: bool) -> KeyRing:
    """The key ring of a database: the environment's where it is set, else that of ``PATH.keys``.

    With ``create`` a missing file is made, readable by its owner alone.

    :raises ConfigurationError: there is no ring, or none that can be read.
    """
    if os.environ.get(KEYS_VARIABLE, "").strip():
        return KeyRing.from_environment(KEYS_VARIABLE)
    path = keys_path(database)
    if create and not path.exists():
        text = KeyRing.generate_text(SystemEntropy(), FIRST_KEY_ID)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"no keys: set {KEYS_VARIABLE}, or name a database whose keys are beside it ({path}: {error})"
        ) from None
    return KeyRing.from_text(text.strip(), setting=str(path))


def keys_path(database: Path) -> Path:
    """``PATH.keys`` beside the database ``PATH``."""
    return database.with_name(database.name + ".keys")


def opened_store(database: Path, *, create: bool = False) -> SqliteStore:
    """The store in the file ``database``; a missing one is an error unless it may be made (D2)."""
    birth = BirthRecord(store_id=SystemEntropy().token_bytes(16).hex(), made_at=SystemClock().now())
    return SqliteStore(str(database), create=create, new_birth=birth)


def opened_service(database: Path) -> MfaService:
    """The service over an existing store."""
    return MfaService(
        store=opened_store(database),
        keys=keys_beside(database, create=False),
        policy=Policy(),
        clock=SystemClock(),
        entropy=SystemEntropy(),
    )
