"""Where to go after the second factor: a path of this site, signed so that nobody else can choose it (R74)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from wsgi_mfa.keys.ring import KeySource
from wsgi_mfa.web.public_url import DEFAULT_PORTS, PublicUrl

RETURN_URL_CHARACTERS_MAX = 2000
_PURPOSE = "next"
# What a path may hold as it is, and a query too (RFC 3986 sections 3.3 and 3.4).
_PATH = "/-._~!$&'()*+,;=:@"
_QUERY = _PATH + "?"
# Exactly one slash in front: with two, or a backslash, browsers read the name of a host.
_SAFE = re.compile(rf"/(?!/)[A-Za-z0-9{re.escape(_QUERY)}%]*", re.ASCII)
_HIDDEN = re.compile(r"[\x00-\x20\x7f\\]")


def is_safe(target: str) -> bool:
    """Whether ``target`` is a path of this site as a browser reads it: no scheme, no host, no way around."""
    return len(target) <= RETURN_URL_CHARACTERS_MAX and _SAFE.fullmatch(target) is not None


def requested(environ: Mapping[str, Any], public: PublicUrl) -> str:
    """The path and query that a GET asked for; the portal's root for any other method."""
    root = root_of(environ, public)
    if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
        return root
    # PEP 3333 gives the path as bytes in the shape of latin-1 text.
    path = root[:-1] + quote(environ.get("PATH_INFO", "").encode("latin-1"), safe=_PATH)
    query = environ.get("QUERY_STRING", "")
    target = f"{path}?{_encoded(query)}" if query else path
    return target if is_safe(target) else root


def redirected(location: str | None, environ: Mapping[str, Any], public: PublicUrl) -> str:
    """The path of this site that an application's ``Location`` names, without its fragment; else the root."""
    root = root_of(environ, public)
    if location is None or _HIDDEN.search(location):
        return root
    try:
        target = location if location.startswith("/") else _below_this_host(location, environ, public)
        target = _encoded(target.partition("#")[0])
    except ValueError:  # such as http://[, or text that no header can carry
        return root
    return target if is_safe(target) else root


def _below_this_host(location: str, environ: Mapping[str, Any], public: PublicUrl) -> str:
    """The path and query of a URL of this host; "" for any other one."""
    parts = urlsplit(location)
    if parts.scheme not in DEFAULT_PORTS or not public.is_own_host(environ, parts.scheme, parts.netloc):
        return ""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _encoded(text: str) -> str:
    """``text`` with what a path and query cannot hold encoded, and what is encoded left alone."""
    return quote(text.encode("latin-1"), safe=_QUERY + "%")


def root_of(environ: Mapping[str, Any], public: PublicUrl) -> str:
    """The path of the application's root; with two slashes in front it would name another host (R74).

    A front that strips a prefix leaves nothing of it in ``SCRIPT_NAME``: then the public URL alone has it (D48).
    """
    if public.root is not None:
        return public.root
    mount = quote(environ.get("SCRIPT_NAME", "").encode("latin-1"), safe="/").strip("/")
    return f"/{mount}/" if mount else "/"


class ReturnUrlSigner:
    """Turns a target into the opaque ``next`` of our forms and links, and back."""

    def __init__(self, keys: KeySource) -> None:
        self._keys = keys

    def sealed(self, target: str) -> str:
        data = target.encode("ascii")
        text = base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
        return f"{text}.{self._keys.ring.sign_value(_PURPOSE, data)}"

    def opened(self, value: str) -> str | None:
        """The target in ``value``; None for anything that was not signed here."""
        text, _, signed = value.partition(".")
        try:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            target = data.decode("ascii")
        except ValueError:
            return None
        if not self._keys.ring.check_value(_PURPOSE, data, signed):
            return None
        return target if is_safe(target) else None
