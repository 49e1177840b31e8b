"""Names of fields, compared as the readers that we know compare them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from wsgi_mfa.identity.request.disguise import decoded_name, folded_name
from wsgi_mfa.identity.request.percent import decoded_argument

# Zope's converters stand behind `:`, indexes behind `[`, and members behind `.`.
_CUTS = ":[."
_SEPARATOR = re.compile("[&;]")
#: A name that every reader takes for itself.
_PLAIN = re.compile("[A-Za-z0-9_]*", re.ASCII)

#: A field's name and text; None for text that was not read.
Pair = tuple[str, "str | None"]


def name_of(setting: str) -> str:
    """Return the form in which the name of a setting is compared."""
    return folded_name(setting.strip())


def readings_of(name: str) -> set[str]:
    """Return every name that some reader takes ``name`` for, in the form in which names are compared."""
    if _PLAIN.fullmatch(name) is not None:
        return {name.lower()}
    decoded = decoded_name(name).replace("\0", "").strip()
    return {folded_name(decoded), *(folded_name(decoded.partition(cut)[0].strip()) for cut in _CUTS)}


def comparable_path(path: str) -> str:
    """Return the form in which sign-in paths are compared: without case and without a slash at the end."""
    return path.rstrip("/").casefold() or "/"


def pairs_in_query(query: str) -> list[Pair]:
    """Return the arguments of a query, split at ``&`` and at ``;``."""
    parts = (part.partition("=") for part in _SEPARATOR.split(query) if part)
    return [(decoded_argument(name), decoded_argument(value)) for name, _, value in parts]


def pairs_in_path(path: str) -> list[Pair]:
    """Return the path parameters of a path (RFC 3986 section 3.3)."""
    segments = path.split("/") if ";" in path else ()
    parameters = (each for segment in segments if ";" in segment for each in segment.split(";")[1:] if each)
    return [(name, value) for name, _, value in (each.partition("=") for each in parameters)]


class GivenFields:
    """The fields of one request that are not empty, by every name that some reader takes them for."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._values: dict[str, list[str | None]] = {}
        for name, value in pairs:
            if value is None or value.strip():
                for reading in readings_of(name):
                    self._values.setdefault(reading, []).append(value)

    def has(self, name: str, fixed: str | None = None) -> bool:
        """Return whether the field is there, with the text ``fixed`` where that is given; case does not count."""
        values = self._values.get(name, ())
        if fixed is None:
            return bool(values)
        return any(value is None or value.strip().casefold() == fixed for value in values)

    def values_of(self, name: str) -> list[str | None]:
        """Return every text of the field."""
        return self._values.get(name, [])
