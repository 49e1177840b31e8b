"""The ways of being reached: https or plain http on one port, below one script name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.request.caches import RequestCaches
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, SanitizedRequest
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential
from wsgi_mfa.identity.sealing.response import CookieSealer
from wsgi_mfa.web.cookie_label import CookieLabels
from wsgi_mfa.web.cookies import CookieNames
from wsgi_mfa.web.sealing import Sealing

WAYS_MAX = 32  # some servers take the script name from a request header


class Way(NamedTuple):
    """The names of our cookies, what knows them, and a request of which nothing is known.

    ``sealer`` seals the portal's cookies; it is None where none are sealed.
    """

    names: CookieNames
    sanitizer: RequestSanitizer
    nothing: SanitizedRequest
    sealer: CookieSealer | None


def way_of(
    identity: Adapter,
    extra_undeclared: Iterable[UndeclaredCredential],
    sealing: Sealing,
    caches: RequestCaches,
    names: CookieNames,
) -> Way:
    """Return the way on which our cookies have ``names``.

    :raises ConfigurationError: the portal's cookie has one of them.
    """
    sanitizer = RequestSanitizer(
        identity,
        own_cookie_names=names.all,
        extra_undeclared=extra_undeclared,
        seals=sealing.seals,
        accepts_clear=sealing.accepts_clear,
        caches=caches,
    )
    nothing = SanitizedRequest(
        identification=None, cookies=sanitizer.cookie_reader.read(""), doubled=(), credentials_digest=None
    )
    return Way(names, sanitizer, nothing, sealing.sealer(names))


class Ways:
    """The ways of one middleware; ``only`` is the one way if there is no more than one."""

    def __init__(self, labels: CookieLabels, make: Callable[[CookieNames], Way]) -> None:
        """Make the first way by ``make`` now, so that a clash of names is an error of the start.

        :raises ConfigurationError: the portal has a cookie with one of our names.
        """
        self._labels = labels
        self._make = make
        self._made: dict[object, Way] = {}
        self.only = make(labels.names()) if labels.is_fixed else None
        self.of({})

    def of(self, environ: Mapping[str, object]) -> Way:
        """Return the way of a request: there is one for each script name, and over plain http for each port."""
        script_name = environ.get("SCRIPT_NAME", "")
        key = (script_name, environ.get("SERVER_PORT", "")) if self._labels.plain_http else script_name
        return self._made.get(key) or self._add(key)

    def _add(self, key: object) -> Way:
        if len(self._made) >= WAYS_MAX:
            self._made.clear()
        script_name, port = key if isinstance(key, tuple) else (key, "")
        made = self._made[key] = self._make(self._labels.names(script_name=str(script_name), port=str(port)))
        return made
