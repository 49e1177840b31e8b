"""The query, read for arguments that carry a user and written again without those that must not (D4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus

from wsgi_mfa.identity.request.undeclared import UndeclaredTable, Where

# Python before 3.9.2 and WebOb before 1.8 split on `;` too, so an argument behind one counts.
_SEPARATOR = re.compile(r"([&;])")

_CACHED_QUERIES_MAX = 1024
_CACHED_QUERY_CHARACTERS_MAX = 2048


@dataclass(frozen=True, kw_only=True, slots=True)
class CanonicalQuery:
    """What one query says: ``query`` without undeclared undeclared_credentials, and the same ``without_credentials``.

    ``credentials`` maps declared names to their values, ``doubled`` names those that had two different values.
    """

    query: str
    without_credentials: str
    credentials: Mapping[str, str]
    doubled: tuple[str, ...]


class QueryReader:
    """Reads the queries of one portal; ``credentials`` are the adapter's arguments."""

    def __init__(self, *, credentials: tuple[str, ...], undeclared_credentials: UndeclaredTable) -> None:
        self._credentials = credentials
        self._undeclared_credentials = undeclared_credentials
        self._cached = lru_cache(maxsize=_CACHED_QUERIES_MAX)(self._read)

    def read(self, raw: str) -> CanonicalQuery:
        """Read what stands behind the ``?``; all that is kept stays byte for byte."""
        if len(raw) > _CACHED_QUERY_CHARACTERS_MAX:
            return self._read(raw)
        return self._cached(raw)

    def _read(self, raw: str) -> CanonicalQuery:
        values: dict[str, set[str]] = {}
        kept: list[tuple[str, str, str | None]] = []
        # The pattern's group makes `split` give the separators too: each part stands behind its own.
        separated = ["", *_SEPARATOR.split(raw)]
        for separator, part in zip(separated[::2], separated[1::2], strict=True):
            encoded_name, _, encoded_value = part.partition("=")
            name = unquote_plus(encoded_name)
            if name in self._credentials:
                values.setdefault(name, set()).add(unquote_plus(encoded_value))
                kept.append((separator, part, name))
            elif not self._undeclared_credentials.is_credential(Where.ARGUMENT, encoded_name):
                kept.append((separator, part, None))
        doubled = tuple(name for name in self._credentials if len(values.get(name, ())) > 1)
        return CanonicalQuery(
            query=_joined((separator, part) for separator, part, name in kept if name not in doubled),
            without_credentials=_joined((separator, part) for separator, part, name in kept if name is None),
            credentials={name: value for name, (value, *others) in values.items() if not others},
            doubled=doubled,
        )


def _joined(parts: Iterable[tuple[str, str]]) -> str:
    """The parts, each behind its separator but for the first one."""
    text = ""
    for number, (separator, part) in enumerate(parts):
        text += part if number == 0 else separator + part
    return text
