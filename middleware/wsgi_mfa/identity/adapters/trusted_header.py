"""The user that a proxy in front names in a request header, taken from listed peers alone (R57, R58)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wsgi_mfa.errors import AmbiguousCredentialError, ConfigurationError
from wsgi_mfa.identity.adapter import (
    UNRESOLVED,
    Adapter,
    AdapterTraits,
    Credentials,
    FirstFactor,
    Identification,
)
from wsgi_mfa.identity.request.trusted_proxies import PeerList
from wsgi_mfa.identity.request.wsgi_text import decoded

_SECRET_CHARACTERS_MIN = 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)
# A comma is how servers join a header that was sent twice, or in two spellings (R58).
_AMBIGUOUS = re.compile(r"[,\x00-\x1f\x7f]")
#: Headers that mean something else to servers and applications.
_TAKEN = frozenset({"AUTHORIZATION", "COOKIE", "HOST", "CONTENT_TYPE", "CONTENT_LENGTH", "FORWARDED"})


class TrustedHeader:
    """Trusts a header, such as ``X-Forwarded-User``, in requests from ``peers``, and takes it out of all others.

    ``peers`` are addresses and networks of the proxy; there is no default, and everybody is refused. With
    ``secret`` the proxy sends it in ``secret_header`` too. That is the only protection where a server takes
    ``X_User`` for ``X-User`` (uWSGI, cheroot, wsgiref): nothing behind the server can tell the two apart, so the
    proxy must strip both spellings from what clients send. ``session_header`` names a header with the proxy's own
    session id, to which the second factor is then bound.

    A header that holds two values or a control character is answered 400. ``anonymous_cookies`` and ``aliases``
    are those of :class:`~wsgi_mfa.identity.adapters.remote_user.RemoteUser`.
    """

    def __init__(
        self,
        header: str,
        *,
        peers: Sequence[str],
        secret: str | None = None,
        secret_header: str = "X-Proxy-Secret",  # noqa: S107 - a header's name
        session_header: str | None = None,
        anonymous_cookies: Sequence[str] = (),
        aliases: bool = False,
    ) -> None:
        """Check the settings.

        :raises ConfigurationError: a setting has no legal value; the message names both.
        """
        self._peers = PeerList(peers, setting="peers")
        if secret is not None and len(secret) < _SECRET_CHARACTERS_MIN:
            raise ConfigurationError(
                f"TrustedHeader: secret must have at least {_SECRET_CHARACTERS_MIN} characters, and be the proxy's",
                setting="secret",
            )
        self._user_key = _environ_key(header, "header")
        self._secret_key = _environ_key(secret_header, "secret_header")
        self._session_key = None if session_header is None else _environ_key(session_header, "session_header")
        self._secret = None if secret is None else secret.encode()
        keys = [self._user_key]
        keys += [] if self._secret is None else [self._secret_key]
        keys += [] if self._session_key is None else [self._session_key]
        if len(set(keys)) != len(keys):
            raise ConfigurationError("TrustedHeader: each header needs its own name", setting="header")
        self.credentials = Credentials(headers=tuple(keys))
        self.traits = AdapterTraits(
            user_changes_in_response=False,
            anonymous_cookies=tuple(anonymous_cookies),
            aliases=aliases,
        )

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        present = [key for key in self.credentials.headers if key in environ]
        if not present:
            return None
        if not self._peers.includes(environ.get("REMOTE_ADDR")) or not self._knows_secret(environ):
            return UNRESOLVED
        user = self._one_value(environ, self._user_key)
        if user is None:
            return UNRESOLVED if self._session_key in present else None
        if self._session_key is None:
            return FirstFactor(user=decoded(user))
        login = self._one_value(environ, self._session_key)
        # The second factor would not be bound to the proxy's session, as the setting promises.
        return UNRESOLVED if login is None else FirstFactor(user=decoded(user), login=login)

    def selftest(self) -> list[str]:
        return []

    def store_selftest(self) -> list[str]:
        return []

    def _knows_secret(self, environ: Mapping[str, Any]) -> bool:
        if self._secret is None:
            return True
        given = str(environ.get(self._secret_key, "")).encode("latin-1", "replace")
        return hmac.compare_digest(given, self._secret)

    def _one_value(self, environ: Mapping[str, Any], key: str) -> str | None:
        value = str(environ.get(key, "")).strip(" \t")
        if _AMBIGUOUS.search(value) is not None:
            raise AmbiguousCredentialError(f"the header {key[5:]} holds a comma or a control character")
        return value or None


def _environ_key(header: str, setting: str) -> str:
    """The environ key of a header, however its name is spelt."""
    name = header.upper().replace("-", "_").removeprefix("HTTP_") if _NAME.fullmatch(header) else ""
    if not name or name in _TAKEN:
        raise ConfigurationError(
            f"TrustedHeader: {setting} is {header!r}: legal is the name of a header that the proxy adds, such as"
            " X-Forwarded-User",
            setting=setting,
        )
    return f"HTTP_{name}"


if TYPE_CHECKING:
    _: Adapter = TrustedHeader("", peers=())
