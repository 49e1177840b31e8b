"""Parts that several places share: blocks with parameters, and what another file declares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mfa_simulator.language import document
from mfa_simulator.language.document import Mapping, Node, Scalar, Sequence
from mfa_simulator.problems import Position, Problems

#: The keys whose entries a file may take from another one.
INCLUDED = ("users", "browsers", "blocks")
FILES_MAX = 20


def filled(node: Node, values: dict[str, Node]) -> Node:
    """Give a node with `$NAME` replaced wherever it is a whole value."""
    if isinstance(node, Scalar):
        return values.get(node.text[1:], node) if node.text.startswith("$") else node
    if isinstance(node, Sequence):
        return replace(node, items=tuple(filled(item, values) for item in node.items))
    return replace(node, entries=tuple((key, filled(value, values)) for key, value in node.entries))


def parameters_in(nodes: tuple[Node, ...]) -> dict[str, Scalar]:
    """Give the parameters that steps have, each with one place of it."""
    found: dict[str, Scalar] = {}
    for node in nodes:
        if isinstance(node, Scalar):
            if node.text.startswith("$") and node.text[1:].isidentifier():
                found.setdefault(node.text[1:], node)
        elif isinstance(node, Sequence):
            found = {**parameters_in(node.items), **found}
        else:
            found = {**parameters_in(tuple(value for _, value in node)), **found}
    return found


def with_included(root: Mapping, problems: Problems) -> Mapping:
    """Give a document with the users, browsers and blocks of the files that it includes.

    What the file says itself counts before what it includes. Everything that is included has the place of its
    `include`, since it is in no line of this file.
    """
    node = root.get("include")
    if node is None:
        return root
    paths = node.items if isinstance(node, Sequence) else (node,)
    if len(paths) > FILES_MAX or not all(isinstance(path, Scalar) for path in paths):
        message = f"include is the path of a file, or a list of at most {FILES_MAX} paths"
        problems.add(node.position, message, "wrong-shape")
        return root
    parts = {key: root.get(key) for key in INCLUDED}
    for path in paths:
        other = _read(path, problems) if isinstance(path, Scalar) else None
        for key, value in other or ():
            if key.text not in INCLUDED:
                message = f'"{key.text}" cannot be included; what can be is: {", ".join(INCLUDED)}'
                problems.add(path.position, message, "unknown-key")
                continue
            parts[key.text] = _merged(parts[key.text], value)
    kept = tuple(entry for entry in root.entries if entry[0].text not in ("include", *INCLUDED))
    place = node.position
    new = tuple(
        (Scalar(position=place, text=key, plain=True), value)
        for key, value in parts.items()
        if value is not None
    )
    return replace(root, entries=(*kept, *new))


def _read(path: Scalar, problems: Problems) -> Mapping | None:
    file = Path(problems.file).parent / path.text
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        problems.add(path.position, f"{path.text} cannot be included: {reason}", "unreadable-file")
        return None
    own = Problems(file=str(file), lines=text.splitlines())
    root = document.compose(text, own)
    for problem in own.found:
        message = f"{path.text}:{problem.position.line}: {problem.message}"
        problems.add(path.position, message, problem.rule)
    if not isinstance(root, Mapping):
        if not own.found:
            problems.add(path.position, f"{path.text} is no mapping of {', '.join(INCLUDED)}", "wrong-shape")
        return None
    moved = _moved(root, path.position)
    return moved if isinstance(moved, Mapping) else None


def _moved(node: Node, position: Position) -> Node:
    if isinstance(node, Scalar):
        return replace(node, position=position, start=0, end=0)
    if isinstance(node, Sequence):
        items = tuple(_moved(item, position) for item in node.items)
        return replace(node, position=position, items=items, start=0, end=0)
    entries = tuple(
        (replace(key, position=position, start=0, end=0), _moved(value, position)) for key, value in node
    )
    return replace(node, position=position, entries=entries, start=0, end=0)


def _merged(mine: Node | None, other: Node) -> Node:
    if not isinstance(mine, Mapping) or not isinstance(other, Mapping):
        return mine if mine is not None else other
    known = {key.text for key, _ in mine}
    return replace(
        mine, entries=(*mine.entries, *(entry for entry in other.entries if entry[0].text not in known))
    )
