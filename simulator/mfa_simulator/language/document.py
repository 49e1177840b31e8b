"""YAML with line and column: every node knows its place, and every scalar stays the text that it is.

`012345` is a code and not the number 5349, and a key that stands twice is an error and not the last one silently.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from mfa_simulator.problems import Position, Problems

BYTES_MAX = 1 << 20
NODES_MAX = 200_000
DEPTH_MAX = 40
TOO_LARGE = (
    "the file is too large or too deeply nested, or an alias contains itself: at most"
    f" {BYTES_MAX >> 20} MiB, {NODES_MAX} values and {DEPTH_MAX} levels are read"
)
MERGE = "<<"
NOTHING = ("", "~", "null")
# What libyaml and PyYAML's own reader read alike: other signs, or a document's mark, they may take differently.
_COMMON = re.compile(r"[\n -~]*")
_UNCOMMON = frozenset("!%&*?`|>")
# libyaml is called within itself for each level, and nothing stops it before the stack ends.
_OPENED_MAX, _LINE_MAX = 2000, 500
_NORMAL = re.compile(r"(\boffset: *normal\([^(),;\n]*),([^(),;\n]*\))")
_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scalar:
    """A text; `plain` when it stands without quotes.

    Every node knows from which character of the document to which one it stands there, `start` to `end`.
    """

    position: Position
    text: str
    plain: bool
    start: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was written, as in `phones: {pixel: }`."""
        return self.plain and self.text in NOTHING


@dataclass(frozen=True, kw_only=True, slots=True)
class Sequence:
    """A list; `flow` when it stands in brackets."""

    position: Position
    items: tuple[Node, ...]
    flow: bool = field(default=False, compare=False, repr=False)
    start: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapping:
    """Keys with their values, in the order of the file; `flow` when it stands in braces."""

    position: Position
    entries: tuple[tuple[Scalar, Node], ...]
    flow: bool = field(default=False, compare=False, repr=False)
    start: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)

    def get(self, key: str) -> Node | None:
        """Give the value of a key, or None."""
        return next((value for name, value in self.entries if name.text == key), None)

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        """Go through keys and values."""
        return iter(self.entries)


Node: TypeAlias = Scalar | Sequence | Mapping


def texts_of(text: str) -> Any:  # noqa: ANN401  # whatever the document is made of
    """A YAML document as plain lists and mappings in which every scalar is a text, for examples of our own."""
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  # it makes nothing but texts


def texts_of_file(path: Path) -> Any:  # noqa: ANN401  # as above
    """Read a small file of settings as plain lists and mappings of texts; raises ValueError for what is not YAML."""
    try:
        return texts_of(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def say_the_same(one: str, other: str) -> bool:
    """Whether two documents hold the same texts in the same lists and mappings."""
    try:
        return bool(texts_of(one) == texts_of(other))
    except yaml.YAMLError:
        return False


def node_of(value: object, position: Position) -> Node:
    """Give the node of a value of Python's, as a file would write it; all of it stands at one place."""
    if isinstance(value, dict):
        entries = tuple(
            (Scalar(position=position, text=str(key), plain=True), node_of(inner, position))
            for key, inner in value.items()
        )
        return Mapping(position=position, entries=entries)
    if isinstance(value, (list, tuple)):
        return Sequence(position=position, items=tuple(node_of(inner, position) for inner in value))
    text = "" if value is None else ("yes" if value else "no") if isinstance(value, bool) else str(value)
    return Scalar(position=position, text=text, plain=value is None)


def compose(text: str, problems: Problems) -> Node | None:
    """Read the one document of a file; None when it cannot be read, with the reason among the problems."""
    if len(text) > BYTES_MAX:
        problems.add(Position(line=1, column=1), TOO_LARGE, "yaml")
        return None
    # A comma would end the value in a mapping of one line; with a semicolon all columns stay the same.
    text = _NORMAL.sub(r"\1;\2", text)
    try:
        root = _root(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(line=mark.line + 1, column=mark.column + 1) if mark else Position(line=1, column=1)
        problems.add(place, f"not readable as YAML: {_reason(error)}", "yaml")
        return None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Position(line=before.count("\n") + 1, column=error.position - (before.rfind("\n") + 1) + 1)
        problems.add(place, "not readable as YAML: a character that YAML does not allow", "yaml")
        return None
    except RecursionError:
        problems.add(Position(line=1, column=1), TOO_LARGE, "yaml")
        return None
    if root is None:
        problems.add(
            Position(line=1, column=1),
            "the file is empty: a scenario needs at least `scenario`, `users`, `steps`",
            "missing-key",
        )
        return None
    try:
        return _Converter(text, problems).convert(root, depth=0)
    except _TooLargeError as error:
        problems.add(error.position, TOO_LARGE, "yaml")
        return None


def _root(text: str) -> yaml.Node | None:
    """Read a document by libyaml, which takes a tenth of the time; what it refuses the other reader explains better."""
    quick = getattr(yaml, "CBaseLoader", None)
    if quick is not None and _reads_alike(text):
        with contextlib.suppress(yaml.YAMLError):
            return yaml.compose(text, Loader=quick)
    return yaml.compose(text, Loader=yaml.BaseLoader)


def _reads_alike(text: str) -> bool:
    is_common = _COMMON.fullmatch(text) and _UNCOMMON.isdisjoint(text) and "---" not in text
    is_flat = (
        text.count("{") + text.count("[") <= _OPENED_MAX and max(map(len, text.split("\n"))) <= _LINE_MAX
    )
    return bool(is_common) and is_flat


def _reason(error: yaml.MarkedYAMLError) -> str:
    """Say what PyYAML found, and in what; the two commonest slips in plainer words."""
    problem, begins = error.problem or error.context or "", error.context_mark
    if "'\\t'" in problem:
        return "a tab stands where only spaces may indent"
    if "another document" in problem:
        return "another document begins here, and a file holds one scenario"
    inside = begins is not None and error.problem_mark is not None and begins.line != error.problem_mark.line
    if not inside or not error.context or begins is None:
        return problem
    return f"{problem} {error.context}, which begins in line {begins.line + 1}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """One sign or text of a document: what it is, and from which character to which one it stands there."""

    kind: str
    line: int
    column: int
    last_line: int
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Give the tokens of a document that can be read; lines and columns count from zero here.

    `kind` is PyYAML's name for it, such as `-`, `:`, `{` or `<scalar>`. What has no sign of its own is left out.
    """
    return [
        Token(
            kind=token.id,  # type: ignore[attr-defined]  # each class of tokens has it
            line=token.start_mark.line,
            column=token.start_mark.column,
            last_line=token.end_mark.line,
            start=token.start_mark.index,
            end=token.end_mark.index,
        )
        for token in yaml.scan(text, Loader=yaml.BaseLoader)
        if token.end_mark.index > token.start_mark.index
    ]


class _TooLargeError(Exception):
    """The document goes on beyond the bounds at this place."""

    def __init__(self, position: Position) -> None:
        super().__init__(TOO_LARGE)
        self.position = position


class _Converter:
    """Turns PyYAML's nodes into ours; bounded, because aliases can make a small text endless."""

    def __init__(self, text: str, problems: Problems) -> None:
        self._text = text
        self._problems = problems
        self._count = 0

    def convert(self, node: yaml.Node, *, depth: int) -> Node | None:
        place = Position(line=node.start_mark.line + 1, column=node.start_mark.column + 1)
        self._count += 1
        if self._count > NODES_MAX or depth > DEPTH_MAX:
            raise _TooLargeError(place)
        if node.tag not in _TAGS:
            self._problems.add(place, f'tags such as "{node.tag}" are not part of the format', "yaml")
        if isinstance(node, yaml.ScalarNode):
            return Scalar(
                position=place,
                text=node.value,
                plain=not node.style,
                start=node.start_mark.index,
                end=node.end_mark.index,
            )
        if isinstance(node, yaml.SequenceNode):
            converted = [self.convert(item, depth=depth + 1) for item in node.value]
            return Sequence(
                position=place,
                items=tuple(item for item in converted if item is not None),
                flow=bool(node.flow_style),
                start=node.start_mark.index,
                end=node.end_mark.index,
            )
        return self._mapping(node, place, depth)

    def _behind_colon(self, end: yaml.Mark, value: Scalar) -> Scalar:
        """Give a value that is not written its place right behind the colon; the two readers disagree on it."""
        colon = self._text.find(":", end.index, value.start + 1)
        if colon < 0:
            return value
        place = Position(line=end.line + 1, column=end.column + 1 + colon + 1 - end.index)
        return replace(value, position=place, start=colon + 1, end=colon + 1)

    def _merged(self, values: list[Node], seen: set[str]) -> Iterator[tuple[Scalar, Node]]:
        """Give the entries of mappings that are merged in, but for those that the mapping has itself."""
        for value in values:
            for each in value.items if isinstance(value, Sequence) else (value,):
                if not isinstance(each, Mapping):
                    message = "`<<` merges mappings in, such as {<<: *anchor}"
                    self._problems.add(each.position, message, "wrong-shape")
                    continue
                for key, inner in each:
                    if key.text not in seen:
                        seen.add(key.text)
                        yield key, inner

    def _mapping(self, node: yaml.Node, place: Position, depth: int) -> Mapping:
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, Position] = {}
        merged: list[Node] = []
        for raw_key, raw_value in node.value:
            key, value = self.convert(raw_key, depth=depth + 1), self.convert(raw_value, depth=depth + 1)
            if isinstance(value, Scalar) and value.start == value.end:
                value = self._behind_colon(raw_key.end_mark, value)
            if key is None or value is None:
                continue
            if isinstance(key, Scalar) and key.text == MERGE and key.plain:
                merged.append(value)
            elif not isinstance(key, Scalar):
                self._problems.add(key.position, "a key must be a plain text", "wrong-shape")
            elif key.text in seen:
                first = seen[key.text].line
                self._problems.add(
                    key.position,
                    f'the key "{key.text}" stands twice here, first in line {first}',
                    "duplicate-key",
                )
            else:
                seen[key.text] = key.position
                entries.append((key, value))
        entries += self._merged(merged, set(seen))
        return Mapping(
            position=place,
            entries=tuple(entries),
            flow=bool(node.flow_style),  # type: ignore[attr-defined]  # only mappings are left
            start=node.start_mark.index,
            end=node.end_mark.index,
        )
