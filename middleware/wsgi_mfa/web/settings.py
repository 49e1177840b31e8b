"""Checks of the arguments of ``MfaMiddleware`` that need more than one of them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from wsgi_mfa.clock import Clock
from wsgi_mfa.core.access_rules import AccessRule
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.usernames import UserNames
from wsgi_mfa.entropy import Entropy
from wsgi_mfa.errors import ConfigurationError, StoreUnavailableError
from wsgi_mfa.identity.adapter import Adapter, problems_of
from wsgi_mfa.identity.adapters.chain import Chain
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential, paths_in
from wsgi_mfa.keys.check_values import reject_other_keys
from wsgi_mfa.keys.ring import KeyRing, KeySource
from wsgi_mfa.operations.key_checks import record_new
from wsgi_mfa.operations.spellings import problems_of_names
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import Store, StoreIdentity
from wsgi_mfa.stores.url import open_store
from wsgi_mfa.web.client_address import ClientAddressReader
from wsgi_mfa.web.cookie_label import CookieLabels
from wsgi_mfa.web.public_url import PublicUrl, read_public_url
from wsgi_mfa.web.request import Directory

logger = logging.getLogger("wsgi_mfa")

_MOUNT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)


def check_mount_path(mount_path: str) -> None:
    """Reject a mount path that is no path below the root.

    :raises ConfigurationError: the path ends with a slash, or has a segment that is empty or dots.
    """
    if _MOUNT_PATH.fullmatch(mount_path) is None or {".", ".."} & set(mount_path.split("/")):
        raise ConfigurationError(
            f"mount_path is {mount_path!r}: legal is a path such as /mfa, without a slash at its end",
            setting="mount_path",
        )


def check_keys_and_identity(keys: object, identity: Adapter, *, has_directory: bool) -> None:
    """Reject keys that are no ring, and an adapter that cannot be used as it is set up.

    :raises ConfigurationError: one of them is so.
    """
    if not isinstance(getattr(keys, "ring", None), KeyRing):
        raise ConfigurationError("keys must be a KeyRing, such as KeyRing.from_environment()", setting="keys")
    problems = problems_of(identity, has_directory=has_directory)
    if problems:
        raise ConfigurationError(f"identity: {'; '.join(problems)}", setting="identity")


def check_processes(environ: Mapping[str, Any], store: Store) -> None:
    """Reject a request to one of several processes whose store is theirs alone.

    :raises ConfigurationError: it is so.
    """
    if environ.get("wsgi.multiprocess") and not store.shared_between_processes:
        raise ConfigurationError("store: several processes need a store that they share", setting="store")


def user_names_of(setting: str | None, identity: Adapter, store: Store) -> UserNames:
    """Return how spellings of user names are taken: by the setting, or else by the adapter.

    :raises ConfigurationError: the setting has no legal value, or the accounts of ``store`` do not fit it.
    """
    mode = read_user_names(setting, identity)
    if mode is UserNames.FOLDED and isinstance(identity, Chain):
        identity.fold_names()
    if mode is UserNames.FOLDED:
        with closing(store.for_operator()) as twin:  # nothing stays open before the first request (D32)
            problems = problems_of_names(twin, mode)
        if problems:
            raise ConfigurationError(
                f"user_names is {mode.value!r}: {'; '.join(problems)}", setting="user_names"
            )
    return mode


def read_user_names(setting: str | None, identity: Adapter) -> UserNames:
    """Return the mode that the setting names, or else the adapter's.

    :raises ConfigurationError: the setting has no legal value.
    """
    words = [each.value for each in UserNames]
    if setting is not None and setting not in words:
        raise ConfigurationError(
            f"user_names is {setting!r}: legal are {', '.join(words)}", setting="user_names"
        )
    return identity.traits.user_names if setting is None else UserNames(setting)


def opened_store(store: Store | str, keys: KeySource, clock: Clock, entropy: Entropy) -> Store:
    """Return ``store``, or the one that its URL names; a SQLite file that is missing is made.

    :raises InvalidKeyError: the ring has another key under an id by which the store was sealed.
    """
    ring = keys.ring
    if isinstance(store, str):
        identity = StoreIdentity(store_id=entropy.token_bytes(16).hex(), made_at=clock.now())
        store = open_store(store, new_identity=identity)
        if store.identity == identity:
            record_new(store, ring, *ring.ids)
    try:
        known = store.key_checks()
    except StoreUnavailableError as error:
        logger.warning("the keys could not be compared with the store: %s", error)
    else:
        reject_other_keys(ring, known, store.identity.store_id)
    return store


def closed_paths(
    undeclared_credentials: Sequence[UndeclaredCredential], *, forward_auth: bool
) -> tuple[str, ...]:
    """Return the paths that are closed without a second factor.

    :raises ConfigurationError: forward-auth sees no path that it could trust.
    """
    paths = paths_in(undeclared_credentials)
    if forward_auth and paths:
        raise ConfigurationError(
            "undeclared_credentials name a path, which forward_auth is told by the proxy alone: close it there",
            setting="undeclared_credentials",
        )
    return paths


def checked_rules(
    policy: Policy, directory: Directory | None, *, forward_auth: bool
) -> tuple[AccessRule, ...]:
    """Return the access rules of ``policy``.

    :raises ConfigurationError: a rule needs a directory or a path that is not there.
    """
    rules = policy.rules
    if forward_auth and any(rule.path is not None or rule.methods for rule in rules):
        raise ConfigurationError(
            "policy.rules name a path or a method, which forward_auth is told by the proxy alone: such rules belong"
            " in the proxy",
            setting="policy.rules",
        )
    if directory is None and any(rule.group is not None for rule in rules):
        raise ConfigurationError(
            "policy.rules name a group: give directory=, which knows the groups of a user",
            setting="policy.rules",
        )
    if directory is None and policy.required_groups:
        raise ConfigurationError(
            "policy.required_groups names groups: give directory=, which knows the groups of a user",
            setting="policy.required_groups",
        )
    return rules


def public_url_of(
    policy: Policy,
    *,
    plain_http: bool,
    url: str | None,
    hosts: Sequence[str],
    scheme_from: str | None,
    tls_in_front: bool,
    proxy_count: int | None,
) -> tuple[PublicUrl, ClientAddressReader]:
    """Return the settings about the portal's public URL, and what reads addresses through the same proxies.

    :raises ConfigurationError: one of them is not legal, or does not go with another.
    """
    sources = ClientAddressReader(policy.trusted_peers)
    public = read_public_url(
        plain_http=plain_http,
        url=url,
        hosts=hosts,
        scheme_from=scheme_from,
        tls_in_front=tls_in_front,
        proxy_count=proxy_count,
        trusts=sources.trusts if policy.trusted_peers else None,
    )
    return public, sources


def address_of(
    service: MfaService,
    *,
    issuer: str,
    mount_path: str,
    cookie_label: str | None,
    plain_http: bool,
    url: str | None,
    hosts: Sequence[str],
    scheme_from: str | None,
    tls_in_front: bool,
    proxy_count: int | None,
) -> tuple[PublicUrl, ClientAddressReader, CookieLabels]:
    """Return how browsers reach the portal: :func:`public_url_of`, and the labels that follow from it.

    :raises ConfigurationError: one of the settings is not legal, or does not go with another.
    """
    public, sources = public_url_of(
        service.policy,
        plain_http=plain_http,
        url=url,
        hosts=hosts,
        scheme_from=scheme_from,
        tls_in_front=tls_in_front,
        proxy_count=proxy_count,
    )
    labels = CookieLabels(
        store_id=service.store.identity.store_id,
        mount_path=mount_path,
        public=public,
        issuer=issuer,
        fixed=cookie_label,
    )
    return public, sources, labels
