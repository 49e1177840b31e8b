"""``check``: what arrived of a request that the operator sent through the front, for ``wsgi-mfa check --through``.

The answer shows headers and addresses of the operator's network, so that only a holder of the key ring may ask: the
request carries a proof by the ring that is good for a minute. Without it there is no such page. The answer is given
before the host and the scheme are judged, since a front that gets those wrong is what it is asked for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wsgi_mfa.core.instants import MINUTE, SECOND
from wsgi_mfa.keys.ring import KeySource
from wsgi_mfa.web import routes
from wsgi_mfa.web.reply import response_to
from wsgi_mfa.web.request import WebRequest

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

PATH = "/check"
PURPOSE = "check/through"
PADDING_BYTES_MAX = 16_384
_HEADERS = (
    "HTTP_HOST",
    "HTTP_ORIGIN",
    "HTTP_FORWARDED",
    "HTTP_SEC_FETCH_SITE",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_SSL",
)


def proof(keys: KeySource, now: int) -> str:
    """Return the proof that the holder of ``keys`` asks at ``now``."""
    seconds = str(now // SECOND)
    return f"{seconds}.{keys.ring.sign_value(PURPOSE, seconds.encode())}"


def answer(request: WebRequest) -> Response | None:
    """Return what arrived of ``request``; None if it carries no proof of this minute."""
    from werkzeug.wrappers import Response

    given = request.argument("proof")
    if given is None or not _is_proven(request.site.service.keys, given, request.now):
        return None
    environ, public = request.environ, request.site.public
    key = public.scheme_key
    names = (*_HEADERS, key) if key is not None else _HEADERS
    found = {
        "headers": {name: str(environ[name]) for name in names if name in environ},
        "peer": str(environ.get("REMOTE_ADDR", "")),
        "client_address": request.source,
        "scheme": str(environ.get("wsgi.url_scheme", "")),
        "is_https": public.is_served(environ),
        "takes_host": public.takes(environ),
        "path": str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", "")),
        "mount": request.mount,
        "cookie_bytes": len(str(environ.get("HTTP_COOKIE", ""))),
        "store": request.site.service.store.identity.store_id[:8],
    }
    response = Response(json.dumps(found), 200, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    padding = request.argument("padding") or "0"
    if padding.isascii() and padding.isdigit():
        response.headers["X-Padding"] = "x" * min(int(padding[:6]), PADDING_BYTES_MAX)
    return response


def early_response(request: WebRequest, path: str | None) -> Response | None:
    """Return the response to a request that asks what arrived, or that is for another host."""
    arrived = answer(request) if path == PATH else None
    if arrived is not None or request.site.public.takes(request.environ):
        return arrived
    as_json = not request.is_navigation if path is None else request.wants_json
    return response_to(request, routes.misdirected(request), as_json=as_json)


def _is_proven(keys: KeySource, given: str, now: int) -> bool:
    seconds, _, signed = given.partition(".")
    if not (seconds.isascii() and seconds.isdigit()) or len(seconds) > 12:
        return False
    if not keys.ring.check_value(PURPOSE, seconds.encode(), signed):
        return False
    return abs(now - int(seconds) * SECOND) <= MINUTE
