"""The table ``[identity]`` of a settings file: which adapter tells who passed the first factor (R60)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wsgi_mfa.configuration.setting_types import (
    IMPORTED,
    TABLE,
    TABLES,
    TEXT,
    TEXTS,
    WHOLE,
    WHOLES,
    YES_NO,
    check,
    imported_application,
    imported_or_made,
    secret,
)
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.adapters.auth_tkt import AuthTkt
from wsgi_mfa.identity.adapters.beaker import BeakerSession
from wsgi_mfa.identity.adapters.chain import Chain
from wsgi_mfa.identity.adapters.django import DjangoSession
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

PREFIX = "identity."
#: The settings of every adapter whose user is one that a server or proxy tells.
TOLD = {"anonymous_cookies": TEXTS, "aliases": YES_NO}


#: The settings of every adapter that finds the user in a session.
SESSION = {"user_key": TEXT, "user": IMPORTED, "anonymous_keys": TEXTS}
#: The settings of every adapter that sees logins from outside.
OBSERVED = {
    "paths": TEXTS,
    "cookies": TEXTS,
    "harmless_cookies": TEXTS,
    "sign_out": TEXTS,
    "secure": YES_NO,
    "aliases": YES_NO,
    "renews_in_responses": YES_NO,
}
REHEARSAL = {"application": IMPORTED, "user": TEXT, "password_env": TEXT}


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterKind:
    """One word of ``identity.kind``: what makes the adapter, and its settings; secrets are named by variables."""

    make: Callable[..., Adapter]
    settings: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    env_argument: str | None = None  # the argument that `secret_env` fills
    env_required: bool = True
    envs_argument: str | None = None  # the argument that `fallback_envs` fills

    @property
    def legal(self) -> dict[str, str]:
        """The settings as they are spelt in a file."""
        return {
            **self.settings,
            **({} if self.env_argument is None else {"secret_env": TEXT}),
            **({} if self.envs_argument is None else {"fallback_envs": TEXTS}),
        }


def _chain(*, of: list[dict[str, Any]]) -> Chain:
    return Chain(*(adapter_from(table) for table in of))


def _http_basic(
    *,
    htpasswd: str | None = None,
    checker: PasswordChecker | None = None,
    **settings: Any,  # noqa: ANN401 - checked against the kind's settings
) -> HttpBasic:
    if (htpasswd is None) == (checker is None):
        raise ConfigurationError(
            "identity.htpasswd or identity.checker is needed, and only one of them",
            setting="identity.checker",
        )
    return HttpBasic(checker or HtpasswdFile(htpasswd or ""), **settings)


def _sql_session(
    *,
    query: str,
    database: str | None = None,
    connect: Callable[[], Any] | None = None,
    **settings: Any,  # noqa: ANN401 - checked against the kind's settings
) -> SqlSession:
    if (database is None) == (connect is None):
        raise ConfigurationError(
            "identity.database or identity.connect is needed, and only one of them",
            setting="identity.database",
        )
    return SqlSession(connect or database or "", query, **settings)


def _login_form(
    *,
    paths: list[str],
    field: str | None = None,
    rehearsal: dict[str, Any] | None = None,
    **settings: Any,  # noqa: ANN401 - checked against the kind's settings
) -> LoginForm:
    return LoginForm(paths, field, rehearsal=None if rehearsal is None else _rehearsal(rehearsal), **settings)


def _rehearsal(table: Mapping[str, Any]) -> SignInProbe:
    prefix = PREFIX + "rehearsal."
    check(
        prefix,
        table,
        {**REHEARSAL, "password_field": TEXT, "fields": TABLE, "origin": TEXT, "other_names": TEXTS},
    )
    for name in REHEARSAL:
        if name not in table:
            raise ConfigurationError(
                f"{prefix}{name} is missing: {REHEARSAL[name]} is needed", setting=prefix + name
            )
    given = dict(table)
    application = imported_application(given.pop("application"), setting=prefix + "application")
    return SignInProbe(application, password=secret(given.pop("password_env")), **given)


def _response_header(*, header: str, paths: list[str], **settings: Any) -> ResponseHeader:  # noqa: ANN401  # the adapter checks them
    return ResponseHeader(header, path=paths, **settings)


ADAPTERS: dict[str, AdapterKind] = {
    "remote-user": AdapterKind(make=RemoteUser, settings=TOLD),
    "trusted-header": AdapterKind(
        make=TrustedHeader,
        settings={"header": TEXT, "peers": TEXTS, "secret_header": TEXT, "session_header": TEXT, **TOLD},
        required=("header", "peers"),
        env_argument="secret",
        env_required=False,
    ),
    "environ-key": AdapterKind(
        make=EnvironKey, settings={"key": TEXT, "item": TEXT, **TOLD}, required=("key",)
    ),
    "http-basic": AdapterKind(
        make=_http_basic,
        settings={
            "htpasswd": TEXT,
            "checker": IMPORTED,
            "realm": TEXT,
            "code_digits": WHOLE,
            "app_passwords": YES_NO,
            **TOLD,
        },
    ),
    "flask-session": AdapterKind(
        make=FlaskSession,
        settings={"cookie": TEXT, "salt": TEXT, **SESSION},
        required=("user_key",),
        env_argument="secret_key",
        envs_argument="fallbacks",
    ),
    "flask-app": AdapterKind(make=FlaskApp, settings={"app": IMPORTED, **SESSION}, required=("app",)),
    "django-session": AdapterKind(make=DjangoSession, settings={"anonymous_keys": TEXTS}),
    "pyramid-session": AdapterKind(
        make=PyramidSession,
        settings={
            "cookie": TEXT,
            "salt": TEXT,
            "digest": TEXT,
            "timeout_seconds": WHOLE,
            "serializer": TEXT,
            **SESSION,
        },
        required=("user_key",),
        env_argument="secret",
    ),
    "beaker-session": AdapterKind(
        make=BeakerSession,
        settings={"options": TABLE, **SESSION},
        required=("options", "user_key"),
        env_argument="secret",
        env_required=False,
    ),
    "sql-session": AdapterKind(
        make=_sql_session,
        settings={"database": TEXT, "connect": IMPORTED, "query": TEXT, "cookie": TEXT, **SESSION},
        required=("query", "cookie", "user_key"),
    ),
    "auth-tkt": AdapterKind(
        make=AuthTkt,
        settings={"cookie": TEXT, "digest": TEXT, "include_ip": YES_NO, "timeout_seconds": WHOLE},
        env_argument="secret",
    ),
    "login-form": AdapterKind(
        make=_login_form,
        settings={
            "field": TEXT,
            "user": TEXT,
            "user_paths": TEXTS,
            "succeeded": TEXTS,
            "failed": TEXTS,
            "media_types": TEXTS,
            "rehearsal": TABLE,
            **OBSERVED,
        },
        required=("paths", "cookies", "succeeded", "failed"),
    ),
    "response-header": AdapterKind(
        make=_response_header,
        settings={"header": TEXT, "method": TEXT, "statuses": WHOLES, **OBSERVED},
        required=("header", "paths", "cookies"),
        env_argument="secret",
        env_required=False,
    ),
    "chain": AdapterKind(make=_chain, settings={"of": TABLES}, required=("of",)),
}


def adapter_from(table: Mapping[str, Any]) -> Adapter:
    """The adapter that the table ``[identity]``, or one table of ``[[identity.of]]``, describes.

    :raises ConfigurationError: a setting is unknown, missing or not legal, or a secret is not there.
    """
    given = dict(table)
    kind_name = given.pop("kind", None)
    kind = ADAPTERS.get(kind_name) if isinstance(kind_name, str) else None
    if kind is None:
        found = "is missing" if kind_name is None else f"is {kind_name!r}"
        raise ConfigurationError(
            f"identity.kind {found}: legal are {', '.join(ADAPTERS)}", setting="identity.kind"
        )
    check(PREFIX, given, kind.legal)
    _reject_missing(kind, given)
    arguments = {
        name: imported_or_made(value, setting=PREFIX + name) if kind.settings[name] == IMPORTED else value
        for name, value in given.items()
        if name in kind.settings
    }
    if kind.env_argument is not None and "secret_env" in given:
        arguments[kind.env_argument] = secret(given["secret_env"])
    if kind.envs_argument is not None:
        arguments[kind.envs_argument] = [secret(name) for name in given.get("fallback_envs", ())]
    return kind.make(**arguments)


def _reject_missing(kind: AdapterKind, given: Mapping[str, Any]) -> None:
    if kind.env_argument is not None and kind.env_required and "secret_env" not in given:
        raise ConfigurationError(
            "identity.secret_env is missing: the name of the environment variable with the portal's secret",
            setting="identity.secret_env",
        )
    for name in kind.required:
        if name not in given:
            raise ConfigurationError(
                f"{PREFIX}{name} is missing: {kind.settings[name]} is needed", setting=PREFIX + name
            )
