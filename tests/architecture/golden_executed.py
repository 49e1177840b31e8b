"""The sections of the golden file that are found by execution; see golden.py beside it."""

from __future__ import annotations

import base64
import json
import random
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import click
import prometheus_client
import pyotp
import yaml
from click.testing import CliRunner
from werkzeug.test import Client

from wsgi_mfa import Event, KeyRing, MfaMiddleware, Policy, PrometheusMetrics, RemoteUser

ModulesOf = Callable[[str], list[ModuleType]]
Lines = set[str]
RING = KeyRing([("k1", bytes(32)), ("k2", base64.urlsafe_b64decode("AQ" * 21 + "A="))])
NOW_SECONDS = 1_772_442_000
PROSE = {"description", "title", "summary", "examples", "example", "default", "$comment", "$schema", "$id",
         "type", "pattern", "minimum", "maximum", "minItems", "additionalProperties"}  # fmt: skip


def sections(modules_of: ModulesOf) -> dict[str, Lines]:
    """Return the sections by their titles; ``modules_of`` imports all modules of a package."""
    found: dict[str, Lines] = {
        "entry points": {f"{each.group}: {each.name}" for each in distribution("wsgi-mfa").entry_points},
        "keys": set(_key_answers()),
        "metrics": set(_metrics()),
        "policy": {field.name for field in fields(Policy)},
        **_journey(),
    }
    for package, command in (("wsgi_mfa", "wsgi-mfa"), ("mfa_simulator", "mfa-sim")):
        modules = modules_of(package)
        found[f"{package}: values of enums"] = set(_enum_values(modules))
        found[f"command {command}"] = set(_commands(_root_command(modules), command))
    modules = modules_of("wsgi_mfa")
    for value, title in ((_named(modules, "Account"), "account"), (Event, "event")):
        found[f"document of one {title}"] = set(_members(value))
    root = _root_command(modules)
    found["mfa.toml"] = set(_settings(root))
    openapi = yaml.safe_load(CliRunner().invoke(root, ["api"]).output)
    found["openapi"] = set(_document(openapi))
    schema = CliRunner().invoke(_root_command(modules_of("mfa_simulator")), ["schema"]).output
    found["scenario files"] = set(_document(json.loads(schema)))
    return found


# Commands


def _root_command(modules: list[ModuleType]) -> click.Group:
    """Find the group of commands that is in no other group."""
    groups = {id(v): v for module in modules for v in vars(module).values() if isinstance(v, click.Group)}
    nested = {id(command) for group in groups.values() for command in group.commands.values()}
    (root,) = (group for key, group in groups.items() if key not in nested)
    return root


def _commands(command: click.Command, path: str) -> Iterator[str]:
    yield path
    for parameter in command.params:
        names = [*parameter.opts, *parameter.secondary_opts]
        if isinstance(parameter, click.Argument):
            names = [parameter.make_metavar(click.Context(command))]
        environment = [f"${name}" for name in [parameter.envvar] if name]
        choices = [str(choice) for choice in getattr(parameter.type, "choices", ())]
        yield " ".join([path, *sorted(names), *environment, *choices])
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _commands(below, f"{path} {name}")


# Settings of mfa.toml, as the messages about wrong ones list them


def _settings(root: click.Group) -> Iterator[str]:
    yield from _legal(root, 'wrong = 1\nissuer = "x"\nstore = "memory:"\n')
    for kind in _legal(root, _with_identity('kind = "wrong"')):
        yield f"identity.kind = {kind}"
        yield from (f"{kind}: {name}" for name in _legal(root, _with_identity(f'kind = "{kind}"\nwrong = 1')))


def _with_identity(text: str) -> str:
    return f'issuer = "x"\nstore = "memory:"\n[identity]\n{text}\n'


def _legal(root: click.Group, text: str) -> list[str]:
    """Return the names that the error message about a file lists after its last colon."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mfa.toml"
        path.write_text(text, encoding="utf-8")
        message = str(CliRunner().invoke(root, ["check", "--config", str(path)]).exception)
    assert "wrong" in message
    listed = message.partition("wrong")[2].rpartition(": ")[2].partition(";")[0]
    return [] if listed.endswith(" ") else [name.split()[-1] for name in listed.split(", ")]


# Stored documents


def _named(modules: list[ModuleType], name: str) -> type[Any]:
    found = {id(v): v for module in modules for n, v in vars(module).items() if n == name}
    (kind,) = found.values()
    return kind


def _members(hint: Any, path: str = "") -> Iterator[str]:
    """Yield the members of a stored dataclass, with those of the dataclasses in them and their simple types."""
    if get_origin(hint) in (Union, UnionType, tuple):
        many = "[]" if get_origin(hint) is tuple else "?"
        for argument in get_args(hint):
            if argument not in (type(None), Ellipsis):
                yield from _members(argument, path + many)
    elif is_dataclass(hint):
        hints = get_type_hints(hint)
        for field in (each for each in fields(hint) if each.init):
            yield from _members(hints[field.name], f"{path}.{field.name}".lstrip("."))
    elif issubclass(hint, Enum):
        yield f"{path}: {' '.join(str(member.value) for member in hint)}"
    else:
        yield f"{path}: {hint.__name__}"


def _json_members(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield f"{path}.{name}".lstrip(".")
            yield from _json_members(item, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for item in value:
            yield from _json_members(item, f"{path}[]")


def _enum_values(modules: list[ModuleType]) -> Iterator[str]:
    for module in modules:
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Enum) and kind.__module__ == module.__name__:
                yield from (str(member.value) for member in kind)


def _document(value: object, path: str = "") -> Iterator[str]:
    """Yield what a JSON Schema or an OpenAPI document says, without prose."""
    if isinstance(value, dict):
        if path.rpartition("/")[0].endswith("/properties"):
            yield path
        for name, item in value.items():
            # Below "properties" every name is one of the described document.
            if name not in PROSE or path.endswith(("/properties", "/responses")):
                yield from _document(item, f"{path}/{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _document(item, path)
    else:
        yield f"{path} = {value}"


# Keys and metrics


def _key_answers() -> Iterator[str]:
    """Yield what fixed keys make of fixed values: labels of HKDF, forms of values, associated data."""
    ring = RING
    context = _seal_context(store_id="0" * 32, user="user1", field="field")
    yield f"seal: {ring.seal(b'plain', nonce=bytes(12), context=context)}"
    yield f"sign: {ring.sign('purpose', b'message').hex()}"
    yield f"sign value: {ring.sign_value('purpose', b'message')}"
    yield f"fingerprint: {ring.fingerprint('purpose', b'message')}"


def _seal_context(**values: str) -> Any:
    return get_type_hints(KeyRing.seal, vars(__import__(KeyRing.__module__, fromlist=["x"])))["context"](
        **values
    )


def _metrics() -> Iterator[str]:
    registry = prometheus_client.CollectorRegistry()
    PrometheusMetrics(registry)
    for collector in registry._collector_to_names:
        (family,) = collector.collect()
        yield " ".join([family.type, *registry._collector_to_names[collector], *collector._labelnames])


# A user who enrolls and signs in


class _StoppedClock:
    def now(self) -> int:
        return NOW_SECONDS * 1_000_000

    def sleep(self, seconds: float) -> None:
        """Return at once."""


class _SeededEntropy:
    def __init__(self) -> None:
        self._random = random.Random("golden")

    def token_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


class _Portal:
    """An application that remembers which of our environ keys it was given."""

    def __init__(self) -> None:
        self.keys: Lines = set()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.keys |= {key for key in environ if "mfa" in key.lower()}
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"portal"]


def _journey() -> dict[str, Lines]:
    """Enroll, sign in and sign out over JSON, then read the store: names only, no values."""
    portal, told = _Portal(), set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mfa.db"
        application = MfaMiddleware(
            portal,
            issuer="Client Portal",
            identity=RemoteUser(),
            store=f"sqlite:///{path}",
            keys=RING,
            clock=_StoppedClock(),
            entropy=_SeededEntropy(),
        )
        client = Client(application)

        def ask(method: str, url: str, json: object = None, accept: str = "application/json") -> Any:
            answer = client.open(
                url,
                method=method,
                json=json,
                base_url="https://portal.example",
                environ_overrides={"REMOTE_USER": "user1", "REMOTE_ADDR": "192.0.2.1"},
                headers={"Accept": accept},
            )
            told.update(f"{method} {url} {line}" for line in _told(answer))
            return answer

        ask("GET", "/reports", accept="text/html")
        ask("GET", "/reports")
        ask("POST", "/mfa/verify", json={"code": "000000"})
        key = ask("GET", "/mfa/enroll").json["key"]
        ask("POST", "/mfa/enroll", json={"code": pyotp.TOTP(key).at(NOW_SECONDS)})
        ask("GET", "/mfa/recovery-code")
        ask("POST", "/mfa/recovery-code", json={"saved": True})
        ask("GET", "/reports", accept="text/html")
        ask("GET", "/mfa/account")
        ask("POST", "/mfa/sign-out", json={})
        ask("POST", "/mfa/verify", json={"code": "000000"})
        ask("GET", "/mfa/nowhere")
        with closing(sqlite3.connect(path)) as database:
            return {
                "journey: answers": told,
                "journey: environ keys": portal.keys,
                "journey: tables of SQLite": set(_tables(database)),
                "journey: documents": set(_stored(database)),
            }


def _told(answer: Any) -> Iterator[str]:
    yield str(answer.status_code)
    for name, value in answer.headers:
        if name == "Set-Cookie":
            name_value, *attributes = value.split("; ")
            kept = [each for each in attributes if not each.startswith(("Expires", "Max-Age="))]
            yield " ".join([name, name_value.partition("=")[0], *kept])
        else:
            yield f"{name}: {re.sub(r'nonce-[^ ;]+', 'nonce', value)}" if name != "Content-Length" else name
    if answer.is_json:
        yield from (f"member {member}" for member in _json_members(answer.json))
        yield from (f"{name} is {answer.json[name]}" for name in ("type", "outcome") if name in answer.json)


def _tables(database: sqlite3.Connection) -> Iterator[str]:
    for kind, name in database.execute("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL"):
        columns = database.execute(f"PRAGMA {kind}_info({name})").fetchall()
        yield f"{kind} {name}"
        yield from (f"{kind} {name}: {column[1 if kind == 'table' else 2]}" for column in columns)


def _stored(database: sqlite3.Connection) -> Iterator[str]:
    for table in ("accounts", "events"):
        for (body,) in database.execute(f"SELECT body FROM {table}"):  # noqa: S608 - a name of ours
            document = json.loads(body)
            yield from (f"{table}: {member}" for member in _json_members(document))
            yield f"{table}: schema is {document.get('schema')}"
            value = document.get("value", {})
            if table == "events":
                yield f"{table}: kind is {value['kind']}"
                yield from (f"{table}: detail {name}" for name, _ in value.get("details", ()))
