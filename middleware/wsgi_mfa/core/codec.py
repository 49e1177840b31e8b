"""Values as compact JSON and back, strictly: what a store gives back is what the rules made, or an error.

The shape of the text follows from the fields of the dataclass. A field that holds its default is left out, so a
field that is added with a default needs no migration; a default that *changes* needs a new schema number.
Everything else is refused: an unknown field may carry a lock that this version does not know of, and passing
over it would open the lock. Older forms come and go by the steps of :mod:`wsgi_mfa.core.schema`.

The MAC of an account stands beside the text that it is made over, and that text is read and written once: the account
has it from the codec, and the codec from the account (:attr:`Account.text <wsgi_mfa.core.account.Account>`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from json.encoder import encode_basestring_ascii
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Generic, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.errors import MfaError
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.schema import (
    ACCOUNT_SCHEMA,
    ACCOUNT_STEPS,
    EVENT_SCHEMA,
    EVENT_STEPS,
    Document,
    SchemaStep,
)

T = TypeVar("T")
_WORDS = {
    dict: "an object",
    list: "a list",
    str: "text",
    int: "a whole number",
    float: "a fraction",
    bool: "true or false",
    NoneType: "null",
}
_SCALAR_WRITERS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring_ascii,
    int: int.__repr__,
    bool: {True: "true", False: "false"}.__getitem__,
    NoneType: {None: "null"}.__getitem__,
}
_DECODER = json.JSONDecoder()  # json.loads would take bytes too


class CodecError(MfaError):
    """A text or a value that does not fit; ``path`` names the field, ``reason`` never repeats what it held."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} {reason}" if path else reason)
        self.path = path
        self.reason = reason

    def within(self, part: str) -> CodecError:
        """The same error, told from one level further out."""
        separator = "." if self.path and not self.path.startswith("[") else ""
        return CodecError(f"{part}{separator}{self.path}", self.reason)


class UnknownSchemaError(CodecError):
    """A text of a form that this release does not know; it is whole, and another release reads it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """How one type is written and read, compiled once from its type hint.

    ``writers`` make JSON text of a value, each of those of one type; for any other there is ``reject``. What JSON
    gives back stands for itself if its type is in ``plain``; anything else goes through ``read``. All of them raise
    :class:`CodecError` on what does not fit.
    """

    writers: dict[type, Callable[[Any], str]]
    reject: Callable[[object], NoReturn]
    plain: frozenset[type]
    read: Callable[[Any], object]

    def write(self, value: object) -> str:
        return self.writers.get(type(value), self.reject)(value)


def _rejection(wanted: str) -> Callable[[object], NoReturn]:
    def reject(value: object) -> NoReturn:
        raise CodecError("", f"is {_WORDS.get(type(value), type(value).__name__)}, not {wanted}")

    return reject


def _plan(hint: object) -> _Plan:
    arguments = get_args(hint)
    if hint is str or hint is int or hint is bool:
        return _scalar_plan(hint)
    if get_origin(hint) in (Union, UnionType) and len(arguments) == 2 and NoneType in arguments:
        return _optional_plan(_plan(next(argument for argument in arguments if argument is not NoneType)))
    if get_origin(hint) is tuple and arguments[1:] == (Ellipsis,):
        return _sequence_plan(_plan(arguments[0]))
    if get_origin(hint) is tuple:
        return _tuple_plan([_plan(argument) for argument in arguments])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_plan(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _dataclass_plan(hint)
    raise TypeError(
        f"{hint!r} has no JSON form; legal are str, int, bool, enums, dataclasses, tuples, or None"
    )


def _scalar_plan(kind: type) -> _Plan:
    reject = _rejection(_WORDS[kind])
    return _Plan(writers={kind: _SCALAR_WRITERS[kind]}, reject=reject, plain=frozenset({kind}), read=reject)


def _optional_plan(inner: _Plan) -> _Plan:
    writers = {**inner.writers, NoneType: _SCALAR_WRITERS[NoneType]}
    return _Plan(writers=writers, reject=inner.reject, plain=inner.plain | {NoneType}, read=inner.read)


def _sequence_plan(inner: _Plan) -> _Plan:
    inner_write, plain, inner_read = inner.write, inner.plain, inner.read
    reject = _rejection("a list")

    def write(value: tuple[object, ...]) -> str:
        parts: list[str] = []
        try:
            parts.extend(map(inner_write, value))
        except CodecError as error:
            raise error.within(f"[{len(parts)}]") from None
        return f"[{','.join(parts)}]"

    def read(value: object) -> object:
        if type(value) is not list:
            reject(value)
        items: list[object] = []
        try:
            items.extend(item if type(item) in plain else inner_read(item) for item in value)
        except CodecError as error:
            raise error.within(f"[{len(items)}]") from None
        return tuple(items)

    return _Plan(writers={tuple: write}, reject=reject, plain=frozenset(), read=read)


def _tuple_plan(inner: list[_Plan]) -> _Plan:
    reject = _rejection(f"a list of {len(inner)}")

    def write(value: tuple[object, ...]) -> str:
        if len(value) != len(inner):
            reject(value)
        return f"[{','.join([plan.write(item) for plan, item in zip(inner, value, strict=True)])}]"

    def read(value: object) -> object:
        if type(value) is not list or len(value) != len(inner):
            reject(value)
        return tuple(
            item if type(item) in plan.plain else plan.read(item)
            for plan, item in zip(inner, value, strict=True)
        )

    return _Plan(writers={tuple: write}, reject=reject, plain=frozenset(), read=read)


def _enum_plan(kind: type[Enum]) -> _Plan:
    members = {member.value: member for member in kind}
    texts = {member: json.dumps(member.value) for member in kind}
    reject = _rejection(f"one of {', '.join(map(str, members))}")

    def read(value: object) -> object:
        # A list or an object cannot be looked up in a dictionary, so the type comes first.
        return members[value] if type(value) is str and value in members else reject(value)

    return _Plan(writers={kind: texts.__getitem__}, reject=reject, plain=frozenset(), read=read)


def _default_of(field: Field[Any]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _dataclass_plan(kind: type[Any], *, without: str = "") -> _Plan:
    """Return the plan of a dataclass, but for its field ``without``, which does not belong into the text."""
    hints = get_type_hints(kind)
    stored = [field for field in fields(kind) if field.init and field.name != without]
    by_name = sorted(stored, key=lambda field: field.name)
    plans = {field.name: _plan(hints[field.name]) for field in by_name}
    needed = frozenset(field.name for field in by_name if _default_of(field) is MISSING)
    parts_of = tuple((f'"{f.name}":', _default_of(f), plans[f.name].writers) for f in by_name)
    reads = {name: (plan.plain, plan.read) for name, plan in plans.items()}
    values_of = attrgetter(*plans) if len(plans) > 1 else lambda value: (getattr(value, by_name[0].name),)
    reject = _rejection("an object")

    def write(value: object) -> str:
        parts: list[str] = []
        label, item = "", None
        try:
            for (label, default, writers), item in zip(parts_of, values_of(value), strict=True):
                if item is not default and (type(item) is not type(default) or item != default):
                    parts.append(label + writers[type(item)](item))
        except CodecError as error:
            raise error.within(label[1:-2]) from None
        except KeyError:
            name = label[1:-2]
            try:
                plans[name].reject(item)
            except CodecError as error:
                raise error.within(name) from None
        return "{" + ",".join(parts) + "}"

    def read(value: object) -> object:
        if type(value) is not dict:
            reject(value)
        name = ""
        try:
            for name, item in value.items():
                plain, step = reads[name]
                if type(item) not in plain:
                    value[name] = step(item)
            return kind(**value)
        except CodecError as error:
            raise error.within(name) from None
        except KeyError:
            raise CodecError(name, "is not known to this version") from None
        except TypeError:
            missing = ", ".join(sorted(needed - value.keys()))
            raise CodecError("", f"lacks {missing}") from None
        except ValueError as error:
            raise CodecError("", str(error)) from error

    return _Plan(writers={kind: write}, reject=_rejection(kind.__name__), plain=frozenset(), read=read)


class Codec(Generic[T]):
    """Writes one dataclass as JSON text and reads it back.

    The text is ``{"schema":N,"value":{...}}``, ASCII, without blanks, its keys sorted, so that equal values
    make equal texts; that of an account has its ``"mac"`` before them. Legal types of fields are str, int, bool,
    enums of words, frozen dataclasses, tuples of these, and None beside any; another one is a :exc:`TypeError` when
    the codec is made. ``steps`` lead to ``schema`` from the oldest number that is read and written, one number each.
    """

    def __init__(self, kind: type[T], *, schema: int, steps: Sequence[SchemaStep] = ()) -> None:
        self.schema = schema
        self.oldest = schema - len(steps)
        if [step.number for step in steps] != list(range(self.oldest + 1, schema + 1)):
            raise ValueError(f"steps: legal are consecutive numbers that end at the schema {schema}")
        self._name = kind.__name__.lower()
        self._steps = {step.number: step for step in steps}
        self._has_mac = kind is Account
        self._plan = _dataclass_plan(kind, without="mac" if self._has_mac else "")

    def encode(self, value: T, *, schema: int | None = None) -> str:
        """Return the text of ``value``, in the form ``schema`` where that is not the newest.

        :raises CodecError: a field holds a value of another type than it declares, or the form is not known.
        """
        text = self.text_of(value)
        if schema is None or schema == self.schema:
            return f'{{{self._mac_member(value)}"schema":{self.schema},"value":{text}}}'
        self._check_known(schema)
        document = _DECODER.decode(text)
        for number in range(self.schema, schema, -1):
            document = self._steps[number].downgrade(document)
        return json.dumps({"schema": schema, "value": document}, separators=(",", ":"), sort_keys=True)

    def text_of(self, value: T) -> str:
        """Return the newest form of ``value`` without its frame: what its MAC is made over.

        :raises CodecError: a field holds a value of another type than it declares.
        """
        if self._has_mac:
            text: str | None = cast("Account", value).text
            if text is not None:
                return text
        try:
            return self._plan.write(value)
        except CodecError as error:
            raise error.within(self._name) from None

    def decode(self, text: str) -> T:
        """Return the value that ``text`` holds, in any of the forms from ``oldest`` to ``schema``.

        :raises CodecError: not JSON, of another form, or with a field missing, unknown or of a wrong type.
        """
        try:
            body = _DECODER.decode(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise CodecError(self._name, "is not JSON") from error
        mac = body.pop("mac", "") if self._has_mac and type(body) is dict else ""
        if type(body) is not dict or body.keys() != {"schema", "value"}:
            raise CodecError(self._name, "is not an object of schema and value")
        number, document = body["schema"], body["value"]
        if type(number) is not int:
            raise CodecError(f"{self._name}.schema", "is not a whole number")
        if number != self.schema:
            document = self._upgraded(document, number)
        if mac and (type(mac) is not str or number != self.schema):
            raise CodecError(f"{self._name}.mac", f"is no text, or is not known to the form {number}")
        try:
            value = cast("T", self._plan.read(document))
        except CodecError as error:
            raise error.within(self._name) from None
        if mac:
            object.__setattr__(value, "mac", mac)
            start = f'{{{self._mac_member(value)}"schema":{number},"value":'
            if not text.startswith(start) or text[-1] != "}":
                raise CodecError(self._name, "has its parts in another order than this release writes")
            keep_text(cast("Account", value), text[len(start) : -1])
        return value

    def _mac_member(self, value: T) -> str:
        mac = cast("Account", value).mac if self._has_mac else ""
        return f'"mac":{encode_basestring_ascii(mac)},' if mac else ""

    def _upgraded(self, document: object, number: int) -> object:
        self._check_known(number)
        try:
            for step in range(number + 1, self.schema + 1):
                document = self._steps[step].upgrade(cast("Document", document))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise CodecError(
                self._name, f"cannot be brought from schema {number} to {self.schema}"
            ) from error
        return document

    def _check_known(self, number: int) -> None:
        if self.oldest <= number <= self.schema:
            return
        known = f"{self.oldest} to {self.schema}" if self._steps else str(self.schema)
        remedy = (
            "a newer release has written it: upgrade this one"
            if number > self.schema
            else "upgrade by way of the releases between"
        )
        raise UnknownSchemaError(
            f"{self._name}.schema", f"is {number}, and this release reads {known}; {remedy}"
        )


def keep_text(account: Account, text: str | None, *, mac: str | None = None) -> None:
    """Let ``account`` have its own text at hand, and the MAC over it, or let go of the text."""
    object.__setattr__(account, "text", text)
    if mac is not None:
        object.__setattr__(account, "mac", mac)


ACCOUNT_CODEC = Codec(Account, schema=ACCOUNT_SCHEMA, steps=ACCOUNT_STEPS)
EVENT_CODEC = Codec(Event, schema=EVENT_SCHEMA, steps=EVENT_STEPS)
