"""What a configuration describes, opened: its keys, its store, the middleware around an application."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wsgi_mfa.clock import SystemClock
from wsgi_mfa.configuration.toml_file import Configuration
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.keys.key_file import KeyFile
from wsgi_mfa.keys.ring import KeyRing, KeySource
from wsgi_mfa.stores.protocol import Store, StoreIdentity
from wsgi_mfa.stores.url import open_store
from wsgi_mfa.web import settings
from wsgi_mfa.web.middleware import MfaMiddleware
from wsgi_mfa.web.public_url import PublicUrl

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def keys_of(configuration: Configuration) -> KeySource:
    """The key ring in the configuration's file, which workers read anew, or in its environment variable (D29)."""
    if configuration.keys_file is not None:
        return KeyFile(Path(configuration.keys_file))
    return KeyRing.from_environment(configuration.keys_env)


def store_of(configuration: Configuration, *, create: bool = False) -> Store:
    """The configuration's store; a missing one is an error unless it may be made (D2)."""
    return open_store(
        configuration.store,
        new_identity=new_identity(),
        create=create,
        document_schema=configuration.document_schema,
    )


def wrapped(
    application: WSGIApplication, configuration: Configuration, *, plain_http: bool = False
) -> MfaMiddleware:
    """``application`` with the middleware of ``configuration`` around it; the store must be there (D2)."""
    return MfaMiddleware(
        application,
        store=store_of(configuration),
        keys=keys_of(configuration),
        plain_http=plain_http,
        **configuration.settings(),
    )


def public_url_of(configuration: Configuration, *, plain_http: bool = False) -> PublicUrl:
    """Return the configuration's settings about the portal's public URL, checked.

    :raises ConfigurationError: one of them is not legal, or does not go with another.
    """
    return settings.public_url_of(
        configuration.policy,
        plain_http=plain_http,
        url=configuration.url,
        hosts=configuration.hosts,
        scheme_from=configuration.scheme_from,
        tls_in_front=configuration.tls_in_front,
        proxy_count=configuration.proxy_count,
    )[0]


def new_identity() -> StoreIdentity:
    """Return the identity of a store that is made now (D2)."""
    return StoreIdentity(store_id=SystemEntropy().token_bytes(16).hex(), made_at=SystemClock().now())
