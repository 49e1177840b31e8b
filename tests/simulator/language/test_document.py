"""YAML with places, and without the surprises of YAML."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mfa_simulator.language.document import Mapping, Scalar, compose
from mfa_simulator.problems import Position, Problems

pytestmark = pytest.mark.any_python


def read(text):
    problems = Problems(file="x", lines=text.splitlines())
    return compose(text, problems), [str(problem) for problem in problems.in_order()]


def test_scalars_stay_the_text_that_they_are():
    node, _ = read("{a: 012345, b: no, c: 10:30, d: 1e3, e: 2026-01-01}")
    assert [value.text for _, value in node] == ["012345", "no", "10:30", "1e3", "2026-01-01"]


def test_every_node_knows_its_line_and_column():
    node, _ = read("a:\n  - b: c\n")
    assert isinstance(node, Mapping)
    item = node.get("a").items[0]
    assert item.position == Position(line=2, column=5)
    assert item.get("b").position == Position(line=2, column=8)


@pytest.mark.parametrize("text", ["{a: }", "{a: null}", "{a: ~}"])
def test_nothing_is_told_from_a_text(text):
    node, _ = read(text)
    assert node.get("a").is_nothing


def test_a_quoted_word_is_a_text():
    node, _ = read("{a: 'null', b: ''}")
    assert not node.get("a").is_nothing
    assert node.get("b") == Scalar(position=Position(line=1, column=16), text="", plain=False)


def test_a_key_that_stands_twice_is_a_problem():
    _, problems = read("a: 1\nb: 2\na: 3\n")
    assert problems == ['x:3:1: the key "a" stands twice here, first in line 1 [duplicate-key]']


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1, 2", "x:1:9: not readable as YAML"),
        ("a: 1\n\tb: 2", "x:2:1: not readable as YAML: a tab stands where only spaces may indent"),
        (
            "a: 1\n---\nb: 2",
            "x:2:1: not readable as YAML: another document begins here, and a file holds one",
        ),
        ("a: {b: 1\nc: 2", "got ':' while parsing a flow mapping, which begins in line 1"),
        ("a: !!python/object:os.system {}", "x:1:4: tags such as"),
        ("a: !include other.yaml", "x:1:4: tags such as"),
        ("? [a]\n: 1", "x:1:3: a key must be a plain text"),
        ("a: &x [*x]", "the file is too large or too deeply nested"),
        ("", "x:1:1: the file is empty"),
        ("a: \x00", "x:1:4: not readable as YAML"),
    ],
)
def test_what_the_format_does_not_know_is_refused_with_its_place(text, problem):
    _, problems = read(text)
    assert len(problems) == 1
    assert problem in problems[0]


def test_an_alias_cannot_make_a_small_file_endless():
    text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for name, last in zip("bcdefgh", "abcdefg", strict=True):
        text += f"{name}: &{name} [{', '.join(['*' + last] * 10)}]\n"
    _, problems = read(text)
    assert len(problems) >= 1
    assert "too large" in problems[0]


ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").exists())
CATALOGUE = sorted((ROOT / "fixtures" / "scenarios").rglob("*.mfa.yaml"))
SIGNS = [
    *"{}[]:,-#@'\" \n~a0",
    "- ",
    ": ",
    " :",
    "\n  ",
    "\n- ",
    "---",
    "\n...\n",
    " # ",
    "''",
    '"a"',
    ", ,",
    "- - ",
]


@st.composite
def spoilt_texts(draw):
    """A piece of a file of the catalogue in which a few signs were put, taken out or doubled."""
    lines = draw(st.sampled_from(CATALOGUE)).read_text(encoding="utf-8").split("\n")
    begin = draw(st.integers(0, len(lines) - 1))
    text = "\n".join(lines[begin : begin + draw(st.integers(1, 12))])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        end = draw(st.sampled_from([at, at, at + 1, draw(st.integers(0, len(text)))]))
        text = text[:at] + draw(st.sampled_from(["", *SIGNS])) + text[end:]
    return text


def whole(node):
    """Everything about a node, also where it stands."""
    if isinstance(node, tuple):
        return tuple(map(whole, node))
    return [whole(getattr(node, item.name)) for item in fields(node)] if hasattr(node, "start") else node


@pytest.mark.skipif(not hasattr(yaml, "CBaseLoader"), reason="PyYAML was built without libyaml")
@given(spoilt_texts())
def test_a_file_is_read_alike_with_and_without_libyaml(text):
    node, problems = read(text)
    with pytest.MonkeyPatch.context() as patched:
        patched.delattr(yaml, "CBaseLoader")
        other, told = read(text)
    assert (whole(node), problems) == (whole(other), told)


@pytest.mark.parametrize(
    "text", ["[\n" * 1999 + "]\n" * 1999, "- " * 100_000, "{a: " * 100_000, "[" * 100_000]
)
def test_endless_nesting_is_a_problem_like_any_other(text):
    assert "the file is too large or too deeply nested" in read(text)[1][0]
