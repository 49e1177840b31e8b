"""The mutants: every comparison, constant and call of the middleware's rules and pages, each changed in one way.

They are not chosen by hand. :func:`sites` lists every place in ``core`` and ``web`` that can be changed, and
:func:`chosen` draws some of them by a seed, so that the choice favors no rule. A comparison becomes its neighbor at
the boundary or its opposite, a number one more, a truth value the other one. A call is dropped where it stands alone,
and where its result replaces its own first argument, as in ``account = without_expired(account, context)``.
"""

from __future__ import annotations

import ast
import random
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PARTS = ("core", "web")
_OTHER: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_NEVER_RUN = {"TYPE_CHECKING", "__name__"}
_LOG = ("logger.", "logging.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One change of one place; ``old`` and ``new`` are what stands there, ``start`` and ``end`` offsets in bytes."""

    module: str
    line: int
    kind: str
    old: str
    new: str
    start: int
    end: int
    likely: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The change in words."""
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{self.module}:{self.line}: {self.kind}: {old} -> {new}"

    @property
    def full_name(self) -> str:
        """The dotted name of the module that is changed."""
        return f"wsgi_mfa.{self.module}"

    def path(self, package: Path) -> Path:
        """Return the file of the module in ``package``."""
        base = package.joinpath(*self.module.split("."))
        return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")

    def applied(self, package: Path) -> str:
        """Return the text of the module with the change in it.

        :raises ValueError: the file holds something else in that place.
        """
        source = self.path(package).read_bytes()
        if source[self.start : self.end].decode() != self.old:
            raise ValueError(f"{self.module}:{self.line} has changed")
        return (source[: self.start] + self.new.encode() + source[self.end :]).decode()


def chosen(package: Path, *, seed: int, count: int) -> list[Mutant]:
    """Return ``count`` mutants drawn by ``seed`` from all of them, in the order of the draw."""
    every = sites(package)
    return random.Random(seed).sample(every, min(count, len(every)))


def sites(package: Path) -> list[Mutant]:
    """Return every mutant of the middleware, by module and line."""
    files = sorted(path for part in PARTS for path in (package / part).rglob("*.py"))
    return [mutant for path in files for mutant in _sites_of(path, _dotted(path.relative_to(package)))]


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _sites_of(path: Path, module: str) -> Iterator[Mutant]:
    source = path.read_bytes()
    begins = [0]
    for line in source.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))
    tree, seen = ast.parse(source), set()
    skipped = _skipped(tree)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        for kind, start, end, new in _changes(node, _Text(source, begins)):
            old = source[start:end].decode()
            if (start, end, new) in seen or not _compiles(source, start, end, new):
                continue
            seen.add((start, end, new))
            line = source.count(b"\n", 0, start) + 1
            yield Mutant(module=module, line=line, kind=kind, old=old, new=new, start=start, end=end)


def _compiles(source: bytes, start: int, end: int, new: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source[:start] + new.encode() + source[end:], "mutant", "exec", dont_inherit=True)
        except SyntaxError:
            return False
    return True


def _skipped(tree: ast.AST) -> set[int]:
    """Return what does nothing when it runs: annotations, decorators, and blocks for the type checker."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [each for each in ast.walk(node.args) if isinstance(each, ast.arg)]
            parts = [node.returns, *node.decorator_list, *(argument.annotation for argument in arguments)]
        elif isinstance(node, ast.ClassDef):
            parts = [*node.decorator_list]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id in _NEVER_RUN:
            parts = [*node.body]
        for part in parts:
            found |= {id(inner) for inner in ast.walk(part)} if part is not None else set()
    return found


class _Text:
    """The text of a module, and where each node of its tree stands in it."""

    def __init__(self, source: bytes, begins: list[int]) -> None:
        self._source = source
        self._begins = begins

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        end_line, end_column = node.end_lineno or 1, node.end_col_offset or 0
        return self._begins[node.lineno - 1] + node.col_offset, self._begins[end_line - 1] + end_column

    def of(self, start: int, end: int) -> str:
        return self._source[start:end].decode()


def _changes(node: ast.AST, text: _Text) -> Iterator[tuple[str, int, int, str]]:
    """Yield ``kind, start, end, new text`` of each change of one node."""
    if isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            start, end = text.span(left)[1], text.span(right)[0]
            (symbol, other), between = _OTHER[type(operator)], text.of(start, end)
            if between.count(symbol) == 1:
                yield "comparison", start, end, between.replace(symbol, other)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "constant", *text.span(node), str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield "constant", *text.span(node), str(node.value + 1)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        start, end = text.span(node)
        if not text.of(start, end).startswith(_LOG):  # what is logged is no behavior that a client sees
            yield "dropped call", start, end, "pass"
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        target, call = node.targets[0], node.value
        first = call.args[0] if call.args else None
        if isinstance(target, ast.Name) and isinstance(first, ast.Name) and target.id == first.id:
            yield "dropped call", *text.span(call), first.id
