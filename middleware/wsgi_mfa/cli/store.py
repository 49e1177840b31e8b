"""``wsgi-mfa store``: what is done to all accounts at once."""

from __future__ import annotations

from pathlib import Path

import click

from wsgi_mfa.cli.place import database_option, opened_service
from wsgi_mfa.core import commands
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.service import STUBBORN_SECONDS, MfaService, Visit

PAGE_USERS = 100


@click.group()
def store() -> None:
    """The store as a whole."""


@store.command()
@database_option
def fence(database: Path) -> None:
    """Close what a restored backup would open again.

    For every account: no code of before this moment works, the recovery code is void, sessions end.
    """
    service = opened_service(database)
    count = 0
    for user in _users(service):
        visit = Visit(
            user=user,
            origin=Origin(browser="", next_browser="", source="console"),
            now=service.clock.now(),
        )
        command = commands.FenceAfterRestore(generation=service.vault.new_id(), source="console")
        service.apply(visit, command, patience_seconds=STUBBORN_SECONDS)
        count += 1
    click.echo(f"fenced: {count} {'account' if count == 1 else 'accounts'}")


def _users(service: MfaService) -> list[str]:
    users: list[str] = []
    while page := service.store.users(after=users[-1] if users else "", limit=PAGE_USERS):
        users += page
    return users
