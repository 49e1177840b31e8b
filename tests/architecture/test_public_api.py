"""The documented modules: what they export, what their signatures mention, and who keeps to them."""

from __future__ import annotations

import ast
import builtins
import collections.abc
import importlib
import inspect
import re
import sys
import typing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "python-api.md"
#: The page documents each of these modules, and no other one.
DOCUMENTED = (
    "wsgi_mfa",
    "wsgi_mfa.accounts",
    "wsgi_mfa.adapters",
    "wsgi_mfa.clock",
    "wsgi_mfa.directory",
    "wsgi_mfa.entropy",
    "wsgi_mfa.errors",
    "wsgi_mfa.keys",
    "wsgi_mfa.metrics",
    "wsgi_mfa.operations",
    "wsgi_mfa.rules",
    "wsgi_mfa.stores",
    "wsgi_mfa.support",
)
#: Classes whose objects are given and never made by a caller: their constructors are not documented.
GIVEN = {
    "AccountKeeper": "MfaMiddleware.service",
    "Codec": "ACCOUNT_CODEC and EVENT_CODEC",
    "SpellingKeeper": "MfaMiddleware.service",
    "StoreKeeper": "MfaMiddleware.service",
    "SupportDesk": "MfaMiddleware.support_desk",
}
DUNDERS = {"__init__", "__call__", "__enter__", "__exit__", "__iter__"}


def is_ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "wsgi_mfa"


def guarded_imports(module) -> dict[str, tuple[str, str]]:
    """Return the names that a module imports for type checkers alone, each with its module and its name there."""
    return {
        alias.asname or alias.name: (statement.module or "", alias.name)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


class Names(dict):
    """Names of hints that the module of a signature does not have at run time.

    Those are imports for type checkers, where another package's stand for any object, and names in the text of an
    alias that comes from another module.
    """

    def __init__(self, modules) -> None:
        self.modules = list(modules)
        self.guarded = {
            name: home for module in self.modules for name, home in guarded_imports(module).items()
        }

    def __getitem__(self, name: str) -> object:
        if name in self.guarded:
            module, attribute = self.guarded[name]
            return getattr(importlib.import_module(module), attribute) if is_own(module) else object
        if hasattr(builtins, name) or any(hasattr(module, name) for module in self.modules):
            raise KeyError(name)
        elsewhere = {
            id(found): found
            for path, module in list(sys.modules.items())
            if is_own(path) and (found := vars(module).get(name)) is not None
        }
        if not elsewhere:
            return getattr(collections.abc, name)
        (found,) = elsewhere.values()
        return found


def is_own(module: str) -> bool:
    return module.partition(".")[0] == "wsgi_mfa"


def hints_of(thing) -> dict[str, object]:
    kinds = thing.__mro__ if isinstance(thing, type) else [thing]
    modules = [sys.modules[kind.__module__] for kind in kinds if is_ours(kind)]
    return typing.get_type_hints(thing, localns=Names(modules))


def classes_in(hint) -> typing.Iterator[type]:
    """Yield each class of this package that a hint mentions."""
    if isinstance(hint, (list, tuple)):
        for part in hint:
            yield from classes_in(part)
    elif typing.get_origin(hint) is not None:
        yield from classes_in(typing.get_args(hint))
    elif isinstance(hint, type) and is_ours(hint):
        yield hint


def signatures_of(name: str, thing) -> typing.Iterator[tuple[str, object]]:
    """Yield every place of a documented object that has a hint, with the hint."""
    if isinstance(thing, type):
        given = name in GIVEN
        for attribute, hint in hints_of(thing).items():
            if not attribute.startswith("_"):
                yield f"{name}.{attribute}", hint
        for base in filter(is_ours, thing.__mro__):
            for attribute, value in vars(base).items():
                function = getattr(value, "__func__", getattr(value, "fget", value))
                public = not attribute.startswith("_") or attribute in DUNDERS - (
                    {"__init__"} if given else set()
                )
                if public and inspect.isfunction(function) and is_ours(function):
                    yield f"{name}.{attribute}()", list(hints_of(function).values())
    elif inspect.isfunction(thing):
        yield f"{name}()", list(hints_of(thing).values())
    elif is_ours(type(thing)):
        yield name, type(thing)
    else:
        yield name, thing  # an alias


@pytest.fixture(scope="module")
def exports() -> dict[str, dict[str, object]]:
    """Return for each documented module what it exports."""
    return {
        path: {name: getattr(module, name) for name in module.__all__}
        for path in DOCUMENTED
        for module in [importlib.import_module(path)]
    }


def test_about_thirty_names_stand_at_the_top(exports):
    assert 25 <= len(exports["wsgi_mfa"]) <= 35


def test_a_name_stands_for_one_thing_in_all_documented_modules(exports):
    things = {}
    for path, names in exports.items():
        for name, thing in names.items():
            assert things.setdefault(name, thing) is thing, f"{path}.{name}"


def test_everything_that_a_documented_signature_mentions_can_be_imported(exports):
    things = {name: thing for names in exports.values() for name, thing in names.items()}
    missing = [
        f"{where} mentions {mentioned.__module__}.{mentioned.__qualname__}"
        for name, thing in things.items()
        for where, hint in signatures_of(name, thing)
        for mentioned in classes_in([hint])
        if things.get(mentioned.__name__) is not mentioned
    ]
    assert missing == [], "export it from a documented module, and put it on docs/python-api.md"


def test_each_error_that_the_package_raises_to_callers_is_documented(exports):
    import wsgi_mfa.errors

    defined = {
        name
        for name, thing in vars(wsgi_mfa.errors).items()
        if isinstance(thing, type) and issubclass(thing, wsgi_mfa.errors.MfaError)
    }
    assert set(exports["wsgi_mfa.errors"]) == defined


def test_the_page_has_every_documented_module_with_its_names_and_no_other(exports):
    documented = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        title = re.match(r"`(wsgi_mfa[a-z_.]*)`", section)
        if title:
            rows = re.findall(r"^\| ((?:`[A-Za-z_]+`(?:, )?)+) \|", section, re.MULTILINE)
            documented[title[1]] = sorted(name for row in rows for name in re.findall(r"`(\w+)`", row))
    assert documented == {path: sorted(names) for path, names in exports.items()}


def test_the_simulator_uses_only_documented_modules(modules, exports):
    wrong = [
        f"{module.path}:{used.line}: {used.module} {used.name or ''}"
        for module in modules
        if module.package == "mfa_simulator"
        for used in module.imports
        if is_own(used.module) and used.name not in exports.get(used.module, {})
    ]
    assert wrong == []


@pytest.mark.parametrize("path", ["wsgi_mfa.accounts", "wsgi_mfa.adapters", "wsgi_mfa.rules"])
def test_modules_that_only_collect_names_are_used_by_no_module_of_the_package(modules, path):
    users = [
        f"{module.path}:{used.line}"
        for module in modules
        if module.package == "wsgi_mfa"
        for used in module.imports
        if path in (used.module, f"{used.module}.{used.name}")
    ]
    assert users == []


class Undocumented:
    """Stands for a class that no documented module exports."""

    __module__ = "wsgi_mfa.somewhere"


class Mentions:
    __module__ = __name__

    def by_argument(self, one: typing.Mapping[str, list[Undocumented | None]]) -> None: ...

    def by_callable(self) -> typing.Callable[[Undocumented], None]: ...


def test_a_class_is_found_however_deep_a_hint_mentions_it():
    for method in (Mentions.by_argument, Mentions.by_callable):
        hints = typing.get_type_hints(
            method, vars(sys.modules[__name__]) if __name__ in sys.modules else globals()
        )
        assert list(classes_in(list(hints.values()))) == [Undocumented]
