"""The body of a request that is refused: read and thrown away, so that its sender gets to read the refusal.

A server that closes a connection with unread bytes in it resets it, and the client's own system then throws away
the answer (uWSGI was seen to; RFC 9112 section 9.6). That is for uploads to the portal, whose sender is a person
with an old tab; what our own pages find too long they leave unread. Who sends more than is drawn here is cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsgi_mfa.clock import Clock
from wsgi_mfa.core.instants import SECOND

DISCARDED_BYTES_MAX = 8 * 1024 * 1024
DISCARDED_SECONDS_MAX = 5
_CHUNK_BYTES = 16384


def discard_body(environ: Mapping[str, Any], clock: Clock) -> None:
    """Read a body of which nothing was read yet to its end, within bounds; a sender that fails is not our concern."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length:
        if not (length.isascii() and length.isdigit()):
            return
        left = min(int(length[:20]), DISCARDED_BYTES_MAX)
    elif environ.get("wsgi.input_terminated"):
        left = DISCARDED_BYTES_MAX
    else:
        return  # nothing is there, or nobody can tell where it ends
    until = clock.now() + DISCARDED_SECONDS_MAX * SECOND
    try:
        while left > 0 and clock.now() < until:
            chunk = environ["wsgi.input"].read(min(left, _CHUNK_BYTES))
            if not chunk:
                return
            left -= len(chunk)
    except Exception:  # noqa: BLE001 - each server has an error of its own for a client that has left
        return
