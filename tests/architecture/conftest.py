"""The source of the three packages, read once: what each module imports and which names it reaches."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGES = {
    "wsgi_mfa": "middleware/wsgi_mfa",
    "mfa_simulator": "simulator/mfa_simulator",
    "legacy_portals": "fixtures/legacy_portals",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One imported module, and the name taken from it (``None`` for a plain ``import``)."""

    module: str
    name: str | None
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """One source file; ``reached`` holds dotted names with import aliases resolved, as ``time.time``.

    ``classes`` holds the name of each class, nested ones too, and its line.
    """

    name: str
    path: Path
    line_count: int
    imports: tuple[Import, ...]
    reached: tuple[tuple[str, int], ...]
    classes: tuple[tuple[str, int], ...]

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]


@pytest.fixture(scope="session")
def modules(root: Path) -> tuple[Module, ...]:
    """All modules of the three packages, read as text: nothing is imported."""
    found = [
        parse(
            path.read_text(encoding="utf-8"), name=dotted(path.relative_to(root / folder), package), path=path
        )
        for package, folder in PACKAGES.items()
        for path in sorted((root / folder).rglob("*.py"))
    ]
    assert {module.package for module in found} == set(PACKAGES)
    return tuple(found)


@pytest.fixture(scope="session")
def read_source() -> Callable[..., Module]:
    """``read_source(text, name="wsgi_mfa.core.x")``: a module that is no file."""

    def read(text: str, *, name: str) -> Module:
        return parse(text, name=name, path=Path(f"{name.rpartition('.')[2]}.py"))

    return read


def dotted(relative: Path, package: str) -> str:
    parts = (package, *relative.with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def parse(text: str, *, name: str, path: Path) -> Module:
    tree = ast.parse(text, filename=str(path))
    imports = tuple(found for node in ast.walk(tree) for found in imported(node, name, path))
    aliases = {alias: full for node in ast.walk(tree) for alias, full in bound(node)}
    reached = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            head, dot, rest = written(node).partition(".")
            if head in aliases:
                reached.append((aliases[head] + dot + rest, node.lineno))
    return Module(
        name=name,
        path=path,
        line_count=len(text.splitlines()),
        imports=imports,
        reached=tuple(reached),
        classes=tuple((node.name, node.lineno) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)),
    )


def imported(node: ast.AST, module: str, path: Path) -> list[Import]:
    if isinstance(node, ast.Import):
        return [Import(module=alias.name, name=None, line=node.lineno) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        source = absolute(node, module, path)
        return [Import(module=source, name=alias.name, line=node.lineno) for alias in node.names]
    return []


def absolute(node: ast.ImportFrom, module: str, path: Path) -> str:
    if not node.level:
        return node.module or ""
    above = module.split(".")
    above = above[: len(above) - node.level + (path.name == "__init__.py")]
    return ".".join([*above, *([node.module] if node.module else [])])


def bound(node: ast.AST) -> list[tuple[str, str]]:
    """The names that an import statement binds, with what each stands for."""
    if isinstance(node, ast.Import):
        return [
            (
                alias.asname or alias.name.partition(".")[0],
                alias.name if alias.asname else alias.name.partition(".")[0],
            )
            for alias in node.names
        ]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [(alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names]
    return []


def written(node: ast.expr) -> str:
    """``a.b.c`` for a chain of attributes that begins with a name, else an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = written(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""
