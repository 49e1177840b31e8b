"""``wsgi-mfa accounts spellings`` and ``accounts migrate``: which spelling of a user name is whose."""

from __future__ import annotations

import json

import click
from rich import box
from rich.table import Table

from wsgi_mfa.cli.context import CommandContext, context_options
from wsgi_mfa.cli.output import agent_option, ask, console, counted, plain
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.operations.migration import KeyMigration
from wsgi_mfa.operations.spellings import NameGroup, SpellingKeeper, groups_of


@click.command(short_help="List user names with several spellings, and say whose each one is.")
@click.option("--same", metavar="SPELLING", help="It is the user of the account with the folded name.")
@click.option("--apart", metavar="SPELLING", help="It is another user than the other spellings.")
@click.option("--forget", metavar="SPELLING", help="It is no user's: take it off the list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--reason", default="", help="Why, for the record.")
@agent_option
@context_options
def spellings(
    place: CommandContext,
    same: str | None,
    apart: str | None,
    forget: str | None,
    as_json: bool,
    reason: str,
    agent: str,
) -> None:
    """List the user names that have several spellings, and those that were rejected and wait for a decision.

    With --same a rejected spelling signs in to the account that is there. With --apart it is another user, who sets up
    a phone. A spelling that has its own account already keeps it.
    """
    given = [each for each in (same, apart, forget) if each is not None]
    if len(given) > 1:
        raise click.UsageError("--same, --apart and --forget exclude each other")
    if not given:
        _list(groups_of(place.operator_store), as_json=as_json)
        return
    keeper = SpellingKeeper(place.service, agent=agent, reason=reason)
    if same is not None:
        ask(f"Are {same!r} and the other spellings of this name one user, to you and to the portal?")
        result = {"same": same, "account": keeper.same(same)}
        line = f"same: {same} signs in to the account {result['account']}"
    elif apart is not None:
        ask(f"Does the portal tell {apart!r} from the other spellings of this name?")
        own, other = keeper.apart(apart)
        result = {"apart": apart, "account": own, "other_account": other}
        line = f"apart: {own} has an account of its own, beside {other}" if own != other else f"apart: {own}"
    else:
        result = {"forgotten": str(forget), "account": keeper.forget(str(forget))}
        line = f"forgotten: {forget}"
    click.echo(json.dumps(result) if as_json else plain(line).plain)


def _list(groups: list[NameGroup], *, as_json: bool) -> None:
    if as_json:
        listed = [
            {"name": group.name, "accounts": group.bound, "rejected": group.refused} for group in groups
        ]
        click.echo(json.dumps(listed))
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("name", "account", "bound spellings", "rejected, undecided"):
        table.add_column(heading, overflow="fold")
    for group in groups:
        for place, (user, bound) in enumerate(sorted(group.bound.items())):
            rejected = ", ".join(map(repr, group.refused)) if place == 0 else ""
            table.add_row(
                plain(group.name if place == 0 else ""),
                plain(user),
                plain(", ".join(map(repr, bound)) or "-"),
                plain(rejected),
            )
    console().print(table if groups else "each user name has one spelling")


@click.command(short_help="Bind accounts by the portal's keys instead of names.")
@click.option("--reason", default="", help="Why, for the record.")
@agent_option
@context_options
def migrate(place: CommandContext, reason: str, agent: str) -> None:
    """Move each account from the user's name to the key that the directory gives.

    Do it once, before users can change their names at the portal; until then no request is served. Sessions end. If it
    is cut off, give the same command again.
    """
    configuration = place.configuration
    if configuration is None or configuration.directory is None:
        raise ConfigurationError("--config with a directory is needed, which knows the keys of the users")
    ask("Bind all accounts by the keys of the directory?")
    migration = KeyMigration(place.service, configuration.directory, agent=agent, reason=reason)
    report = migration.run()
    click.echo(f"migrated: {counted(report.moved_count, 'account')}")
    for line in report.remaining:
        click.echo(f"left: {plain(line).plain}")
