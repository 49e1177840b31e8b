"""Multi-factor authentication around any WSGI application.

::

    application = MfaMiddleware(
        application,
        issuer="Client Portal",
        identity=RemoteUser(),
        store="sqlite:///mfa.db",
        keys=KeyRing.from_environment(),
    )

The other documented modules are :mod:`wsgi_mfa.adapters`, :mod:`wsgi_mfa.stores`, :mod:`wsgi_mfa.accounts`,
:mod:`wsgi_mfa.keys`, :mod:`wsgi_mfa.support`, :mod:`wsgi_mfa.errors`, :mod:`wsgi_mfa.metrics`,
:mod:`wsgi_mfa.directory`, :mod:`wsgi_mfa.clock` and :mod:`wsgi_mfa.entropy`. What is in none of them may change
at any time.
"""

from __future__ import annotations

from wsgi_mfa.core.access_rules import AccessRule
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.directory import Person
from wsgi_mfa.errors import (
    AdapterUnavailableError,
    ConfigurationError,
    MfaError,
    StoreError,
    StoreUnavailableError,
)
from wsgi_mfa.identity.adapters.auth_tkt import AuthTkt
from wsgi_mfa.identity.adapters.beaker import BeakerSession
from wsgi_mfa.identity.adapters.chain import Chain
from wsgi_mfa.identity.adapters.django import DjangoSession, django_person
from wsgi_mfa.identity.adapters.environ_key import EnvironKey
from wsgi_mfa.identity.adapters.flask_app import FlaskApp
from wsgi_mfa.identity.adapters.flask_session import FlaskSession
from wsgi_mfa.identity.adapters.htpasswd import HtpasswdFile
from wsgi_mfa.identity.adapters.http_basic import HttpBasic
from wsgi_mfa.identity.adapters.pyramid import PyramidSession
from wsgi_mfa.identity.adapters.remote_user import RemoteUser
from wsgi_mfa.identity.adapters.sql import SqlSession
from wsgi_mfa.identity.adapters.trusted_header import TrustedHeader
from wsgi_mfa.identity.observed_login.login_form import LoginForm
from wsgi_mfa.identity.observed_login.response_header import ResponseHeader
from wsgi_mfa.keys.key_file import KeyFile
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.metrics import PrometheusMetrics
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.sqlite import SqliteStore
from wsgi_mfa.web.middleware import MfaMiddleware

__all__ = [
    "AccessRule",
    "AdapterUnavailableError",
    "AuthTkt",
    "BeakerSession",
    "Chain",
    "ConfigurationError",
    "DjangoSession",
    "EnvironKey",
    "Event",
    "FlaskApp",
    "FlaskSession",
    "HtpasswdFile",
    "HttpBasic",
    "KeyFile",
    "KeyRing",
    "LoginForm",
    "MemoryStore",
    "MfaError",
    "MfaMiddleware",
    "Person",
    "Policy",
    "PrometheusMetrics",
    "PyramidSession",
    "RemoteUser",
    "ResponseHeader",
    "SqlSession",
    "SqliteStore",
    "StoreError",
    "StoreUnavailableError",
    "TrustedHeader",
    "django_person",
]
