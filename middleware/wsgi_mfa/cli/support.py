"""``wsgi-mfa support``: the support desk at a console."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, TypeVar

import click

from wsgi_mfa.cli.context import CommandContext, context_options
from wsgi_mfa.cli.output import agent_option, ask, counted, working
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.operations.accounts import AccountKeeper
from wsgi_mfa.support.results import Rejected, SupportResult

INSTANT = click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])
F = TypeVar("F", bound=Callable[..., Any])


@click.group(short_help="Help a user who cannot sign in.")
def support() -> None:
    """Help a user who cannot sign in, after you have verified who is calling."""


def _reason_option(*, required: bool) -> Callable[[F], F]:
    return click.option(
        "--reason", required=required, help="Why, such as the number of a ticket; for the record."
    )


def _email_option(*, required: bool) -> Callable[[F], F]:
    return click.option("--email", required=required, help="The e-mail address that the caller gave.")


_ticket_option = click.option(
    "--ticket", default="", metavar="TEXT", help="The number of the ticket, for the record."
)


@support.command(short_help="Forget USER's phone: the next sign-in sets up a new one.")
@click.argument("user", required=False)
@_email_option(required=False)
@click.option("--all", "everybody", is_flag=True, help="Reset every account, in place of USER and --email.")
@_reason_option(required=False)
@_ticket_option
@agent_option
@context_options
def reset(
    place: CommandContext,
    user: str | None,
    email: str | None,
    everybody: bool,
    reason: str | None,
    ticket: str,
    agent: str,
) -> None:
    """Forget USER's phone, recovery code and sessions; the next sign-in sets up a new phone.

    With --all forget everybody's. From then on nobody enrolls without an invitation, new users neither; wsgi-mfa
    store enrollment ends that.
    """
    if everybody and (user is not None or email is not None):
        raise click.UsageError("--all takes neither USER nor --email")
    if user is None and not everybody:
        raise click.UsageError("Missing argument 'USER'")
    if email is None and not everybody:
        raise click.UsageError("Missing option '--email'")
    if reason is None:
        raise click.UsageError("Missing option '--reason'")
    if everybody and ticket:
        raise click.UsageError("--ticket goes with USER")
    if user is None or email is None:
        _reset_all(place, reason, agent)
    else:
        _tell(place.desk.reset(user, email=email, reason=reason, ticket=ticket, agent=agent))


def _reset_all(place: CommandContext, reason: str, agent: str) -> None:
    ask(f"Forget the phones of all users of {place.name}?")
    with working("resetting every account"):
        count = AccountKeeper(place.service, agent=agent, reason=reason).reset_all()
    click.echo(f"reset: {counted(count, 'account')}; each needs an invitation to enroll anew")


@support.command(short_help="Let USER, who has no phone yet, set one up.")
@click.argument("user")
@_email_option(required=False)
@_reason_option(required=True)
@_ticket_option
@agent_option
@context_options
def invite(place: CommandContext, user: str, email: str | None, reason: str, ticket: str, agent: str) -> None:
    """Print a one-time code by which USER, who has no phone bound, may set one up.

    It is needed where enrollment is by invitation: by the policy, after support reset --all, after accounts remove.
    --email may be left out where no address of USER is known.
    """
    _tell(place.desk.invite(user, email=email, reason=reason, ticket=ticket, agent=agent))


@support.command(short_help="Give USER a code against being locked out.")
@click.argument("user")
@_email_option(required=True)
@_reason_option(required=True)
@_ticket_option
@agent_option
@click.option(
    "--clock", is_flag=True, help="Also let codes of the present work again after a clock ran ahead."
)
@context_options
def unlock(
    place: CommandContext, user: str, email: str, reason: str, ticket: str, agent: str, clock: bool
) -> None:
    """Print a one-time code for USER, who is locked out of codes by wrong ones of others.

    The browser that shows it is known from then on, and is judged by counters of its own. No budget is cleared.
    """
    _tell(place.desk.unlock(user, email=email, reason=reason, ticket=ticket, agent=agent, clock=clock))


@support.command("forget-drift", short_help="Forget what was learned of USER's clock, or of everybody's.")
@click.argument("user", required=False)
@_email_option(required=False)
@click.option(
    "--all", "everybody", is_flag=True, help="Forget it of every account, in place of USER and --email."
)
@click.option(
    "--since", type=INSTANT, metavar="TIME", help="With --all: only what was learned since, in UTC."
)
@_reason_option(required=True)
@agent_option
@context_options
def forget_drift(
    place: CommandContext,
    user: str | None,
    email: str | None,
    everybody: bool,
    since: datetime | None,
    reason: str,
    agent: str,
) -> None:
    """Look for USER's codes around this server's own time again.

    For the day after the server's clock was wrong: what was learned of phones since then is wrong as well.
    """
    if everybody and (user is not None or email is not None):
        raise click.UsageError("--all takes neither USER nor --email")
    if since is not None and not everybody:
        raise click.UsageError("--since goes with --all")
    if everybody:
        instant = None if since is None else int(since.replace(tzinfo=timezone.utc).timestamp()) * SECOND
        with working("looking through every account"):
            count = AccountKeeper(place.service, agent=agent, reason=reason).forget_drift(since=instant)
        click.echo(f"forgotten: the clock of {counted(count, 'phone')}")
        return
    if user is None:
        raise click.UsageError("Missing argument 'USER'")
    if email is None:
        raise click.UsageError("Missing option '--email'")
    _tell(place.desk.forget_drift(user, email=email, reason=reason, agent=agent))


def _tell(result: SupportResult) -> None:
    if isinstance(result, Rejected):
        click.echo(f"{result.outcome.value}: {result.message}", err=True)
        sys.exit(1)
    click.echo(result.message)
    if result.enrollment_code is not None:
        click.echo(f"enrollment code: {result.enrollment_code}")
    if result.unlock_code is not None:
        click.echo(f"unlock code: {result.unlock_code}")
