"""Percent-decoding of text that clients choose, in time linear in it and with little work for each escape."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

_HEX = "0123456789abcdefABCDEF"
_LETTERS = {f"{high}{low}": chr(int(high + low, 16)) for high in _HEX for low in _HEX}
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_ANY_ESCAPE = re.compile("%(?:[uU]00)?([0-9A-Fa-f]{2})")  # Perl's CGI decodes the longer form
_BEYOND_ASCII = re.compile("%[89A-Fa-f]")


def decoded_as_latin_1(text: str) -> str:
    """Return ``text`` with each escape as the one character that its byte is in Latin-1."""
    return _ANY_ESCAPE.sub(_letter, text)


def decoded_argument(text: str) -> str:
    """Return what :func:`urllib.parse.unquote_plus` does, sooner where all is ASCII."""
    if "%" not in text:
        return text.replace("+", " ")
    if _BEYOND_ASCII.search(text) is not None:
        return unquote_plus(text)
    return _ESCAPE.sub(_letter, text.replace("+", " "))


def _letter(match: re.Match[str]) -> str:
    return _LETTERS[match[1]]
