"""The command `mfa-sim`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mfa_simulator.cli import exit_codes
from mfa_simulator.cli.exploring import explore, shrink
from mfa_simulator.cli.files import files_in, read_all
from mfa_simulator.cli.inspecting import open_world, why
from mfa_simulator.cli.playing import run
from mfa_simulator.cli.proving import prove
from mfa_simulator.cli.real_clocks import leaks
from mfa_simulator.cli.writing import fmt, new


@click.version_option(package_name="wsgi-mfa", prog_name="mfa-sim", message="%(prog)s %(version)s")
@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Replay scenario files against the real middleware, in virtual time."""


for command in (run, explore, shrink, prove, why, open_world, leaks, new, fmt):
    main.add_command(command)


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
    files = files_in(paths)
    try:
        from mfa_simulator.language.check import REPORTS, problems_in
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    problems = problems_in(files)
    click.echo(REPORTS[style](files, problems), nl=False)
    sys.exit(exit_codes.BAD_FILE if problems else exit_codes.PASSED)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
def explain(file: Path) -> None:
    """Play the scenario file FILE whatever it expects, and print its timeline; nothing is judged.

    Ends with 0, with 2 for a bad file, or with 5 where an exception ended a story.
    """
    scenarios, problems = read_all([file])
    if problems:
        sys.exit(exit_codes.BAD_FILE)
    from mfa_simulator.play.running import play_unjudged
    from mfa_simulator.play.timeline import timeline
    from mfa_simulator.world.clocks import frozen_wall_clock

    with frozen_wall_clock(scenarios[0].start) as wall:
        plays = [play_unjudged(scenario, wall, timeout_seconds=30) for scenario in scenarios]
        for play in plays:
            click.echo(timeline(play))
    sys.exit(exit_codes.ERROR if any(play.crash is not None for play in plays) else exit_codes.PASSED)


@main.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from mfa_simulator.language.schema import schema_text

    click.echo(schema_text(), nl=False)


@main.command()
@click.argument("name", required=False)
def verbs(name: str | None) -> None:
    """List the verbs of a step, or show what the verb NAME takes, what it must come to, and an example."""
    from mfa_simulator.language.format.verbs import BY_NAME
    from mfa_simulator.language.reference import verb_list, verb_page

    if name is None:
        click.echo(verb_list())
    elif name in BY_NAME:
        click.echo(verb_page(BY_NAME[name]), nl=False)
    else:
        raise click.UsageError(f'no verb "{name}"; the verbs are: {", ".join(BY_NAME)}')
