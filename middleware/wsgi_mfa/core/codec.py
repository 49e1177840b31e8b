"""Values as compact JSON and back, strictly: what a store gives back is what the rules made, or an error.

The shape of the text follows from the fields of the dataclass. A field that is added with a default needs no
migration, because older text that lacks it reads as the default. Everything else is refused: an unknown field
may carry a lock that this version does not know of, and passing over it would open the lock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Generic, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.errors import MfaError
from wsgi_mfa.core.events import Event

T = TypeVar("T")
_Step = Callable[[Any], Any]
_JSON_NAMES = {
    dict: "an object",
    list: "a list",
    str: "text",
    int: "a number",
    bool: "a truth value",
    NoneType: "null",
}


class CodecError(MfaError):
    """A text or a value that does not fit; ``path`` names the field, ``reason`` never repeats what stood in it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} {reason}" if path else reason)
        self.path = path
        self.reason = reason

    def within(self, part: str) -> CodecError:
        """The same error, told from one level further out."""
        separator = "." if self.path and not self.path.startswith("[") else ""
        return CodecError(f"{part}{separator}{self.path}", self.reason)


class _Plan:
    """How one type is written and read, compiled once from its type hint.

    A value whose type is in ``plain`` stands in JSON as it is; any other goes through ``write`` or ``read``,
    which convert it or raise :class:`CodecError`.
    """

    __slots__ = ("plain", "read", "write")

    def __init__(self, plain: frozenset[type], write: _Step, read: _Step) -> None:
        self.plain = plain
        self.write = write
        self.read = read


def _plan(hint: Any) -> _Plan:
    if hint in (str, int, bool):
        refuse = _refusal(_JSON_NAMES[hint])
        return _Plan(frozenset({hint}), refuse, refuse)
    if get_origin(hint) in (Union, UnionType):
        inner = [argument for argument in get_args(hint) if argument is not NoneType]
        if len(inner) == 1:
            plan = _plan(inner[0])
            return _Plan(plan.plain | {NoneType}, plan.write, plan.read)
    if get_origin(hint) is tuple:
        return _tuple_plan(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_plan(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _dataclass_plan(hint)
    raise TypeError(
        f"{hint!r} has no JSON form here: legal are str, int, bool, an enum, a dataclass, tuples, or None"
    )


def _refusal(wanted: str) -> _Step:
    def refuse(value: object) -> NoReturn:
        raise CodecError("", f"is {_JSON_NAMES.get(type(value), type(value).__name__)}, not {wanted}")

    return refuse


def _tuple_plan(arguments: tuple[Any, ...]) -> _Plan:
    endless = len(arguments) == 2 and arguments[1] is Ellipsis
    plans = [_plan(argument) for argument in arguments if argument is not Ellipsis]
    refuse = _refusal("a list")

    def convert(value: Sequence[Any], steps: list[tuple[frozenset[type], _Step]]) -> list[Any]:
        if endless:
            steps = steps * len(value)
        elif len(value) != len(steps):
            raise CodecError("", f"has {len(value)} parts, not {len(steps)}")
        items: list[Any] = []
        try:
            for item, (plain, step) in zip(value, steps, strict=True):
                items.append(item if type(item) in plain else step(item))
        except CodecError as error:
            raise error.within(f"[{len(items)}]") from None
        return items

    writes = [(plan.plain, plan.write) for plan in plans]
    reads = [(plan.plain, plan.read) for plan in plans]

    def write(value: Any) -> Any:
        return convert(value, writes) if type(value) is tuple else refuse(value)

    def read(value: Any) -> Any:
        return tuple(convert(value, reads)) if type(value) is list else refuse(value)

    return _Plan(frozenset(), write, read)


def _enum_plan(kind: type[Enum]) -> _Plan:
    members = {member.value: member for member in kind}
    words = ", ".join(str(word) for word in members)

    def write(value: Any) -> Any:
        if type(value) is not kind:
            raise CodecError("", f"is {type(value).__name__}, not {kind.__name__}")
        return value.value

    def read(value: Any) -> Any:
        if not isinstance(value, str) or value not in members:
            raise CodecError("", f"is none of {words}")
        return members[value]

    return _Plan(frozenset(), write, read)


def _dataclass_plan(kind: type[Any]) -> _Plan:
    hints = get_type_hints(kind)
    plans: list[tuple[str, _Plan]] = []
    for name in sorted(field.name for field in fields(kind)):
        try:
            plans.append((name, _plan(hints[name])))
        except TypeError as error:
            raise TypeError(f"{kind.__name__}.{name}: {error}") from None
    names = frozenset(name for name, _ in plans)
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    writes = tuple((name, plan.plain, plan.write) for name, plan in plans)
    reads = tuple((name, plan.plain, plan.read) for name, plan in plans)
    refuse = _refusal("an object")

    def write(value: Any) -> dict[str, Any]:
        if type(value) is not kind:
            raise CodecError("", f"is {type(value).__name__}, not {kind.__name__}")
        found: dict[str, Any] = {}
        name = ""
        try:
            for name, plain, step in writes:
                item = getattr(value, name)
                found[name] = item if type(item) in plain else step(item)
        except CodecError as error:
            raise error.within(name) from None
        return found

    def read(value: Any) -> Any:
        if type(value) is not dict:
            refuse(value)
        steps = reads
        if value.keys() != names:
            _check_names(value.keys(), names, needed)
            steps = tuple(step for step in reads if step[0] in value)
        found: dict[str, Any] = {}
        name = ""
        try:
            for name, plain, step in steps:
                item = value[name]
                found[name] = item if type(item) in plain else step(item)
        except CodecError as error:
            raise error.within(name) from None
        try:
            return kind(**found)
        except ValueError as error:
            raise CodecError("", str(error)) from error

    return _Plan(frozenset(), write, read)


def _check_names(found: Any, names: frozenset[str], needed: set[str]) -> None:
    unknown = sorted(found - names)
    if unknown:
        raise CodecError("", f"has fields that this version does not know: {', '.join(unknown)}")
    missing = sorted(needed - found)
    if missing:
        raise CodecError("", f"lacks {', '.join(missing)}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CodecError("", "names one field twice")
    return found


def _no_fraction(_: str) -> NoReturn:
    raise CodecError("", "holds a number that is not whole")


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_no_fraction, parse_constant=_no_fraction)


class Codec(Generic[T]):
    """Writes one dataclass as JSON text and reads it back.

    The text is ``{"schema":N,"value":{...}}``, ASCII, without blanks, its keys sorted, so that equal values
    make equal texts. Legal field types are str, int, bool, enums of words, frozen dataclasses, tuples of
    these, and None beside any; another one is a :exc:`TypeError` when the codec is made.
    """

    def __init__(self, kind: type[T], *, schema: int) -> None:
        self._name = kind.__name__.lower()
        self._schema = schema
        self._plan = _dataclass_plan(kind)

    def encode(self, value: T) -> str:
        """The text of ``value``.

        :raises CodecError: a field holds a value of another type than it declares.
        """
        try:
            return _ENCODER.encode({"schema": self._schema, "value": self._plan.write(value)})
        except CodecError as error:
            raise error.within(self._name) from None

    def decode(self, text: str) -> T:
        """The value that ``text`` tells of.

        :raises CodecError: not JSON, of another schema, or with a field missing, unknown or of a wrong type.
        """
        try:
            body = _DECODER.decode(text)
        except CodecError as error:
            raise error.within(self._name) from None
        except (ValueError, TypeError, RecursionError) as error:
            raise CodecError(self._name, "is not JSON") from error
        if type(body) is not dict or body.keys() != {"schema", "value"}:
            raise CodecError(self._name, "is not an object of schema and value")
        if type(body["schema"]) is not int or body["schema"] != self._schema:
            raise CodecError(
                f"{self._name}.schema", f"is not {self._schema}, the one that this version reads"
            )
        try:
            value: T = self._plan.read(body["value"])
        except CodecError as error:
            raise error.within(self._name) from None
        return value


ACCOUNT_CODEC = Codec(Account, schema=1)
EVENT_CODEC = Codec(Event, schema=1)
