"""Make ``requirements.md``: what must hold, and the tests that show it by their ``requirement`` markers.

``tox run -e pages`` writes it; the page is not committed. Tests hold ``requirements.toml`` and the markers together.
The tests are read as text, so that no test has to be importable here.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
PAGE = HERE / "requirements.md"
TESTS = HERE.parent / "tests"
HEAD = """\
# Requirements, and the tests that show them

Made by `python docs/requirements.py` from `docs/requirements.toml` and the markers in the tests: change those.
R are requirements of security, D decisions where there were two ways. **Not met** and **partly** say what is missing,
and **amended** why a requirement is no longer what its source says.

| id | what must hold | shown by |
|---|---|---|
"""

Data = dict[str, dict[str, str]]


def read_data() -> Data:
    """The tables ``holds``, ``amended``, ``not_met`` and ``partly``, each from an id to its line."""
    return tomllib.loads((HERE / "requirements.toml").read_text(encoding="utf-8"))


def read_markers(tests: Path = TESTS) -> dict[str, list[tuple[str, str]]]:
    """Id -> the tests that are marked with it, as (file below ``tests``, name).

    :raises ValueError: a marker has an argument that is not written out as text.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        file = path.relative_to(tests).as_posix()
        whole = [
            name
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
            for name in ids_in(node.value, file)
        ]
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                own = [name for decorator in node.decorator_list for name in ids_in(decorator, file)]
                for name in dict.fromkeys([*whole, *own]):
                    found.setdefault(name, []).append((file, node.name))
    return found


def ids_in(node: ast.expr, file: str) -> list[str]:
    """The ids in the ``requirement`` markers of one expression."""
    ids = []
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.requirement":
            for argument in call.args:
                if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                    raise ValueError(
                        f"tests/{file}:{call.lineno}: write the ids of a requirement out as text"
                    )
                ids.append(argument.value)
    return ids


def page(data: Data, markers: dict[str, list[tuple[str, str]]]) -> str:
    """The whole page in Markdown."""
    rows = []
    for name, line in data["holds"].items():
        shown = [f"[{Path(file).name}::{test}](../tests/{file})" for file, test in markers.get(name, [])]
        if name in data["not_met"]:
            shown.insert(0, f"**not met**: {data['not_met'][name]}")
        if name in data["partly"]:
            shown.insert(0, f"**partly**: {data['partly'][name]}")
        if name in data["amended"]:
            shown.insert(0, f"**amended**: {data['amended'][name]}")
        rows.append(f"| {name} | {line} | {'<br>'.join(shown)} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(read_data(), read_markers()), encoding="utf-8")
