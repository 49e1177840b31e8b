"""A portal that answers with the very bytes of a test, and the gateway before it."""

from __future__ import annotations

import io
import socket
import threading
from dataclasses import dataclass, field
from typing import Any
from wsgiref.validate import validator

import pytest

from wsgi_mfa.gateway import Gateway
from wsgi_mfa.gateway.errors import UpstreamError

PATIENCE_SECONDS = 20


@dataclass
class Upstream:
    """Listens on a port of its own, keeps what it was sent, and answers ``answer`` once."""

    answer: bytes
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    received: bytes = b""
    left_early: bool = False

    def __post_init__(self) -> None:
        self.port = self.listener.getsockname()[1]
        self.done = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(PATIENCE_SECONDS)
            while not self._is_whole():
                piece = connection.recv(65536)
                if not piece:
                    break
                self.received += piece
            try:
                connection.sendall(self.answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                self.left_early = True
        self.done.set()

    def _is_whole(self) -> bool:
        head, found, body = self.received.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        if not found:
            return False
        if b"transfer-encoding: chunked" in lines:
            return body.endswith(b"0\r\n\r\n")
        lengths = [int(line[16:]) for line in lines if line.startswith(b"content-length: ")]
        return len(body) >= sum(lengths)

    @property
    def lines(self) -> list[str]:
        """The request line and the headers, as they came."""
        return self.received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")

    @property
    def body(self) -> bytes:
        return self.received.partition(b"\r\n\r\n")[2]

    def header(self, name: str) -> str | None:
        values = [
            line.partition(": ")[2] for line in self.lines[1:] if line.lower().startswith(f"{name.lower()}:")
        ]
        assert len(values) <= 1, f"{name} is there {len(values)} times"
        return values[0] if values else None

    def close(self) -> None:
        self.listener.close()


@dataclass
class Answer:
    status: str
    headers: list[tuple[str, str]]
    chunks: list[bytes]
    error: Exception | None

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def all(self, name: str) -> list[str]:
        return [value for other, value in self.headers if other.lower() == name.lower()]


@pytest.fixture
def upstream_of():
    """``upstream_of(b"HTTP/1.1 200 OK...")``: a portal with that answer; line ends are made CRLF."""
    made: list[Upstream] = []

    def make(answer: bytes = b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok") -> Upstream:
        head, found, body = answer.partition(b"\n\n")
        if found and b" 204 " not in head and b" 304 " not in head and b"Content-Type" not in head:
            head += b"\nContent-Type: text/plain"  # which the validator asks for
        made.append(Upstream(head.replace(b"\n", b"\r\n") + (b"\r\n\r\n" + body if found else b"")))
        return made[-1]

    yield make
    for upstream in made:
        upstream.close()


@pytest.fixture
def ask():
    """``ask(upstream, method="GET", path="/", ...)``: one request through the gateway, the validator around it."""

    def send(upstream: Any, *, chunks_max: int | None = None, gateway: Any = None, **environ: Any) -> Answer:
        settings = {name: environ.pop(name) for name in ("timeout_seconds", "keeps_host", "trusts", "is_https")
                    if name in environ}  # fmt: skip
        application = gateway or Gateway(f"http://127.0.0.1:{upstream.port}", **settings)
        body = environ.pop("body", b"")
        made = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "HTTP_HOST": "portal.example",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **({"CONTENT_LENGTH": str(len(body))} if body else {}),
            **environ,
        }
        made = {key: value for key, value in made.items() if value is not None}
        started: list[Any] = []
        # The validator closes the input after the call and knows few methods.
        iterable = validator(application)(made, lambda *given: started.append(given) or (lambda data: None))
        chunks: list[bytes] = []
        error = None
        try:
            for chunk in iterable:
                chunks.append(chunk)
                if len(chunks) == chunks_max:
                    break
        except UpstreamError as raised:
            error = raised
        finally:
            iterable.close()
        status, headers = started[0][:2]
        return Answer(status, headers, chunks, error)

    return send
