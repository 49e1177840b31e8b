"""Recovery codes and enrollment codes: what they are made of, how they are written and compared.

24 symbols of a 32-symbol alphabet are 120 bits, above the 112 that let NIST SP 800-63B (3.1.2.2) accept a plain
hash (R26, R27); the salt keeps two equal codes apart. The alphabet is Crockford's: it has no I, L, O and U.
"""

from __future__ import annotations

import hashlib
import hmac

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SALT_BYTES = 16
#: Enrollment codes live ten minutes under a throttle and are read out on the telephone: 60 bits are plenty.
ENROLLMENT_CODE_SYMBOLS = 12
_TYPED_LENGTH_MAX = 256  # bounded before anything is hashed (R30)
_GROUP = 4
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})


def entropy_bytes(symbols: int) -> int:
    """How many random bytes a code of ``symbols`` symbols is made of."""
    return -(-symbols * 5 // 8)


def code_from(entropy: bytes, symbols: int) -> str:
    """The canonical code of ``symbols`` symbols, five bits each, that ``entropy`` spells."""
    if len(entropy) < entropy_bytes(symbols):
        raise ValueError(f"{symbols} symbols need {entropy_bytes(symbols)} bytes, not {len(entropy)}")
    number = int.from_bytes(entropy, "big")
    return "".join(ALPHABET[number >> (5 * place) & 31] for place in reversed(range(symbols)))


def grouped(code: str) -> str:
    """The code as people see it: groups of four with hyphens between."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def canonical_recovery_code(text: str, symbols: int) -> str | None:
    """The code that ``text`` spells, whatever the case, spaces, hyphens, O for 0 and I or L for 1 (R31).

    None when it spells none.
    """
    if len(text) > _TYPED_LENGTH_MAX or not text.isascii():
        return None
    code = text.strip().upper().translate(_LOOK_ALIKES)
    return code if len(code) == symbols and all(symbol in ALPHABET for symbol in code) else None


def digest(code: str, salt: bytes) -> bytes:
    """What is stored of a code: the salt and SHA-256 of salt and code (D13)."""
    return salt + hashlib.sha256(salt + code.encode("ascii")).digest()


def matches(code: str, stored: bytes) -> bool:
    """Whether ``stored``, made by :func:`digest`, is of ``code``; in constant time."""
    return hmac.compare_digest(digest(code, stored[:SALT_BYTES]), stored)
