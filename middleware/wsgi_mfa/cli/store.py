"""``wsgi-mfa store``: what is done to all accounts at once."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click

from wsgi_mfa.audit.export import read_export
from wsgi_mfa.cli.context import CommandContext, context_options, made_database
from wsgi_mfa.cli.output import ask, counted, shown, working
from wsgi_mfa.configuration.build import store_of
from wsgi_mfa.core.instants import utc_text as utc
from wsgi_mfa.operations import integrity, key_checks, restore
from wsgi_mfa.operations.audit_retention import note
from wsgi_mfa.stores.protocol import Store, StoreState
from wsgi_mfa.stores.sqlite import SqliteStore


@click.group()
def store() -> None:
    """The store as a whole."""


@store.command(short_help="Make the store; one that is there is left alone.")
@context_options
def init(place: CommandContext) -> None:
    """Make the store, with its store id; of one that is there already nothing is changed.

    It also records the check values of keys that the store does not know yet, by which another key under the same id is
    noticed. Of a key by which accounts are sealed one value is opened before.
    """
    made: Store
    if place.configuration is not None:
        made = store_of(place.configuration, create=True)
    else:
        made, _ = made_database(place.path)
    with closing(place.operator_service.store):
        recorded = key_checks.record(place.operator_service)
    click.echo(f"store: {place.name}")
    click.echo(f"store id: {made.identity.store_id}")
    if recorded:
        click.echo(f"key check values: {', '.join(recorded)}")


@store.command(name="close", short_help="Let the workers answer 503.")
@context_options
def close(place: CommandContext) -> None:
    """Let the workers answer 503 until the store is opened: before a backup is restored, or for other work on it.

    Nothing that was under way is saved any more when the command ends. Programs that do not ask the store, such as
    the portal's own sign-in, go on.
    """
    restore.close_store(place.operator_service)
    click.echo("store: closed")


@store.command(name="open", short_help="Let the workers serve again.")
@context_options
def open_(place: CommandContext) -> None:
    """Let the workers serve again; refused where the store was restored and is not fenced."""
    restore.open_store(place.operator_service)
    click.echo("store: open")


@store.command(short_help="Copy a SQLite store, for the day you need it.")
@click.argument("path", type=click.Path(path_type=Path))
@context_options
def backup(place: CommandContext, path: Path) -> None:
    """Copy a SQLite store, as it is at one moment, to a new file at PATH, while workers go on.

    Where it is put back, the store is closed until it is fenced. Other means of SQLite make good copies too, but of
    a store that is open.
    """
    store = place.operator_store
    if not isinstance(store, SqliteStore):
        raise click.UsageError(f"{place.name} is no SQLite file: copy it by the means of its engine")
    store.backup(path)
    click.echo(f"backup: {path}")


@store.command(short_help="Close what a restored backup would open again.")
@click.option(
    "--audit",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What wsgi-mfa audit export printed last: what it tells is done again, as far as it closed something.",
)
@context_options
def fence(place: CommandContext, path: Path | None) -> None:
    """Close what a restored backup would open again, while the store serves nobody.

    For every account: no code of before this moment works, recovery codes and enrollment codes are void, sessions
    end. Whoever was reset, removed, or bound another phone since the backup needs an invitation, as far as FILE
    knows; where there may be others, new users need one too.
    """
    service = place.operator_service
    is_open = service.store.status().state is StoreState.OPEN
    serving = " The store is open, and workers may be serving from it." if is_open else ""
    ask(f"End all sessions, recovery codes and app passwords? This cannot be undone.{serving}")
    key_checks.record(service)
    export = None if path is None else read_export(path)
    with working("fencing every account"):
        done = restore.fence(service, export)
    click.echo(f"fenced: {counted(done.accounts_count, 'account')}")
    if path is not None:
        click.echo(f"put back on record: {counted(done.lost_count, 'event')}")
    for user in done.closed:
        click.echo(f"needs an invitation: {shown(user)}, whose phone is not the one of the backup")
    for user in done.removed:
        click.echo(f"removed again: {shown(user)}")
    if done.known_whole:
        click.echo(f"known: all until {utc(done.known_until)} UTC, when the store was closed")
    else:
        click.echo(
            f"not known: what happened after {utc(done.known_until)} UTC. Do again what the desk did since:"
        )
        click.echo("  resets, removals, renamings, unlocks. Who bound a phone since needs an invitation.")
        click.echo("enrollment: invited, for every new user, until `wsgi-mfa store enrollment policy`")
    click.echo("store: open" if done.state is StoreState.OPEN else "store: closed; next: wsgi-mfa store open")


@store.command(short_help="Give accounts of the release before their MAC.")
@click.option("--again", is_flag=True, help="Also where the store was signed before.")
@context_options
def sign(place: CommandContext, *, again: bool) -> None:
    """Give every account that the release before has saved its MAC, by which edits in the database are detected.

    Close the store first. Do it once, when every worker is of this release and the line document_schema is out of the
    configuration. Keys are tried on each account before.
    """
    service = place.operator_service
    key_checks.record(service)
    done = integrity.sign_all(service, again=again)
    click.echo(f"signed: {counted(done.accounts_count, 'account')}")
    for user in done.closed:
        click.echo(f"closed: {user or 'the record of the store'}, see wsgi-mfa check")
    if done.closed:
        sys.exit(1)


@store.command(short_help="Show or change whether new users need an invitation.")
@click.argument("rule", type=click.Choice(["policy", "invited"]), required=False)
@context_options
def enrollment(place: CommandContext, rule: str | None) -> None:
    """Show or change whether users without an account need an invitation.

    RULE is policy (what the setting enrollment of the policy says) or invited (each needs one, whatever it says). A
    user who was reset or removed while invited was the rule goes on to need one.
    """
    service = place.operator_service
    if rule is not None:
        service.store.set_invited_only(rule == "invited")
        note(service, "store.enrollment", ("rule", rule))
    if service.store.invited_only():
        click.echo("enrollment: invited, for every new user")
    else:
        click.echo(f"enrollment: {place.policy.enrollment}, as the policy says")
