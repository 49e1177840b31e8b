"""Time steps and the codes that belong to them (RFC 4226, RFC 6238).

A code is text of fixed length, never a number (RFC 4226 section 5.3, R2). Nothing here knows what time it is:
the step is a number like any other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Any

import pyotp

from wsgi_mfa.core.account import KeyParameters
from wsgi_mfa.core.instants import SECOND

_DIGESTS: dict[str, Any] = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}
_SEPARATORS = str.maketrans("", "", " -")


def step_at(now: int, *, period_seconds: int) -> int:
    """The time step T of RFC 6238 section 4.2, with T0 = 0."""
    return now // (period_seconds * SECOND)


def step_begins_at(step: int, *, period_seconds: int) -> int:
    """The instant at which ``step`` begins."""
    return step * period_seconds * SECOND


def seconds_left_in_step(now: int, *, period_seconds: int) -> int:
    """Whole seconds until the next step begins, rounded up: 1 to ``period_seconds``."""
    period = period_seconds * SECOND
    return -(-(period - now % period) // SECOND)


def code_at(key: bytes, step: int, parameters: KeyParameters) -> str:
    """HOTP(key, step) as text of ``parameters.digits`` digits (RFC 4226 section 5)."""
    return _Hotp(key, parameters).at(step)


class _Hotp(pyotp.HOTP):
    """RFC 4226 for a key that is bytes already; pyotp would read Base32 anew for each code of a window."""

    def __init__(self, key: bytes, parameters: KeyParameters) -> None:
        self._key = key
        super().__init__("", digits=parameters.digits, digest=_DIGESTS[parameters.algorithm])

    def byte_secret(self) -> bytes:
        return self._key

    @staticmethod
    def int_to_bytestring(i: int, *, padding: int = 8) -> bytes:
        return i.to_bytes(padding, "big")


def matching_steps(key: bytes, code: str, steps: Iterable[int], parameters: KeyParameters) -> tuple[int, ...]:
    """Those of ``steps`` whose code is ``code``; every one is computed and compared in constant time (R9)."""
    given, hotp = code.encode("ascii"), _Hotp(key, parameters)
    candidates = [(step, hotp.at(step).encode("ascii")) for step in steps if step >= 0]
    verdicts = [(step, hmac.compare_digest(given, candidate)) for step, candidate in candidates]
    return tuple(step for step, equal in verdicts if equal)


def canonical_code(text: str, digits: int) -> str | None:
    """The code that ``text`` spells: ASCII spaces and hyphens dropped, then exactly ``digits`` of 0-9 (R8).

    None for everything else; digits of other scripts are no digits here.
    """
    bare = text.translate(_SEPARATORS)
    return bare if re.fullmatch(rf"[0-9]{{{digits}}}", bare) else None
