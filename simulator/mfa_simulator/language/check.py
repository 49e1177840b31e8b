"""What is wrong in scenario files, told to people, to programs, to GitHub and to code scanners."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.language.parser import read_file
from mfa_simulator.problems import RULES, Problem

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def problems_in(files: Iterable[Path]) -> list[Problem]:
    """Give all problems of all files, in the order of the files and of their lines."""
    found: list[Problem] = []
    for file in files:
        try:
            read_file(file)
        except ScenarioFileError as error:  # noqa: PERF203  # each file has its own verdict
            found += error.problems
    return found


def as_text(files: Sequence[Path], problems: Sequence[Problem]) -> str:
    """Give each problem with its line and a caret, and a count."""
    told = "".join(f"{problem}\n{problem.picture}\n" for problem in problems)
    bad_files = len({problem.file for problem in problems})
    return f"{told}{len(files)} checked, {bad_files} bad, {len(problems)} problems\n"


def as_json(files: Sequence[Path], problems: Sequence[Problem]) -> str:
    """Give an object with the number of `files` and the list of `problems`."""
    told = [
        {
            "file": problem.file,
            "line": problem.position.line,
            "column": problem.position.column,
            "rule": problem.rule,
            "message": problem.message,
        }
        for problem in problems
    ]
    return json.dumps({"files": len(files), "problems": told}, indent=2, ensure_ascii=False) + "\n"


def as_github(_: Sequence[Path], problems: Sequence[Problem]) -> str:
    """Give workflow commands, which GitHub shows beside the lines."""
    return "".join(
        annotation(
            problem.message,
            title=f"mfa-sim {problem.rule}",
            file=problem.file,
            line=problem.position.line,
            column=problem.position.column,
        )
        for problem in problems
    )


def annotation(message: str, *, title: str, file: str, line: int, column: int | None = None) -> str:
    """Give one workflow command, a line of its own."""
    place = f"file={_escaped(file, ':,')},line={line}" + (f",col={column}" if column is not None else "")
    return f"::error {place},title={_escaped(title, ':,')}::{_escaped(message)}\n"


def _escaped(text: str, more: str = "") -> str:
    for letter in "%\r\n" + more:
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text


def as_sarif(_: Sequence[Path], problems: Sequence[Problem]) -> str:
    """Give a SARIF 2.1.0 log."""
    rules = [{"id": name, "shortDescription": {"text": about}} for name, about in RULES.items()]
    run = {
        "tool": {"driver": {"name": "mfa-sim", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem) for problem in problems],
    }
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _result(problem: Problem) -> dict[str, Any]:
    region = {"startLine": problem.position.line, "startColumn": problem.position.column}
    place = {"artifactLocation": {"uri": Path(problem.file).as_posix()}, "region": region}
    return {
        "ruleId": problem.rule,
        "level": "error",
        "message": {"text": problem.message},
        "locations": [{"physicalLocation": place}],
    }


REPORTS: dict[str, Callable[[Sequence[Path], Sequence[Problem]], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}
