"""`mfa-sim run --against URL`: a smoke test of a deployment."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from mfa_simulator.cli import exit_codes
from mfa_simulator.cli.files import read_all
from mfa_simulator.cli.reports import Reports

if TYPE_CHECKING:
    from mfa_simulator.play.deployment import Target


def run_against(
    files: list[Path],
    reports: Reports,
    url: str,
    accounts: Path | None,
    *,
    home: str,
    sign_out: str,
    quiet: bool,
) -> NoReturn:
    """Play what can be played at a deployed portal, name what cannot and why, and end with the exit code."""
    try:
        from mfa_simulator.play.deployment import play_against, unplayable_parts
        from mfa_simulator.play.timeline import timeline, verdict

        scenarios, problems = read_all(files)
        target = _target(url, accounts, home, sign_out)
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    failed = played = 0
    for scenario in scenarios:
        reasons = list(dict.fromkeys(unplayable_parts(scenario)))
        if reasons:
            row = f" [{scenario.row}]" if scenario.row else ""
            click.echo(
                f"skipped  {scenario.file}{row}  it needs virtual time or the server's inside: {_few(reasons)}"
            )
            continue
        play = play_against(scenario, target)
        reports.note(play)
        played += 1
        failed += play.failed
        if play.failed or not quiet:
            click.echo(timeline(play))
        click.secho(verdict(play), fg="red" if play.failed else "green")
    reports.write(files, problems)
    bad_files = len({problem.file for problem in problems})
    click.echo(
        f"{played - failed} passed, {failed} failed, {len(scenarios) - played} skipped"
        + (f", {bad_files} bad file{'s' if bad_files > 1 else ''}" if bad_files else "")
    )
    if not played and not bad_files:
        raise click.UsageError("nothing of this can be played at a deployment")
    sys.exit(exit_codes.BAD_FILE if bad_files else exit_codes.FAILED if failed else exit_codes.PASSED)


def _few(reasons: Sequence[str]) -> str:
    told = ", ".join(reasons[:3])
    return f"{told} and {len(reasons) - 3} more" if len(reasons) > 3 else told


def _target(url: str, accounts: Path | None, home: str, sign_out: str) -> Target:
    from mfa_simulator.language.document import texts_of_file
    from mfa_simulator.play.deployment import Login, Target, origin_of

    try:
        origin = origin_of(url)
    except ValueError as error:
        raise click.UsageError(f"--against {error}") from error
    try:
        found = {} if accounts is None else texts_of_file(accounts)
    except ValueError as error:
        raise click.UsageError(f"--accounts {error}") from error
    if not isinstance(found, dict):
        found = {"": found}
    logins = {}
    for user, entry in found.items():
        if not isinstance(entry, dict) or set(entry) != {"login", "password"}:
            raise click.UsageError(
                f"--accounts {accounts}: legal is USER: {{login: ..., password: ...}}, a line a user"
            )
        logins[user] = Login(name=entry["login"], password=entry["password"])
    return Target(origin=origin, home=home, sign_out=sign_out, logins=logins)
