"""``wsgi-mfa support``: the support desk at a console."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from wsgi_mfa.cli.place import Place, place_options
from wsgi_mfa.core.outcome import Outcome
from wsgi_mfa.support.desk import SupportAnswer

F = TypeVar("F", bound=Callable[..., Any])


@click.group(short_help="Help a user who cannot sign in.")
def support() -> None:
    """Help a user who cannot sign in, after you have verified who is calling."""


def _caller_options(function: F) -> F:
    """What every action of the desk asks for."""
    for option in (
        click.option(
            "--agent", default=lambda: f"console:{getpass.getuser()}", help="Who acts, for the record."
        ),
        click.option("--reason", required=True, help="Why, such as the number of a ticket; for the record."),
        click.option("--email", required=True, help="The e-mail address that the caller gave."),
        click.argument("user"),
    ):
        function = option(function)
    return function


@support.command(short_help="Forget USER's phone: the next sign-in sets up a new one.")
@_caller_options
@place_options
def reset(place: Place, user: str, email: str, reason: str, agent: str) -> None:
    """Forget USER's phone, recovery code and sessions; the next sign-in sets up a new phone."""
    _tell(place.desk.reset(user, email=email, reason=reason, agent=agent))


@support.command()
@_caller_options
@click.option(
    "--clock", is_flag=True, help="Also let codes of the present work again after a clock ran ahead."
)
@place_options
def unlock(place: Place, user: str, email: str, reason: str, agent: str, clock: bool) -> None:
    """Give USER ten tries over a lock or a spent budget."""
    _tell(place.desk.unlock(user, email=email, reason=reason, agent=agent, clock=clock))


def _tell(answer: SupportAnswer) -> None:
    if answer.outcome in (Outcome.REFUSED, Outcome.UNAVAILABLE):
        click.echo(f"{answer.outcome.value}: {answer.message}", err=True)
        sys.exit(1)
    click.echo(answer.message)
    if answer.enrollment_code is not None:
        click.echo(f"enrollment code: {answer.enrollment_code}")
