"""Requests and replies as values, and the in-process call of a WSGI application."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from http.client import responses
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

ORIGIN = "http://127.0.0.1:8000"
HOST, PORT = "127.0.0.1", "8000"
CLIENT_ADDRESS = "127.0.0.1"


# Stories ask for few addresses, and most requests and replies carry the same headers as another before.
CACHED_MAX = 1024
#: Whole pages are much larger.
PAGES_CACHED_MAX = 64
# The words of RFC 9110, which Python has only since 3.13: a timeline is the same on every Python.
REASON_PHRASES = {
    **responses,
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
Headers: TypeAlias = "tuple[tuple[str, str], ...]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request, complete with the cookies that the browser sent at that moment.

    `meanwhile` is called once, when the server reads the body, whose last byte arrives only then.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    client_address: str = CLIENT_ADDRESS
    meanwhile: Callable[[], object] | None = None

    @property
    def path(self) -> str:
        """The path without its query."""
        return urlsplit(self.url).path

    @property
    def cookie(self) -> str:
        """The `Cookie` header; empty when there is none."""
        return next((value for name, value in reversed(self.headers) if name.lower() == "cookie"), "")


@dataclass(frozen=True, kw_only=True)
class Response:
    """One reply; `from_app` says whether the wrapped application was called for it.

    `user_seen` is the user that it was told of, `cookie_seen` the `Cookie` header that it was given, and
    `headers_given` are the headers of its answer, which no client sees as they are. `acted_for` is the user that it
    acted for, where it tells.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    from_app: bool = False
    user_seen: str | None = None
    cookie_seen: str | None = None
    headers_given: Headers = ()
    acted_for: str | None = None
    cut: bool = False
    crash: str | None = None

    def header(self, name: str) -> str | None:
        """Give the first header of a name, or None."""
        values = self._by_name.get(name.lower())
        return values[0] if values else None

    def headers_named(self, name: str) -> Sequence[str]:
        """Give the values of all headers of a name, in their order."""
        return self._by_name.get(name.lower(), ())

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[str, ...]]:
        return _by_name(self.headers)

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        """The cookies that it sets, without those that it takes away."""
        return _cookies_set(self.headers)

    @property
    def cookies_given(self) -> Mapping[str, str]:
        """The cookies that the wrapped application set, without those that it took away."""
        return _cookies_set(self.headers_given)

    @cached_property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def summary(self) -> str:
        """The status in words, and where a redirect leads."""
        location = (self.header("Location") or "").partition("?")[0]
        words = f"{self.status} {REASON_PHRASES.get(self.status, '')}".strip()
        return f"{words} -> {location}" if location else words


@lru_cache(maxsize=CACHED_MAX)
def _by_name(headers: Headers) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in headers:
        found[name.lower()] = (*found.get(name.lower(), ()), value)
    return found


@lru_cache(maxsize=CACHED_MAX)
def _cookies_set(headers: Headers) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for header in _by_name(headers).get("set-cookie", ()):
        pair, _, attributes = header.partition(";")
        name, _, value = pair.partition("=")
        if value and "max-age=0" not in attributes.lower():
            found.setdefault(name, value)
    return found


def environ_of(request: Request) -> WSGIEnvironment:
    """Build the environ that a server would hand to the application."""
    environ = {
        **_SERVER,
        **_target(request.url),
        "REQUEST_METHOD": request.method,
        "REMOTE_ADDR": request.client_address,
        "wsgi.input": _LateBody(request) if request.meanwhile is not None else io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        **environ_headers(request.headers),
    }
    if request.body or request.method == "POST":
        environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ


class _LateBody(io.BytesIO):
    """A body that arrives slowly: something else happens before it has been read."""

    def __init__(self, request: Request) -> None:
        super().__init__(request.body)
        self._meanwhile = request.meanwhile

    def read(self, size: int | None = -1, /) -> bytes:
        self._waited()
        return super().read(size)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._waited()
        return super().readinto(buffer)

    def _waited(self) -> None:
        happens, self._meanwhile = self._meanwhile, None
        if happens is not None:
            happens()


_SERVER: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "SERVER_NAME": HOST,
    "SERVER_PORT": PORT,
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": f"{HOST}:{PORT}",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


@lru_cache(maxsize=CACHED_MAX)
def _target(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    path = parts.path or "/"
    return {
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "REQUEST_URI": path + (f"?{parts.query}" if parts.query else ""),
    }


@lru_cache(maxsize=CACHED_MAX)
def environ_headers(headers: Headers) -> Mapping[str, str]:
    """Give a request's headers as the environ has them; the length of a body is the server's to say."""
    environ = {}
    for name, value in headers:
        key = name.upper().replace("-", "_")
        if key != "CONTENT_LENGTH":
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ


def serve(application: WSGIApplication, environ: WSGIEnvironment) -> tuple[int, Headers, bytes]:
    """Hand an environ to an application as a server does, and read its reply to the end."""
    status = ""
    given: Headers = ()
    chunks: list[bytes] = []

    def start_response(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ANN401  # PEP 3333
        nonlocal status, given
        if exc_info is not None and chunks:
            raise exc_info[1].with_traceback(exc_info[2])
        status, given = line, tuple((name, value) for name, value in headers)
        return chunks.append

    result: Iterable[bytes] = application(environ, start_response)
    try:
        chunks.extend(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    return int(status[:3]), given, b"".join(chunks)


def call(application: WSGIApplication, request: Request) -> Response:
    """Send a request to an application."""
    status, headers, body = serve(application, environ_of(request))
    return Response(status=status, headers=headers, body=body)
