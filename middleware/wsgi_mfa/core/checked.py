"""Frozen values with some of their fields changed, for where that is done several times a request.

:func:`dataclasses.replace` looks every field up by its name and hands it to the constructor, which takes 14 us for
an account; copying its slots takes 6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

__all__ = ["replace"]

T = TypeVar("T")


class _Layout(NamedTuple):
    """How values of one class are copied: ``setters`` are in the order in which ``values_of`` reads.

    ``made`` are the fields that a copy does not take over: each is made again by its default.
    """

    values_of: Callable[[Any], tuple[Any, ...]]
    setters: tuple[Callable[[Any, Any], None], ...]
    setter_of: dict[str, Callable[[Any, Any], None]]
    made: tuple[tuple[Callable[[Any, Any], None], Callable[[], Any]], ...]
    check: Callable[[Any], None] | None


_LAYOUTS: dict[type, _Layout] = {}


def _layout(kind: type[Any]) -> _Layout:
    # The descriptor of a slot sets it past the __setattr__ by which a frozen class refuses.
    setter_of = {each.name: getattr(kind, each.name).__set__ for each in fields(kind) if each.init}
    made = tuple(
        (getattr(kind, each.name).__set__, cast("Callable[[], Any]", each.default_factory))
        for each in fields(kind)
        if not each.init
    )
    check = getattr(kind, "__post_init__", None)
    return _Layout(attrgetter(*setter_of), tuple(setter_of.values()), setter_of, made, check)


def _replace(value: T, /, **changes: object) -> T:
    """``value`` with ``changes``, as :func:`dataclasses.replace`, for classes with two slots or more."""
    kind = type(value)
    layout = _LAYOUTS.get(kind)
    if layout is None:
        layout = _LAYOUTS[kind] = _layout(kind)
    copy = object.__new__(kind)
    for assign, item in zip(layout.setters, layout.values_of(value), strict=True):
        assign(copy, item)
    for assign, make in layout.made:
        assign(copy, make())
    for name, item in changes.items():
        layout.setter_of[name](copy, item)
    if layout.check is not None:
        layout.check(copy)
    return copy


if TYPE_CHECKING:
    from dataclasses import replace  # whose arguments are checked against the fields of each class
else:
    replace = _replace
