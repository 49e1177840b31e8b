"""How servers and proxies spell a user in a WSGI environ."""

from __future__ import annotations


def decoded(text: str) -> str:
    """The name behind PEP 3333's text, in which each character is one byte of what the server was given.

    Servers and password files of today write UTF-8. Bytes that are not UTF-8 come from an older one and are
    latin-1, as the text already says.
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
