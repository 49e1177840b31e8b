"""One request handed on to the portal, and its answer handed back chunk by chunk."""

from __future__ import annotations

import http.client
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.gateway.errors import (
    BadTargetError,
    BadUpstreamAnswerError,
    UpstreamError,
    UpstreamTimeoutError,
)
from wsgi_mfa.gateway.headers import from_portal, host_of, target_of, to_portal
from wsgi_mfa.gateway.strict_response import StrictResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger("wsgi_mfa")

CONNECT_SECONDS_MAX = 5.0
CHUNK_BYTES = 65536
_METHOD = re.compile(r"[A-Z][A-Z-]{0,19}", re.ASCII)  # VERSION-CONTROL is one (RFC 3253)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>Please try again in a moment. Nothing is wrong with your sign-in.</p></body></html>
"""


class Gateway:
    """The portal at ``upstream`` (``http://HOST:PORT``) as a WSGI application; put the middleware around it.

    ``timeout_seconds`` is how long the portal may take for each piece of its answer. ``is_https`` tells
    whether a proxy says that the client used https, and ``trusts`` whether the peer of a request is a listed
    proxy. With ``keeps_host`` the portal hears the name by which people reach it.

    :raises ConfigurationError: ``upstream`` is no such URL.
    """

    def __init__(
        self,
        upstream: str,
        *,
        timeout_seconds: float = 60,
        is_https: Callable[[Mapping[str, Any]], bool] = lambda _: False,
        trusts: Callable[[Mapping[str, Any]], bool] = lambda _: False,
        keeps_host: bool = True,
    ) -> None:
        try:
            parts = urlsplit(upstream)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ConfigurationError(
                f"upstream is {upstream!r}: legal is http://HOST:PORT or https://HOST:PORT, without a path",
                setting="upstream",
            )
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port = parts.hostname, port
        self._netloc = parts.netloc.rpartition("@")[2].lower()
        self._timeout_seconds = timeout_seconds
        self._is_https = is_https
        self._trusts = trusts
        self._keeps_host = keeps_host

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        connection = self._kind(self._host, self._port, timeout=CONNECT_SECONDS_MAX)
        connection.response_class = StrictResponse
        response: http.client.HTTPResponse | None = None
        try:
            response = self._asked(connection, environ)
            status, headers = self._head(response, environ)
            start_response(status, headers)
        except BaseException as error:
            # A response has the socket for itself, once the portal has said that it closes.
            if response is not None:
                response.close()
            connection.close()
            if not isinstance(error, UpstreamError):
                raise
            logger.error("gateway: %s", error)
            return _rejection(error, environ, start_response)
        return Body(connection, response, has_body=environ["REQUEST_METHOD"] != "HEAD")

    def _asked(
        self, connection: http.client.HTTPConnection, environ: WSGIEnvironment
    ) -> http.client.HTTPResponse:
        """The portal's answer, of which the head was read."""
        method = str(environ["REQUEST_METHOD"])
        if _METHOD.fullmatch(method) is None or method in ("CONNECT", "TRACE"):
            raise BadTargetError(f"the method {method[:20]!r} is not handed on")
        target = target_of(environ)
        host = host_of(environ) if self._keeps_host else self._netloc
        headers = to_portal(environ, scheme=self._scheme_of(environ), trusts_peer=self._trusts(environ))
        length, chunks = _body_of(environ)
        try:
            connection.connect()
            connection.sock.settimeout(self._timeout_seconds)
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in [("Host", host), *headers, ("Connection", "close")]:
                connection.putheader(name, value)
            if length is not None:
                connection.putheader("Content-Length", str(length))
            elif chunks is not None:
                connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            _send(connection, chunks, chunked=length is None)
            return connection.getresponse()
        except TimeoutError:
            raise UpstreamTimeoutError(f"{self._netloc} takes too long") from None
        except (http.client.HTTPException, ValueError) as error:
            raise BadUpstreamAnswerError(f"{self._netloc} answered outside of HTTP: {error!r}") from None
        except OSError as error:
            raise UpstreamError(f"{self._netloc} does not answer: {error}") from None

    def _head(
        self, response: http.client.HTTPResponse, environ: WSGIEnvironment
    ) -> tuple[str, list[tuple[str, str]]]:
        if not 200 <= response.status <= 999:
            raise BadUpstreamAnswerError(f"{self._netloc} answered with the status {response.status}")
        host = host_of(environ).lower()
        own_hosts = {self._netloc, host, host.removesuffix(":80"), host.removesuffix(":443")}
        headers = from_portal(response.getheaders(), own_hosts=own_hosts)
        lengths = {value for name, value in headers if name.lower() == "content-length"}
        if response.chunked:
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        elif len(lengths) > 1 or not all(length.isascii() and length.isdigit() for length in lengths):
            raise BadUpstreamAnswerError(
                f"{self._netloc} gives more than one length, or none that is a number"
            )
        # Some servers have no reason to give, and a status line needs one (PEP 3333).
        reason = response.reason if response.reason.isprintable() and response.reason.isascii() else ""
        return f"{response.status} {reason or 'Unknown'}", headers

    def _scheme_of(self, environ: Mapping[str, Any]) -> str:
        return "https" if self._is_https(environ) else str(environ["wsgi.url_scheme"])


class Body:
    """The portal's body as it comes; the connection ends with it."""

    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, *, has_body: bool
    ) -> None:
        self._connection = connection
        self._response = response
        self._left = response.length if has_body else 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """The next piece, as soon as there is one.

        :raises UpstreamError: the portal breaks off; the server then cuts the client's connection too, so that
            nobody takes a part for the whole.
        """
        if self._left == 0:
            raise StopIteration
        size = CHUNK_BYTES if self._left is None else min(CHUNK_BYTES, self._left)
        try:
            chunk = self._response.read1(size)
        except (http.client.HTTPException, OSError) as error:
            raise UpstreamError(f"the portal broke off in its answer: {error!r}") from None
        if self._left is not None:
            self._left -= len(chunk)
            if not chunk:
                raise UpstreamError(f"the portal broke off, {self._left} bytes before the end of its answer")
        if not chunk:
            raise StopIteration
        return chunk

    def close(self) -> None:
        """End the portal's work, also where the client has left before it is done."""
        self._response.close()
        self._connection.close()


def _body_of(environ: Mapping[str, Any]) -> tuple[int | None, Iterator[bytes] | None]:
    """The length of the request's body, if it is known, and its pieces; (None, None) where there is no body."""
    text = environ.get("CONTENT_LENGTH") or ""
    if text:
        if not (text.isascii() and text.isdigit()):
            raise BadTargetError("the length of the body is no number")
        return int(text), _pieces(environ["wsgi.input"], int(text))
    if environ.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" in environ:
        return None, _pieces(environ["wsgi.input"], None)
    return (0 if environ["REQUEST_METHOD"] in ("POST", "PUT", "PATCH") else None), None


def _pieces(stream: Any, left: int | None) -> Iterator[bytes]:  # noqa: ANN401 - whatever the server gives
    while left is None or left > 0:
        try:
            piece = stream.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
        except OSError as error:
            raise BadTargetError(f"the client broke off in its request: {error}") from None
        if not piece:
            if left is not None:
                # The portal must not take what has arrived for the whole.
                raise BadTargetError("the client broke off in its request")
            return
        left = None if left is None else left - len(piece)
        yield piece


def _send(connection: http.client.HTTPConnection, pieces: Iterator[bytes] | None, *, chunked: bool) -> None:
    if pieces is None:
        return
    try:
        for piece in pieces:
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            connection.send(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        return  # a portal that has heard enough says why in its answer


def _rejection(
    error: UpstreamError, environ: Mapping[str, Any], start_response: StartResponse
) -> Iterable[bytes]:
    """What went wrong, in words for a person or as a problem for a program (RFC 9457)."""
    if "text/html" in str(environ.get("HTTP_ACCEPT", "")).lower():
        kind, text = "text/html; charset=utf-8", _PAGE.format(title=error.title)
    else:
        members = {
            "type": f"urn:wsgi-mfa:{error.word}",
            "title": error.title,
            "status": int(error.status[:3]),
        }
        kind, text = "application/problem+json", json.dumps(members)
    body = text.encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    start_response(error.status, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
