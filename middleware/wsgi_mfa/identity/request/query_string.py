"""The query, read for arguments that carry a user and written again without those that must not (D4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wsgi_mfa.identity.request.bounded_cache import BoundedCache
from wsgi_mfa.identity.request.caches import RequestCaches
from wsgi_mfa.identity.request.head_limits import check_query
from wsgi_mfa.identity.request.percent import decoded_argument
from wsgi_mfa.identity.request.undeclared import UndeclaredTable, Where

# Python before 3.9.2 and WebOb before 1.8 split on `;` too, so an argument behind one counts.
# Several in a row are one, since nothing stands between them.
_SEPARATOR = re.compile(r"([&;]+)")

# Of what is kept for a query: the text itself, its two forms, and what stands around them.
_SIZE_FACTOR, _SIZE_MIN = 4, 1024


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

    def __init__(
        self,
        *,
        credentials: tuple[str, ...],
        undeclared_credentials: UndeclaredTable,
        caches: RequestCaches | None = None,
    ) -> None:
        self._credentials = credentials
        self._undeclared_credentials = undeclared_credentials
        caches = caches or RequestCaches()
        self._cached: BoundedCache[CanonicalQuery] = caches.queries
        self._number = caches.new_reader()

    def read(self, raw: str) -> CanonicalQuery:
        """Read what stands behind the ``?``; all that is kept stays byte for byte.

        :raises HeadTooLargeError: it is too long.
        """
        known = self._cached.get((self._number, raw))
        if known is None:
            check_query(raw)
            known = self._read(raw)
            self._cached.put((self._number, raw), known, size=_SIZE_FACTOR * len(raw) + _SIZE_MIN)
        return known

    def _read(self, raw: str) -> CanonicalQuery:
        values: dict[str, set[str]] = {}
        kept: list[tuple[str, str, str | None]] = []
        harmless: set[str] = set()
        # The pattern's group makes `split` give the separators too: each part stands behind its own.
        separated = ["", *_SEPARATOR.split(raw)]
        for separator, part in zip(separated[::2], separated[1::2], strict=True):
            encoded_name, _, encoded_value = part.partition("=")
            if encoded_name in harmless:
                kept.append((separator, part, None))
                continue
            name = decoded_argument(encoded_name)
            if name in self._credentials:
                values.setdefault(name, set()).add(decoded_argument(encoded_value))
                kept.append((separator, part, name))
            elif not self._undeclared_credentials.is_credential(Where.ARGUMENT, encoded_name):
                kept.append((separator, part, None))
                harmless.add(encoded_name)
        doubled = tuple(name for name in self._credentials if len(values.get(name, ())) > 1)
        return CanonicalQuery(
            query=_joined((separator, part) for separator, part, name in kept if name not in doubled),
            without_credentials=_joined((separator, part) for separator, part, name in kept if name is None),
            credentials={name: value for name, (value, *others) in values.items() if not others},
            doubled=doubled,
        )


def _joined(parts: Iterable[tuple[str, str]]) -> str:
    """The parts, each behind its separator but for the first one."""
    (_, first), *others = [*parts] or [("", "")]
    return first + "".join(separator + part for separator, part in others)
