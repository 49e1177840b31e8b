"""The ways of being reached: the names of our cookies in a request, and what cleans a request that has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, SanitizedRequest
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential
from wsgi_mfa.web.cookie_label import CookieLabels
from wsgi_mfa.web.cookies import CookieNames

WAYS_MAX = 32  # some servers take the script name from a request header


class Way(NamedTuple):
    """The names of our cookies, the sanitizer that knows them, and a request of which nothing is known."""

    names: CookieNames
    sanitizer: RequestSanitizer
    nothing: SanitizedRequest


class Ways:
    """The ways of one middleware; ``only`` is the one way if there is no more than one."""

    def __init__(
        self, identity: Adapter, labels: CookieLabels, undeclared_credentials: Iterable[UndeclaredCredential]
    ) -> None:
        """Make the first way.

        :raises ConfigurationError: the portal has a cookie with one of our names.
        """
        self._identity = identity
        self._labels = labels
        self._undeclared_credentials = tuple(undeclared_credentials)
        self._made: dict[tuple[str, str], Way] = {}
        self.only = self._make(labels.names()) if labels.is_fixed else None
        self.of({})

    def of(self, environ: Mapping[str, object]) -> Way:
        """Return the way of a request: there is one for each script name, and over plain http for each port."""
        script_name = str(environ.get("SCRIPT_NAME", ""))
        port = str(environ.get("SERVER_PORT", "")) if self._labels.plain_http else ""
        found = self._made.get((script_name, port))
        if found is None:
            if len(self._made) >= WAYS_MAX:
                self._made.clear()
            names = self._labels.names(script_name=script_name, port=port)
            found = self._made[script_name, port] = self._make(names)
        return found

    def _make(self, names: CookieNames) -> Way:
        sanitizer = RequestSanitizer(
            self._identity, own_cookie_names=names.all, extra_undeclared=self._undeclared_credentials
        )
        nothing = SanitizedRequest(
            identification=None, cookies=sanitizer.cookie_reader.read(""), doubled=(), credentials_digest=None
        )
        return Way(names, sanitizer, nothing)
