"""The kinds of value that a scenario file can hold, and how each is read from a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from mfa_simulator.language.document import Mapping, Node, Scalar, Sequence
from mfa_simulator.language.quantities import (
    duration_text,
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
        raise UnreadableError(node.position, f"{what} is needed here, not {shape(node)}", "wrong-shape")
    if node.is_nothing:
        raise UnreadableError(node.position, f"{what} is needed here, and nothing stands here", "wrong-shape")
    return node.text


def shape(node: Node) -> str:
    """Say what stands somewhere, in a word."""
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


def mapping_of(keys: Iterable[Key], what: str) -> Kind:
    """Make a kind of a table of keys; it gives a dictionary of those that are there."""
    table = {key.name: key for key in keys}
    schema = schema_of(table.values())

    def read(node: Node, reading: Reading) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            raise UnreadableError(
                node.position, f"{what} is a mapping of {', '.join(table)}, not {shape(node)}", "wrong-shape"
            )
        return read_keys(node, table, reading, what)

    return Kind(name=what, read=read, schema=schema)


def named(kind: Kind, what: str, example: str) -> Kind:
    """Make a kind of a mapping of names to mappings of one kind, each of which may be left empty."""

    def read(node: Node, reading: Reading) -> dict[str, dict[str, Any]]:
        if isinstance(node, Scalar) and node.is_nothing:
            return {}
        if not isinstance(node, Mapping):
            raise UnreadableError(node.position, f"{what} is a mapping of {example}", "wrong-shape")
        return {
            name.text: {}
            if isinstance(value, Scalar) and value.is_nothing
            else (reading.attempt(kind, value) or {})
            for name, value in node
        }

    inner = {**kind.schema, "type": ["object", "null"]}
    return Kind(
        name=what.upper(), read=read, schema={"type": ["object", "null"], "additionalProperties": inner}
    )


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
