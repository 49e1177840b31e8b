"""Removing an account and moving it to another name (D33).

An account is never deleted. What is left of it has a name, a revision and nothing else: so a save that was under
way finds a lost race, no revision is ever used twice (D24), and whoever comes later by that name needs the desk.
"""

from __future__ import annotations

from dataclasses import replace

from wsgi_mfa.core import app_passwords
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import AdoptAccount, RemoveAccount
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome, Reason
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.rejections import rejected
from wsgi_mfa.core.remembered_browsers import all_ended_events
from wsgi_mfa.core.support import budgets_of
from wsgi_mfa.core.throttle import with_all
from wsgi_mfa.core.verification import fenced


def is_there(account: Account | None) -> bool:
    """Whether there is an account and not only what is left of one."""
    return account is not None and account.revision != "" and account.removed_at is None


def remove(account: Account, command: RemoveAccount, context: Context) -> Decision:
    """Forget all but the name, and that it was used."""
    if not is_there(account) or command.seen_revision not in (None, account.revision):
        return rejected(Reason.CHANGED_MEANWHILE)
    left = Account(
        user=account.user,
        generation=command.generation,
        revision=account.revision,
        saved_at=account.saved_at,
        **budgets_of(account),
        ended_logins=account.ended_logins,
        enrollments_begun=account.enrollments_begun,
        resyncs_begun=account.resyncs_begun,
        enrollment_code_needed=True,
        removed_at=context.now,
        spellings=account.spellings,
        refused_spellings=account.refused_spellings,
    )
    if command.renamed_to is None:
        event = _event("support.removed", account.user, command, context.now)
    else:
        event = _renamed(account.user, command.renamed_to, account.user, command, context.now)
    forgotten = all_ended_events(account, "removed", context.now, source=command.source)
    ended = app_passwords.end_events(
        account, account.app_passwords, "removed", context.now, source=command.source
    )
    return Decision(outcome=Outcome.RESET, account=left, events=(event, *forgotten, *ended))


def adopt(account: Account, command: AdoptAccount, context: Context) -> Decision:
    """Take over what the account of another name holds; never over an account that is there.

    Sessions end, and remembered and known browsers, since their cookies are good for the other name. As after a
    restore no code of before this moment works: the phone may have used it under the old name (R6).
    """
    if is_there(account) and account.revision != command.seen_revision:
        return rejected(Reason.CHANGED_MEANWHILE)
    moved = command.moved
    # A name that was its own address is one again.
    own_address = account.user if "@" in account.user else None
    adopted = replace(
        moved,
        user=account.user,
        generation=command.generation,
        revision=account.revision,
        saved_at=account.saved_at,
        address=own_address if moved.address == moved.user else moved.address,
        authenticator=moved.authenticator and fenced(moved.authenticator, context),
        # Guesses at what was there by this name before are not forgotten (D47).
        code_failures=replace(
            moved.code_failures, days=with_all(moved.code_failures.days, account.code_failures.days)
        ),
        known_browsers=(),
        known_failures=with_all(moved.known_failures, account.known_failures),
        granted_tries=with_all(moved.granted_tries, account.granted_tries),
        unlock_code=None,
        pending=(),
        sessions=(),
        remembered_browsers=(),
        app_passwords=(),
        retries=(),
        answers=(),
        first_code=None,
        enrollment_browser=None,
        spellings=command.spellings,
        refused_spellings=(),
    )
    event = _renamed(moved.user, account.user, account.user, command, context.now)
    return Decision(outcome=Outcome.RESET, account=adopted, events=(event,))


def _renamed(old: str, new: str, user: str, command: RemoveAccount | AdoptAccount, now: int) -> Event:
    """Both accounts have it on record, with both names."""
    return _event("support.renamed", user, command, now, ("old", old), ("new", new))


def _event(
    kind: str, user: str, command: RemoveAccount | AdoptAccount, now: int, *details: tuple[str, str]
) -> Event:
    reason = (("reason", command.reason),) if command.reason else ()
    return Event(
        at=now,
        user=user,
        kind=kind,
        source=command.source,
        details=(("agent", command.agent), *reason, *details),
    )
