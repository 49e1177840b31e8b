"""Where a real clock can come from while the time of the process is frozen, noted as it is asked.

What freezegun cannot reach is the C library and the kernel behind Python: SQLite's own clock, the times of files, child
processes, the functions of `time` that it leaves alone, and functions that were bound before the freeze.
"""

from __future__ import annotations

import functools
import os
import re
import sqlite3
import sqlite3.dbapi2
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from mfa_simulator.world.clocks import real_clocks

# Functions of `time` that stay real; asked with an instant of one's own the first two tell no time.
REAL_FUNCTIONS = {"ctime": 0, "asctime": 0, "clock_gettime": 1, "clock_gettime_ns": 1}
SQL_CLOCK = re.compile(
    r"\bCURRENT_(?:TIMESTAMP|DATE|TIME)\b|'now'|\b(?:unixepoch|julianday|date|time|datetime)\s*\(\s*\)",
    re.IGNORECASE,
)
SHOWN = 100
CHILDREN = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.exec")
OUR_OWN = ("mfa_simulator", "wsgi_mfa", "legacy_portals", "freezegun", "_pytest", "pytest", "click", "rich")


class Sources:
    """What was asked for the real time while the portal answered, and which files it looked at."""

    def __init__(self) -> None:
        self.active = False
        self.notes: dict[str, None] = {}
        self.files: dict[str, float] = {}

    def note(self, words: str) -> None:
        """Note a source, once."""
        if self.active:
            self.notes.setdefault(words)

    def looked_at(self, path: object) -> None:
        """Note a file and when it was changed last."""
        if not self.active or not isinstance(path, (str, bytes, os.PathLike)):
            return
        name = os.fsdecode(path)
        try:
            self.files.setdefault(name, _stat(name).st_mtime)
        except (OSError, ValueError):
            return

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an event of Python's own audit."""
        if event == "open":
            self.looked_at(arguments[0])
        elif event in CHILDREN:
            self.note(f"a child process ({event}: {str(arguments[0])[:SHOWN] if arguments else ''})")

    def asked_of_sqlite(self, statement: str) -> None:
        """Take a statement of SQL; a table that is made with a clock in it counts whenever that is."""
        clock = SQL_CLOCK.search(statement)
        if clock is not None and (self.active or statement.lstrip()[:6].upper() == "CREATE"):
            begin = max(0, clock.start() - SHOWN // 2)
            before, after = "..." if begin else "", "..." if begin + SHOWN < len(statement) else ""
            words = " ".join(statement[begin : begin + SHOWN].split())
            self.notes.setdefault(f"SQLite's own clock: {before}{words}{after}")


_stat, _connect = os.stat, sqlite3.connect


# An audit hook stays for the life of the process, so there is one, and it mostly listens for nobody.
_listener: Sources | None = None


@cache
def _hook_audit() -> None:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if _listener is not None:
            _listener.audit(event, arguments)

    sys.addaudithook(hook)


@contextmanager
def noting(sources: Sources) -> Iterator[None]:
    """Note what the portal asks."""
    global _listener
    _hook_audit()
    _listener = sources

    def stat(path: Any, *others: Any, **named: Any) -> os.stat_result:  # noqa: ANN401  # as many types as os.stat takes
        sources.looked_at(path)
        return _stat(path, *others, **named)

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:  # noqa: ANN401  # as sqlite3 takes them
        connection: sqlite3.Connection = _connect(*arguments, **named)
        connection.set_trace_callback(sources.asked_of_sqlite)
        return connection

    with ExitStack() as undone:
        _replace(undone, os, "stat", stat)
        _replace(undone, sqlite3, "connect", connect)
        _replace(undone, sqlite3.dbapi2, "connect", connect)
        for name, count in REAL_FUNCTIONS.items():
            _replace(undone, time, name, _watched(sources, name, getattr(time, name), count))
        try:
            yield
        finally:
            _listener = None


def _replace(undone: ExitStack, owner: Any, name: str, value: object) -> None:  # noqa: ANN401  # a module
    undone.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _watched(sources: Sources, name: str, real: Callable[..., Any], arguments: int) -> Callable[..., Any]:
    def call(*given: Any) -> Any:  # noqa: ANN401  # any function is replaced
        if len(given) == arguments:
            caller = sys._getframe(1)
            sources.note(f"time.{name}() in {caller.f_code.co_filename}:{caller.f_lineno}")
        return real(*given)

    return call


def held_clocks() -> list[str]:
    """Give where loaded code holds a real clock that was bound before the freeze, by its name."""
    reals = real_clocks()
    found: dict[str, None] = {}
    for module_name, module in sorted(sys.modules.items()):
        top = module_name.partition(".")[0]
        if top in sys.stdlib_module_names or top in OUR_OWN or not isinstance(module, types.ModuleType):
            continue
        for name, value in sorted(vars(module).items()):
            # By its real type: a proxy, as Flask has them, passes a question for its class on to what it stands for.
            kind = type(value)
            is_code = issubclass(kind, (types.FunctionType, type)) and value.__module__ == module_name
            if is_code or issubclass(kind, (functools.partial, dict)):
                for words in _held(value, f"{module_name}.{name}", reals):
                    found.setdefault(words)
    return list(found)


def _is_real(value: object, reals: tuple[object, ...]) -> bool:
    # Nothing else is asked for its attributes: some libraries' objects import a module then.
    owner = value.__self__ if isinstance(value, types.BuiltinMethodType) else None
    return any(value is real or owner is real for real in reals)


def _held(value: object, name: str, reals: tuple[object, ...]) -> Iterator[str]:
    if isinstance(value, types.FunctionType):
        yield from _held_by_function(value, name, reals)
    elif isinstance(value, functools.partial):
        if any(_is_real(item, reals) for item in (value.func, *value.args, *value.keywords.values())):
            yield f"{name}, a partial"
    elif isinstance(value, dict):
        yield from (f"{name}[{key!r}]" for key, item in list(value.items()) if _is_real(item, reals))
    elif isinstance(value, type):
        yield from _held_by_class(value, name, reals)


def _held_by_function(function: types.FunctionType, name: str, reals: tuple[object, ...]) -> Iterator[str]:
    given = function.__defaults__ or ()
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    pairs = [
        *zip(names[len(names) - len(given) :], given, strict=True),
        *(function.__kwdefaults__ or {}).items(),
    ]
    for argument, value in pairs:
        if _is_real(value, reals):
            yield f"{name}, the default of its argument {argument}"
    for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        if _is_real(value, reals):
            yield f"{name}, its variable {variable}"


def _held_by_class(cls: type, name: str, reals: tuple[object, ...]) -> Iterator[str]:
    for attribute, value in sorted(vars(cls).items()):
        plain = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
        if isinstance(plain, types.FunctionType):
            yield from _held_by_function(plain, f"{name}.{attribute}", reals)
        elif _is_real(plain, reals):
            yield f"{name}.{attribute}, an attribute of the class"
    if is_dataclass(cls):
        for field in fields(cls):
            if _is_real(field.default_factory, reals) or _is_real(field.default, reals):
                yield f"{name}.{field.name}, the default of a field"
