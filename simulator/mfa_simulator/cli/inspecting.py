"""`mfa-sim why` and `mfa-sim open`: a look into a story at one of its lines."""

from __future__ import annotations

import re
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from mfa_simulator.cli import exit_codes
from mfa_simulator.cli.files import read_all
from mfa_simulator.cli.playing import BadPortal

if TYPE_CHECKING:
    from mfa_simulator.inspection.moment import StoryMoment

_PLACE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]{0,6})", re.ASCII | re.DOTALL)
PORT = 8001


class Place(click.ParamType):  # type: ignore[type-arg]  # generic only in later versions of click
    """A line of a file, as FILE:LINE."""

    name = "FILE:LINE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Path, int]:
        """Return the file and the line."""
        match = _PLACE.fullmatch(str(value))
        if match is None:
            self.fail(f"{value} names no line: legal is FILE:LINE, such as story.mfa.yaml:12", param, ctx)
        return Path(match["file"]), int(match["line"])


app_option = click.option("--app", metavar="MODULE:FACTORY", help="Play around the portal of this factory.")
row_option = click.option(
    "--row", type=click.IntRange(1), default=1, show_default=True, help="Which row of a matrix."
)


@click.command()
@click.argument("place", metavar="FILE:LINE", type=Place())
@app_option
@row_option
def why(place: tuple[Path, int], *, app: str | None, row: int) -> None:
    """Explain what the step at FILE:LINE came to.

    Plays the story up to that step, and tells the decision in words, draws the window of accepted codes, and shows the
    fields of the accounts before and after. Ends with 0, or with 2 for a bad file or a line without a step.
    """
    with _story(place, app, row) as moment:
        from mfa_simulator.inspection.why import why as explained

        click.echo("\n".join(explained(moment)))


@click.command(name="open")
@click.argument("place", metavar="FILE:LINE", type=Place())
@app_option
@row_option
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option(
    "--browser/--no-browser", "opens", default=True, help="Open a browser there.", show_default=True
)
def open_world(place: tuple[Path, int], *, app: str | None, row: int, port: int, opens: bool) -> None:
    """Serve the world of a story, as it is after FILE:LINE, to a browser on this machine.

    Its first page offers the browsers of the story: take the cookies of one, and go on at the portal by hand. Time goes
    on from the moment of the line. Ctrl-C ends it.
    """
    with _story(place, app, row) as moment:
        from mfa_simulator.inspection.opened_world import DESK, LOOPBACK, OpenedWorld
        from mfa_simulator.world.clocks import real_now

        began, origin = real_now(), f"http://{LOOPBACK}:{port}"
        served = OpenedWorld(
            moment.world, origin=origin, elapsed=lambda: round((real_now() - began) * 1_000_000)
        )
        try:
            server = make_server(LOOPBACK, port, served, WSGIServer, _Quiet)
        except OSError as error:
            raise click.UsageError(f"--port {port}: {error.strerror}") from error
        click.echo(f"the world after {place[0]}:{place[1]} is at {origin}{DESK}; Ctrl-C ends it")
        if opens:
            webbrowser.open(origin + DESK)
        with server:
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                click.echo("ended")


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing: the state page tells what happened."""


@contextmanager
def _story(place: tuple[Path, int], app: str | None, row: int) -> Iterator[StoryMoment]:
    """Play the story of a place up to its line."""
    file, line = place
    try:
        from mfa_simulator.errors import PortalError, StepError
        from mfa_simulator.inspection.moment import story_at
        from mfa_simulator.world.clocks import frozen_wall_clock
        from mfa_simulator.world.portal import factory_of
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    scenarios, problems = read_all([file])
    if problems:
        sys.exit(exit_codes.BAD_FILE)
    if row > len(scenarios):
        raise click.UsageError(f"--row {row}: {file} has {len(scenarios)}")
    scenario = scenarios[row - 1]
    try:
        with (
            frozen_wall_clock(scenario.start) as wall,
            story_at(scenario, line, wall, factory=factory_of(app)) as moment,
        ):
            yield moment
    except StepError as error:
        raise click.UsageError(str(error)) from error
    except PortalError as error:
        raise BadPortal(f"--app: {error}" if app else str(error)) from error
