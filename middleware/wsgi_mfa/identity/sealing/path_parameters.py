"""Path parameters (RFC 3986 section 3.3) that carry a session, such as ``;jsessionid=ID``."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

_SEMICOLON = re.compile(r"(;|%3[bB])", re.ASCII)
_SEGMENT = re.compile(r"(/|%2[fF])", re.ASCII)


class PathParameters:
    """Removes the path parameters of some names, compared decoded and without case."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(name.casefold() for name in names)

    def removed(self, path: str) -> str:
        """Return ``path``, decoded or not, without these parameters; the same text where there are none."""
        if ";" not in path and "%3b" not in path.lower():
            return path
        return "".join(
            part if number % 2 else self._without(part) for number, part in enumerate(_SEGMENT.split(path))
        )

    def removed_from_uri(self, uri: str) -> str:
        """Return a URI reference without these parameters in its path; its query and fragment stay."""
        end = min((uri.find(mark) for mark in "?#" if mark in uri), default=len(uri))
        return self.removed(uri[:end]) + uri[end:]

    def _without(self, segment: str) -> str:
        first, *more = _SEMICOLON.split(segment)
        pairs = zip(more[::2], more[1::2], strict=True)
        return first + "".join(mark + text for mark, text in pairs if not self._is_meant(text))

    def _is_meant(self, parameter: str) -> bool:
        return unquote(unquote(parameter).partition("=")[0]).strip().casefold() in self._names
