"""Where a command finds the store and its keys: what ``mfa.toml`` says, or a database with the keys beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path

import click

from wsgi_mfa.clock import SystemClock
from wsgi_mfa.configuration.build import keys_of, new_identity, store_of
from wsgi_mfa.configuration.toml_file import KEYS_VARIABLE, Configuration, read_configuration
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.usernames import UserNames
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import ConfigurationError, InvalidKeyError
from wsgi_mfa.keys.key_file import KeyFile, create_key_file
from wsgi_mfa.keys.ring import KeyRing, KeySource
from wsgi_mfa.operations.key_checks import record_new
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import Store
from wsgi_mfa.stores.sqlite import SqliteStore
from wsgi_mfa.support.desk import SupportDesk
from wsgi_mfa.web.settings import read_user_names

FIRST_KEY_ID = "k1"


@dataclass(frozen=True)
class CommandContext:
    """The store that a command works on, by exactly one of ``--config FILE`` and ``--database PATH``."""

    config: Path | None
    database: Path | None

    @cached_property
    def configuration(self) -> Configuration | None:
        return None if self.config is None else read_configuration(self.config)

    @property
    def user_names(self) -> UserNames:
        """How spellings of user names are taken; where nothing says it, as those that users type."""
        configuration = self.configuration
        if configuration is None:
            return UserNames.ASK
        return read_user_names(configuration.user_names, configuration.identity)

    @property
    def policy(self) -> Policy:
        return Policy() if self.configuration is None else self.configuration.policy

    @cached_property
    def store(self) -> Store:
        """The store, which must be there (D2)."""
        if self.configuration is not None:
            return store_of(self.configuration)
        return database_store(self.path)

    @cached_property
    def operator_store(self) -> Store:
        """The store for one who works on it, or reads it, also while it is closed (D28)."""
        return self.store.for_operator()

    @cached_property
    def keys(self) -> KeySource:
        if self.configuration is not None:
            return keys_of(self.configuration)
        return keys_beside(self.path, create=False)

    @cached_property
    def service(self) -> MfaService:
        """The service over the store."""
        store = self.store  # first, since where it is missing its keys are missing too
        return self._service(store, self.keys)

    @cached_property
    def operator_service(self) -> MfaService:
        """The service over the store, also while it is closed."""
        store = self.operator_store
        return self._service(store, self.keys)

    def service_with(self, keys: KeySource) -> MfaService:
        """The service over the store with other keys than those that are kept (D29)."""
        return self._service(self.store, keys)

    def _service(self, store: Store, keys: KeySource) -> MfaService:
        return MfaService(
            store=store,
            keys=keys,
            policy=self.policy,
            clock=SystemClock(),
            entropy=SystemEntropy(),
        )

    @property
    def desk(self) -> SupportDesk:
        """The support desk over the store, with the portal's directory where the configuration names one."""
        directory = None if self.configuration is None else self.configuration.directory
        return SupportDesk(self.service, directory=directory)

    @property
    def name(self) -> str:
        """The store as an error may speak of it."""
        return self.configuration.store if self.configuration is not None else str(self.database)

    @property
    def keys_variable(self) -> str:
        """The environment variable in which the keys are, where they are in no file."""
        return KEYS_VARIABLE if self.configuration is None else self.configuration.keys_env

    @property
    def keys_file(self) -> str:
        """The file of the keys, where they are in one, as it was named."""
        if self.configuration is not None:
            return str(self.configuration.keys_file)
        return str(keys_path(self.path))

    @property
    def path(self) -> Path:
        """The file behind ``--database``."""
        if self.database is None:
            raise click.UsageError("give one of --config FILE and --database PATH")
        return self.database


def context_options(command: Callable[..., None]) -> Callable[..., None]:
    """``--config FILE`` and ``--database PATH``, of which a command takes one, as its argument ``place``."""

    @click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="The file mfa.toml.")
    @click.option(
        "--database",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help=f"A SQLite file instead; its keys are in {KEYS_VARIABLE}, else in PATH.keys.",
    )
    @wraps(command)
    def placed(*, config: Path | None, database: Path | None, **options: object) -> None:
        if (config is None) == (database is None):
            raise click.UsageError("give one of --config FILE and --database PATH")
        command(place=CommandContext(config, database), **options)

    return placed


def database_store(database: Path, *, create: bool = False) -> SqliteStore:
    """The store in the file ``database``; a missing one is an error unless it may be made (D2)."""
    return SqliteStore(database, create=create, new_identity=new_identity())


def made_database(database: Path) -> tuple[SqliteStore, KeySource]:
    """The store in the file ``database`` and its keys, both made where the file is missing.

    The keys come first, since a store without them could never be used; and a store that is there never gets
    new ones, which would open none of its accounts (D29).

    :raises ConfigurationError: one of them cannot be made or read.
    """
    is_new = not database.exists()
    if is_new:
        keys_beside(database, create=True)
    store, keys = database_store(database, create=True), keys_beside(database, create=False)
    if is_new:
        record_new(store, keys.ring, *keys.ring.ids)
    return store, keys


def keys_beside(database: Path, *, create: bool) -> KeySource:
    """The key ring of a database: the environment's where it is set, else that of ``PATH.keys``.

    With ``create`` a missing file is made, readable by its owner alone.

    :raises ConfigurationError: there is no ring, or none that can be read or made.
    """
    if os.environ.get(KEYS_VARIABLE, "").strip():
        return KeyRing.from_environment(KEYS_VARIABLE)
    path = keys_path(database)
    if create and not path.exists():
        create_key_file(path, KeyRing.generate_text(SystemEntropy(), FIRST_KEY_ID))
    try:
        return KeyFile(path)
    except InvalidKeyError:
        raise
    except (OSError, ConfigurationError) as error:
        raise ConfigurationError(
            f"no keys: set {KEYS_VARIABLE}, or name a database whose keys are beside it ({error})"
        ) from None


def keys_path(database: Path) -> Path:
    """``PATH.keys`` beside the database ``PATH``."""
    return database.with_name(database.name + ".keys")
