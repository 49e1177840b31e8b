"""What belongs to the requests over one scheme and port: our cookies' names, and what knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, SanitizedRequest
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential
from wsgi_mfa.identity.sealing.response import CookieSealer
from wsgi_mfa.web.cookies import CookieNames
from wsgi_mfa.web.sealing import Sealing


class Way(NamedTuple):
    """The cookies' names over one port, what knows them, and a request of which nothing is known.

    ``sanitizer`` cleans requests, and ``sealer`` seals the portal's cookies; it is None where none are sealed.
    """

    names: CookieNames
    sanitizer: RequestSanitizer
    nothing: SanitizedRequest
    sealer: CookieSealer | None


class Ways:
    """The ways of one portal: one over https, and one for each port over plain http, since cookies cross ports."""

    def __init__(
        self,
        identity: Adapter,
        *,
        undeclared: Sequence[UndeclaredCredential],
        sealing: Sealing,
        plain_http: bool,
    ) -> None:
        """Make the way over https, so that a portal's cookie with one of our names is an error of the start.

        Raises:
            ConfigurationError: there is such a cookie.
        """
        self._identity = identity
        self._undeclared = undeclared
        self._sealing = sealing
        self._over_http: dict[str, Way] = {}
        self._over_https = None if plain_http else self._made(CookieNames.over_https())

    def of(self, environ: Mapping[str, Any]) -> Way:
        """Return the way by which a request comes."""
        if self._over_https is not None:
            return self._over_https
        port = str(environ.get("SERVER_PORT", ""))
        found = self._over_http.get(port)
        if found is None:
            found = self._over_http[port] = self._made(CookieNames.over_plain_http(port))
        return found

    def _made(self, names: CookieNames) -> Way:
        sanitizer = RequestSanitizer(
            self._identity,
            own_cookie_names=names.all,
            extra_undeclared=self._undeclared,
            seals=self._sealing.seals,
            accepts_clear=self._sealing.accepts_clear,
        )
        nothing = SanitizedRequest(
            identification=None, cookies=sanitizer.cookie_reader.read(""), doubled=(), credentials_digest=None
        )
        return Way(names, sanitizer, nothing, self._sealing.sealer(names))
