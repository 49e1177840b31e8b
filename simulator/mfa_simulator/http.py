"""Requests and replies as values, and the in-process call of a WSGI application."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import responses as reason_phrases
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

ORIGIN = "http://127.0.0.1:8000"
HOST, PORT = "127.0.0.1", "8000"
CLIENT_ADDRESS = "127.0.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request, complete with the cookies that the browser sent at that moment."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path without its query."""
        return urlsplit(self.url).path


@dataclass(frozen=True, kw_only=True, slots=True)
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
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def headers_named(self, name: str) -> list[str]:
        """Give the values of all headers of a name, in their order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
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
    parts = urlsplit(request.url)
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
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value
        elif key != "CONTENT_LENGTH":
            environ[f"HTTP_{key}"] = value
    return environ


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

    result: Iterable[bytes] = application({**environ_of(request), **(extra or {})}, start_response)
    try:
        chunks.extend(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    return Response(status=int(state["status"][:3]), headers=state["headers"], body=b"".join(chunks))
