"""A matrix: one file that stands for several scenarios, each with other values at a few places."""

from __future__ import annotations

import itertools
from dataclasses import replace

from mfa_simulator.document import Mapping, Node, Scalar, Sequence
from mfa_simulator.format.kinds import UnreadableError
from mfa_simulator.format.tables import TOP
from mfa_simulator.problems import Problems

ROWS_MAX = 1000
Row = dict[str, Node]


def rows(root: Mapping, problems: Problems) -> list[tuple[str, Mapping]]:
    """Give every row's label and its document; without a matrix one row with an empty label."""
    matrix = root.get("matrix")
    if matrix is None:
        return [("", root)]
    plain = replace(root, entries=tuple(entry for entry in root.entries if entry[0].text != "matrix"))
    try:
        table = [_filled(row, plain) for row in _combinations(matrix)]
    except UnreadableError as error:
        problems.add(error.position, str(error), error.rule)
        return [("", plain)]
    return table


def _combinations(matrix: Node) -> list[Row]:
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
        if name.text.split(".")[0] not in TOP:
            raise UnreadableError(
                name.position,
                f'matrix: "{name.text}" must begin with a key of the file, such as policy.',
                "matrix",
            )
        axes.append([(name.text, item) for item in value.items])
    found = [dict(row) for row in itertools.islice(itertools.product(*axes), ROWS_MAX + 1)] if axes else []
    if len(found) > ROWS_MAX:
        raise UnreadableError(matrix.position, f"matrix: more than {ROWS_MAX} rows", "matrix")
    excluded = _maps(matrix, "exclude")
    kept = [row for row in found if not any(_covers(rule, row) for rule in excluded)]
    result = kept + _maps(matrix, "include")
    if not result:
        raise UnreadableError(matrix.position, "matrix: no row is left", "matrix")
    return result


def _maps(matrix: Mapping, key: str) -> list[Row]:
    node = matrix.get(key)
    if node is None:
        return []
    if not isinstance(node, Sequence) or not all(isinstance(item, Mapping) for item in node.items):
        raise UnreadableError(
            node.position, f"matrix: {key} is a list of mappings such as [{{policy.steps_back: 2}}]", "matrix"
        )
    return [{name.text: value for name, value in item} for item in node.items if isinstance(item, Mapping)]


def _covers(rule: Row, row: Row) -> bool:
    return all(name in row and _text(row[name]) == _text(value) for name, value in rule.items())


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
