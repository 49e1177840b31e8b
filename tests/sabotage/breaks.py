"""The breaks: each a small change of one rule of the middleware, by name."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
BREAKS = HERE / "breaks"
SCENARIOS = HERE.parents[1] / "fixtures" / "scenarios"
SUFFIX = ".mfa.yaml"
PACKAGE = "wsgi_mfa"
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """One broken rule: ``name`` says what is wrong then, and ``area`` is the file that it is written in.

    In ``function`` of ``module`` the text ``old`` becomes ``new``. The module is named below the package, and the
    function by its qualified name; without one the whole module is searched. ``likely`` are the scenarios that should
    notice.
    """

    area: str
    name: str
    module: str
    function: str = ""
    old: str
    new: str
    likely: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """The dotted name of the module that is changed."""
        return f"{PACKAGE}.{self.module}"

    def path(self, package: Path) -> Path:
        """Return the file of the module in ``package``."""
        return package.joinpath(*self.module.split(".")).with_suffix(".py")

    def applied(self, package: Path) -> str:
        """Return the text of the module with the change in it.

        :raises ValueError: the function is not there, it does not hold the text exactly once, or nothing is changed.
        :raises SyntaxError: the changed text is no Python.
        """
        text = self.path(package).read_text(encoding="utf-8")
        start, end = span_of(text, self.function)
        where = f"{self.module}:{self.function}" if self.function else self.module
        count = text.count(self.old, start, end)
        if count != 1:
            raise ValueError(f"{where} has this {count} times: {self.old.strip()!r}")
        changed = text[:start] + text[start:end].replace(self.old, self.new) + text[end:]
        if changed == text:
            raise ValueError(f"the change of {where} changes nothing")
        compile(changed, str(self.path(package)), "exec", dont_inherit=True)
        return changed


def span_of(text: str, function: str) -> tuple[int, int]:
    """Return where ``function``, a qualified name, begins and ends in ``text``; all of it for an empty name.

    :raises ValueError: there is no such function or class.
    """
    if not function:
        return 0, len(text)
    node: ast.AST = ast.parse(text)
    for name in function.split("."):
        node = next(
            (each for each in ast.walk(node) if isinstance(each, DEFINITIONS) and each.name == name), node
        )
        if not isinstance(node, DEFINITIONS) or node.name != name:
            raise ValueError(f"there is no {function}")
    lines = text.splitlines(keepends=True)
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    # The line break before it belongs to it, so that a text may begin with one.
    start = max(sum(map(len, lines[: first - 1])) - 1, 0)
    return start, sum(map(len, lines[: node.end_lineno]))


def read_breaks(folder: Path = BREAKS) -> list[Break]:
    """All breaks, by file and in the order in which they stand there."""
    return [
        Break(area=path.stem, **{**table, "likely": tuple(table["likely"])})
        for path in sorted(folder.glob("*.toml"))
        for table in tomllib.loads(path.read_text(encoding="utf-8"))["break"]
    ]


def package_folder() -> Path:
    """Where the middleware is that is to be broken: the one that Python finds."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{PACKAGE} is not installed")
    return Path(spec.origin).parent


def misfits(breaks: Sequence[Break], package: Path) -> Iterator[str]:
    """Why a break does not fit the middleware and the catalogue, for each one that does not."""
    for broken in breaks:
        try:
            broken.applied(package)
        except (OSError, ValueError, SyntaxError) as error:
            yield f"{broken.area}.toml: {broken.name}: {error}"
        for story in broken.likely:
            if not (SCENARIOS / f"{story}{SUFFIX}").exists():
                yield f"{broken.area}.toml: {broken.name}: there is no scenario {story}"
