"""``wsgi-mfa accounts``: what the store knows, without a secret in it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import click
from rich import box
from rich.console import Console
from rich.table import Table

from wsgi_mfa.cli.place import Place, place_options
from wsgi_mfa.clock import SystemClock
from wsgi_mfa.core.account import Account, Failures
from wsgi_mfa.core.aging import settled
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
    users = store.users(after=after, limit=limit)
    for user in users:
        account = store.load(user)
        if account is not None:
            counting = settled(account, SystemClock().now(), Policy())
            table.add_row(user, account.address or "-", _state(counting), str(len(counting.sessions)))
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
    facts = Table(box=None, show_header=False, pad_edge=False)
    for label, value in _facts(settled(account, SystemClock().now(), Policy())):
        facts.add_row(label, value)
    console.print(facts)
    events = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title="latest events", title_justify="left"
    )
    for heading in ("when (UTC)", "event", "from", "details"):
        events.add_column(heading, overflow="fold")
    for event in store.events(name, limit=EVENTS_SHOWN):
        details = " ".join(f"{key}={value}" for key, value in event.details)
        events.add_row(_utc(event.at), event.kind, event.source or "-", details)
    console.print(events)


def _facts(account: Account) -> list[tuple[str, str]]:
    authenticator = account.authenticator
    code = account.recovery_code
    facts = [
        ("user", account.user),
        ("address", account.address or "- (a reset by address is not possible)"),
        ("state", _state(account)),
        ("open sessions", str(len(account.sessions))),
        ("wrong codes", _failures(account.code_failures)),
        ("wrong recovery codes", _failures(account.recovery_failures)),
        ("last saved", _utc(account.saved_at)),
    ]
    if authenticator is not None:
        parameters = authenticator.parameters
        drift_seconds = authenticator.drift_steps * parameters.period_seconds
        facts += [
            ("phone bound", _utc(authenticator.confirmed_at)),
            ("phone's clock", f"about {drift_seconds:+d} s off" if drift_seconds else "as ours"),
        ]
    if code is not None:
        facts.append(
            (
                "recovery code",
                f"made {_utc(code.made_at)}, {'stored' if code.acknowledged else 'not stored yet'}",
            )
        )
    return facts


def _state(account: Account) -> str:
    """One word or two for what the next sign-in would meet."""
    now, policy = SystemClock().now(), Policy()
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
