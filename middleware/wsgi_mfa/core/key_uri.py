"""The ``otpauth`` URI that authenticator apps read, and the key as people type it (R39)."""

from __future__ import annotations

import base64
from urllib.parse import quote

from wsgi_mfa.core.account import KeyParameters
from wsgi_mfa.core.errors import InvalidIssuerError

ISSUER_CHARACTERS_MAX = 64
_GROUP = 4


def checked_issuer(issuer: str) -> str:
    """``issuer`` as it may stand in front of the colon of a label.

    :raises InvalidIssuerError: empty, over 64 characters, or with a colon or a control character in it.
    """
    if not issuer.strip():
        raise InvalidIssuerError(issuer, "it is empty")
    if len(issuer) > ISSUER_CHARACTERS_MAX:
        raise InvalidIssuerError(issuer, f"it has more than {ISSUER_CHARACTERS_MAX} characters")
    if ":" in issuer:
        raise InvalidIssuerError(issuer, "a colon would end it in the label that apps show")
    if not issuer.isprintable():
        raise InvalidIssuerError(issuer, "it has a control character")
    return issuer


def base32_key(key: bytes) -> str:
    """Upper-case base32 without padding."""
    return base64.b32encode(key).decode("ascii").rstrip("=")


def grouped_key(key: bytes) -> str:
    """The key in groups of four, for typing by hand."""
    text = base32_key(key)
    return " ".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def key_uri(*, issuer: str, account: str, key: bytes, parameters: KeyParameters) -> str:
    """The URI for a QR code, by Google Authenticator's "Key Uri Format".

    The issuer stands in the label and as a parameter: apps that know only one of them would let two portals'
    entries of one user overwrite each other. Percent-encoding is RFC 3986's, a space ``%20``.
    """
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return (
        f"otpauth://totp/{label}?secret={base32_key(key)}&issuer={quote(issuer, safe='')}"
        f"&algorithm={parameters.algorithm}&digits={parameters.digits}&period={parameters.period_seconds}"
    )
