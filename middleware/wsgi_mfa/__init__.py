"""Multi-factor authentication around any WSGI application.

::

    application = MfaMiddleware(
        application,
        issuer="Client Portal",
        identity=RemoteUser(),
        store="sqlite:///mfa.db",
        keys=KeyRing.from_environment(),
    )
"""

from __future__ import annotations

from wsgi_mfa.clock import Clock, SystemClock
from wsgi_mfa.core.account import Account, Method
from wsgi_mfa.core.decision import Decision, Hint, Outcome, Reason
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.directory import Person
from wsgi_mfa.entropy import Entropy, SystemEntropy
from wsgi_mfa.errors import (
    AccountError,
    AdapterUnavailableError,
    AmbiguousCredentialError,
    ConfigurationError,
    InvalidIssuerError,
    InvalidKeyError,
    InvalidPolicyError,
    InvalidUserError,
    MfaError,
    StoreError,
    StoreUnavailableError,
    UnknownKeyError,
    UnsealError,
)
from wsgi_mfa.identity.adapter import (
    UNRESOLVED,
    Adapter,
    AdapterTraits,
    Credentials,
    FirstFactor,
    Identification,
)
from wsgi_mfa.identity.adapters.auth_tkt import AuthTkt
from wsgi_mfa.identity.adapters.beaker import BeakerSession
from wsgi_mfa.identity.adapters.chain import Chain
from wsgi_mfa.identity.adapters.django import DjangoSession, django_person, django_person_with_groups
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
from wsgi_mfa.identity.observed_login.probe import SignInProbe
from wsgi_mfa.identity.observed_login.response_header import ResponseHeader
from wsgi_mfa.keys.key_file import KeyFile
from wsgi_mfa.keys.ring import KeyRing, KeySource
from wsgi_mfa.metrics import Metrics, PrometheusMetrics
from wsgi_mfa.service import MfaService
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
from wsgi_mfa.support.desk import SupportDesk
from wsgi_mfa.support.results import Done, Rejected, SupportResult
from wsgi_mfa.web.middleware import MfaMiddleware

__all__ = [
    "UNRESOLVED",
    "Account",
    "AccountError",
    "AccountStore",
    "Adapter",
    "AdapterTraits",
    "AdapterUnavailableError",
    "AmbiguousCredentialError",
    "AuthTkt",
    "BeakerSession",
    "Chain",
    "Clock",
    "ConfigurationError",
    "Credentials",
    "Decision",
    "DjangoSession",
    "Done",
    "Entropy",
    "EnvironKey",
    "Event",
    "EventStore",
    "FirstFactor",
    "FlaskApp",
    "FlaskSession",
    "Hint",
    "HtpasswdFile",
    "HttpBasic",
    "Identification",
    "InvalidIssuerError",
    "InvalidKeyError",
    "InvalidPolicyError",
    "InvalidUserError",
    "KeyFile",
    "KeyRing",
    "KeySource",
    "LoginForm",
    "MemoryStore",
    "Method",
    "Metrics",
    "MfaError",
    "MfaMiddleware",
    "MfaService",
    "Outcome",
    "Person",
    "Policy",
    "PrometheusMetrics",
    "PyramidSession",
    "Reason",
    "Rejected",
    "RemoteUser",
    "ResponseHeader",
    "SignInProbe",
    "SqlSession",
    "SqliteStore",
    "Store",
    "StoreAdmin",
    "StoreBase",
    "StoreError",
    "StoreIdentity",
    "StoreState",
    "StoreStatus",
    "StoreUnavailableError",
    "SupportDesk",
    "SupportResult",
    "SystemClock",
    "SystemEntropy",
    "TrustedHeader",
    "UnknownKeyError",
    "UnsealError",
    "WorkerReport",
    "django_person",
    "django_person_with_groups",
]
