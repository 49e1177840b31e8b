"""Which scenario files a command is about, and what stands in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfa_simulator.visible_text import visible

if TYPE_CHECKING:
    from mfa_simulator.language.scenario import Scenario
    from mfa_simulator.problems import Problem

SUFFIX = ".mfa.yaml"
PATTERN = f"*{SUFFIX}"


def files_in(paths: tuple[Path, ...]) -> list[Path]:
    """Give the files that paths name, and all scenario files below those that are folders."""
    files: list[Path] = []
    for path in paths:
        found = sorted(path.rglob(PATTERN)) if path.is_dir() else [path]
        if not found:
            raise click.UsageError(f"there is no file {PATTERN} below {path}")
        files += found
    return files


def _shown(problem: Problem) -> str:
    """Return a problem with its place drawn; a file that cannot be read has no place."""
    if problem.rule == "unreadable-file" and not problem.source_line:
        return visible(f"{problem.file}: {problem.message}")
    return f"{problem}\n{problem.picture}"


def read_all(files: list[Path]) -> tuple[list[Scenario], list[Problem]]:
    """Read files, print what is wrong in them, and give the scenarios and the problems."""
    # Late, so that --help does not pay for YAML and the middleware.
    from mfa_simulator.errors import ScenarioFileError
    from mfa_simulator.language.parser import read_file

    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    for file in files:
        try:
            scenarios += read_file(file)
        except ScenarioFileError as error:  # noqa: PERF203  # each file has its own verdict
            problems += error.problems
            for problem in error.problems:
                click.echo(_shown(problem), err=True)
    return scenarios, problems
