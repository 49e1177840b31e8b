"""``mfa.toml``: the settings of ``MfaMiddleware`` in a file, without a secret in it.

Whatever is wrong, one line names the file, the setting and what is legal; nothing has a second meaning.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from wsgi_mfa.configuration.adapter_table import adapter_from
from wsgi_mfa.configuration.setting_types import (
    FIELD_SETS,
    IMPORTED,
    SWITCH,
    TABLE,
    TABLES,
    TEXT,
    TEXTS,
    WHOLE,
    YES_NO,
    check,
    imported,
    reject_unknown,
)
from wsgi_mfa.core.codec import ACCOUNT_CODEC
from wsgi_mfa.core.errors import InvalidPolicyError
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.directory import Person
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.request.undeclared import undeclared_from
from wsgi_mfa.identity.sealing.settings import SealSettings, seal_settings
from wsgi_mfa.identity.sign_in_fields.declaration import sign_in_fields_of
from wsgi_mfa.support.agents import agents_from
from wsgi_mfa.web.api_credentials import check_entry
from wsgi_mfa.web.sign_in_response import read_sign_in_response

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEYS_VARIABLE = "WSGI_MFA_KEYS"

#: The settings at the top of the file, beside the tables ``identity`` and ``policy``.
TOP_LEVEL = {
    "issuer": TEXT,
    "store": TEXT,
    "document_schema": WHOLE,
    "mount_path": TEXT,
    "support_contact": TEXT,
    "support_agents": TEXTS,
    "url": TEXT,
    "hosts": TEXTS,
    "scheme_from": TEXT,
    "tls_in_front": YES_NO,
    "proxy_count": WHOLE,
    "cookie_label": TEXT,
    "user_names": TEXT,
    "api_credentials": TABLES,
    "sign_in_response": TABLE,
    "directory": TEXT,
    "undeclared_credentials": TEXTS,
    "seal_credentials": SWITCH,
    "unsealed_cookies": TEXTS,
    "seal_group": TEXT,
    "also_by": TEXTS,
    "keys_env": TEXT,
    "keys_file": TEXT,
    "forward_auth": YES_NO,
    "renews_sessions": YES_NO,
    "keeps_session_id": TEXT,
}
REQUIRED = ("issuer", "store")

#: The settings of ``[identity]`` that every adapter has: what is watched beside the adapter's own credentials (D40).
WATCHED = {
    "sign_in_fields": FIELD_SETS,
    "sign_in_paths": TEXTS,
    "sign_in_user_fields": TEXTS,
    "signs_in_anywhere": YES_NO,
    "sign_in_fields_except": TEXTS,
    "sign_in_body_bytes_max": WHOLE,
}

#: The table `sign_in`: a user, and the portal's form, for `wsgi-mfa check --sign-in`.
SIGN_IN = {
    "application": IMPORTED,
    "path": TEXT,
    "page": TEXT,
    "user": TEXT,
    "password_env": TEXT,
    "user_field": TEXT,
    "password_field": TEXT,
    "fields": TABLE,
    "media_type": TEXT,
    "origin": TEXT,
}
SIGN_IN_REQUIRED = ("path", "page", "user", "password_env")


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """What a file says, each value checked; ``settings()`` are arguments of ``MfaMiddleware``."""

    issuer: str
    store: str
    identity: Adapter
    policy: Policy
    mount_path: str = "/mfa"
    support_contact: str | None = None
    support_agents: tuple[str, ...] = ()
    url: str | None = None
    hosts: tuple[str, ...] = ()
    scheme_from: str | None = None
    tls_in_front: bool = False
    proxy_count: int | None = None
    cookie_label: str | None = None
    user_names: str | None = None
    api_credentials: tuple[dict[str, Any], ...] = ()
    sign_in_response: Mapping[str, Any] | None = None
    directory: Callable[[str], Person | None] | None = None
    undeclared_credentials: tuple[str, ...] = ()
    seal_credentials: bool | str = True
    unsealed_cookies: tuple[str, ...] = ()
    seal_group: str | None = None
    also_by: tuple[str, ...] = ()
    watched: Mapping[str, Any] = field(default_factory=dict)
    keys_env: str = KEYS_VARIABLE
    keys_file: str | None = None
    forward_auth: bool = False
    renews_sessions: bool = False
    keeps_session_id: str | None = None
    document_schema: int = ACCOUNT_CODEC.schema
    sign_in: Mapping[str, Any] | None = None

    def settings(self) -> dict[str, Any]:
        """The keyword arguments for ``MfaMiddleware``, but for store and keys, which are opened by the caller."""
        return {
            "issuer": self.issuer,
            "identity": self.identity,
            "policy": self.policy,
            "mount_path": self.mount_path,
            "support_contact": self.support_contact,
            "support_agents": self.support_agents,
            "url": self.url,
            "hosts": self.hosts,
            "scheme_from": self.scheme_from,
            "tls_in_front": self.tls_in_front,
            "proxy_count": self.proxy_count,
            "cookie_label": self.cookie_label,
            "user_names": self.user_names,
            "api_credentials": self.api_credentials,
            "sign_in_response": self.sign_in_response,
            "directory": self.directory,
            "forward_auth": self.forward_auth,
            "renews_sessions": self.renews_sessions,
            "keeps_session_id": self.keeps_session_id,
            "undeclared_credentials": self.undeclared_credentials,
            "seal_credentials": self.seal_credentials,
            "unsealed_cookies": self.unsealed_cookies,
            "seal_group": self.seal_group,
            "also_by": self.also_by,
            **self.watched,
        }

    def sealing(self) -> SealSettings:
        """How the portal's cookies are sealed.

        :raises ConfigurationError: a setting of it has no legal value.
        """
        return seal_settings(
            self.seal_credentials,
            unsealed_cookies=self.unsealed_cookies,
            seal_group=self.seal_group,
            also_by=self.also_by,
            identity=self.identity,
            forward_auth=self.forward_auth,
        )


def read_configuration(path: Path) -> Configuration:
    """The configuration in the TOML file ``path``.

    :raises ConfigurationError: the file cannot be read, or a setting is unknown, missing or not legal.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not TOML: {error}") from None
    try:
        return _configuration(document)
    except (ConfigurationError, InvalidPolicyError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _configuration(document: dict[str, Any]) -> Configuration:
    tables = {name: _table(document, name) for name in ("identity", "policy", "sign_in")}
    watched = {name: value for name, value in tables["identity"].items() if name in WATCHED}
    check("identity.", watched, WATCHED)
    tables["identity"] = {name: value for name, value in tables["identity"].items() if name not in WATCHED}
    top = {name: value for name, value in document.items() if name not in tables}
    check("", top, TOP_LEVEL, also=tuple(tables))
    for name in REQUIRED:
        if name not in top:
            raise ConfigurationError(f"{name} is missing: {TOP_LEVEL[name]} is needed", setting=name)
    if "keys_env" in top and "keys_file" in top:
        raise ConfigurationError(
            "keys_file stands beside keys_env: legal is one of them", setting="keys_file"
        )
    if "directory" in top:
        top["directory"] = imported(top["directory"], setting="directory")
    for name in ("undeclared_credentials", "support_agents", "unsealed_cookies", "also_by", "hosts"):
        top[name] = tuple(top.get(name, ()))
    top["api_credentials"] = tuple(top.get("api_credentials", ()))
    for entry in top["api_credentials"]:
        check_entry(entry)
    read_sign_in_response(top.get("sign_in_response"))
    agents_from(top["support_agents"], has_directory="directory" in top)
    undeclared_from(top["undeclared_credentials"])
    configuration = Configuration(
        identity=adapter_from(tables["identity"]),
        policy=_policy(tables["policy"]),
        sign_in=_sign_in(tables["sign_in"]),
        watched=watched,
        **top,
    )
    sealing = configuration.sealing()
    sign_in_fields_of(configuration.identity, other_fields=sealing.other_fields, **watched)
    return configuration


def _table(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{name} is {table!r}: legal is a table, [{name}]", setting=name)
    return table


def _sign_in(table: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the table ``[sign_in]``, checked; None where there is none."""
    if not table:
        return None
    check("sign_in.", table, SIGN_IN)
    for name in SIGN_IN_REQUIRED:
        if name not in table:
            raise ConfigurationError(
                f"sign_in.{name} is missing: {SIGN_IN[name]} is needed", setting=f"sign_in.{name}"
            )
    return dict(table)


def _policy(table: Mapping[str, Any]) -> Policy:
    reject_unknown("policy.", table, Policy.names())
    settings: dict[str, Any] = {name: _plain(value) for name, value in table.items()}
    return Policy(**settings)


def _plain(value: object) -> object:
    """A setting as ``Policy`` has it: lists are tuples, and TOML's own dates are text."""
    if isinstance(value, list):
        return tuple(value)
    return value.isoformat() if isinstance(value, date) else value
