"""Spellings of user names, and the account that each of them leads to.

Some portals tell ``bob`` and ``Bob`` apart, and some do not. A spelling is bound to an account by the first second
factor that is shown under it. Accounts of users who type their names are kept under the folded name, so that one save
decides which spelling is bound. Any other spelling of that name is rejected until an operator has said whose it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import (
    BindSpelling,
    ForgetSpelling,
    Origin,
    RefuseSpelling,
    SeparateSpelling,
)
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome, Reason
from wsgi_mfa.core.errors import InvalidUserError
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.usernames import UserNames, names_of

REFUSED_MAX = 8  # of one account: who knows one password may try thousands of spellings
BOUND_MAX = 32


class OtherSpellingError(InvalidUserError):
    """The account of ``user`` is bound to other spellings of its name than ``spelling``."""

    def __init__(self, spelling: str, user: str) -> None:
        super().__init__(f"{spelling!r} is another spelling of {user!r}")
        self.spelling = spelling
        self.user = user


class FoundAccount(NamedTuple):
    """The name of an account, the account as it is stored, and the spelling that led to it.

    ``spelling`` is None where spellings do not count.
    """

    user: str
    account: Account | None
    spelling: str | None


Look = Callable[[str], "Account | None"]


def find(spelling: str, mode: UserNames, look: Look) -> FoundAccount:
    """Return the account that ``spelling`` leads to, among those that ``look`` gives by their names.

    :raises OtherSpellingError: the account is bound to other spellings.
    :raises InvalidUserError: no account can have this name.
    """
    own, folded = names_of(spelling)
    if mode is UserNames.FOLDED:
        return FoundAccount(folded, look(folded), None)
    found = _asked(own, folded, look) if mode is UserNames.ASK else _exact(own, folded, look)
    if found.account is not None and not takes(found.account, own):
        raise OtherSpellingError(own, found.user)
    return found


def account_name(text: str, look: Look) -> str:
    """Return the name of the account that an operator means by ``text``: spelt so, or else the folded one.

    :raises InvalidUserError: no account can have this name.
    """
    own, folded = names_of(text)
    return own if own != folded and look(own) is not None else folded


def _asked(own: str, folded: str, look: Look) -> FoundAccount:
    shared = look(folded)
    if own != folded and not (shared is not None and own in shared.spellings):
        separate = look(own)
        if separate is not None:
            return FoundAccount(own, separate, own)
    return FoundAccount(folded, shared, own)


def _exact(own: str, folded: str, look: Look) -> FoundAccount:
    account = look(own)
    if account is None and own != folded:
        shared = look(folded)
        if shared is not None and (own in shared.spellings or _is_of_any_spelling(shared)):
            return FoundAccount(folded, shared, own)
    return FoundAccount(own, account, own)


def _is_of_any_spelling(account: Account) -> bool:
    """Return True for an account with a past from when spellings did not count: it may be any spelling's."""
    return not account.spellings and (
        account.authenticator is not None or account.reset_at is not None or account.removed_at is not None
    )


def takes(account: Account, spelling: str | None) -> bool:
    """Return True if the account is bound to ``spelling``, or to none yet."""
    return spelling is None or not account.spellings or spelling in account.spellings


def bound(account: Account, origin: Origin, context: Context) -> tuple[Account, tuple[Event, ...]]:
    """Return ``account`` bound to the spelling that its user has shown a second factor under."""
    spelling = origin.spelling
    if spelling is None or spelling in account.spellings:
        return account, ()
    changed = _with_bound(account, spelling)
    if spelling == account.user:
        return changed, ()  # the name itself, as of most users
    return changed, (_event("spelling.bound", account.user, spelling, origin.source, context),)


def refuse(account: Account, command: RefuseSpelling, context: Context) -> Decision:
    """Keep a spelling that was rejected, so that an operator can say whose it is."""
    known = (*account.spellings, *account.refused_spellings)
    if command.spelling in known or len(account.refused_spellings) >= REFUSED_MAX or not account.revision:
        return Decision(outcome=Outcome.REFUSED, reason=Reason.OTHER_SPELLING)
    changed = replace(account, refused_spellings=(*account.refused_spellings, command.spelling))
    event = _event("spelling.rejected", account.user, command.spelling, command.source, context)
    return Decision(outcome=Outcome.REFUSED, reason=Reason.OTHER_SPELLING, account=changed, events=(event,))


def bind(account: Account, command: BindSpelling, context: Context) -> Decision:
    """Bind one more spelling to the account, because an operator says that it is the same user's."""
    if not account.revision or len(account.spellings) >= BOUND_MAX:
        return Decision(outcome=Outcome.REFUSED, reason=Reason.CHANGED_MEANWHILE)
    changed = _with_bound(account, command.spelling)
    return _decided(account, changed, "spelling.same", command, context)


def separate(account: Account, command: SeparateSpelling, context: Context) -> Decision:
    """Keep the account for ``command.spelling`` alone; it is made where there is none."""
    changed = replace(_without_refused(account, command.spelling), spellings=(command.spelling,))
    return _decided(account, changed, "spelling.apart", command, context)


def forget(account: Account, command: ForgetSpelling, context: Context) -> Decision:
    """Take a spelling from those that wait for an operator, or from those of an account that has others."""
    changed = _without_refused(account, command.spelling)
    left = tuple(each for each in account.spellings if each != command.spelling)
    changed = replace(changed, spellings=left or account.spellings)
    if changed == account:
        return Decision(outcome=Outcome.REFUSED, reason=Reason.CHANGED_MEANWHILE)
    return _decided(account, changed, "spelling.forgotten", command, context)


def _decided(
    account: Account,
    changed: Account,
    kind: str,
    command: BindSpelling | SeparateSpelling | ForgetSpelling,
    context: Context,
) -> Decision:
    if changed == account and account.revision:
        return Decision(outcome=Outcome.RESET)
    event = Event(
        at=context.now,
        user=account.user,
        kind=kind,
        source=command.source,
        details=(("spelling", command.spelling), ("agent", command.agent), ("reason", command.reason)),
    )
    return Decision(outcome=Outcome.RESET, account=changed, events=(event,))


def _with_bound(account: Account, spelling: str) -> Account:
    if spelling in account.spellings:
        return _without_refused(account, spelling)
    kept = _without_refused(account, spelling)
    return replace(kept, spellings=(*account.spellings, spelling))


def _without_refused(account: Account, spelling: str) -> Account:
    left = tuple(each for each in account.refused_spellings if each != spelling)
    return replace(account, refused_spellings=left)


def _event(kind: str, user: str, spelling: str, source: str, context: Context) -> Event:
    return Event(at=context.now, user=user, kind=kind, source=source, details=(("spelling", spelling),))
