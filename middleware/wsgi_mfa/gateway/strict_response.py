"""A response whose head ends its lines by CRLF or LF alone (RFC 9112 section 2.2).

The standard library takes a bare CR for the end of a line, so that one header of the portal would leave as two.
"""

from __future__ import annotations

import http.client
from typing import Any


class StrictResponse(http.client.HTTPResponse):
    """Reads the head of a response, and refuses a bare CR in it."""

    def begin(self) -> None:
        """Read the head.

        :raises http.client.HTTPException: it is no head of HTTP.
        """
        stream: Any = self.fp
        self.fp = _HeadReader(stream)  # type: ignore[assignment] # as much of a file as the head needs
        try:
            super().begin()
        finally:
            if self.fp is not None:
                self.fp = stream


class _HeadReader:
    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - a socket's file
        self._stream = stream
        self.close = stream.close
        self.flush = stream.flush

    def readline(self, limit: int = -1) -> bytes:
        line = bytes(self._stream.readline(limit))
        if b"\r" in line.removesuffix(b"\n").removesuffix(b"\r"):
            raise http.client.HTTPException("a bare CR in the head")
        return line
