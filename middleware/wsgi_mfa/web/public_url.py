"""The portal's public URL: the scheme and host that its users see, told by settings and by listed proxies.

A server behind a proxy sees the proxy's own scheme, and often its own name in place of the portal's. So neither is
guessed: ``url`` says what we write and compare, and ``scheme_from`` or ``tls_in_front`` says when a request came by
https. Whatever differs is rejected, and one line of the log names the setting to change and the values seen.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.request.trusted_proxies import is_loopback_name
from wsgi_mfa.log_once import LogOnce

logger = logging.getLogger("wsgi_mfa")

DEFAULT_PORTS = {"http": 80, "https": 443}
PROXIES_MAX = 10
_LEGAL_URL = "https://HOST, https://HOST:PORT or either with a path, such as https://portal.example.com/wiki"
_NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\])"
_HOST = re.compile(rf"({_NAME})(?::([0-9]{{1,5}}))?", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*/?", re.ASCII)
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_PROTO = re.compile(r"(?:^|;)\s*proto\s*=\s*\"?([A-Za-z]+)\"?\s*(?=;|$)", re.ASCII | re.IGNORECASE)
_HTTPS_WORDS = frozenset({"https", "on"})
_SHOWN_CHARACTERS_MAX = 200

Environ = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicUrl:
    """How browsers reach the portal.

    ``origin`` and ``root`` are the two parts of the setting ``url``, ``hosts`` all names under which requests are
    taken; each is None where it is not set, and then read from each request. ``scheme_key`` is the environ key of the
    header in which a proxy tells the scheme, and ``trusts`` tells whether a request comes from a proxy that policy
    lists; it is None where none is listed.
    """

    plain_http: bool
    origin: str | None = None
    root: str | None = None
    hosts: frozenset[str] | None = None
    scheme_from: str | None = None
    scheme_key: str | None = None
    tls_in_front: bool = False
    proxy_count: int | None = None
    trusts: Callable[[Environ], bool] | None = None
    log: LogOnce = field(default_factory=lambda: LogOnce(logger))

    @property
    def scheme(self) -> str:
        """The scheme that our cookies are made for."""
        return "http" if self.plain_http else "https"

    def takes(self, environ: Environ) -> bool:
        """Return whether the Host of a request is one of the portal's; logged once for each that is not."""
        if self.hosts is None:
            return True
        host = environ.get("HTTP_HOST")
        if host in self.hosts:
            return True
        name = host_of(environ, self.scheme)
        if name in self.hosts:
            return True
        self.log.warning(
            ("host", name),
            "rejected a request (421) for Host %r: url and hosts name %s. If browsers use this name, add it to hosts;"
            " otherwise have the proxy keep the name that they use (nginx: proxy_set_header Host $http_host)",
            name[:_SHOWN_CHARACTERS_MAX],
            ", ".join(sorted(self.hosts)),
        )
        return False

    def is_served(self, environ: Environ) -> bool:
        """Return whether our pages may be served to a request: plain http is never inferred."""
        return self.plain_http or self.is_https(environ)

    def is_https(self, environ: Environ) -> bool:
        """Return whether a client used https, by the server or by what a listed proxy tells."""
        if environ.get("wsgi.url_scheme") == "https":
            return True
        if self.scheme_key is None and not self.tls_in_front:
            return False
        if self.trusts is not None and not self.trusts(environ):
            return False
        return self.tls_in_front or self._scheme_told(environ) == "https"

    def explain_plain_http(self, environ: Environ) -> str | None:
        """Log once why a request does not count as https; return the setting that a developer's own machine needs."""
        peer = str(environ.get("REMOTE_ADDR", ""))
        host = host_of(environ, "http")
        if self.scheme_key is None and not self.tls_in_front:
            if is_loopback_name(_HOST_PORT.sub("", host)):
                self.log.warning(
                    ("loopback", ""),
                    "rejected a page over plain http for Host %r: on your own machine set plain_http=True (serve:"
                    " --plain-http); behind a proxy that speaks https, set scheme_from or tls_in_front",
                    host,
                )
                return "plain_http=True"
            self.log.warning(
                ("plain", ""),
                "rejected a page over plain http, from %r for Host %r: if a proxy in front speaks https, set"
                " scheme_from to the header in which it tells so (such as X-Forwarded-Proto), or tls_in_front",
                peer,
                host,
            )
        elif self.trusts is not None and not self.trusts(environ):
            self.log.warning(
                ("peer", peer),
                "rejected a page over plain http: it came from %r, which policy.trusted_peers does not list, so that"
                " what it tells of https does not count",
                peer,
            )
        else:
            value = environ.get(self.scheme_key or "")
            self.log.warning(
                ("scheme", str(value)),
                "rejected a page: scheme_from is %s, and that header %s, which does not count as https. %s",
                self.scheme_from,
                "is missing" if value is None else f"says {_shown(value)}",
                "With several proxies in a row set proxy_count"
                if value is not None and "," in str(value) and self.proxy_count is None
                else "Have the proxy set it to https",
            )
        return None

    def is_own_origin(self, environ: Environ, origin: str | None) -> bool:
        """Return whether the ``Origin`` of a request is the portal's; logged once for each that is not."""
        host = host_of(environ, self.scheme)
        seen = f"{self.scheme}://{host}"
        own = {seen} if self.origin is None else {self.origin, seen}
        if origin in own:
            return True
        if origin is not None:
            self.log.warning(
                ("origin", origin),
                "rejected a form: its Origin is %s and its Host %r, so that it counts as one of another site. If"
                " browsers reach the portal at %s, set url to it",
                _shown(origin),
                host,
                _shown(origin),
            )
        return False

    def is_own_host(self, environ: Environ, scheme: str, netloc: str) -> bool:
        """Return whether a URL of ``scheme`` and ``netloc`` leads to this portal's host."""
        name = bare_host(scheme, netloc)
        return name == host_of(environ, scheme) or (self.hosts is not None and name in self.hosts)

    def _scheme_told(self, environ: Environ) -> str:
        """Return the scheme that the proxy's header tells; "" for anything that it cannot mean."""
        value = environ.get(self.scheme_key or "")
        if value is None:
            return ""
        entries = [_scheme_in(entry, self.scheme_key) for entry in str(value).split(",")]
        if all(entry == "https" for entry in entries):
            return "https"
        if self.proxy_count is None or len(entries) < self.proxy_count:
            return ""
        return entries[-self.proxy_count]


_HOST_PORT = re.compile(r":[0-9]+$", re.ASCII)


def read_public_url(
    *,
    plain_http: bool,
    url: str | None = None,
    hosts: Sequence[str] = (),
    scheme_from: str | None = None,
    tls_in_front: bool = False,
    proxy_count: int | None = None,
    trusts: Callable[[Environ], bool] | None = None,
) -> PublicUrl:
    """Return the settings about the portal's public URL, checked.

    :raises ConfigurationError: one of them is not legal, or does not go with another.
    """
    origin, root, names = _parts_of(url, hosts, plain_http=plain_http)
    if scheme_from is not None and _HEADER.fullmatch(scheme_from) is None:
        raise ConfigurationError(
            f"scheme_from is {scheme_from!r}: legal is the name of a header, such as X-Forwarded-Proto",
            setting="scheme_from",
        )
    if tls_in_front and (scheme_from is not None or plain_http):
        raise ConfigurationError(
            f"tls_in_front is given with {'plain_http' if plain_http else 'scheme_from'}: legal is one of them",
            setting="tls_in_front",
        )
    if tls_in_front and trusts is None:
        raise ConfigurationError(
            "tls_in_front is given without policy.trusted_peers: list the addresses of the proxies that speak https",
            setting="tls_in_front",
        )
    if proxy_count is not None and (
        isinstance(proxy_count, bool)
        or not isinstance(proxy_count, int)
        or not 1 <= proxy_count <= PROXIES_MAX
        or scheme_from is None
    ):
        raise ConfigurationError(
            f"proxy_count is {proxy_count!r}: legal is 1 to {PROXIES_MAX}, and only with scheme_from",
            setting="proxy_count",
        )
    return PublicUrl(
        plain_http=plain_http,
        origin=origin,
        root=root,
        hosts=names,
        scheme_from=scheme_from,
        scheme_key=None if scheme_from is None else "HTTP_" + scheme_from.upper().replace("-", "_"),
        tls_in_front=tls_in_front,
        proxy_count=proxy_count,
        trusts=trusts,
    )


def _parts_of(
    url: str | None, hosts: Sequence[str], *, plain_http: bool
) -> tuple[str | None, str | None, frozenset[str] | None]:
    """Return the origin, the path of the root and all hosts that ``url`` and ``hosts`` name."""
    scheme = "http" if plain_http else "https"
    names = [_checked_host(host, scheme) for host in _as_list(hosts)]
    if url is None:
        if names:
            raise ConfigurationError(
                "hosts is given without url: set the portal's public URL", setting="hosts"
            )
        return None, None, None
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    found = _HOST.fullmatch(parts.netloc.lower())
    path = parts.path
    if (
        found is None
        or parts.scheme not in (("http", "https") if plain_http else ("https",))
        or _PATH.fullmatch(path) is None
        or {".", ".."} & set(path.split("/"))
        or {"?", "#"} & set(url)
        or not url.isprintable()  # `urlsplit` leaves tabs and line ends out
    ):
        raise ConfigurationError(f"url is {url!r}: legal is {_LEGAL_URL}", setting="url")
    host = bare_host(parts.scheme, parts.netloc)
    # nginx's $host is the name without its port, and no other portal's requests come here by it.
    names += [host, found[1]]
    return f"{parts.scheme}://{host}", path.rstrip("/") + "/", frozenset(names)


def _as_list(hosts: Sequence[str]) -> Sequence[str]:
    if isinstance(hosts, str) or not all(isinstance(host, str) for host in hosts):
        raise ConfigurationError(
            f"hosts is {hosts!r}: legal is a list of names such as portal.example.com:8443", setting="hosts"
        )
    return hosts


def _checked_host(host: str, scheme: str) -> str:
    name = bare_host(scheme, host)
    if _HOST.fullmatch(name) is None:
        raise ConfigurationError(
            f"hosts has {host!r}: legal are names such as portal.example.com or portal.example.com:8443",
            setting="hosts",
        )
    return name


def _scheme_in(entry: str, key: str | None) -> str:
    """Return the scheme in one entry of the header: a word of its own, or ``proto`` of RFC 7239."""
    if key == "HTTP_FORWARDED":
        found = _PROTO.search(entry.strip())
        return found[1].lower() if found else ""
    word = entry.strip().lower()
    return "https" if word in _HTTPS_WORDS else word


def host_of(environ: Environ, scheme: str) -> str:
    """Return host and port as the client named them (RFC 9110 7.2), without the port that ``scheme`` implies."""
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return bare_host(scheme, host)


def bare_host(scheme: str, host: str) -> str:
    """Return ``host`` in lower case, without the port that ``scheme`` implies."""
    return host.lower().removesuffix(f":{DEFAULT_PORTS[scheme]}")


def _shown(value: object) -> str:
    return repr(str(value)[:_SHOWN_CHARACTERS_MAX])
