"""The mutants: every comparison, constant and call of the middleware's rules and pages, each changed in one way.

They are not written by hand. :func:`sites` lists every place in ``core`` and ``web`` that can be changed, and
:func:`chosen` draws some of them by a seed, so that the choice favors no rule.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PARTS = ("core", "web")
#: A comparison becomes its neighbor at the boundary, or else its opposite.
_OTHER: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
_NEVER_RUN = {"TYPE_CHECKING", "__name__"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One change of one place; ``old`` and ``new`` are what stands there, ``start`` and ``end`` offsets in bytes."""

    file: str
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
        return f"{self.file}:{self.line}: {self.kind}: {old} -> {new}"

    @property
    def module(self) -> str:
        """The dotted name of the module that is changed."""
        return ".".join(("wsgi_mfa", *Path(self.file).with_suffix("").parts))

    def applied(self, package: Path) -> str:
        """The text of the file with the change in it.

        :raises ValueError: the file holds something else in that place.
        """
        source = (package / self.file).read_bytes()
        if source[self.start : self.end].decode() != self.old:
            raise ValueError(f"{self.file}:{self.line} has changed")
        return (source[: self.start] + self.new.encode() + source[self.end :]).decode()


def chosen(package: Path, *, seed: int, count: int) -> list[Mutant]:
    """``count`` mutants drawn by ``seed`` from all of them, in the order of the draw."""
    every = sites(package)
    return random.Random(seed).sample(every, min(count, len(every)))


def sites(package: Path) -> list[Mutant]:
    """Every mutant of the middleware, by file and line."""
    files = sorted(path for part in PARTS for path in (package / part).rglob("*.py"))
    return [mutant for path in files for mutant in _sites_of(path, path.relative_to(package).as_posix())]


def _sites_of(path: Path, file: str) -> Iterator[Mutant]:
    source = path.read_bytes()
    begins = [0]
    for line in source.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))

    def place(node: ast.AST) -> tuple[int, int]:
        assert isinstance(node, (ast.expr, ast.stmt))
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return begins[node.lineno - 1] + node.col_offset, begins[node.end_lineno - 1] + node.end_col_offset

    seen: set[tuple[int, int, str]] = set()
    tree = ast.parse(source)
    skipped = _skipped(tree)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        for kind, (start, end), new in _changes(node, place, source):
            old = source[start:end].decode()
            if (start, end, new) in seen or old == new:
                continue
            seen.add((start, end, new))
            text = (source[:start] + new.encode() + source[end:]).decode()
            try:
                compile(text, file, "exec", dont_inherit=True)
            except SyntaxError:
                continue
            line = source.count(b"\n", 0, start) + 1
            yield Mutant(file=file, line=line, kind=kind, old=old, new=new, start=start, end=end)


def _skipped(tree: ast.AST) -> set[int]:
    """What does nothing when it runs: annotations, subscripts of types, blocks for the type checker."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            parts = [
                node.returns,
                *(argument.annotation for argument in ast.walk(node.args) if isinstance(argument, ast.arg)),
            ]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id in _NEVER_RUN:
            parts = [*node.body]
        for part in parts:
            found |= {id(inner) for inner in ast.walk(part)} if part is not None else set()
    # The arguments of decorators shape a class for tools, not what it does.
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found |= {id(inner) for decorator in node.decorator_list for inner in ast.walk(decorator)}
    return found


def _changes(node, place, source):  # type: ignore[no-untyped-def]
    """``(kind, place, new text)`` of each change of one node."""
    if isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            start, end = place(left)[1], place(right)[0]
            between = source[start:end].decode()
            symbol = _symbol(operator)
            if between.count(symbol) == 1:
                yield "comparison", (start, end), between.replace(symbol, _OTHER[type(operator)])
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "constant", place(node), str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield "constant", place(node), str(node.value + 1)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "dropped call", place(node), "pass"
    elif isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Starred):
        start, end = place(node.args[0])
        yield "dropped call", place(node), f"({source[start:end].decode()})"


def _symbol(operator: ast.cmpop) -> str:
    return next(symbol for kind, symbol in _SYMBOLS if isinstance(operator, kind))


_SYMBOLS: tuple[tuple[type[ast.cmpop], str], ...] = (
    (ast.Lt, "<"),
    (ast.LtE, "<="),
    (ast.Gt, ">"),
    (ast.GtE, ">="),
    (ast.Eq, "=="),
    (ast.NotEq, "!="),
    (ast.IsNot, "is not"),
    (ast.Is, "is"),
    (ast.NotIn, "not in"),
    (ast.In, "in"),
)
