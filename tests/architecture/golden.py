"""Collect every string that leaves the process: stored, signed, sealed, counted, logged, or seen by a client.

``python tests/architecture/golden.py`` writes what it finds to ``golden.txt`` beside this file. Run it only after a
string was changed on purpose, and explain in the commit each line that changes: stored accounts, cookies, dashboards
and scripts of operators depend on these strings. ``git checkout --theirs`` and another run end a merge conflict.

Two kinds of sections complement each other. Some are found by execution: the commands are walked, the codec's types
are inspected, a store is made, a user enrolls and signs in. The others are read from the source: every string without
a blank that is not the name of something in Python. No module or class is named here, so that a move or a rename
changes nothing.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

FILE = Path(__file__).with_name("golden.txt")
PACKAGES = ("wsgi_mfa", "mfa_simulator")
HEADER = "# Made by `python tests/architecture/golden.py`, which tells when to run it.\n"

# Calls whose string arguments name something in Python, and not data.
_NAMING_CALLS = {
    "getattr", "setattr", "hasattr", "delattr", "__setattr__", "__delattr__", "attrgetter", "methodcaller",
    "TypeVar", "ParamSpec", "NewType", "cast", "import_module", "find_spec", "files", "PackageLoader",
}  # fmt: skip
_NAMING_TARGETS = {"__slots__", "__all__", "__match_args__"}
_SHAPES = (
    ("names of environ keys and environment variables", re.compile(r"[A-Z][A-Z0-9_*{}]*_[A-Z0-9_*{}]*")),
    ("dotted words", re.compile(r"[a-z_{}]+(\.[a-z0-9_{}]+)+|\.[a-z_]+|[a-z_]+\.")),
    ("paths", re.compile(r"/\S*")),
    ("words", re.compile(r"[a-z0-9_]+")),
    ("other", re.compile(r"\S+")),
)
_ATTRIBUTES = re.compile(
    r"""\b(name|action|formaction|href|value|type|id|autocomplete|data-[a-z-]+)="([^"]*)\""""
)


def collected() -> dict[str, set[str]]:
    """Return all sections: their titles with their lines."""
    sections: dict[str, set[str]] = {}
    for package in PACKAGES:
        for title, tokens in by_shape(tokens_of_package(package)).items():
            sections[f"{package}: {title}"] = tokens
        loggers = (name for source in sources_of(package) for name in loggers_of(source))
        sections[f"{package}: loggers"] = set(loggers)
    sections["wsgi_mfa: templates"] = set(template_attributes("wsgi_mfa"))
    executed = _executed()
    return {**executed.sections(modules_of), **sections}


def _executed() -> ModuleType:
    """Load the other half of this tool, which is no package."""
    spec = importlib.util.spec_from_file_location("golden_executed", FILE.with_name("golden_executed.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their annotations
    spec.loader.exec_module(module)
    return module


def text_of(sections: dict[str, set[str]]) -> str:
    """Write the sections as the text of the file."""
    parts = [HEADER]
    for title, lines in sorted(sections.items()):
        parts.append(f"\n[[{title}]]\n")
        parts += [f"{line}\n" for line in sorted(escaped(line) for line in lines)]
    return "".join(parts)


def read(text: str) -> dict[str, set[str]]:
    """Read what :func:`text_of` wrote, in any order of lines."""
    sections: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in text.splitlines():
        if line.startswith("[[") and line.endswith("]]"):
            current = sections.setdefault(line[2:-2], set())
        elif line and not line.startswith("# "):
            current.add(line)
    return sections


def changes(golden: dict[str, set[str]], present: dict[str, set[str]]) -> list[str]:
    """Return one line for each string that is gone, with a minus, or that is new, with a plus."""
    found = []
    for title in sorted({*golden, *present}):
        old, new = golden.get(title, set()), {escaped(line) for line in present.get(title, set())}
        found += [f"- {title}: {line}" for line in sorted(old - new)]
        found += [f"+ {title}: {line}" for line in sorted(new - old)]
    return found


def escaped(line: str) -> str:
    return line.encode("unicode_escape").decode("ascii")


def modules_of(package: str) -> list[ModuleType]:
    """Import all modules of a package but those that start a program."""
    folder = importlib.import_module(package).__path__
    names = [found.name for found in pkgutil.walk_packages(folder, prefix=f"{package}.")]
    return [importlib.import_module(name) for name in sorted(names) if not name.endswith(".__main__")]


def sources_of(package: str) -> Iterator[str]:
    for folder in importlib.import_module(package).__path__:
        for path in sorted(Path(folder).rglob("*.py")):
            yield path.read_text(encoding="utf-8")


def tokens_of_package(package: str) -> set[str]:
    own = {package, *(module.__name__ for module in modules_of(package))}
    return {token for source in sources_of(package) for token in tokens_of(source)} - own


def loggers_of(source: str) -> Iterator[str]:
    """Yield the names of loggers, which may be names of modules too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _called(node.func) == "getLogger":
            yield from (each.value for each in node.args if isinstance(each, ast.Constant))


def tokens_of(source: str) -> set[str]:
    """Return the strings of a module that are data: without a blank, and no name of something in Python.

    An f-string is one token, with ``{}`` for each value in it.
    """
    tree = ast.parse(source)
    slots = {name for name in _slots(tree) if name.startswith("_")}
    passed_over = {id(node) for root in _naming_nodes(tree) for node in ast.walk(root)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in passed_over:
            continue
        if isinstance(node, ast.JoinedStr):
            found.add("".join(_parts(node)))
            passed_over |= {id(part) for part in node.values}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            value = node.value
            found.add(value if isinstance(value, str) else value.decode("latin-1"))
    return {token for token in found - slots if _is_data(token)}


def _is_data(token: str) -> bool:
    """Pass over prose, punctuation, regular expressions and numbers of requirements."""
    return (
        re.search(r"[\s\\\[(]", token) is None
        and len(re.findall(r"[A-Za-z0-9]", token)) > 1
        and re.fullmatch(r"[RD][0-9]+", token) is None
    )


def _slots(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__":
            yield from (each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant))


def _parts(node: ast.JoinedStr) -> Iterator[str]:
    for part in node.values:
        yield str(part.value) if isinstance(part, ast.Constant) else "{}"


def _naming_nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Find the parts of a module in which a string is a name, a type or prose."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value  # a docstring
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            if names & _NAMING_TARGETS and node.value is not None:
                yield node.value
            if isinstance(node, ast.AnnAssign):
                yield node.annotation
        elif isinstance(node, ast.arg) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield node.returns
        elif isinstance(node, ast.Call) and _called(node.func) in _NAMING_CALLS:
            yield from (each for each in node.args if isinstance(each, ast.Constant))


def _called(function: ast.expr) -> str:
    return getattr(function, "attr", None) or getattr(function, "id", "")


def by_shape(tokens: Iterable[str]) -> dict[str, set[str]]:
    """Sort tokens into sections, for people who read the file."""
    sections: dict[str, set[str]] = {title: set() for title, _ in _SHAPES}
    for token in tokens:
        title = next(title for title, shape in _SHAPES if shape.fullmatch(token))
        sections[title].add(token)
    return sections


def template_attributes(package: str) -> Iterator[str]:
    """Yield the names and values of forms and links in the templates."""
    for folder in importlib.import_module(package).__path__:
        for path in sorted(Path(folder).rglob("*.html")):
            for name, value in _ATTRIBUTES.findall(path.read_text(encoding="utf-8")):
                yield f"{name}={value}"


if __name__ == "__main__":
    FILE.write_text(text_of(collected()), encoding="utf-8")
    print(f"wrote {FILE}")
