"""`mfa-sim run`: plays scenario files, and tells what came of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from mfa_simulator.cli import exit_codes
from mfa_simulator.cli.choosing import Choice, SeedRange, note_failed
from mfa_simulator.cli.files import files_in, read_all
from mfa_simulator.cli.reports import Reports
from mfa_simulator.visible_text import visible

if TYPE_CHECKING:
    from mfa_simulator.language.scenario import Scenario
    from mfa_simulator.play.batch import BatchResult

REPORT = click.Path(path_type=Path, dir_okay=False)
Tell: TypeAlias = Callable[[str, "str | None"], None]


class BadPortal(click.ClickException):
    """The portal that stories shall be played around cannot be made."""

    exit_code = exit_codes.BAD_FILE


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-j", "--jobs", type=click.IntRange(1, 256), default=1, metavar="N", help="Play in N processes."
)
@click.option("-q", "--quiet", is_flag=True, help="The timeline only of what failed, also for one scenario.")
@click.option("-v", "--verbose", is_flag=True, help="The timeline of every scenario.")
@click.option(
    "--until",
    type=click.IntRange(1),
    metavar="LINE",
    help="Stop after the last step that begins at or above LINE of the one file, and show how everything stands.",
)
@click.option("--twice", is_flag=True, help="Play each twice with the same seed, and compare byte for byte.")
@click.option("--seed", "seeds", type=SeedRange(), help="Play with this seed, or with each seed from A to B.")
@click.option(
    "-t", "--tag", "tags", multiple=True, metavar="TAG", help="Only what has this tag, or one of these."
)
@click.option(
    "-k", "words", default="", metavar="WORD", help="Only what has this in its title or its file's name."
)
@click.option("-x", "--stop", is_flag=True, help="Stop after the first that does not go as expected.")
@click.option("--failed", is_flag=True, help="Only what did not go as expected when it was played last.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="End a story after so much real time without progress; what waits, and where, is told.",
)
@click.option("--app", metavar="MODULE:FACTORY", help="Play around the portal that this factory makes.")
@click.option(
    "--update", is_flag=True, help="First fill in what steps come to, in the files; comments and layout stay."
)
@click.option(
    "--against", metavar="URL", help="Play at a portal that is deployed there, over HTTP, in real time."
)
@click.option(
    "--accounts",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Who may be used there: USER: {login: ..., password: ...}, one for each user of the stories.",
)
@click.option("--home", default="/", help="There: a page for signed-in users.", show_default=True)
@click.option("--sign-out", default="/sign-out", help="There: the path that signs out.", show_default=True)
@click.option("--junit-xml", type=REPORT, metavar="FILE", help="Write a report for build servers.")
@click.option("--ndjson", type=REPORT, metavar="FILE", help="Write a report for programs, an object a line.")
@click.option(
    "--github", is_flag=True, help="Print what failed once more, for GitHub to show beside the lines."
)
@click.option("--html", type=REPORT, metavar="FILE", help="Write a report for people, a page of its own.")
def run(
    paths: tuple[Path, ...],
    *,
    jobs: int,
    quiet: bool,
    verbose: bool,
    until: int | None,
    twice: bool,
    seeds: tuple[int, ...] | None,
    tags: tuple[str, ...],
    words: str,
    stop: bool,
    failed: bool,
    timeout: float,
    app: str | None,
    update: bool,
    against: str | None,
    accounts: Path | None,
    home: str,
    sign_out: str,
    github: bool,
    **reports: Path | None,
) -> None:
    """Play the scenario files PATHS, or all *.mfa.yaml files below a folder.

    One line for each scenario, and the timeline of each that failed; a single one has its timeline in any case. Ends
    with 0 when all is as expected, 1 when an expectation failed, 2 for a bad file or a portal that cannot be made, 3
    when an invariant was broken, 4 when two plays with the same seed were not the same, 5 when a story could not be
    played because of an exception.
    """
    files, wanted = files_in(paths), Reports(github=github, **reports)
    if against is not None:
        from mfa_simulator.cli.against import run_against

        if jobs > 1 or until or twice or app or update:
            raise click.UsageError(
                "--against plays once, as it is: without -j, --until, --twice, --app and --update"
            )
        run_against(files, wanted, against, accounts, home=home, sign_out=sign_out, quiet=quiet)
    try:
        if update:
            _update(files, app, timeout)
        scenarios, problems = read_all(files)
        choice = Choice(tags=tags, words=words, seeds=seeds or (), failed=failed)
        chosen = choice.of(scenarios)
        if scenarios and not chosen and not problems:
            raise click.UsageError(
                f"none of the {len(scenarios)} scenarios is chosen by --tag, -k or --failed"
            )
        from mfa_simulator.errors import PortalError
        from mfa_simulator.play.batch import BatchOptions, results
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    order = BatchOptions(
        app=app,
        until=_line_to_stop_at(until, files, chosen),
        twice=twice,
        timeout_seconds=timeout,
    )
    shows_all = verbose or until is not None or (len(chosen) == 1 and not quiet)
    try:
        with _telling(len(chosen)) as tell, closing(results(chosen, order, jobs=jobs)) as found:
            count = _tell_all(wanted.noting(found), tell, shows_all=shows_all, stop=stop)
    except PortalError as error:
        raise BadPortal(f"--app: {error}" if app else str(error)) from error
    wanted.write(files, problems)
    bad_files = len({problem.file for problem in problems})
    note_failed(count.verdicts)
    click.echo(
        count.words(bad_files, left=len(chosen) - len(count.verdicts), unchosen=len(scenarios) - len(chosen))
    )
    sys.exit(count.exit_code(bad_files))


def _update(files: list[Path], app: str | None, timeout: float) -> None:
    from mfa_simulator.cli.update import update_files
    from mfa_simulator.errors import PortalError

    try:
        update_files(files, app=app, timeout=timeout)
    except PortalError as error:
        raise BadPortal(f"--app: {error}" if app else str(error)) from error


def _line_to_stop_at(line: int | None, files: list[Path], scenarios: list[Scenario]) -> int | None:
    """Give the line of the last step that begins at or above a line."""
    if line is None or not scenarios:
        return None
    if len(files) > 1:
        raise click.UsageError(f"--until is for one file, and these are {len(files)}")
    lines = sorted({step.position.line for scenario in scenarios for step in scenario.steps})
    above = [begins for begins in lines if begins <= line]
    if not above:
        raise click.UsageError(f"--until: the first step of {files[0]} begins at line {lines[0]}")
    return above[-1]


@dataclass(kw_only=True, slots=True)
class _Count:
    failed: int = 0
    broken: int = 0
    different: int = 0
    errors: int = 0
    verdicts: list[tuple[Scenario, bool]] = field(default_factory=list)

    def note(self, result: BatchResult) -> bool:
        """Count a result; whether all went as expected."""
        play = result.play
        self.errors += play.crash is not None
        self.failed += play.failed and play.crash is None
        self.broken += play.broken and play.crash is None
        self.different += bool(result.difference)
        is_bad = play.failed or bool(result.difference)
        self.verdicts.append((play.scenario, is_bad))
        return not is_bad

    def words(self, bad_files: int, *, left: int, unchosen: int) -> str:
        """Give the last line of a run; `left` were not played, and `unchosen` nobody asked for."""
        text = f"{len(self.verdicts) - self.failed - self.errors} passed, {self.failed} failed"
        if self.broken:
            text += f" ({self.broken} broke an invariant)"
        if self.errors:
            text += f", {self.errors} could not be played"
        if self.different:
            text += f", {self.different} not deterministic"
        if left:
            text += f", {left} not played"
        if unchosen > 0:
            text += f", {unchosen} not chosen"
        return text + (f", {bad_files} bad file{'s' if bad_files > 1 else ''}" if bad_files else "")

    def exit_code(self, bad_files: int) -> int:
        """The gravest finding decides."""
        found = (
            (self.errors, exit_codes.ERROR),
            (self.broken, exit_codes.BROKEN),
            (self.different, exit_codes.NOT_DETERMINISTIC),
            (bad_files, exit_codes.BAD_FILE),
            (self.failed, exit_codes.FAILED),
        )
        return next((code for count, code in found if count), exit_codes.PASSED)


def _tell_all(results: Iterable[BatchResult], tell: Tell, *, shows_all: bool, stop: bool) -> _Count:
    """Tell each result as it comes, and count; with `stop` only up to the first that is bad."""
    from mfa_simulator.play.timeline import timeline, verdict

    count = _Count()
    for result in results:
        play = result.play
        went_well = count.note(result)
        if play.failed or shows_all:
            tell(timeline(play), None)
        tell(verdict(play), "red" if play.failed else "green")
        if result.difference:
            first, *others = result.difference
            first, *others = map(visible, (first, *others))
            tell("\n".join([f"NOT DETERMINISTIC  {first}", *(f"    {line}" for line in others)]), "red")
        if stop and not went_well:
            break
    return count


@contextmanager
def _telling(total: int) -> Iterator[Tell]:
    """Give what prints; on a terminal a bar stands below it while there are many to come."""
    if total < 2 or not sys.stdout.isatty():
        yield lambda text, colour: click.secho(text, fg=colour)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(highlight=False, markup=False, soft_wrap=True)
    columns = (TextColumn("playing"), BarColumn(), MofNCompleteColumn())
    # No clock of its own: it would stand still in virtual time.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        bar = progress.add_task("", total=total)

        def tell(text: str, colour: str | None) -> None:
            console.print(text, style=colour)
            if colour is not None:
                progress.update(bar, advance=1, refresh=True)

        yield tell
