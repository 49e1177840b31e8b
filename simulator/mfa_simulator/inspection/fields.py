"""The fields of an account that a step has changed, without any secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from mfa_simulator.language.quantities import clock_text
from wsgi_mfa.accounts import Account

#: What is a secret, even sealed or as a digest, and what only the store needs.
HIDDEN = frozenset(
    {
        "sealed_key",
        "sealed_digest",
        "sealed_copy",
        "sealed_code",
        "digest",
        "previous_digest",
        "fingerprint",
        "event_link",
        "event_count",
        "revision",
        "saved_at",
        "browser",
        "login",
    }
)
_ID_LENGTH = 6
#: Instants are after 1971 in microseconds; no count and no span is as large.
_INSTANT_MIN = 10**13
NOTHING = "-"


def changed_fields(before: Account | None, after: Account | None) -> list[tuple[str, str, str]]:
    """Return each field that differs: its name, and what it held before and after."""
    was, now = (dict(_flat("", value)) if value is not None else {} for value in (before, after))
    names = dict.fromkeys((*was, *now))
    found = ((name, was.get(name, NOTHING), now.get(name, NOTHING)) for name in names)
    return [entry for entry in found if entry[1] != entry[2]]


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  # whatever an account is made of
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            if field.name not in HIDDEN:
                inner = f"{name}.{field.name}" if name else field.name
                yield from _flat(inner, getattr(value, field.name))
            elif field.name == "sealed_copy":
                yield f"{name}.acknowledged", _words(getattr(value, field.name) is None)
    elif isinstance(value, tuple) and any(is_dataclass(item) for item in value):
        for number, item in enumerate(value):
            key = getattr(item, "id", None) or getattr(item, "session_id", None)
            yield from _flat(f"{name}[{key[:_ID_LENGTH] if key else number}]", item)
    elif value is not None and value != ():
        yield name, _words(value)


def _words(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return clock_text(value) if value >= _INSTANT_MIN else str(value)
    if isinstance(value, tuple):
        return ", ".join(_words(item) for item in value)
    text = str(value)
    is_id = len(text) == 32 and all(letter in "0123456789abcdef" for letter in text)
    return text[:_ID_LENGTH] if is_id else text
