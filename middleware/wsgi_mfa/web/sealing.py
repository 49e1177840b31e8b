"""Sealed cookies around one portal: what they are bound to, and clients that still hold them in clear."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wsgi_mfa.entropy import Entropy
from wsgi_mfa.identity.adapter import Adapter, FirstFactor
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, declared_cookies
from wsgi_mfa.identity.sealing.expiry_record import ExpiryRecord
from wsgi_mfa.identity.sealing.response import CookieSealer
from wsgi_mfa.identity.sealing.seals import CookieSeals
from wsgi_mfa.identity.sealing.settings import SealMode, SealSettings
from wsgi_mfa.keys.ring import KeySource
from wsgi_mfa.stores.protocol import Store
from wsgi_mfa.web import return_to
from wsgi_mfa.web.app_response import Judged
from wsgi_mfa.web.cookies import CookieNames, clearing_cookies
from wsgi_mfa.web.public_url import host_of
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import WebRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger("wsgi_mfa")

Headers = list[tuple[str, str]]

ENDED_PATH = "/session-ended"
#: So many requests with a cookie in clear are usual where sealing was switched on.
UNSEALED_MAX = 10


class Sealing:
    """The seals of one portal.

    ``label`` tells this portal's cookies from those of others that share its store and its keys.
    """

    def __init__(
        self,
        settings: SealSettings,
        *,
        identity: Adapter,
        keys: KeySource,
        entropy: Entropy,
        store: Store,
        label: str,
    ) -> None:
        self._settings = settings
        self._declared = declared_cookies(identity)
        self._identity = identity
        place = (
            ("group", settings.group)
            if settings.group is not None
            else ("portal", store.identity.store_id, label)
        )
        self.seals: CookieSeals | None = None
        if self._declared and settings.mode is not SealMode.OFF:
            self.seals = CookieSeals(keys=keys, entropy=entropy, place=place)
        self._record = ExpiryRecord(store)
        self.accepts_clear = settings.mode is SealMode.ACCEPT
        self._unsealed_counts: Counter[str] = Counter()

    def sealer(self, names: CookieNames) -> CookieSealer | None:
        """Return what seals the responses of a portal in which our cookies have ``names``; None where nothing is."""
        if self.seals is None or self.accepts_clear:
            return None
        own = (*names.all, *self._identity.traits.own_cookies)
        return CookieSealer(
            self.seals,
            declared=self._declared,
            exempt=(*own, *self._settings.unsealed_cookies),
            record=self._record,
        )

    def ended_session(
        self, request: WebRequest, sanitizer: RequestSanitizer, environ: WSGIEnvironment
    ) -> Reply | None:
        """Return the way to the page that says why a session has ended, for a person's browser that had one.

        Its cookies in clear are taken away. A browser that comes from that page passes as a visitor, should it send
        them again.
        """
        names = request.sanitized.cookies.unsealed
        self._count(names)
        if request.method != "GET" or not request.is_navigation:
            return None
        if isinstance(request.sanitized.identification, FirstFactor):
            return None
        page = f"{request.mount}{ENDED_PATH}"
        if urlsplit(str(environ.get("HTTP_REFERER", ""))).path == page:
            return None
        if not sanitizer.identified_in_clear(environ, request.sanitized):
            return None
        target = request.site.targets.sealed(return_to.requested(environ, request.site.public))
        return Reply(
            page="session_ended",
            status=401,
            word="sign_in_required",
            location=f"{page}?next={target}",
            headers=clearing_cookies(names, mount=request.mount, host=host_of(environ, request.scheme)),
        )

    def _count(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._unsealed_counts[name] += 1
            if self._unsealed_counts[name] == UNSEALED_MAX + 1:
                logger.warning(
                    "the cookie %r came in clear more than %d times, and was left out: clients got it before sealing"
                    " was switched on, or it is set past the middleware, by a proxy or by another application of this"
                    " domain (see seal_group)",
                    name,
                    UNSEALED_MAX,
                )


def sealed(request: WebRequest, sealer: CookieSealer | None, headers: Headers, judged: Judged) -> Headers:
    """Return the headers of a judged response, or of the reply in its place, with the portal's cookies sealed."""
    if sealer is None:
        return headers
    return sealer.sealed(
        headers,
        request.sanitized.cookies,
        caller=None if request.caller is None else request.caller.user,
        user=judged.user,
        is_held=judged.is_held,
        now=request.site.service.clock.now(),
    )
