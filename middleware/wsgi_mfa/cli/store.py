"""``wsgi-mfa store``: what is done to all accounts at once."""

from __future__ import annotations

import click

from wsgi_mfa.cli.place import Place, made_database, place_options
from wsgi_mfa.cli.telling import counted
from wsgi_mfa.configured import store_of
from wsgi_mfa.core import commands
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.service import STUBBORN_SECONDS, Visit
from wsgi_mfa.stores.protocol import AccountStore, every_user
from wsgi_mfa.support.record import note


@click.group()
def store() -> None:
    """The store as a whole."""


@store.command(short_help="Make the store; one that is there is left alone.")
@place_options
def init(place: Place) -> None:
    """Make the store, with its birth record; one that is there already is left alone (D2)."""
    made: AccountStore
    if place.configuration is not None:
        made = store_of(place.configuration, create=True)
    else:
        made, _ = made_database(place.path)
    click.echo(f"store: {place.name}")
    click.echo(f"store id: {made.birth.store_id}")


@store.command()
@place_options
def fence(place: Place) -> None:
    """Close what a restored backup would open again.

    For every account: no code of before this moment works, the recovery code is void, sessions end.
    """
    service = place.service
    count = 0
    for user in every_user(service.store):
        visit = Visit(
            user=user,
            origin=Origin(browser="", next_browser="", source="console"),
            now=service.clock.now(),
        )
        command = commands.FenceAfterRestore(generation=service.vault.new_id(), source="console")
        service.apply(visit, command, patience_seconds=STUBBORN_SECONDS)
        count += 1
    click.echo(f"fenced: {counted(count, 'account')}")


@store.command(short_help="Show or change whether new users need an invitation.")
@click.argument("rule", type=click.Choice(["policy", "invited"]), required=False)
@place_options
def enrollment(place: Place, rule: str | None) -> None:
    """Show or change whether users without an account need an invitation.

    RULE is policy (what the setting enrollment of the policy says) or invited (each needs one, whatever it says). A
    user who was reset or removed while invited was the rule goes on to need one.
    """
    if rule is not None:
        place.store.set_invited_only(rule == "invited")
        note(place.service, "store.enrollment", ("rule", rule))
    if place.store.invited_only():
        click.echo("enrollment: invited, for every new user")
    else:
        click.echo(f"enrollment: {place.policy.enrollment}, as the policy says")
