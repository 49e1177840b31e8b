"""The command `mfa-sim`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mfa_simulator.scenario import Scenario

PASSED, FAILED, BAD_FILE, BROKEN = 0, 1, 2, 3
PATTERN = "*.mfa.yaml"


@click.group()
def main() -> None:
    """Replay scenario files against the real middleware, in virtual time."""


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-q", "--quiet", is_flag=True, help="One line for each scenario, and the timeline of those that failed."
)
def run(paths: tuple[Path, ...], *, quiet: bool) -> None:
    """Play the scenario files PATHS, or all *.mfa.yaml files below a folder, and print their timelines.

    Ends with 0 when all is as expected, 1 when an expectation failed, 2 for a bad file, 3 when an invariant was
    broken.
    """
    files = _files(paths)
    try:
        scenarios, bad_files = _read_all(files)
        failed, broken = _play_all(scenarios, quiet=quiet) if scenarios else (0, 0)
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    counts = f"{len(scenarios) - failed} passed, {failed} failed"
    if broken:
        counts += f" ({broken} broke an invariant)"
    click.echo(counts + (f", {bad_files} bad file{'s' if bad_files > 1 else ''}" if bad_files else ""))
    # The gravest finding decides.
    sys.exit(BROKEN if broken else BAD_FILE if bad_files else FAILED if failed else PASSED)


def _files(paths: tuple[Path, ...]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        found = sorted(path.rglob(PATTERN)) if path.is_dir() else [path]
        if not found:
            raise click.UsageError(f"there is no file {PATTERN} below {path}")
        files += found
    return files


def _read_all(files: list[Path]) -> tuple[list[Scenario], int]:
    """Read files, print what is wrong in them, and give the scenarios and the number of bad files."""
    # Late, here and below, so that --help does not pay for the middleware.
    from mfa_simulator.errors import ScenarioFileError
    from mfa_simulator.parser import read_file

    scenarios: list[Scenario] = []
    bad_files = 0
    for file in files:
        try:
            scenarios += read_file(file)
        except ScenarioFileError as error:  # noqa: PERF203  # each file has its own verdict
            bad_files += 1
            for problem in error.problems:
                click.echo(f"{problem}\n{problem.picture}", err=True)
    return scenarios, bad_files


def _play_all(scenarios: list[Scenario], *, quiet: bool) -> tuple[int, int]:
    """Play scenarios one after another under one freeze; give how many failed, and how many broke an invariant."""
    from mfa_simulator.clock import frozen_wall_clock
    from mfa_simulator.run import play
    from mfa_simulator.timeline import timeline, verdict

    failed = broken = 0
    with frozen_wall_clock(scenarios[0].start) as wall:
        for scenario in scenarios:
            played = play(scenario, wall)
            failed += played.failed
            broken += played.broken
            if played.failed or not quiet:
                click.echo(timeline(played))
            click.secho(verdict(played), fg="red" if played.failed else "green")
    return failed, broken


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
)
def check(paths: tuple[Path, ...], *, style: str) -> None:
    """Read the scenario files PATHS without playing them, and print all that is wrong in them.

    Ends with 0 when all can be played, 2 when a file is bad.
    """
    files = _files(paths)
    try:
        from mfa_simulator.check import REPORTS, problems_in
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    problems = problems_in(files)
    click.echo(REPORTS[style](files, problems), nl=False)
    sys.exit(BAD_FILE if problems else PASSED)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
def explain(file: Path) -> None:
    """Play the scenario file FILE whatever it expects, and print its timeline; nothing is judged.

    Ends with 0, or with 2 for a bad file.
    """
    scenarios, bad_files = _read_all([file])
    if bad_files:
        sys.exit(BAD_FILE)
    from mfa_simulator.clock import frozen_wall_clock
    from mfa_simulator.run import unfold
    from mfa_simulator.timeline import timeline

    with frozen_wall_clock(scenarios[0].start) as wall:
        for scenario in scenarios:
            click.echo(timeline(unfold(scenario, wall)))


@main.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from mfa_simulator.schema import schema_text

    click.echo(schema_text(), nl=False)


@main.command()
@click.argument("name", required=False)
def verbs(name: str | None) -> None:
    """List the verbs of a step, or show what the verb NAME takes, what it must come to, and an example."""
    from mfa_simulator.format.verbs import BY_NAME
    from mfa_simulator.reference import verb_list, verb_page

    if name is None:
        click.echo(verb_list())
    elif name in BY_NAME:
        click.echo(verb_page(BY_NAME[name]), nl=False)
    else:
        raise click.UsageError(f'no verb "{name}"; the verbs are: {", ".join(BY_NAME)}')


if __name__ == "__main__":
    main()
