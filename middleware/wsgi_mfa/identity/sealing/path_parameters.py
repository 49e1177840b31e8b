"""Path parameters (RFC 3986 section 3.3) that carry a session, such as ``;jsessionid=ID``."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

#: One parameter that has a name: it ends at the next one, and at the end of its segment.
_PARAMETER = re.compile(r"(?:;|%3[bB])(?![;=/]|%3[bB]|%2[fF]|\Z)([^;/%]*(?:%(?!3[bB]|2[fF])[^;/%]*)*)")


class PathParameters:
    """Removes the path parameters of some names, compared decoded and without case."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(name.casefold() for name in names)

    def removed(self, path: str) -> str:
        """Return ``path``, decoded or not, without these parameters; the same text where there are none."""
        if ";" not in path and "%3b" not in path.lower():
            return path
        return _PARAMETER.sub(lambda match: "" if self._is_meant(match[1]) else match[0], path)

    def removed_from_uri(self, uri: str) -> str:
        """Return a URI reference without these parameters in its path; its query and fragment stay."""
        end = min((uri.find(mark) for mark in "?#" if mark in uri), default=len(uri))
        return self.removed(uri[:end]) + uri[end:]

    def _is_meant(self, parameter: str) -> bool:
        if "%" not in parameter:
            return parameter.partition("=")[0].strip().casefold() in self._names
        return unquote(unquote(parameter).partition("=")[0]).strip().casefold() in self._names
