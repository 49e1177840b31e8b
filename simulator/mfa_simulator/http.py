"""Requests and replies as values, and the in-process call of a WSGI application."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from http.client import responses as reason_phrases
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

ORIGIN = "http://127.0.0.1:8000"
HOST, PORT = "127.0.0.1", "8000"
CLIENT_ADDRESS = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, complete with the cookies that the browser sent at that moment."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @cached_property
    def parts(self) -> SplitResult:
        """The parts of the URL."""
        return urlsplit(self.url)

    @property
    def path(self) -> str:
        """The path without its query."""
        return self.parts.path


@dataclass(frozen=True, kw_only=True)
class Response:
    """One reply; `from_app` says whether the wrapped application was called for it.

    `user_seen` is the user that it was told of, `cookie_seen` the `Cookie` header that it was given.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    from_app: bool = False
    user_seen: str | None = None
    cookie_seen: str | None = None
    cut: bool = False
    crash: str | None = None

    def header(self, name: str) -> str | None:
        """Give the first header of a name, or None."""
        values = self._by_name.get(name.lower())
        return values[0] if values else None

    def headers_named(self, name: str) -> list[str]:
        """Give the values of all headers of a name, in their order."""
        return self._by_name.get(name.lower(), [])

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            found.setdefault(name.lower(), []).append(value)
        return found

    @cached_property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def summary(self) -> str:
        """The status in words, and where a redirect leads."""
        location = (self.header("Location") or "").partition("?")[0]
        words = f"{self.status} {reason_phrases.get(self.status, '')}".strip()
        return f"{words} -> {location}" if location else words


def environ_of(request: Request) -> WSGIEnvironment:
    """Build the environ that a server would hand to the application."""
    parts = request.parts
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path or "/").decode("latin-1"),
        "QUERY_STRING": parts.query,
        "REQUEST_URI": (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        "SERVER_NAME": HOST,
        "SERVER_PORT": PORT,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": CLIENT_ADDRESS,
        "HTTP_HOST": f"{HOST}:{PORT}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if request.body or request.method == "POST":
        environ["CONTENT_LENGTH"] = str(len(request.body))
    for name, value in request.headers:
        key = _environ_key(name)
        if key != "CONTENT_LENGTH":
            environ[key] = value
    return environ


@lru_cache(maxsize=256)
def _environ_key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def call(application: WSGIApplication, request: Request, extra: dict[str, Any] | None = None) -> Response:
    """Hand a request to an application as a server does, and read its reply to the end.

    `extra` goes into the environ beside what the request says.
    """
    state: dict[str, Any] = {}
    chunks: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ANN401
        if exc_info is not None and chunks:
            raise exc_info[1].with_traceback(exc_info[2])
        state["status"], state["headers"] = status, tuple(headers)
        return chunks.append

    environ = environ_of(request)
    environ.update(extra or {})
    result: Iterable[bytes] = application(environ, start_response)
    try:
        chunks.extend(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    return Response(status=int(state["status"][:3]), headers=state["headers"], body=b"".join(chunks))
