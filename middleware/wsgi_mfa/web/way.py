"""One way of being reached: https, or plain http on one port."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, SanitizedRequest
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential
from wsgi_mfa.identity.sealing.response import CookieSealer
from wsgi_mfa.web.cookies import CookieNames
from wsgi_mfa.web.sealing import Sealing


class Way(NamedTuple):
    """The names of our cookies, what knows them, and a request of which nothing is known.

    ``sealer`` seals the portal's cookies; it is None where none are sealed.
    """

    names: CookieNames
    sanitizer: RequestSanitizer
    nothing: SanitizedRequest
    sealer: CookieSealer | None


def way_of(
    identity: Adapter, extra_undeclared: Iterable[UndeclaredCredential], sealing: Sealing, names: CookieNames
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
    )
    nothing = SanitizedRequest(
        identification=None, cookies=sanitizer.cookie_reader.read(""), doubled=(), credentials_digest=None
    )
    return Way(names, sanitizer, nothing, sealing.sealer(names))
