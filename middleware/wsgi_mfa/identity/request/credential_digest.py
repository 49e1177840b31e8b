"""One name for a set of credential values, by which a change of them is seen without keeping them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

_DOMAIN = b"wsgi-mfa credentials 1"


def digest_of(values: Iterable[tuple[str, str, str]]) -> str | None:
    """The SHA-256, in hex, of credentials given as ``(kind, name, value)``; None when there are none.

    The order does not matter, and each part stands behind its length, so that no two sets are alike.
    """
    parts = sorted(values)
    if not parts:
        return None
    digest = hashlib.sha256(_DOMAIN)
    for part in parts:
        for text in part:
            # A header is bytes in the shape of latin-1 text; a lone surrogate must not raise here.
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(4, "big") + data)
    return digest.hexdigest()
