"""Settings of the middleware that are read, checked and opened when it is made."""

from __future__ import annotations

from collections.abc import Sequence

from wsgi_mfa.clock import Clock
from wsgi_mfa.core.access_rules import Rule, read_rules
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.entropy import Entropy
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential, paths_in
from wsgi_mfa.stores.protocol import Store, StoreIdentity
from wsgi_mfa.stores.url import open_store
from wsgi_mfa.web.request import Directory


def opened_store(store: Store | str, clock: Clock, entropy: Entropy) -> Store:
    if not isinstance(store, str):
        return store
    identity = StoreIdentity(store_id=entropy.token_bytes(16).hex(), made_at=clock.now())
    return open_store(store, new_identity=identity)


def closed_paths(
    undeclared_credentials: Sequence[UndeclaredCredential], *, forward_auth: bool
) -> tuple[str, ...]:
    paths = paths_in(undeclared_credentials)
    if forward_auth and paths:
        raise ConfigurationError(
            "undeclared_credentials name a path, which forward_auth is told by the proxy alone: close it there (D8)",
            setting="undeclared_credentials",
        )
    return paths


def read_site_rules(policy: Policy, directory: Directory | None, *, forward_auth: bool) -> tuple[Rule, ...]:
    rules = read_rules(policy.rules)
    if forward_auth and any(rule.path is not None or rule.methods is not None for rule in rules):
        raise ConfigurationError(
            "policy.rules name a path or a method, which forward_auth is told by the proxy alone: such rules belong"
            " in the proxy (D8)",
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
