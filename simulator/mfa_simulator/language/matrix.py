"""A matrix: one file that stands for several scenarios, each with other values at a few places."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

from mfa_simulator.language.document import Mapping, Node, Scalar, Sequence
from mfa_simulator.language.format.invariant_names import INVARIANTS
from mfa_simulator.language.format.kinds import UnreadableError
from mfa_simulator.language.format.tables import NETWORK, TOP
from mfa_simulator.language.policy_settings import FIELDS
from mfa_simulator.problems import Problems, did_you_mean, meant_or_legal

ROWS_MAX = 1000
Row = dict[str, Node]


def rows(root: Mapping, problems: Problems) -> list[tuple[str, Mapping]]:
    """Give every row's label and its document; without a matrix one row with an empty label."""
    matrix = root.get("matrix")
    if matrix is None:
        return [("", root)]
    plain = replace(root, entries=tuple(entry for entry in root.entries if entry[0].text != "matrix"))
    try:
        table = [_filled(row, plain) for row in _combinations(matrix, plain, problems)]
    except UnreadableError as error:
        problems.add(error.position, str(error), error.rule)
        return [("", plain)]
    return table


def _combinations(matrix: Node, root: Mapping, problems: Problems) -> list[Row]:
    if not isinstance(matrix, Mapping):
        raise UnreadableError(
            matrix.position, "matrix is a mapping such as {policy.steps_back: [0, 1]}", "matrix"
        )
    axes: list[list[tuple[str, Node]]] = []
    for name, value in matrix:
        if name.text in ("include", "exclude"):
            continue
        if not isinstance(value, Sequence) or not value.items:
            raise UnreadableError(value.position, f'matrix: "{name.text}" needs a list of values', "matrix")
        if not _is_place(name, root, problems):
            continue
        axes.append([(name.text, item) for item in value.items])
    found = [dict(row) for row in itertools.islice(itertools.product(*axes), ROWS_MAX + 1)] if axes else []
    if len(found) > ROWS_MAX:
        raise UnreadableError(matrix.position, f"matrix: more than {ROWS_MAX} rows", "matrix")
    excluded, included = _maps(matrix, "exclude"), _maps(matrix, "include")
    varied = [name.text for name, _ in matrix if name.text not in ("include", "exclude")]
    for name in (name for rule in excluded for name, _ in rule if name.text not in varied):
        legal = f"; it varies: {', '.join(varied) or 'nothing'}.{did_you_mean(name.text, varied)}"
        problems.add(name.position, f'matrix: exclude is about "{name.text}"{legal}', "matrix")
    places = [[(name, value) for name, value in row if _is_place(name, root, problems)] for row in included]
    kept = [row for row in found if not any(_covers(rule, row) for rule in excluded)]
    result = kept + [{name.text: value for name, value in row} for row in places]
    if not result and not problems.found:
        raise UnreadableError(matrix.position, "matrix: no row is left", "matrix")
    return result or [{}]


def _is_place(name: Scalar, root: Mapping, problems: Problems) -> bool:
    """Whether a name is a place of the file that a value can be put at; what is wrong with it is noted."""
    first, *rest = name.text.split(".")
    legal: Iterable[str] = TOP
    at, what = first, "a file has no"
    if first in TOP:
        users = root.get("users")
        named = [user.text for user, _ in users] if isinstance(users, Mapping) else []
        tables: dict[str, Iterable[str]] = {
            "policy": FIELDS,
            "network": [key.name for key in NETWORK],
            "always": INVARIANTS,
            "users": named,
        }
        if not rest or first not in tables or rest[0] in tables[first]:
            return True
        legal, at, what = tables[first], rest[0], f"{first} has no"
    hint = meant_or_legal(at, legal, what="Legal")
    problems.add(name.position, f'matrix: "{name.text}": {what} "{at}".{hint}', "matrix")
    return False


def _maps(matrix: Mapping, key: str) -> list[Mapping]:
    node = matrix.get(key)
    if node is None:
        return []
    if not isinstance(node, Sequence) or not all(isinstance(item, Mapping) for item in node.items):
        raise UnreadableError(
            node.position, f"matrix: {key} is a list of mappings such as [{{policy.steps_back: 2}}]", "matrix"
        )
    return [item for item in node.items if isinstance(item, Mapping)]


def _covers(rule: Mapping, row: Row) -> bool:
    return all(name.text in row and _text(row[name.text]) == _text(value) for name, value in rule)


def _text(node: Node) -> str:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return f"[{', '.join(_text(item) for item in node.items)}]"
    return f"{{{', '.join(f'{name.text}: {_text(value)}' for name, value in node)}}}"


def _filled(row: Row, root: Mapping) -> tuple[str, Mapping]:
    document = root
    for name, value in row.items():
        document = _with(document, name.split("."), value)
    return ", ".join(f"{name}={_text(value)}" for name, value in row.items()), document


def _with(mapping: Mapping, path: list[str], value: Node) -> Mapping:
    """Put a value at a path of keys; what is missing on the way is made."""
    first, *rest = path
    old = mapping.get(first)
    inner = old if isinstance(old, Mapping) else Mapping(position=value.position, entries=())
    new = _with(inner, rest, value) if rest else value
    if old is None:
        key = Scalar(position=value.position, text=first, plain=True)
        return replace(mapping, entries=(*mapping.entries, (key, new)))
    return replace(
        mapping, entries=tuple((key, new if key.text == first else node) for key, node in mapping.entries)
    )
