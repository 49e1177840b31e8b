"""`mfa-sim leaks`: finds the real clocks that show in a portal although its time is frozen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfa_simulator.cli import exit_codes
from mfa_simulator.cli.files import files_in, read_all
from mfa_simulator.cli.playing import BadPortal

if TYPE_CHECKING:
    from mfa_simulator.real_clocks.search import RealClockLeak, SearchResult


@click.command()
@click.argument("app", metavar="MODULE:FACTORY")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def leaks(app: str, paths: tuple[Path, ...]) -> None:
    """Name every real clock that shows in the replies of the portal that MODULE:FACTORY makes.

    The process is frozen in the year 2001; somebody signs in and follows every link, and the scenario files PATHS are
    played around the portal too. Ends with 0 when nothing of the present shows, 1 when something does, 2 when the
    portal cannot be made or a file is bad.
    """
    scenarios, bad_files = read_all(files_in(paths))
    try:
        from mfa_simulator.errors import PortalError
        from mfa_simulator.real_clocks.search import search
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    if bad_files:
        sys.exit(exit_codes.BAD_FILE)
    try:
        found = search(app, scenarios)
    except PortalError as error:
        raise BadPortal(str(error)) from error
    click.echo("\n".join(_report(found)))
    sys.exit(exit_codes.FAILED if found.leaks else exit_codes.PASSED)


def _report(found: SearchResult) -> Iterator[str]:
    for leak in found.leaks:
        also = f" (and {leak.times - 1} more there)" if leak.times > 1 else ""
        yield f"LEAK  {leak.where}: {leak.around}, {_distance(leak)}{also}"
        yield from (f"        as old as the file {name}" for name in leak.files)
    if found.asked:
        yield "What was asked for the real time while the portal answered:"
        yield from (f"  {source}" for source in found.asked)
    if found.leaks and found.held:
        yield "What had bound a real clock before the portal was imported:"
        yield from (f"  {source}" for source in found.held)
    if any(not leak.files for leak in found.leaks) and not found.asked and not found.held:
        yield "Nothing that Python knows of was asked: look at C libraries and at database servers."
    if not found.signed_in:
        yield "Nobody could sign in, so only pages for strangers were read: does `home` lead to a form for a password?"
    count = len(found.leaks)
    shows = {0: "no real clock shows", 1: "1 real clock shows"}.get(count, f"{count} real clocks show")
    yield f"{found.replies} replies, {shows}"


def _distance(leak: RealClockLeak) -> str:
    """Say how an instant lies to the present, in its largest unit."""
    seconds = abs(leak.ahead)
    if leak.shown.grain > 60:
        return "which is about today"
    if seconds < 60:
        return "which is now"
    size, unit = next(
        (size, unit) for size, unit in ((86400, "d"), (3600, "h"), (60, "min")) if seconds >= size
    )
    return f"which is {seconds / size:.0f} {unit} {'from now' if leak.ahead > 0 else 'ago'}"
