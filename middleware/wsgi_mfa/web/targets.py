"""Where to go after the second factor: a path of this site, signed so that nobody else can choose it (R74)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from wsgi_mfa.keys import KeyRing

TARGET_CHARACTERS_MAX = 2000
_PURPOSE = "next"
# Exactly one slash in front, then what a path and query may hold once encoded (RFC 3986 section 3.3 and 3.4).
_SAFE = re.compile(r"/(?!/)[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]*", re.ASCII)


def is_safe(target: str) -> bool:
    """Whether ``target`` is a path of this site as a browser reads it: no scheme, no host, no way around."""
    return len(target) <= TARGET_CHARACTERS_MAX and _SAFE.fullmatch(target) is not None


def requested(environ: Mapping[str, Any]) -> str:
    """The path and query that a GET asked for; the portal's root for any other method."""
    if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
        return root_of(environ)
    # PEP 3333 gives the path as bytes in the shape of latin-1 text.
    path = quote(
        (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1"),
        safe="/:@!$&'()*+,;=~",
    )
    query = environ.get("QUERY_STRING", "")
    target = f"{path}?{quote(query, safe='/:@!$&()*+,;=~?%')}" if query else path
    return target if is_safe(target) else root_of(environ)


def redirected(location: str | None, environ: Mapping[str, Any]) -> str:
    """The path of this site that an application's ``Location`` names, else the root."""
    if location is None:
        return root_of(environ)
    if location.startswith("/"):
        return location if is_safe(location) else root_of(environ)
    parts = urlsplit(location)
    if parts.scheme not in ("http", "https") or parts.netloc.lower() != host_of(environ).lower():
        return root_of(environ)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return target if is_safe(target) else root_of(environ)


def root_of(environ: Mapping[str, Any]) -> str:
    """The URL of the application's root."""
    return quote(environ.get("SCRIPT_NAME", "").encode("latin-1"), safe="/") + "/"


def host_of(environ: Mapping[str, Any]) -> str:
    """Host and port as the client named them (RFC 9110 section 7.2)."""
    return environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"


class TargetSigner:
    """Turns a target into the opaque ``next`` of our forms and links, and back."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def sealed(self, target: str) -> str:
        data = target.encode("ascii")
        text = base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
        return f"{text}.{self._keys.sign_value(_PURPOSE, data)}"

    def opened(self, value: str) -> str | None:
        """The target in ``value``; None for anything that was not signed here."""
        text, _, signed = value.partition(".")
        try:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            target = data.decode("ascii")
        except ValueError:
            return None
        if not self._keys.check_value(_PURPOSE, data, signed):
            return None
        return target if is_safe(target) else None
