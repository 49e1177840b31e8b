"""Settings as a file has them: their types, and one line for each that is unknown, missing or not legal."""

from __future__ import annotations

import ast
import difflib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsgi_mfa.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

TEXT, WHOLE, YES_NO, TEXTS = "text", "a whole number", "true or false", "a list of texts"
WHOLES, TABLE, TABLES = "a list of whole numbers", "a table", "a list of tables"
FIELD_SETS = "a list of sets of field names, or of names of applications"
IMPORTED = "MODULE:NAME"
SWITCH = 'true, "accept" or false'
_TYPES: dict[str, Callable[[object], bool]] = {
    TEXT: lambda value: isinstance(value, str) and value != "",
    WHOLE: lambda value: isinstance(value, int) and not isinstance(value, bool),
    YES_NO: lambda value: isinstance(value, bool),
    TEXTS: lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    IMPORTED: lambda value: isinstance(value, str) and value != "",
    WHOLES: lambda value: isinstance(value, list) and all(type(each) is int for each in value),
    SWITCH: lambda value: isinstance(value, bool) or value == "accept",
    FIELD_SETS: lambda value: (
        isinstance(value, list) and all(isinstance(each, str) or _TYPES[TEXTS](each) for each in value)
    ),
    TABLE: lambda value: isinstance(value, dict),
    TABLES: lambda value: isinstance(value, list) and all(isinstance(each, dict) for each in value),
}


def check(
    prefix: str, given: Mapping[str, Any], legal: Mapping[str, str], *, also: Iterable[str] = ()
) -> None:
    """Refuse unknown names and values of another type."""
    reject_unknown(prefix, given, (*legal, *also))
    for name, value in given.items():
        if not _TYPES[legal[name]](value):
            raise ConfigurationError(
                f"{prefix}{name} is {value!r}: legal is {legal[name]}", setting=prefix + name
            )


def reject_unknown(prefix: str, given: Iterable[str], legal: Sequence[str]) -> None:
    """Refuse a name that is no setting, and say which one may have been meant."""
    for name in given:
        if name not in legal:
            near = difflib.get_close_matches(name, legal, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise ConfigurationError(
                f"{prefix}{name} is no setting: legal are {', '.join(legal)}{hint}", setting=prefix + name
            )


def secret(variable: str) -> str:
    """The secret in an environment variable.

    :raises ConfigurationError: it is not set, or empty.
    """
    value = os.environ.get(variable)
    if not value:
        raise ConfigurationError(f"the environment variable {variable} is not set", setting=variable)
    return value


def imported_application(reference: str, *, setting: str) -> WSGIApplication:
    """Return the application that ``MODULE:NAME`` names, or that the factory ``MODULE:NAME()`` makes.

    A factory may take arguments that are literals, such as ``shop:create_app("production")``.

    :raises ConfigurationError: another form, nothing callable is there, or it takes no two arguments.
    """
    found: Any = imported_or_made(reference, setting=setting)
    try:
        inspect.signature(found).bind({}, lambda *_: None)
    except TypeError:
        hint = f"; if it is a factory, give '{reference}()'" if not is_factory(reference) else ""
        raise ConfigurationError(
            f"{setting} is {reference!r}: no WSGI application, which takes environ and start_response{hint}",
            setting=setting,
        ) from None
    except ValueError:
        pass  # something built in, which tells no signature
    application: WSGIApplication = found
    return application


def imported_or_made(reference: str, *, setting: str) -> Any:  # noqa: ANN401 - whatever the module has there
    """Return what ``MODULE:NAME`` names, or what the factory ``MODULE:NAME()`` makes.

    :raises ConfigurationError: another form, nothing callable is there, or the factory fails.
    """
    module_name, colon, expression = reference.partition(":")
    call = _call_in(expression) if colon and expression.endswith(")") else None
    if call is None:
        return imported(reference, setting=setting)
    name, arguments, keywords = call
    factory = imported(f"{module_name}:{name}", setting=setting)
    try:
        return factory(*arguments, **keywords)
    except Exception as error:
        raise ConfigurationError(
            f"{setting} is {reference!r}: the factory failed: {error!r}", setting=setting
        ) from error


def is_factory(reference: str) -> bool:
    """Return whether a reference names a factory, so that each worker makes an application of its own."""
    return reference.endswith(")")


def _call_in(expression: str) -> tuple[str, list[Any], dict[str, Any]] | None:
    """Return name, arguments and keywords of a call with literals; None for anything else."""
    try:
        tree = ast.parse(expression, mode="eval").body
        if not isinstance(tree, ast.Call):
            return None
        arguments = [ast.literal_eval(each) for each in tree.args]
        keywords = {each.arg: ast.literal_eval(each.value) for each in tree.keywords if each.arg is not None}
    except (SyntaxError, ValueError):
        return None
    return ast.unparse(tree.func), arguments, keywords


def imported(reference: str, *, setting: str) -> Any:  # noqa: ANN401 - whatever the module has there
    """What ``MODULE:NAME`` names; the module is looked for in the current folder too, as servers do.

    :raises ConfigurationError: another form, or nothing callable is there.
    """
    module_name, colon, name = reference.partition(":")
    if not colon or not module_name or not name:
        raise ConfigurationError(f"{setting} is {reference!r}: legal is MODULE:NAME", setting=setting)
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module_name)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{setting} is {reference!r}: {error}", setting=setting) from None
    if not callable(found):
        raise ConfigurationError(
            f"{setting} is {reference!r}: nothing that can be called is there", setting=setting
        )
    return found
