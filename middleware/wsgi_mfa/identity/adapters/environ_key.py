"""The user that a middleware outside of this one has put into the environ under a key of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import (
    UNRESOLVED,
    Adapter,
    AdapterTraits,
    Credentials,
    FirstFactor,
    Identification,
)
from wsgi_mfa.identity.adapters.remote_user import in_process_environment
from wsgi_mfa.identity.request.wsgi_text import decoded

#: Where known middleware keeps the user's id inside of what it puts under its key.
ITEMS = {"repoze.who.identity": "repoze.who.userid"}


class EnvironKey:
    """Trusts ``environ[key]``: the user's id, or a mapping that holds it under ``item``.

    ``EnvironKey("repoze.who.identity")`` is for a pipeline in which repoze.who stands outside of this middleware;
    it knows where the id is. Such middleware sets ``REMOTE_USER`` too, which must then name the same user.
    Something that a browser can send is never trusted: for a header there is
    :class:`~wsgi_mfa.identity.adapters.trusted_header.TrustedHeader`. ``anonymous_cookies`` and ``aliases``
    are those of :class:`~wsgi_mfa.identity.adapters.remote_user.RemoteUser`.
    """

    def __init__(
        self,
        key: str,
        *,
        item: str | None = None,
        anonymous_cookies: Sequence[str] = (),
        aliases: bool = False,
    ) -> None:
        """Check the settings.

        :raises ConfigurationError: ``key`` is one that a client or the server fills.
        """
        if key.startswith("HTTP_") or key.isupper() or not key:
            raise ConfigurationError(
                f"EnvironKey: key is {key!r}: legal is the key of a middleware outside, such as"
                " repoze.who.identity; for a header there is TrustedHeader, for REMOTE_USER RemoteUser",
                setting="key",
            )
        self.credentials = Credentials(headers=(key, "REMOTE_USER"))
        self._key = key
        self._item = ITEMS.get(key) if item is None else item
        self.traits = AdapterTraits(
            user_changes_in_response=False,
            anonymous_cookies=tuple(anonymous_cookies),
            aliases=aliases,
        )

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        found = environ.get(self._key)
        server_user = environ.get("REMOTE_USER")
        if not found:
            # A user of the server alone is not one that the setting names.
            return UNRESOLVED if server_user else None
        if self._item is not None:
            found = found.get(self._item) if isinstance(found, Mapping) else None
        user = _text_of(found)
        if user is None or (server_user and user not in (server_user, decoded(str(server_user)))):
            return UNRESOLVED
        return FirstFactor(user=user)

    def selftest(self) -> list[str]:
        return [*in_process_environment(self._key), *in_process_environment("REMOTE_USER")]

    def store_selftest(self) -> list[str]:
        return []


def _text_of(found: object) -> str | None:
    """An id as text: an application may keep numbers, or bytes in UTF-8."""
    if isinstance(found, bytes):
        try:
            found = found.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return str(found) or None


if TYPE_CHECKING:
    _: Adapter = EnvironKey("")
