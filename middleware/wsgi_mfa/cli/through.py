"""``wsgi-mfa check --through URL``: requests through the real front, and the settings that they ask for."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from wsgi_mfa.clock import SystemClock
from wsgi_mfa.configuration.toml_file import Configuration
from wsgi_mfa.errors import ConfigurationError, MfaError
from wsgi_mfa.keys.ring import KeySource
from wsgi_mfa.web.arrival import PATH, proof
from wsgi_mfa.web.public_url import bare_host

SECONDS_MAX = 10
PADDINGS = (4096, 8192)
COOKIE_BYTES = 4096
#: An address of a documentation network: no client has it (RFC 5737).
INVENTED_ADDRESS = "203.0.113.99"


@dataclass(frozen=True, kw_only=True, slots=True)
class Front:
    """The address under which browsers reach the portal."""

    scheme: str
    host: str
    path: str

    @property
    def origin(self) -> str:
        """The origin that browsers name."""
        return f"{self.scheme}://{self.host}"


def read_front(url: str) -> Front:
    """Return the parts of ``--through``.

    :raises ConfigurationError: it is no URL of http or https.
    """
    try:
        parts = urlsplit(url)
        legal = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        legal = False
    if not legal or parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigurationError(
            f"--through is {url!r}: legal is the address that browsers use, such as https://portal.example.com/",
            setting="--through",
        )
    return Front(scheme=parts.scheme, host=bare_host(parts.scheme, parts.netloc), path=parts.path.rstrip("/"))


def problems_through(url: str, configuration: Configuration, keys: KeySource) -> Iterator[str]:
    """Send requests through the front at ``url``, and yield what has to be changed.

    :raises ConfigurationError: ``url`` is no such URL.
    :raises MfaError: nothing of ours answers there.
    """
    front = read_front(url)
    arrived = _arrived(front, configuration, keys)
    yield from _about_host(front, configuration, arrived)
    yield from _about_scheme(front, configuration, arrived)
    yield from _about_path(front, configuration, arrived)
    hops = str(arrived["headers"].get("HTTP_X_FORWARDED_FOR", ""))
    # A check from the proxy's own machine counts as the proxy, so that the entry before it is taken.
    if arrived["client_address"] == INVENTED_ADDRESS and hops.endswith(INVENTED_ADDRESS):
        yield (
            "X-Forwarded-For is taken from the client: have the proxy set it or append to it, and list no more than"
            " the proxies in policy.trusted_peers"
        )
    if arrived["cookie_bytes"] < COOKIE_BYTES:
        yield f"a Cookie header of {COOKIE_BYTES} bytes arrived with {arrived['cookie_bytes']}"
    yield from _about_size(front, configuration, keys)


def _about_host(front: Front, configuration: Configuration, arrived: Mapping[str, Any]) -> Iterator[str]:
    host = bare_host(front.scheme, str(arrived["headers"].get("HTTP_HOST", "")))
    if not arrived["takes_host"]:
        yield (
            f"Host arrives as {host!r}, which url and hosts do not name: add it to hosts, or have the proxy keep the"
            " name (nginx: proxy_set_header Host $http_host)"
        )
    elif configuration.url is None and host != front.host:
        yield (
            f'Host arrives as {host!r} in place of {front.host!r}: set url = "{front.origin}{front.path or "/"}" and'
            f' hosts = ["{host}"]'
        )
    if str(arrived["headers"].get("HTTP_ORIGIN", "")) != front.origin:
        yield "the Origin header does not arrive as it was sent: have the proxy leave it alone"


def _about_scheme(front: Front, configuration: Configuration, arrived: Mapping[str, Any]) -> Iterator[str]:
    if front.scheme == "http":
        yield "--through has http: browsers must reach the portal by https"
        return
    if arrived["is_https"]:
        return
    if configuration.scheme_from is not None:
        key = "HTTP_" + configuration.scheme_from.upper().replace("-", "_")
        value = arrived["headers"].get(key)
        told = "is missing" if value is None else f"says {value!r}"
        yield (
            f"https is not recognized: scheme_from is {configuration.scheme_from}, and that header {told}; the"
            f" request came from {arrived['peer']!r}"
        )
        return
    told_by = next(
        (
            name
            for name in ("X-Forwarded-Proto", "Forwarded", "X-Forwarded-Ssl")
            if arrived["headers"].get("HTTP_" + name.upper().replace("-", "_"))
        ),
        None,
    )
    if told_by is not None:
        yield f'https is not recognized: set scheme_from = "{told_by}"'
    else:
        yield (
            "https is not recognized, and no header tells of it: have the proxy set one (nginx: proxy_set_header"
            " X-Forwarded-Proto $scheme) and name it in scheme_from"
        )


def _about_path(front: Front, configuration: Configuration, arrived: Mapping[str, Any]) -> Iterator[str]:
    expected = f"{front.path}{configuration.mount_path}"
    if arrived["mount"] != expected:
        yield (
            f"our pages are written as {arrived['mount']} and are at {expected} for browsers: set"
            f' url = "{front.origin}{front.path or "/"}"'
        )


def _about_size(front: Front, configuration: Configuration, keys: KeySource) -> Iterator[str]:
    size = 0
    try:
        for size in PADDINGS:
            _arrived(front, configuration, keys, padding=size)
    except MfaError as error:
        yield (
            f"a response with a header of {size} bytes did not come through ({error}): sealed cookies may be as"
            " long (nginx: proxy_buffer_size 16k and proxy_buffers 8 16k; Apache: ProxyPass with"
            " responsefieldsize=16384)"
        )


def _arrived(
    front: Front, configuration: Configuration, keys: KeySource, *, padding: int = 0
) -> dict[str, Any]:
    """Return what the middleware behind ``front`` says of one request.

    :raises MfaError: there is no answer of ours.
    """
    query = urlencode({"proof": proof(keys, SystemClock().now()), "padding": padding})
    target = f"{front.path}{configuration.mount_path}{PATH}"
    connection: http.client.HTTPConnection
    if front.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(front.host, timeout=SECONDS_MAX, context=context)
    else:
        connection = http.client.HTTPConnection(front.host, timeout=SECONDS_MAX)
    try:
        connection.request(
            "GET",
            f"{target}?{query}",
            headers={
                "Origin": front.origin,
                "Accept": "application/json",
                "X-Forwarded-For": INVENTED_ADDRESS,
                "Cookie": "padding=" + "x" * (COOKIE_BYTES - len("padding=")),
            },
        )
        response = connection.getresponse()
        body = response.read(65536)
    except (OSError, http.client.HTTPException) as error:
        raise MfaError(f"{front.origin}{target}: {error or type(error).__name__}") from None
    finally:
        connection.close()
    try:
        arrived = json.loads(body)
        arrived["takes_host"]
    except (ValueError, TypeError, KeyError):
        raise MfaError(
            f"{front.origin}{target} answered {response.status} and not by this middleware with these keys"
        ) from None
    return dict(arrived)
