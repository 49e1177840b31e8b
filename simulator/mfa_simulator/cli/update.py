"""`mfa-sim run --update`: fills in what steps come to before files are played and judged."""

from __future__ import annotations

from pathlib import Path

import click


def update_files(files: list[Path], *, app: str | None, timeout: float) -> None:
    """Fill in files, and tell what was filled in and what could not be; bad files are left to whoever reads them next.

    Raises PortalError when the portal cannot be made.
    """
    from mfa_simulator.errors import ScenarioFileError
    from mfa_simulator.language.parser import read_file
    from mfa_simulator.language.scenario import START
    from mfa_simulator.play.running import play_unjudged
    from mfa_simulator.play.update import updated
    from mfa_simulator.world.clocks import frozen_wall_clock
    from mfa_simulator.world.portal import REFERENCE_PORTAL, imported_factory

    with frozen_wall_clock(START) as wall:
        factory = imported_factory(app) if app is not None else REFERENCE_PORTAL
        for file in files:
            try:
                scenarios = read_file(file)
            except ScenarioFileError:
                continue
            plays = [
                play_unjudged(scenario, wall, factory=factory, timeout_seconds=timeout)
                for scenario in scenarios
            ]
            raw = file.read_bytes().decode("utf-8")
            mark = "\ufeff" if raw.startswith("\ufeff") else ""
            update = updated(raw.removeprefix("\ufeff"), scenarios, plays, file=str(file))
            for line, reason in update.left:
                click.echo(f"{file}:{line}: not filled in: {reason}", err=True)
            if update.filled:
                file.write_bytes((mark + update.text).encode("utf-8"))
                click.echo(f"updated  {file}  {update.filled} step{'s' if update.filled > 1 else ''}")
