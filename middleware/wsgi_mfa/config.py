"""``mfa.toml``: the settings of ``MfaMiddleware`` in a file, without a secret in it.

Whatever is wrong, one line names the file, the setting and what is legal; nothing has a second meaning.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsgi_mfa.core.errors import InvalidPolicyError
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.auth_tkt import AuthTkt
from wsgi_mfa.identity.flask_session import FlaskSession
from wsgi_mfa.identity.remote_user import RemoteUser
from wsgi_mfa.person import Person

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEYS_VARIABLE = "WSGI_MFA_KEYS"

TEXT, WHOLE, YES_NO, TEXTS = "text", "a whole number", "true or false", "a list of texts"
_TYPES: dict[str, Callable[[object], bool]] = {
    TEXT: lambda value: isinstance(value, str) and value != "",
    WHOLE: lambda value: isinstance(value, int) and not isinstance(value, bool),
    YES_NO: lambda value: isinstance(value, bool),
    TEXTS: lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
}

#: The settings at the top of the file, beside the tables ``identity`` and ``policy``.
TOP_LEVEL = {
    "issuer": TEXT,
    "store": TEXT,
    "mount_path": TEXT,
    "support_contact": TEXT,
    "scheme_from": TEXT,
    "directory": TEXT,
    "keys_env": TEXT,
}
REQUIRED = ("issuer", "store")


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterKind:
    """One word of ``identity.kind``: what makes the adapter, and its settings; secrets are named by variables."""

    make: Callable[..., Adapter]
    settings: Mapping[str, str] = field(default_factory=dict)
    env_argument: str | None = None  # the argument that `secret_env` fills
    envs_argument: str | None = None  # the argument that `fallback_envs` fills


ADAPTERS = {
    "remote-user": AdapterKind(make=RemoteUser, settings={"anonymous_cookies": TEXTS}),
    "flask-session": AdapterKind(
        make=FlaskSession,
        settings={"cookie": TEXT, "user_key": TEXT, "salt": TEXT},
        env_argument="secret_key",
        envs_argument="fallbacks",
    ),
    "auth-tkt": AdapterKind(
        make=AuthTkt,
        settings={"cookie": TEXT, "digest": TEXT, "include_ip": YES_NO, "timeout_seconds": WHOLE},
        env_argument="secret",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """What a file says, each value checked; ``settings()`` are arguments of ``MfaMiddleware``."""

    issuer: str
    store: str
    identity: Adapter
    policy: Policy
    mount_path: str = "/mfa"
    support_contact: str | None = None
    scheme_from: str | None = None
    directory: Callable[[str], Person | None] | None = None
    keys_env: str = KEYS_VARIABLE

    def settings(self) -> dict[str, Any]:
        """The keyword arguments for ``MfaMiddleware``, but for store and keys, which are opened by the caller."""
        return {
            "issuer": self.issuer,
            "identity": self.identity,
            "policy": self.policy,
            "mount_path": self.mount_path,
            "support_contact": self.support_contact,
            "scheme_from": self.scheme_from,
            "directory": self.directory,
        }


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
    tables = {name: _table(document, name) for name in ("identity", "policy")}
    top = {name: value for name, value in document.items() if name not in tables}
    _check("", top, TOP_LEVEL, also=tuple(tables))
    for name in REQUIRED:
        if name not in top:
            raise ConfigurationError(f"{name} is missing: {TOP_LEVEL[name]} is needed", setting=name)
    if "directory" in top:
        top["directory"] = imported(top["directory"], setting="directory")
    return Configuration(identity=_adapter(tables["identity"]), policy=_policy(tables["policy"]), **top)


def _table(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{name} is {table!r}: legal is a table, [{name}]", setting=name)
    return table


def _check(
    prefix: str, given: Mapping[str, Any], legal: Mapping[str, str], *, also: Iterable[str] = ()
) -> None:
    """Refuse unknown names and values of another type."""
    _refuse_unknown(prefix, given, (*legal, *also))
    for name, value in given.items():
        if not _TYPES[legal[name]](value):
            raise ConfigurationError(
                f"{prefix}{name} is {value!r}: legal is {legal[name]}", setting=prefix + name
            )


def _refuse_unknown(prefix: str, given: Iterable[str], legal: Sequence[str]) -> None:
    for name in given:
        if name not in legal:
            near = difflib.get_close_matches(name, legal, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise ConfigurationError(
                f"{prefix}{name} is no setting: legal are {', '.join(legal)}{hint}", setting=prefix + name
            )


def _adapter(table: dict[str, Any]) -> Adapter:
    kind_name = table.pop("kind", None)
    kind = ADAPTERS.get(kind_name) if isinstance(kind_name, str) else None
    if kind is None:
        found = "is missing" if kind_name is None else f"is {kind_name!r}"
        raise ConfigurationError(
            f"identity.kind {found}: legal are {', '.join(ADAPTERS)}", setting="identity.kind"
        )
    legal = dict(kind.settings)
    if kind.env_argument is not None:
        legal["secret_env"] = TEXT
    if kind.envs_argument is not None:
        legal["fallback_envs"] = TEXTS
    _check("identity.", table, legal)
    arguments = {name: value for name, value in table.items() if name in kind.settings}
    if kind.env_argument is not None:
        if "secret_env" not in table:
            raise ConfigurationError(
                "identity.secret_env is missing: the name of the environment variable with the portal's secret",
                setting="identity.secret_env",
            )
        arguments[kind.env_argument] = _secret(table["secret_env"])
    if kind.envs_argument is not None:
        arguments[kind.envs_argument] = [_secret(name) for name in table.get("fallback_envs", ())]
    return kind.make(**arguments)


def _secret(variable: str) -> str:
    secret = os.environ.get(variable)
    if not secret:
        raise ConfigurationError(f"the environment variable {variable} is not set", setting=variable)
    return secret


def _policy(table: Mapping[str, Any]) -> Policy:
    _refuse_unknown("policy.", table, Policy.names())
    settings: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in table.items()
    }
    return Policy(**settings)


def imported(reference: str, *, setting: str) -> Any:  # noqa: ANN401 - whatever the module has there
    """What ``MODULE:NAME`` names; the module is looked for in the current folder too, as servers do.

    :raises ConfigurationError: another form, or nothing callable is there.
    """
    module_name, colon, name = reference.partition(":")
    if not colon or not module_name or not name:
        raise ConfigurationError(f"{setting} is {reference!r}: legal is MODULE:NAME", setting=setting)
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module_name)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{setting} is {reference!r}: {error}", setting=setting) from None
    if not callable(found):
        raise ConfigurationError(
            f"{setting} is {reference!r}: nothing that can be called is there", setting=setting
        )
    return found
