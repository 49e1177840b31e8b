"""`mfa-sim explore` and `mfa-sim shrink`: faults that no story is about, and the steps of them that matter."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfa_simulator.cli import exit_codes
from mfa_simulator.cli.files import SUFFIX
from mfa_simulator.cli.playing import BadPortal

if TYPE_CHECKING:
    from mfa_simulator.explore.findings import Finding
    from mfa_simulator.explore.hunt import Hunt
    from mfa_simulator.explore.plot import Plot

_SPAN = re.compile(r"(\d+)(s|m|h)?", re.ASCII)
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600}
FOLDER = Path("mfa-findings")


class Span(click.ParamType):  # type: ignore[type-arg]  # generic only in later versions of click
    """A span such as 60s, 10m or 1h, as seconds."""

    name = "SPAN"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds of a span; a number alone is seconds."""
        match = _SPAN.fullmatch(str(value))
        if match is None or int(match[1]) == 0:
            self.fail(f'"{value}" is no span: legal is a number of s, m or h, such as 60s or 10m', param, ctx)
        return int(match[1]) * _SECONDS[match[2]]


@click.command()
@click.option(
    "--for", "seconds", type=Span(), default="60s", show_default=True, help="How long, such as 60s or 10m."
)
@click.option("--lives", type=click.IntRange(1), metavar="N", help="So many lives, instead of a time.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="All chance comes from it."
)
@click.option("--app", metavar="MODULE:FACTORY", help="Explore the portal that this factory makes.")
@click.option(
    "--from",
    "beginning",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Every life goes on from the end of this scenario file.",
)
@click.option(
    "--into",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER,
    show_default=True,
    help="Where findings are written; those that pass by now are removed from there.",
)
def explore(
    *, seconds: int, lives: int | None, seed: int, app: str | None, beginning: Path | None, folder: Path
) -> None:
    """Play random lives of users, thieves, phones and servers, and write what breaks an invariant as scenario files.

    Nothing is expected of a life; the invariants judge it. Each finding is shrunk to the steps that matter. Ends with 0
    when nothing was found, 2 for a bad file or a portal that cannot be made, 3 when something was found, 5 when a life
    could not be played.
    """
    try:
        from mfa_simulator.errors import PortalError
        from mfa_simulator.explore import findings
        from mfa_simulator.explore.hunt import Hunt, for_seconds, hunt, so_many
        from mfa_simulator.explore.life import Stage
        from mfa_simulator.language.scenario import START
        from mfa_simulator.world.clocks import frozen_wall_clock
        from mfa_simulator.world.portal import factory_of
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    plot = _plot_of(beginning) if beginning is not None else None
    run, count = Hunt(seed=seed), 0
    try:
        with frozen_wall_clock(START) as wall:
            stage = Stage(wall, factory_of(app))
            for file in findings.remove_mended(folder, stage):
                click.echo(f"mended  {file}: it passes now, and was removed")
            goes_on = so_many(lives) if lives is not None else for_seconds(seconds)
            for finding in hunt(stage, run, goes_on=goes_on, beginning=plot):
                count += 1
                file = findings.write(folder, finding, found_by=f"explore --seed {seed}")
                _tell(finding, file)
    except PortalError as error:
        raise BadPortal(f"--app: {error}" if app else str(error)) from error
    _sum_up(run, count)
    sys.exit(exit_codes.BROKEN if count else exit_codes.ERROR if run.errors else exit_codes.PASSED)


def _tell(finding: Finding, file: Path) -> None:
    click.secho(f"found  {finding.trouble.invariant}: {finding.trouble.seen}", fg="red")
    click.echo(
        f"       {len(finding.plot.steps)} of {finding.steps_before} steps matter; play it with:"
        f" mfa-sim run {file}"
    )


def _sum_up(run: Hunt, count: int) -> None:
    for error in run.errors:
        click.echo(f"error  {error}", err=True)
    again = f", which came up {run.again} times more" if run.again else ""
    click.echo(
        f"{run.lives} lives, {run.steps} steps, {run.requests} requests, seed {run.seed}:"
        f" {count} finding{'' if count == 1 else 's'}{again}"
        + (f", {len(run.errors)} could not be played" if run.errors else "")
    )
    reached, never = run.goals.reached, run.goals.never
    click.echo(f"goals reached: {len(reached)} of {len(reached) + len(never)}")
    if never:
        click.echo(f"never reached: {', '.join(never)}")


def _plot_of(file: Path) -> Plot:
    from mfa_simulator.errors import ScenarioFileError
    from mfa_simulator.explore.source import plot_of_file

    try:
        plot = plot_of_file(file).plot
        if not plot.top.get("users"):
            raise click.UsageError(f"--from {file}: lives need a user, and the file has none")
        return plot
    except ScenarioFileError as error:
        click.echo("\n".join(f"{problem}\n{problem.picture}" for problem in error.problems), err=True)
        sys.exit(exit_codes.BAD_FILE)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--app", metavar="MODULE:FACTORY", help="Play around the portal that this factory makes.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the shorter file is written; the default prints it.",
)
@click.option("--for", "seconds", type=Span(), default="30s", show_default=True, help="How long it may take.")
def shrink(file: Path, *, app: str | None, output: Path | None, seconds: int) -> None:
    """Find the steps of a failing scenario FILE that matter, and write the shortest file that fails alike.

    Ends with 0 when it was shrunk, 1 when FILE does not fail, 2 for a bad file or a portal that cannot be made.
    """
    try:
        from mfa_simulator.errors import PortalError, ScenarioFileError
        from mfa_simulator.explore.life import Stage
        from mfa_simulator.explore.source import shrunk_file
        from mfa_simulator.language.scenario import START
        from mfa_simulator.world.clocks import frozen_wall_clock
        from mfa_simulator.world.portal import factory_of
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    if output is not None and not output.name.endswith(SUFFIX):
        raise click.UsageError(f"{output}: the name of a scenario file ends in {SUFFIX}")
    try:
        with frozen_wall_clock(START) as wall:
            found = shrunk_file(file, Stage(wall, factory_of(app)), seconds=seconds)
    except ScenarioFileError as error:
        click.echo("\n".join(f"{problem}\n{problem.picture}" for problem in error.problems), err=True)
        sys.exit(exit_codes.BAD_FILE)
    except PortalError as error:
        raise BadPortal(f"--app: {error}" if app else str(error)) from error
    if found is None:
        click.echo(f"{file} does not fail: there is nothing to shrink")
        sys.exit(exit_codes.FAILED)
    click.echo(f"{file}: {found.trouble.invariant}: {found.trouble.seen}", err=True)
    click.echo(f"{len(found.lines)} of {found.steps_before} steps matter:", err=True)
    for line, words in found.lines:
        click.echo(f"  {file}:{line}: {words}", err=True)
    if output is None:
        click.echo(found.text, nl=False)
    else:
        output.write_text(found.text, encoding="utf-8")
        click.echo(f"wrote {output}", err=True)
