"""The caches of one worker about requests, shared by all ways in which its portal is reached.

A client may choose the way (some servers take the script name from a header), so that caches of their own would be
bounded by the number of ways alone. Keys begin with the number of their reader.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from wsgi_mfa.identity.request.bounded_cache import BoundedCache

COOKIE_BYTES_MAX = 4 * 1024 * 1024
QUERY_BYTES_MAX = 2 * 1024 * 1024


class RequestCaches:
    """Headers as they were read, and the names of headers that were judged harmless."""

    __slots__ = ("_numbers", "cookies", "harmless_names", "queries")

    def __init__(self) -> None:
        # The readers know what they keep: this module knows no reader.
        self.cookies: BoundedCache[Any] = BoundedCache(bytes_max=COOKIE_BYTES_MAX)
        self.queries: BoundedCache[Any] = BoundedCache(bytes_max=QUERY_BYTES_MAX)
        self.harmless_names: set[object] = set()
        self._numbers = count()

    def new_reader(self) -> int:
        """Return the number of one more reader."""
        return next(self._numbers)
