"""``wsgi-mfa audit``: what is on record, whether it is whole, and how long it is kept (R48, D31)."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wsgi_mfa.audit import hash_chain as record
from wsgi_mfa.audit.export import line_of, line_of_head, read_export
from wsgi_mfa.cli.context import CommandContext, context_options
from wsgi_mfa.cli.output import agent_option, counted
from wsgi_mfa.core.instants import DAY
from wsgi_mfa.core.usernames import canonical
from wsgi_mfa.operations.audit_retention import prune as prune_record


@click.group(short_help="Export and verify what is on record.")
def audit() -> None:
    """What is on record of every account: phones bound, codes, locks, sessions, what support did."""


@audit.command(short_help="Print every event, and where the chains end.")
@click.argument("user", required=False)
@context_options
def export(place: CommandContext, user: str | None) -> None:
    """Print every event, or USER's, as a line of JSON each, the oldest first; then the head of each chain.

    Keep what was printed elsewhere: audit verify --against FILE shows whether the record was put back or cut since.
    """
    name = None if user is None else canonical(user)
    # The heads first: what is saved while the events are printed is then no event too few.
    heads = [
        head
        for head in record.verify(place.operator_store, place.keys.ring).heads
        if name in (None, head.user)
    ]
    for event in place.operator_store.events(name, limit=record.EVERY):
        click.echo(line_of(event))
    for head in heads:
        click.echo(line_of_head(head))


@audit.command(short_help="See whether the record is whole.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An earlier export: what it knows must still be there.",
)
@context_options
def verify(place: CommandContext, against: Path | None) -> None:
    """See whether an event was changed, removed or added by somebody without the keys.

    Exit 1 and a line for each account whose record is not whole.
    """
    found = record.verify(
        place.operator_store, place.keys.ring, against=() if against is None else read_export(against).heads
    )
    for problem in found.problems:
        click.echo(f"not whole: {problem}", err=True)
    if found.retired_count:
        click.echo(f"signed by keys that the ring does not hold: {counted(found.retired_count, 'event')}")
    if found.problems:
        sys.exit(1)
    click.echo(f"verified: {counted(found.events_count, 'event')} in {counted(len(found.heads), 'chain')}")


@audit.command(short_help="Drop what is old.")
@click.option("--days", type=click.IntRange(min=1), required=True, help="How many days are kept.")
@agent_option
@context_options
def prune(place: CommandContext, days: int, agent: str) -> None:
    """Drop events that are older than so many days, but each account's latest; a signed checkpoint stays.

    Nothing of what an account counts, such as the budget of wrong codes, rests on them.
    """
    service = place.service
    count = prune_record(service, before=service.clock.now() - days * DAY, agent=agent)
    click.echo(f"dropped: {counted(count, 'event')}")
