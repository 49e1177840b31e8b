"""The portal's own API tokens, which pass at the paths that the setting ``api_credentials`` names.

Such a path is protected by that token alone: the middleware does not know its holder, and asks for no second factor.
To the middleware the request is anonymous; every other credential is removed from it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

from wsgi_mfa.core.access_rules import is_exempt, is_rule
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.web.access import is_closed, path_in
from wsgi_mfa.web.request import WebRequest

logger = logging.getLogger("wsgi_mfa")

SETTING = "api_credentials"
_AUTHORIZATION = "HTTP_AUTHORIZATION"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
# One value: a comma or a blank would join two, as servers join two headers of one name.
_VALUE = re.compile(r"[\x21-\x2b\x2d-\x7e]+", re.ASCII)
_NEVER = re.compile(
    r"(Cookie|Host|Content-.*|X-Forwarded-.*|Sec-.*|.*wsgi[-_]mfa.*)", re.ASCII | re.IGNORECASE
)
_LEGAL = 'a table such as {header = "Authorization", scheme = "Bearer", path = "/api"}'


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiCredential:
    """A token in ``header`` that passes at ``path`` and below it; ``scheme`` is that of ``Authorization``."""

    header: str
    path: str
    scheme: str | None = None

    @property
    def key(self) -> str:
        """The environ key of the header."""
        return "HTTP_" + self.header.upper().replace("-", "_")

    def __str__(self) -> str:
        name = self.header if self.scheme is None else f"{self.header}: {self.scheme}"
        return f"{self.path} by {name}"


class PassedToken(NamedTuple):
    """A token that a request may keep."""

    key: str
    value: str


class ApiCredentials:
    """The tokens that pass at one portal."""

    def __init__(self, credentials: Sequence[ApiCredential]) -> None:
        self._credentials = credentials
        for credential in credentials:
            logger.info("api_credentials: %s alone, without a second factor", credential)

    def token_of(self, request: WebRequest) -> PassedToken | None:
        """Return the one token of ``request``, whose environ is not sanitized yet; None if there is not just one."""
        path = path_in(request)
        if path is None:
            return None
        found = {
            credential.key: value
            for credential in self._credentials
            if (value := _value_of(credential, request.environ)) is not None
            and is_exempt(path, (credential.path,))
        }
        if len(found) != 1 or is_closed(request):
            return None
        return PassedToken(*found.popitem())


def read_api_credentials(
    settings: Iterable[Mapping[str, object]], identity: Adapter, *, forward_auth: bool
) -> ApiCredentials | None:
    """Return the tokens that a setting names; None if it names none.

    :raises ConfigurationError: an entry is not legal, or the header is one by which the adapter knows its users.
    """
    credentials = [_checked(entry, identity) for entry in settings]
    if credentials and forward_auth:
        raise _illegal(
            "api_credentials is given with forward_auth: let the proxy pass such paths without asking"
        )
    return ApiCredentials(credentials) if credentials else None


def check_entry(entry: Mapping[str, object]) -> ApiCredential:
    """Return one entry of the setting.

    :raises ConfigurationError: it is not legal.
    """
    given = dict(entry) if isinstance(entry, Mapping) else {}
    header, path, scheme = given.get("header"), given.get("path"), given.get("scheme")
    is_text = (
        isinstance(header, str) and isinstance(path, str) and (scheme is None or isinstance(scheme, str))
    )
    if not is_text or not set(given) <= {field.name for field in fields(ApiCredential)}:
        raise _illegal(f"api_credentials has {entry!r}: legal is {_LEGAL}")
    return _checked_parts(
        ApiCredential(header=str(header), path=str(path), scheme=None if scheme is None else str(scheme))
    )


def _checked_parts(entry: ApiCredential) -> ApiCredential:
    if _TOKEN.fullmatch(entry.header) is None or _NEVER.fullmatch(entry.header) is not None:
        raise _illegal(
            f"api_credentials has the header {entry.header!r}: legal is one that carries tokens alone"
        )
    needs_scheme = entry.key == _AUTHORIZATION
    if needs_scheme != (entry.scheme is not None) or _TOKEN.fullmatch(entry.scheme or "x") is None:
        raise _illegal(
            f"api_credentials has the scheme {entry.scheme!r} for {entry.header}: legal is a word such as Bearer, and"
            " for Authorization only"
        )
    if not is_rule(entry.path):
        raise _illegal(f"api_credentials has the path {entry.path!r}: legal is a plain path such as /api")
    return entry


def _checked(entry: Mapping[str, object], identity: Adapter) -> ApiCredential:
    credential = check_entry(entry)
    reads = credential.key in identity.credentials.headers
    if reads and (credential.scheme is None or credential.scheme.lower() == "basic"):
        raise _illegal(
            f"api_credentials has {credential.header}, by which {type(identity).__name__} knows its users"
        )
    return credential


def _value_of(credential: ApiCredential, environ: Mapping[str, object]) -> str | None:
    """Return the whole value of the header, if it is one token of this kind."""
    given = environ.get(credential.key)
    if not isinstance(given, str):
        return None
    value = given
    if credential.scheme is not None:
        scheme, _, value = given.partition(" ")
        if scheme.lower() != credential.scheme.lower():
            return None
    return given if _VALUE.fullmatch(value) is not None else None


def _illegal(message: str) -> ConfigurationError:
    return ConfigurationError(message, setting=SETTING)
