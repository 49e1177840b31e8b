"""The words of the glossary are used, and the earlier dialect is not: in names, docstrings, comments, messages, docs.

``vocabulary.toml`` holds the words, ``vocabulary_not_rewritten.txt`` the files that still have some of them.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.any_python

HERE = Path(__file__).parent
TABLES = tomllib.loads((HERE / "vocabulary.toml").read_text(encoding="utf-8"))
NOT_REWRITTEN = HERE / "vocabulary_not_rewritten.txt"
SOURCES = ("middleware/wsgi_mfa", "simulator/mfa_simulator")
# Built from the requirements, whose numbers they are about, or from the titles of the stories.
BUILT = {"docs/requirements.md", "docs/catalogue.md"}
REQUIREMENT = re.compile(r"(?<![\w-])[RD][1-9][0-9]?(?![\w-])")


def pattern(word: str) -> re.Pattern[str]:
    """Match a word alone, in snake_case and in CamelCase, its parts in any spelling of the blank."""
    lower = r"[\s_-]+".join(map(re.escape, word.split()))
    camel = "".join(part.capitalize() for part in re.split(r"[\s-]", word))
    return re.compile(rf"(?<![A-Za-z])(?i:{lower})(?![a-z])|{camel}(?![a-z])")


WORDS = {word: (pattern(word), instead) for word, instead in TABLES["words"].items()}
HEADING = re.compile(
    r"^\s*(Args|Arguments|Parameters|Returns|Yields|Raises|Attributes|Example)s?:$", re.MULTILINE
)
OPENINGS = re.compile(rf"({'|'.join(TABLES['docstring_openings']['words'])})\b")


def old_words(text: str) -> Iterator[str]:
    """Yield one line for each old word in a text, with its place."""
    for number, line in enumerate(without_data(text).splitlines(), start=1):
        for word, (found, instead) in WORDS.items():
            if found.search(line):
                yield f"{number}: {word}: write {instead}"


def without_data(text: str) -> str:
    for string in TABLES["data"]["strings"]:
        text = re.sub(rf"""(["'`]){re.escape(string)}\1""", "", text)
    return text


def bad_docstrings(source: str) -> Iterator[str]:
    """Yield one line for each docstring that opens with a question, or names a requirement."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            if OPENINGS.match(text):
                line = getattr(node, "lineno", 1)
                yield f"{line}: the docstring opens with {text.split()[0]}: say what the thing does"


def numbers_in_strings(source: str) -> Iterator[str]:
    """Yield one line for each string, docstrings among them, that names a requirement by its number."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.STRING or tokenize.tok_name[token.type] == "FSTRING_MIDDLE":
            for number in sorted(set(REQUIREMENT.findall(token.string))):
                yield f"{token.start[0]}: {number} in a string: numbers of requirements belong into comments"


def complaints(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    found = list(old_words(text))
    if path.suffix == ".py":
        found += [*bad_docstrings(text), *numbers_in_strings(text)]
    else:
        found += [
            f"{number}: {REQUIREMENT.search(line)[0]}: numbers of requirements belong into comments and tests"
            for number, line in enumerate(text.splitlines(), start=1)
            if REQUIREMENT.search(line)
        ]
    return found


def files(root: Path) -> list[Path]:
    found = [path for folder in SOURCES for path in (root / folder).rglob("*") if path.is_file()]
    found += [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    kept = (path for path in found if path.suffix in {".py", ".html", ".jinja", ".md", ".yaml"})
    return sorted(path for path in kept if path.relative_to(root).as_posix() not in BUILT)


@pytest.fixture(scope="module")
def not_rewritten():
    return NOT_REWRITTEN.read_text(encoding="utf-8").split()


@pytest.fixture(scope="module")
def found(root):
    return {path.relative_to(root).as_posix(): complaints(path) for path in files(root)}


def test_docstrings_have_the_fields_of_rest_and_no_headings(root):
    """Write ``:raises ValueError: when``, not ``Raises:`` above a list."""
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in files(root)}
    assert [name for name, text in texts.items() if name.endswith(".py") and HEADING.search(text)] == []


def test_what_was_rewritten_has_no_old_word(found, not_rewritten):
    shown = [f"{name}:{line}" for name, lines in found.items() if name not in not_rewritten for line in lines]
    assert not shown, "\n".join(shown)


def test_what_is_listed_as_not_rewritten_still_has_one(found, not_rewritten):
    clean = [name for name in not_rewritten if not found.get(name)]
    assert not clean, f"remove from {NOT_REWRITTEN.name}, because they are clean or gone: {clean}"


@pytest.mark.parametrize(
    "text",
    [
        "reads its carriers", "def carriers_of(x): ...", "class HalfSignedIn: ...", "half-signed-in users",
        "it is read anew", "Nobody passes", "CARRIER = 1",
    ],
)  # fmt: skip
def test_an_old_word_is_found_in_prose_and_in_names(text):
    assert list(old_words(text))


@pytest.mark.parametrize(
    "text", ["a credential", "understands", "outstanding", "renewal", "`clock.relearned`"]
)
def test_a_part_of_another_word_and_data_are_no_old_words(text):
    assert list(old_words(text)) == []


def test_a_docstring_that_opens_with_a_question_is_found():
    assert list(bad_docstrings('def f():\n    """Whether it is open."""\n'))
    assert list(bad_docstrings('def f():\n    """Return True if it is open."""\n')) == []


def test_a_number_of_a_requirement_is_found_in_strings_but_not_in_comments():
    assert list(numbers_in_strings('raise ValueError("no key (R41)")'))
    assert list(numbers_in_strings("x = 1  # R41")) == []


if __name__ == "__main__":
    ROOT = HERE.parent.parent
    names = [path.relative_to(ROOT).as_posix() for path in files(ROOT) if complaints(path)]
    NOT_REWRITTEN.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
