"""``wsgi-mfa accounts``: what the store knows, without a secret in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wsgi_mfa.cli.place import Place, place_options
from wsgi_mfa.clock import SystemClock
from wsgi_mfa.core.account import Account, Failures
from wsgi_mfa.core.aging import settled
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.throttle import budget_spent, wait_seconds
from wsgi_mfa.core.user import canonical
from wsgi_mfa.errors import ConfigurationError

EVENTS_SHOWN = 20


@click.group()
def accounts() -> None:
    """The accounts of the store."""


@accounts.command("list")
@place_options
@click.option("--after", default="", help="Begin behind this user.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
def list_accounts(place: Place, after: str, limit: int) -> None:
    """List accounts in the order of their names."""
    store = place.store
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("user", "address", "state", "sessions"):
        table.add_column(heading, overflow="fold")
    users, now = store.users(after=after, limit=limit), SystemClock().now()
    for user in users:
        account = store.load(user)
        if account is not None:
            counting = settled(account, now, place.policy)
            state = _state(counting, now, place.policy)
            table.add_row(_plain(user), _plain(account.address or "-"), state, str(len(counting.sessions)))
    _console().print(table if users else "no accounts")


@accounts.command()
@click.argument("user")
@place_options
def show(place: Place, user: str) -> None:
    """Show one account and its latest events."""
    store = place.store
    name = canonical(user)
    account = store.load(name)
    if account is None:
        raise ConfigurationError(f"no account {name!r} in {place.name}; wsgi-mfa accounts list names them")
    console = _console()
    console.print(_pairs(_facts(account, SystemClock().now(), place.policy)))
    console.print("\nlatest events, the newest last (UTC)")
    console.print(_pairs((_utc(event.at), _told(event)) for event in store.events(name, limit=EVENTS_SHOWN)))


def _pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Two columns without a frame, the second one wrapped at its words."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(label, _plain(value))
    return table


def _told(event: Event) -> str:
    """One event in a line, such as ``code.wrong from 192.0.2.1: count=1``."""
    details = " ".join(f"{key}={value}" for key, value in event.details)
    source = f" from {event.source}" if event.source else ""
    return f"{event.kind}{source}{f': {details}' if details else ''}"


def _plain(text: str) -> Text:
    """What others have written, with no power over the terminal and no meaning as markup (R83)."""
    return Text("".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text))


def _facts(stored: Account, now: int, policy: Policy) -> list[tuple[str, str]]:
    account = settled(stored, now, policy)
    authenticator = account.authenticator
    code = account.recovery_code
    facts = [
        ("user", account.user),
        ("address", account.address or "- (a reset by address is not possible)"),
        ("state", _state(account, now, policy)),
        ("open sessions", str(len(account.sessions))),
        ("wrong codes", _failures(account.code_failures)),
        ("wrong recovery codes", _failures(account.recovery_failures)),
        ("last saved", f"{_utc(account.saved_at)} UTC"),
    ]
    if authenticator is not None:
        parameters = authenticator.parameters
        drift_seconds = authenticator.drift_steps * parameters.period_seconds
        facts += [
            ("phone bound", f"{_utc(authenticator.confirmed_at)} UTC"),
            ("phone's clock", f"about {drift_seconds:+d} s off" if drift_seconds else "as ours"),
        ]
    if code is not None:
        facts.append(
            (
                "recovery code",
                f"made {_utc(code.made_at)} UTC, {'stored' if code.acknowledged else 'not stored yet'}",
            )
        )
    return facts


def _state(account: Account, now: int, policy: Policy) -> str:
    """One word or two for what the next sign-in would meet."""
    if account.authenticator is None:
        return "must enroll with a code" if account.enrollment_code_needed else "must enroll"
    if budget_spent(account.code_failures, policy):
        return "closed"
    return "locked" if wait_seconds(account.code_failures, now, policy) else "enrolled"


def _failures(failures: Failures) -> str:
    rolling = sum(count for _, count in failures.days)
    granted = f", {failures.granted_count} tries granted" if failures.granted_count else ""
    return f"{failures.consecutive_count} in a row, {rolling} in the rolling budget{granted}"


def _utc(instant: int) -> str:
    """An instant for people; built from whole seconds, so that no float rounds it."""
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (epoch + timedelta(seconds=instant // 1_000_000)).strftime("%Y-%m-%d %H:%M:%S")


def _console() -> Console:
    return Console(highlight=False, soft_wrap=False)
