"""Which headers go to the portal, and which of its headers come back (RFC 9110 section 7.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from wsgi_mfa.gateway.errors import BadTargetError, BadUpstreamAnswerError

Headers = list[tuple[str, str]]

#: Those that are about one connection and not about the message (RFC 9110 section 7.6.1, RFC 2616 section 13.5.1).
HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    }
)
#: What a client says of the way that it came by; we say it ourselves, and nobody can tell ours from theirs.
_SAID_BY_US = ("x-forwarded-", "x-mfa-")
_ALSO_SAID_BY_US = frozenset(("forwarded", "x-real-ip", "host", "content-length", "expect"))
#: To a portal under CGI a client's ``Proxy`` is HTTP_PROXY, by which libraries find a proxy for what the portal
#: itself asks of others (CVE-2016-5385, "httpoxy"). No client has a use for it.
_NEVER_SENT_ON = frozenset(("proxy",))

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_FOLD = re.compile(r"\r?\n[ \t]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HOST = re.compile(r"[A-Za-z0-9._\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", re.ASCII)
_PATH = "/-._~!$&'()*+,;=:@"
_RAW_PATH = re.compile(rf"/(?!/)(?:[A-Za-z0-9{re.escape(_PATH)}]|%[0-9A-Fa-f]{{2}})*", re.ASCII)


def target_of(environ: Mapping[str, Any]) -> str:
    """The path and query to ask the portal for: as the client spelt it, if that is the path that was judged.

    Servers decode the path, and ``%2F`` is a slash then. What they keep of the original counts only where it means
    the same; else what was judged is encoded again.

    :raises BadTargetError: the request is for no path, such as ``*``.
    """
    path = str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))
    if not path.startswith("/"):
        raise BadTargetError("the request is for no path")
    raw = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or "").partition("?")[0]
    if not (_RAW_PATH.fullmatch(raw) and unquote_to_bytes(raw).decode("latin-1") == path):
        raw = quote(path.encode("latin-1"), safe=_PATH)
    query = quote(str(environ.get("QUERY_STRING", "")).encode("latin-1"), safe=_PATH + '?%[]{}|^"<>`\\')
    return f"{raw}?{query}" if query else raw


def host_of(environ: Mapping[str, Any]) -> str:
    """The name by which the client asked, for the portal's own links.

    :raises BadTargetError: it is no name.
    """
    host = str(environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}")
    if _HOST.fullmatch(host) is None:
        raise BadTargetError("the Host header is no name")
    return host


def to_portal(environ: Mapping[str, Any], *, scheme: str, trusts_peer: bool) -> Headers:
    """The headers for the portal, without ``Host`` and those about the body.

    ``scheme`` is the client's; what a proxy in front says of the way before it is kept where ``trusts_peer``.
    """
    dropped = {*HOP_BY_HOP, *_NEVER_SENT_ON, *_named_in(environ.get("HTTP_CONNECTION", ""))}
    headers = [
        (name, str(value))
        for key, value in environ.items()
        if key.startswith("HTTP_") and (name := key[5:].replace("_", "-").title()).lower() not in dropped
        if _TOKEN.fullmatch(name) and not _is_ours(name.lower())
    ]
    if environ.get("CONTENT_TYPE"):
        headers.append(("Content-Type", str(environ["CONTENT_TYPE"])))
    before = [str(environ.get("HTTP_X_FORWARDED_FOR", ""))] if trusts_peer else []
    hops = [hop for hop in (*before, str(environ.get("REMOTE_ADDR", ""))) if hop]
    headers += [
        ("X-Forwarded-For", ", ".join(hops)),
        ("X-Forwarded-Proto", scheme),
        ("X-Forwarded-Host", host_of(environ)),
    ]
    if "wsgi_mfa.user" in environ:
        # Percent-encoded, since a name may hold what no header can (R71).
        headers.append(("X-Mfa-User", quote(str(environ["wsgi_mfa.user"]), safe="@+!$&'()*,:;=/ ")))
        headers.append(("X-Mfa-Method", str(environ["wsgi_mfa.method"])))
        headers.append(("X-Mfa-Verified-At", str(environ["wsgi_mfa.verified_at"])))
    return [(name, value) for name, value in headers if not _CONTROL.search(value)]


def from_portal(headers: Iterable[tuple[str, str]], *, own_hosts: Iterable[str]) -> Headers:
    """The portal's headers for the client.

    A ``Location`` at one of ``own_hosts`` becomes a path of this site: old portals know neither the scheme nor the
    name by which people reach them.

    :raises BadUpstreamAnswerError: a header that no server could hand on (R71).
    """
    given = [(name, _FOLD.sub(" ", value).strip(" \t")) for name, value in headers]
    connection = ", ".join(value for name, value in given if name.lower() == "connection")
    dropped = {*HOP_BY_HOP, *_named_in(connection)}
    kept: Headers = []
    for name, value in given:
        if _TOKEN.fullmatch(name) is None or _CONTROL.search(value):
            raise BadUpstreamAnswerError(f"the portal's header {name!r} is malformed")
        if name.lower() == "location":
            value = _local(value, own_hosts)
        if name.lower() not in dropped:
            kept.append((name, value))
    return kept


def _named_in(connection: str) -> set[str]:
    return {name.strip().lower() for name in connection.split(",")} - {"", "cookie", "set-cookie"}


def _is_ours(name: str) -> bool:
    return name in _ALSO_SAID_BY_US or name.startswith(_SAID_BY_US)


def _local(location: str, own_hosts: Iterable[str]) -> str:
    try:
        parts = urlsplit(location)
    except ValueError:
        return location
    if parts.scheme not in ("http", "https") or parts.netloc.lower() not in own_hosts:
        return location
    path = "/" + parts.path.lstrip("/")
    return parts._replace(scheme="", netloc="", path=path).geturl()
