"""The kinds of value that a scenario file can hold, and how each is read from a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from mfa_simulator.language.document import Mapping, Node, Scalar, Sequence
from mfa_simulator.language.quantities import (
    at_least_zero,
    duration,
    duration_text,
    instant,
    moment,
    ppm,
    seconds,
    zone_shift,
)
from mfa_simulator.problems import Position, Problems, did_you_mean, meant_or_legal, one_of

YES = ("yes", "true", "on")
NO = ("no", "false", "off")
Schema: TypeAlias = "dict[str, Any]"
# A text that an editor's YAML takes for a number or a truth value is a text all the same, as 012345 or `yes`.
TEXT_SCHEMA: Schema = {"type": ["string", "number", "boolean"]}


class UnreadableError(Exception):
    """A node does not hold what its key needs."""

    def __init__(self, position: Position, message: str, rule: str) -> None:
        super().__init__(message)
        self.position = position
        self.rule = rule


@dataclass(kw_only=True, slots=True)
class Reading:
    """What a reader may look at beside its node: the names that the file declares, and where problems go."""

    problems: Problems
    users: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    workers: int = 1

    def attempt(self, kind: Kind, node: Node) -> Any:  # noqa: ANN401  # each kind has a type of its own
        """Read a node; when that fails, note the problem and give None."""
        try:
            return kind.read(node, self)
        except UnreadableError as error:
            self.problems.add(error.position, str(error), error.rule)
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of value: its name in the documentation, its reader, and what a JSON Schema says of it."""

    name: str
    read: Callable[[Node, Reading], Any]
    schema: Schema


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key of a mapping: what it holds, whether it must be there, and what it is when it is not."""

    name: str
    kind: Kind
    required: bool = False
    default: Any = None
    about: str = ""

    @property
    def default_text(self) -> str:
        """The default as a file would write it; an empty text where there is none to write."""
        if isinstance(self.default, bool):
            return "yes" if self.default else "no"
        if isinstance(self.default, int) and self.kind.name == "DURATION":
            return duration_text(self.default)
        return str(self.default) if self.default not in (None, "", {}) else ""


def text_of(node: Node, what: str) -> str:
    """Give a scalar's text; raises UnreadableError for anything else and for nothing at all."""
    if not isinstance(node, Scalar):
        raise UnreadableError(node.position, f"{what} is needed here, not {_shape(node)}", "wrong-shape")
    if node.is_nothing:
        raise UnreadableError(node.position, f"{what} is needed here, and nothing stands here", "wrong-shape")
    return node.text


def _shape(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    return "a list" if isinstance(node, Sequence) else "a text"


def scalar(
    name: str, what: str, convert: Callable[[str], Any], schema: Schema, *, rule: str = "wrong-value"
) -> Kind:
    """Make a kind of a function that reads a text and raises ValueError; `rule` is what such a text breaks."""

    def read(node: Node, _: Reading) -> Any:  # noqa: ANN401  # whatever stands there
        text = text_of(node, what)
        try:
            return convert(text)
        except ValueError as error:
            raise UnreadableError(node.position, str(error), rule) from error

    return Kind(name=name, read=read, schema=schema)


def choice(name: str, legal: Iterable[str]) -> Kind:
    """Make a kind of a list of legal words."""
    words = tuple(legal)

    def convert(text: str) -> str:
        if text not in words:
            raise ValueError(f'"{text}" is not legal here.{meant_or_legal(text, words, what="Legal")}')
        return text

    return scalar(name, one_of(words), convert, {"enum": list(words)})


def whole(low: int, high: int | None = None) -> Kind:
    """Make a kind of a whole number within bounds."""
    legal = f"a whole number from {low}" + (f" to {high}" if high is not None else " up")

    def convert(text: str) -> int:
        if (
            not (text.isascii() and text.lstrip("-").isdigit())
            or int(text) < low
            or (high is not None and int(text) > high)
        ):
            raise ValueError(f'"{text}" is not {legal}')
        return int(text)

    bounds = {"minimum": low} if high is None else {"minimum": low, "maximum": high}
    return scalar(
        "NUMBER", legal, convert, {"type": ["integer", "string"], **bounds, "pattern": "^-?[0-9]+$"}
    )


def yes_or_no(text: str) -> bool:
    """Read a tick."""
    if text.lower() in YES + NO:
        return text.lower() in YES
    raise ValueError(f'"{text}" is not yes or no')


def a_path(text: str) -> str:
    """Read a path of the site."""
    if not text.startswith("/"):
        raise ValueError(f'"{text}" is not a path: it must begin with /')
    return text


def one_or_many(kind: Kind, *, fewest: int = 1) -> Kind:
    """Make a kind that takes one value or a list of at least `fewest`, and gives a tuple."""

    def read(node: Node, reading: Reading) -> tuple[Any, ...]:
        items = node.items if isinstance(node, Sequence) else (node,)
        if len(items) < fewest:
            raise UnreadableError(
                node.position, "at least one is needed here, and the list is empty", "wrong-shape"
            )
        return tuple(kind.read(item, reading) for item in items)

    many = {"type": "array", "items": kind.schema, "minItems": fewest}
    return Kind(name=f"{kind.name} or a list", read=read, schema={"anyOf": [kind.schema, many]})


def known(name: str, what: str, legal: Callable[[Reading], frozenset[str]]) -> Kind:
    """Make a kind of the names that the file itself declares."""

    def read(node: Node, reading: Reading) -> str:
        text, names = text_of(node, f"the name of a {what}"), legal(reading)
        if text not in names:
            listed = ", ".join(sorted(names)) or "none"
            raise UnreadableError(
                node.position,
                f'no {what} "{text}" in this file; there is: {listed}.{did_you_mean(text, names)}',
                "unknown-name",
            )
        return text

    return Kind(name=name, read=read, schema=TEXT_SCHEMA)


def _texts(node: Node, _: Reading) -> dict[str, str]:
    if not isinstance(node, Mapping):
        raise UnreadableError(
            node.position, f"a mapping of names to texts is needed here, not {_shape(node)}", "wrong-shape"
        )
    return {key.text: _text_or_empty(value) for key, value in node}


def _text_or_empty(node: Node) -> str:
    return "" if isinstance(node, Scalar) and node.is_nothing else text_of(node, "a text")


def _worker(node: Node, reading: Reading) -> int:
    text = text_of(node, "the number of a worker")
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= reading.workers:
        raise UnreadableError(
            node.position, f'no worker "{text}": this file has workers 1 to {reading.workers}', "unknown-name"
        )
    return int(text)


def mapping_of(keys: Iterable[Key], what: str) -> Kind:
    """Make a kind of a table of keys; it gives a dictionary of those that are there."""
    table = {key.name: key for key in keys}
    schema = schema_of(table.values())

    def read(node: Node, reading: Reading) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            raise UnreadableError(
                node.position, f"{what} is a mapping of {', '.join(table)}, not {_shape(node)}", "wrong-shape"
            )
        return read_keys(node, table, reading, what)

    return Kind(name=what, read=read, schema=schema)


def read_keys(node: Mapping, table: dict[str, Key], reading: Reading, what: str) -> dict[str, Any]:
    """Read every key of a mapping by its table; unknown and missing keys are noted as problems."""
    values: dict[str, Any] = {}
    for name, value in node:
        if name.text in table:
            values[name.text] = reading.attempt(table[name.text].kind, value)
        else:
            message = f'{what} has no key "{name.text}"; the keys are: {", ".join(table)}.'
            reading.problems.add(name.position, message + did_you_mean(name.text, table), "unknown-key")
    for key in table.values():
        if key.required and key.name not in values:
            reading.problems.add(node.position, f'{what} needs the key "{key.name}"', "missing-key")
    return values


def schema_of(keys: Iterable[Key]) -> Schema:
    """Give the JSON Schema of a mapping by the table of its keys."""
    table = tuple(keys)
    properties = {key.name: {**key.kind.schema, **_notes(key)} for key in table}
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    required = [key.name for key in table if key.required]
    return {**schema, "required": required} if required else schema


def _notes(key: Key) -> Schema:
    notes = {"description": key.about[:1].upper() + key.about[1:] + "."} if key.about else {}
    return {**notes, "default": key.default_text} if key.default_text else notes


def _pattern(pattern: str, *examples: str) -> Schema:
    """Give the schema of a text; a number without its unit is none, but an instant, which is no JSON type, may be."""
    not_text = {"not": {"type": ["number", "boolean", "object", "array", "null"]}}
    return {**not_text, "pattern": f"^(?:{pattern})$", "examples": list(examples)}


def _any_case(words: Iterable[str]) -> str:
    return "|".join("".join(f"[{letter.upper()}{letter}]" for letter in word) for word in words)


def bytes_or_half(text: str) -> int | None:
    """Read how much of a body arrives: a number of bytes, `yes` for the first half (-1), or `no`."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return -1 if yes_or_no(text) else None
    except ValueError as error:
        raise ValueError(f"{error}, and no number of bytes") from error


_PLAIN_SPAN = r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))+"
_INSTANT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]{1,6})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DURATION = _pattern(f"[+-]?{_PLAIN_SPAN}", "45s", "2m", "1h30m", "-1s")
_SPAN = _pattern(rf"\+?{_PLAIN_SPAN}", "45s", "2m", "300ms")
_TICKS = _any_case((*YES, *NO))

TEXT = scalar("TEXT", "a text", str, TEXT_SCHEMA)
DURATION = scalar("DURATION", "a duration such as 45s", duration, _DURATION, rule="duration")
SPAN = scalar("DURATION", "a duration such as 45s", at_least_zero, _SPAN, rule="duration")
SECONDS = scalar(
    "SECONDS",
    "a number of seconds such as 30 or 30s",
    seconds,
    {"type": ["integer", "string"], "minimum": 0, "pattern": f"^(?:[0-9]+|{_PLAIN_SPAN})$"},
    rule="duration",
)
INSTANT = scalar(
    "INSTANT",
    "an instant such as 2026-03-02T09:00:00Z",
    instant,
    _pattern(_INSTANT, "2026-03-02T09:00:00Z"),
)
MOMENT = scalar(
    "MOMENT",
    "a moment such as step+2s",
    moment,
    _pattern(
        f"(?:step|lockout_end|session_end)(?:[+-]{_PLAIN_SPAN})?|{_INSTANT}",
        "step+2s",
        "step-1s",
        "lockout_end+1s",
        "session_end-1s",
        "2026-03-02T09:00:00Z",
    ),
)
PPM = scalar(
    "PPM",
    "a number of parts per million",
    ppm,
    {"type": ["number", "string"], "pattern": r"^[+-]?[0-9]+(?:\.[0-9]+)?$"},
)
ZONE = scalar(
    "DURATION",
    "a shift such as 1h or +01:00",
    zone_shift,
    _pattern(f"[+-]?{_PLAIN_SPAN}|[+-][0-9]{{2}}:[0-9]{{2}}", "1h", "-1h", "+05:30"),
    rule="duration",
)
TICK = scalar(
    "yes or no",
    "yes or no",
    yes_or_no,
    {"type": ["boolean", "string"], "pattern": f"^(?:{_TICKS})$", "examples": ["yes", "no"]},
)
CUT = scalar(
    "BYTES or yes",
    "a number of bytes, or yes",
    bytes_or_half,
    {"type": ["boolean", "integer", "string"], "minimum": 0, "pattern": f"^(?:[0-9]+|{_TICKS})$"},
)
PATH = scalar("PATH", "a path", a_path, {"type": "string", "pattern": "^/"})
TEXTS = Kind(
    name="a mapping of texts",
    read=_texts,
    schema={"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}},
)
USER = known("USER", "user", lambda reading: reading.users)
PHONE = known("PHONE", "phone", lambda reading: reading.phones)
BROWSER = scalar("BROWSER", "the name of a browser", str, TEXT_SCHEMA)
WORKER = Kind(
    name="WORKER", read=_worker, schema={"type": ["integer", "string"], "minimum": 1, "pattern": "^[0-9]+$"}
)
NAMES = one_or_many(TEXT)
CLOCK_KEYS = (
    Key(name="offset", kind=DURATION, about="ahead of true time by so much (behind when negative)"),
    Key(name="jump", kind=DURATION, about="move by so much, once"),
    Key(name="drift_ppm", kind=PPM, about="run at another rate from now on"),
    Key(name="wrong_zone", kind=ZONE, about="off by a zone that was made up for by hand"),
    Key(name="synchronise", kind=TICK, about="show true time"),
)
