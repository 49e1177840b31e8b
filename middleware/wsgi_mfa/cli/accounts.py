"""``wsgi-mfa accounts``: what the store knows, without a secret in it, and what operators do to it (D33)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

import click
from rich import box
from rich.table import Table

from wsgi_mfa.cli.context import CommandContext, context_options
from wsgi_mfa.cli.output import agent_option, ask, console, counted, json_option, pairs, plain, print_json
from wsgi_mfa.cli.rollout import rollout
from wsgi_mfa.cli.spellings import migrate, spellings
from wsgi_mfa.clock import SystemClock
from wsgi_mfa.core.account import Account, AppPassword, Failures
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.expiry import without_expired
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.instants import utc_text as utc
from wsgi_mfa.core.spellings import account_name
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.operations import integrity
from wsgi_mfa.operations.accounts import AccountKeeper
from wsgi_mfa.stores.protocol import Store, load_for_operator
from wsgi_mfa.support.account_view import state_of
from wsgi_mfa.support.desk import SESSION_CHARACTERS

EVENTS_SHOWN = 20
PAGE_OF_USERS = 500
#: What `state_of` may say.
STATES = (
    *("enrolled", "locked", "closed", "must enroll", "must enroll with a code", "may enroll", "no phone"),
    "removed",
)


@click.group()
def accounts() -> None:
    """The accounts of the store."""


accounts.add_command(rollout)
accounts.add_command(spellings)
accounts.add_command(migrate)


@accounts.command("list")
@context_options
@click.option("--after", default="", help="Begin behind this user.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--state", type=click.Choice(STATES), metavar="STATE", help="Only those, such as locked.")
@click.option("--search", default="", metavar="TEXT", help="Only users or addresses with TEXT in them.")
@json_option
def list_accounts(
    place: CommandContext, after: str, limit: int, state: str | None, search: str, as_json: bool
) -> None:
    """List accounts in the order of their names."""
    context = Context(now=SystemClock().now(), policy=place.policy)
    chosen = _chosen(place.operator_store, context, after=after, state=state, search=search)
    found = list(islice(chosen, limit))
    if as_json:
        print_json([_row(account, context) for account in found])
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("user", "address", "state", "sessions"):
        table.add_column(heading, overflow="fold")
    for account in found:
        row = _row(account, context)
        address = plain(account.address or "-")
        table.add_row(plain(account.user), address, str(row["state"]), str(row["sessions"]))
    console().print(table if found else "no accounts")


def _chosen(
    store: Store, context: Context, *, after: str, state: str | None, search: str
) -> Iterator[Account]:
    """Yield the accounts behind a user that are in a state, and hold a text in their name or address."""
    wanted = search.casefold()
    while users := store.users(after=after, limit=PAGE_OF_USERS):
        for user in users:
            account = load_for_operator(store, user)
            if account is None or wanted not in f"{user}\0{account.address or ''}".casefold():
                continue
            if state is None or state_of(without_expired(account, context), context) == state:
                yield account
        after = users[-1]


def _row(account: Account, context: Context) -> dict[str, object]:
    counting = without_expired(account, context)
    return {
        "user": account.user,
        "address": account.address,
        "state": state_of(counting, context),
        "sessions": len(counting.sessions),
    }


@accounts.command()
@click.argument("user")
@json_option
@context_options
def show(place: CommandContext, user: str, as_json: bool) -> None:
    """Show one account and its latest events."""
    account = _stored(place, user)
    events = place.operator_store.events(account.user, limit=EVENTS_SHOWN)
    context = Context(now=SystemClock().now(), policy=place.policy)
    if as_json:
        told = [_event_members(event) for event in events]
        print_json({**_row(account, context), "facts": dict(_facts(account, context)), "events": told})
        return
    out = console()
    out.print(pairs(_facts(account, context)))
    out.print("\nlatest events, the newest last (UTC)")
    out.print(pairs((utc(event.at), _told(event)) for event in events))


@accounts.command(short_help="List the open sessions of one account.")
@click.argument("user")
@json_option
@context_options
def sessions(place: CommandContext, user: str, as_json: bool) -> None:
    """List the open sessions and remembered browsers of one account, each with the beginning of its id."""
    account = without_expired(_stored(place, user), Context(now=SystemClock().now(), policy=place.policy))
    if as_json:
        print_json(_session_members(account))
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("session", "by", "since (UTC)", "last used (UTC)"):
        table.add_column(heading, overflow="fold")
    for session in account.sessions:
        how = session.method.value.replace("_", " ")
        table.add_row(session.id[:SESSION_CHARACTERS], how, utc(session.verified_at), utc(session.seen_at))
    console().print(table if account.sessions else "no open sessions")
    if account.remembered_browsers:
        remembered = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for heading in ("remembered", "browser", "since (UTC)", "last used (UTC)"):
            remembered.add_column(heading, overflow="fold")
        for browser in account.remembered_browsers:
            since, used = utc(browser.made_at), utc(browser.used_at)
            remembered.add_row(browser.id[:SESSION_CHARACTERS], browser.label, since, used)
        console().print("", remembered)


def _session_members(account: Account) -> dict[str, object]:
    return {
        "sessions": [
            {
                "session": each.id[:SESSION_CHARACTERS],
                "method": each.method.value,
                "verified_at": each.verified_at // SECOND,
                "seen_at": each.seen_at // SECOND,
            }
            for each in account.sessions
        ],
        "remembered_browsers": [
            {
                "browser": each.id[:SESSION_CHARACTERS],
                "label": each.label,
                "made_at": each.made_at // SECOND,
                "used_at": each.used_at // SECOND,
            }
            for each in account.remembered_browsers
        ],
    }


def _event_members(event: Event) -> dict[str, object]:
    return {
        "at": event.at // SECOND,
        "kind": event.kind,
        "source": event.source,
        "details": dict(event.details),
    }


@accounts.command(short_help="End the sessions of one account.")
@click.argument("user")
@click.argument("session", required=False)
@agent_option
@context_options
def revoke(place: CommandContext, user: str, session: str | None, agent: str) -> None:
    """End the session of USER whose id begins with SESSION, or forget such a remembered browser; without SESSION all.

    The next request needs a code. The portal's own login goes on.
    """
    if session is not None and AccountKeeper(place.service, agent=agent).forget_browser(user, session):
        click.echo("forgotten: 1 browser")
        return
    ended, forgotten = AccountKeeper(place.service, agent=agent).end_sessions(user, session)
    click.echo(f"ended: {counted(ended, 'session')}")
    if forgotten:
        click.echo(f"forgotten: {counted(forgotten, 'browser')}")


@accounts.command("app-passwords", short_help="List the app passwords of one account, or end them.")
@click.argument("user")
@click.option("--end", "ended", metavar="ID", help="End the one whose id begins with ID.")
@click.option("--end-all", is_flag=True, help="End all of them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@agent_option
@context_options
def app_passwords(
    place: CommandContext, user: str, ended: str | None, end_all: bool, as_json: bool, agent: str
) -> None:
    """List USER's app passwords, each with the beginning of its id; never a secret."""
    keeper = AccountKeeper(place.service, agent=agent)
    if ended is not None or end_all:
        gone = keeper.end_app_passwords(user, None if end_all else ended)
        click.echo(f"ended: {counted(len(gone), 'app password')}")
        return
    listed = keeper.app_passwords(user)
    if as_json:
        click.echo(json.dumps([_app_password(each) for each in listed]))
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("id", "name", "path", "made (UTC)", "last used (UTC)", "ends (UTC)"):
        table.add_column(heading, overflow="fold")
    for each in listed:
        used = "-" if each.used_at is None else utc(each.used_at)
        row = (plain(each.name), each.path, utc(each.made_at), used, utc(each.expires_at))
        table.add_row(each.id[:SESSION_CHARACTERS], *row)
    console().print(table if listed else "no app passwords")


def _app_password(app_password: AppPassword) -> dict[str, object]:
    used = app_password.used_at
    return {
        "id": app_password.id,
        "name": app_password.name,
        "path": app_password.path,
        "made_at": app_password.made_at // SECOND,
        "used_at": None if used is None else used // SECOND,
        "expires_at": app_password.expires_at // SECOND,
    }


@accounts.command(short_help="Forget one account.")
@click.argument("user")
@click.option("--reason", default="", help="Why, for the record.")
@agent_option
@context_options
def remove(place: CommandContext, user: str, reason: str, agent: str) -> None:
    """Forget USER's phone, recovery code, address and sessions.

    The name and the events stay. Who signs in by that name later needs an invitation of the support desk.
    """
    ask(f"Forget the account {user!r}?")
    name = AccountKeeper(place.service, agent=agent, reason=reason).remove(user)
    click.echo(f"removed: {name} needs an invitation to enroll again")


@accounts.command(short_help="Move an account to another name.")
@click.argument("old")
@click.argument("new")
@click.option("--reason", default="", help="Why, for the record.")
@agent_option
@context_options
def rename(place: CommandContext, old: str, new: str, reason: str, agent: str) -> None:
    """Move the account OLD, with its phone and recovery code, to the name NEW; its sessions end.

    Do it when the portal knows the user by the new name. If it is cut off, give the same command again.
    """
    before, after = AccountKeeper(
        place.service, agent=agent, reason=reason, user_names=place.user_names
    ).rename(old, new)
    click.echo(f"renamed: {before} is {after} now")


@accounts.command(short_help="Replace an account that was changed in the store by other means.")
@click.argument("user")
@click.option("--reason", default="", help="Why, for the record.")
@agent_option
@context_options
def rebuild(place: CommandContext, user: str, reason: str, agent: str) -> None:
    """Put what is left of a removed account in the place of USER's, which is closed since its MAC does not verify.

    Find out first who can write to the database, and look at `wsgi-mfa audit verify`. Where a backup from before the
    change is there, restoring it is the other way. USER needs an invitation of the support desk then.
    """
    ask(f"Forget what the store holds of {user!r}?")
    name = integrity.rebuild(place.operator_service, user, agent=agent, reason=reason)
    click.echo(f"rebuilt: {name} needs an invitation to enroll again")


def _stored(place: CommandContext, user: str) -> Account:
    store = place.operator_store
    name = account_name(user, lambda each: load_for_operator(store, each))
    account = load_for_operator(store, name)
    if account is None:
        raise ConfigurationError(f"no account {name!r} in {place.name}; wsgi-mfa accounts list names them")
    return account


def _told(event: Event) -> str:
    """One event in a line, such as ``code.wrong from 192.0.2.1: count=1``."""
    details = " ".join(f"{key}={value}" for key, value in event.details)
    source = f" from {event.source}" if event.source else ""
    return f"{event.kind}{source}{f': {details}' if details else ''}"


def _facts(stored: Account, context: Context) -> list[tuple[str, str]]:
    account = without_expired(stored, context)
    authenticator = account.authenticator
    code = account.recovery_code
    facts = [
        ("user", account.user),
        ("spellings", ", ".join(account.spellings) or "- (bound by the next second factor)"),
        ("address", account.address or "- (a reset by address is not possible)"),
        ("state", state_of(account, context)),
        ("open sessions", str(len(account.sessions))),
        ("app passwords", str(len(account.app_passwords))),
        ("wrong codes", _failures(account.code_failures)),
        ("known browsers", _known(account)),
        ("wrong recovery codes", f"{account.recovery_failures.consecutive_count} in a row"),
        ("last saved", f"{utc(account.saved_at)} UTC"),
    ]
    if authenticator is not None:
        parameters = authenticator.parameters
        drift_seconds = authenticator.drift_steps * parameters.period_seconds
        facts += [
            ("phone bound", f"{utc(authenticator.confirmed_at)} UTC"),
            ("phone's clock", f"about {drift_seconds:+d} s off" if drift_seconds else "as ours"),
        ]
    if code is not None:
        facts.append(
            (
                "recovery code",
                f"made {utc(code.made_at)} UTC, {'stored' if code.acknowledged else 'not stored yet'}",
            )
        )
    return facts


def _known(account: Account) -> str:
    rolling = sum(count for _, count in account.known_failures)
    return f"{len(account.known_browsers)}, with {rolling} wrong codes in the rolling budget"


def _failures(failures: Failures) -> str:
    rolling = sum(count for _, count in failures.days)
    return f"{failures.consecutive_count} in a row, {rolling} in the rolling budget"
