"""Finds the names of credentials inside other cookies, as some reader would find them.

A reader takes a cookie apart by rules of its own. WebOb ends a value at ``[`` or ``]`` and goes on behind it with the
next name; PHP reads ``portal.session`` as ``portal_session``; Zope reads inside quotes; Perl decodes names. So a
cookie that is harmless by its own name may be another one to the application. Such a cookie is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from wsgi_mfa.identity.request.percent import decoded_as_latin_1

# PHP turns these into `_`, and servers and frameworks do not keep them apart either.
_ALIKE = str.maketrans(".- [", "____")
_FOLDED = r"[._\-\s\[+]"
# Each parser takes letters, digits and `_` for a part of a name, so that a name that begins behind one is a longer one.
_BEFORE = r"(?<![A-Za-z0-9_])"
# The index is taken as a whole (a lookahead gives nothing back), so that no text is gone through again and again.
_BEHIND = r"(?=((?:\[[^=\]]{0,64}\]?)?))\1[\s+\0]*="
# A name and the sign behind it, in a text that was turned round: from the sign on, each letter is read once.
_ANY_NAME = re.compile(r"=[\s+\0]*([A-Za-z0-9_.\-]{0,127}[A-Za-z0-9_])", re.ASCII)
_ESCAPE = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)

#: A value with more names in it than this is no cookie that an application sets.
NAMES_MAX = 64
_DECODED_TIMES = 3


class DisguiseFinder:
    """Finds ``names`` inside other cookies, and any name that ``is_undeclared`` knows as a credential."""

    def __init__(self, names: Collection[str], *, is_undeclared: Callable[[str], bool]) -> None:
        self._folded = frozenset(folded_name(name) for name in names)
        self._is_undeclared = is_undeclared
        either = "|".join(_spelt(name) for name in names)
        self._mention = re.compile(rf"{_BEFORE}(?:{either}){_BEHIND}", re.IGNORECASE) if names else None

    def is_name(self, name: str) -> bool:
        """Return whether some reader takes a cookie called ``name`` for one of the names."""
        if folded_name(name) in self._folded:
            return True
        if "%" not in name:
            return False
        decoded = decoded_name(name)
        # Perl and PHP decode names; a reader that decodes the whole header first finds a name behind its separator.
        bare = decoded.replace("\0", "").strip()
        return (
            folded_name(bare) in self._folded
            or folded_name(bare.partition("[")[0]) in self._folded
            or folded_name(decoded.partition("\0")[0]) in self._folded
            or self._is_undeclared(bare)
            or self.is_in(f"{decoded}=")
        )

    def is_declared_in(self, value: str) -> bool:
        """Return whether some reader finds one of the names in ``value``, with an equals sign behind it."""
        return not _is_plain(value) and self._mentions_declared(_readings(value))

    def is_in(self, value: str) -> bool:
        """Return whether some reader finds a name or an undeclared credential in ``value``."""
        if _is_plain(value):
            return False
        readings = _readings(value)
        return self._mentions_declared(readings) or any(map(self._mentions_undeclared, readings))

    def _mentions_declared(self, texts: Iterable[str]) -> bool:
        search = None if self._mention is None else self._mention.search
        return search is not None and any(search(text) is not None for text in texts if "=" in text)

    def _mentions_undeclared(self, text: str) -> bool:
        if "=" not in text:
            return False
        inside = set(_ANY_NAME.findall(text[::-1]))
        return len(inside) > NAMES_MAX or any(self._is_undeclared(name[::-1]) for name in inside)


def _is_plain(value: str) -> bool:
    return "=" not in value and "%" not in value and "\\" not in value


def _readings(value: str) -> set[str]:
    """Return ``value`` as it is, without its escapes, and percent-decoded."""
    readings = {value}
    if "\\" in value:
        readings.add(_ESCAPE.sub(_unescaped, value))
    return readings | {decoded_name(text) for text in readings if "%" in text}


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 8)) if match[1] is not None else match[2]


def decoded_name(text: str) -> str:
    """Return ``text`` percent-decoded, also where it was encoded more than once."""
    for _ in range(_DECODED_TIMES):
        decoded = decoded_as_latin_1(text)
        if decoded == text:
            break
        text = decoded
    return text


def folded_name(name: str) -> str:
    return name.translate(_ALIKE).casefold()


def _spelt(name: str) -> str:
    """Return a pattern of every spelling of ``name``."""
    return "".join(_FOLDED if letter in "._- [" else re.escape(letter) for letter in name)
