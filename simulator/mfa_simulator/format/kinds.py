"""The kinds of value that a scenario file can hold, and how each is read from a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mfa_simulator.document import Mapping, Node, Scalar, Sequence
from mfa_simulator.problems import Position, Problems, did_you_mean, meant_or_legal, one_of
from mfa_simulator.quantities import SECOND, duration, instant, moment, ppm, zone_shift

YES = ("yes", "true", "on")
NO = ("no", "false", "off")


class UnreadableError(Exception):
    """A node does not hold what its key needs."""

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(message)
        self.position = position


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
            self.problems.add(error.position, str(error))
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of value: its name in the documentation and its reader."""

    name: str
    read: Callable[[Node, Reading], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key of a mapping: what it holds, whether it must be there, and what it is when it is not."""

    name: str
    kind: Kind
    required: bool = False
    default: Any = None
    about: str = ""


def text_of(node: Node, what: str) -> str:
    """Give a scalar's text; raises UnreadableError for anything else and for nothing at all."""
    if not isinstance(node, Scalar):
        raise UnreadableError(node.position, f"{what} is needed here, not {_shape(node)}")
    if node.is_nothing:
        raise UnreadableError(node.position, f"{what} is needed here, and nothing stands here")
    return node.text


def _shape(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    return "a list" if isinstance(node, Sequence) else "a text"


def scalar(name: str, what: str, convert: Callable[[str], Any]) -> Kind:
    """Make a kind of a function that reads a text and raises ValueError."""

    def read(node: Node, _: Reading) -> Any:  # noqa: ANN401
        text = text_of(node, what)
        try:
            return convert(text)
        except ValueError as error:
            raise UnreadableError(node.position, str(error)) from error

    return Kind(name=name, read=read)


def choice(name: str, legal: Iterable[str]) -> Kind:
    """Make a kind of a list of legal words."""
    words = tuple(legal)

    def convert(text: str) -> str:
        if text not in words:
            raise ValueError(f'"{text}" is not legal here.{meant_or_legal(text, words, what="Legal")}')
        return text

    return scalar(name, one_of(words), convert)


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

    return scalar("NUMBER", legal, convert)


def at_least_zero(text: str) -> int:
    """Read a duration that cannot be negative."""
    span = duration(text)
    if span < 0:
        raise ValueError(f'"{text}" goes back in time: true time only moves forward')
    return span


def seconds(text: str) -> int:
    """Read a span in whole seconds, written with or without its unit."""
    if text.isascii() and text.isdigit():
        return int(text)
    return at_least_zero(text) // SECOND


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


def one_or_many(kind: Kind) -> Kind:
    """Make a kind that takes one value or a list of them, and gives a tuple."""

    def read(node: Node, reading: Reading) -> tuple[Any, ...]:
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            raise UnreadableError(node.position, "at least one is needed here, and the list is empty")
        return tuple(kind.read(item, reading) for item in items)

    return Kind(name=f"{kind.name} or a list", read=read)


def known(name: str, what: str, legal: Callable[[Reading], frozenset[str]]) -> Kind:
    """Make a kind of the names that the file itself declares."""

    def read(node: Node, reading: Reading) -> str:
        text, names = text_of(node, f"the name of a {what}"), legal(reading)
        if text not in names:
            listed = ", ".join(sorted(names)) or "none"
            raise UnreadableError(
                node.position,
                f'no {what} "{text}" in this file; there is: {listed}.{did_you_mean(text, names)}',
            )
        return text

    return Kind(name=name, read=read)


def _texts(node: Node, _: Reading) -> dict[str, str]:
    if not isinstance(node, Mapping):
        raise UnreadableError(
            node.position, f"a mapping of names to texts is needed here, not {_shape(node)}"
        )
    return {key.text: _text_or_empty(value) for key, value in node}


def _text_or_empty(node: Node) -> str:
    return "" if isinstance(node, Scalar) and node.is_nothing else text_of(node, "a text")


def _worker(node: Node, reading: Reading) -> int:
    text = text_of(node, "the number of a worker")
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= reading.workers:
        raise UnreadableError(
            node.position, f'no worker "{text}": this file has workers 1 to {reading.workers}'
        )
    return int(text)


def mapping_of(keys: Iterable[Key], what: str) -> Kind:
    """Make a kind of a table of keys; it gives a dictionary of those that are there."""
    table = {key.name: key for key in keys}

    def read(node: Node, reading: Reading) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            raise UnreadableError(
                node.position, f"{what} is a mapping of {', '.join(table)}, not {_shape(node)}"
            )
        return read_keys(node, table, reading, what)

    return Kind(name=what, read=read)


def read_keys(node: Mapping, table: dict[str, Key], reading: Reading, what: str) -> dict[str, Any]:
    """Read every key of a mapping by its table; unknown and missing keys are noted as problems."""
    values: dict[str, Any] = {}
    for name, value in node:
        if name.text in table:
            values[name.text] = reading.attempt(table[name.text].kind, value)
        else:
            message = f'{what} has no key "{name.text}"; the keys are: {", ".join(table)}.'
            reading.problems.add(name.position, message + did_you_mean(name.text, table))
    for key in table.values():
        if key.required and key.name not in values:
            reading.problems.add(node.position, f'{what} needs the key "{key.name}"')
    return values


def bytes_or_half(text: str) -> int | None:
    """Read how much of a body arrives: a number of bytes, `yes` for the first half (-1), or `no`."""
    if text.isascii() and text.isdigit():
        return int(text)
    return -1 if yes_or_no(text) else None


TEXT = scalar("TEXT", "a text", str)
DURATION = scalar("DURATION", "a duration such as 45s", duration)
SPAN = scalar("DURATION", "a duration such as 45s", at_least_zero)
SECONDS = scalar("SECONDS", "a number of seconds such as 30 or 30s", seconds)
INSTANT = scalar("INSTANT", "an instant such as 2026-03-02T09:00:00Z", instant)
MOMENT = scalar("MOMENT", "a moment such as step+2s", moment)
PPM = scalar("PPM", "a number of parts per million", ppm)
ZONE = scalar("DURATION", "a shift such as 1h or +01:00", zone_shift)
TICK = scalar("yes or no", "yes or no", yes_or_no)
CUT = scalar("BYTES or yes", "a number of bytes, or yes", bytes_or_half)
PATH = scalar("PATH", "a path", a_path)
TEXTS = Kind(name="a mapping of texts", read=_texts)
USER = known("USER", "user", lambda reading: reading.users)
PHONE = known("PHONE", "phone", lambda reading: reading.phones)
BROWSER = scalar("BROWSER", "the name of a browser", str)
WORKER = Kind(name="WORKER", read=_worker)
NAMES = one_or_many(TEXT)
CLOCK_KEYS = (
    Key(name="offset", kind=DURATION, about="ahead of true time by so much (behind when negative)"),
    Key(name="jump", kind=DURATION, about="move by so much, once"),
    Key(name="drift_ppm", kind=PPM, about="run at another rate from now on"),
    Key(name="wrong_zone", kind=ZONE, about="off by a zone that was made up for by hand"),
    Key(name="synchronise", kind=TICK, about="show true time"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How the keys of a verb depend on one another: exactly one of them, or at most one."""

    names: tuple[str, ...]
    exactly: bool = True
