"""The identity adapters, and what it takes to write one.

An adapter tells which user has passed the portal's own sign-in; see :class:`Adapter`.
"""

from __future__ import annotations

from wsgi_mfa.core.usernames import UserNames
from wsgi_mfa.identity.adapter import (
    UNRESOLVED,
    Adapter,
    AdapterTraits,
    Anonymous,
    Credentials,
    FirstFactor,
    Identification,
    Unresolved,
)
from wsgi_mfa.identity.adapters.auth_tkt import AuthTkt
from wsgi_mfa.identity.adapters.beaker import BeakerSession
from wsgi_mfa.identity.adapters.chain import Chain
from wsgi_mfa.identity.adapters.django import (
    DjangoDirectory,
    DjangoSession,
    django_person,
    django_person_with_groups,
)
from wsgi_mfa.identity.adapters.environ_key import EnvironKey
from wsgi_mfa.identity.adapters.flask_app import FlaskApp
from wsgi_mfa.identity.adapters.flask_session import FlaskSession
from wsgi_mfa.identity.adapters.htpasswd import HtpasswdFile
from wsgi_mfa.identity.adapters.http_basic import HttpBasic, PasswordChecker
from wsgi_mfa.identity.adapters.pyramid import PyramidSession
from wsgi_mfa.identity.adapters.remote_user import RemoteUser
from wsgi_mfa.identity.adapters.sql import SqlSession
from wsgi_mfa.identity.adapters.trusted_header import TrustedHeader
from wsgi_mfa.identity.observed_login.login_form import LoginForm
from wsgi_mfa.identity.observed_login.probe import SignInProbe
from wsgi_mfa.identity.observed_login.response_header import ResponseHeader

__all__ = [
    "UNRESOLVED",
    "Adapter",
    "AdapterTraits",
    "Anonymous",
    "AuthTkt",
    "BeakerSession",
    "Chain",
    "Credentials",
    "DjangoDirectory",
    "DjangoSession",
    "EnvironKey",
    "FirstFactor",
    "FlaskApp",
    "FlaskSession",
    "HtpasswdFile",
    "HttpBasic",
    "Identification",
    "LoginForm",
    "PasswordChecker",
    "PyramidSession",
    "RemoteUser",
    "ResponseHeader",
    "SignInProbe",
    "SqlSession",
    "TrustedHeader",
    "Unresolved",
    "UserNames",
    "django_person",
    "django_person_with_groups",
]
