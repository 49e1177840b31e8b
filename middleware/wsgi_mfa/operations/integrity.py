"""Accounts that are not what a worker saved: finding them, and the operator's way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wsgi_mfa.audit import hash_chain
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import RemoveAccount
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.usernames import canonical
from wsgi_mfa.errors import (
    AccountError,
    CorruptAccountError,
    StoreUnavailableError,
    UnknownKeyError,
    UnsealError,
)
from wsgi_mfa.operations.audit_retention import note
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import every_user, load_for_operator

REBUILT = "account.rebuilt"
SIGNED = "store.signed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """The result of signing a store: accounts that got a MAC, and users of those that are closed."""

    accounts_count: int
    closed: tuple[str, ...]


def problems(service: MfaService) -> Iterator[CorruptAccountError | UnknownKeyError]:
    """Yield why an account is closed, one error for each; also for the store's own, which keeps its record."""
    for user in (hash_chain.STORE, *every_user(service.store)):
        problem = _problem(service, user)
        if problem is not None:
            yield problem


def _problem(service: MfaService, user: str) -> CorruptAccountError | UnknownKeyError | None:
    try:
        account = load_for_operator(service.store, user)
        if account is not None:
            service.signer.check(account)
    except (CorruptAccountError, UnknownKeyError) as error:
        return error
    return None


def rebuild(service: MfaService, user: str, *, agent: str, reason: str) -> str:
    """Put what is left of a removed account in the place of one that is closed, and return its name.

    Its authenticator, recovery code and sessions are gone, since any of them may be an older one; the user needs an
    invitation. Wrong codes that it counts still count, and its events go on where they end.

    :raises AccountError: the account is as it was saved, or there is none.
    :raises StoreUnavailableError: it was saved by another process meanwhile.
    """
    name = canonical(user)
    closed, revision, found = _closed(service, name)
    context = service.context()
    left = Account(
        user=name,
        generation=service.vault.new_id(),
        enrollment_code_needed=True,
        removed_at=context.now,
    )
    if closed is not None:
        command = RemoveAccount(
            agent=agent, reason=reason, generation=service.vault.new_id(), source="console"
        )
        left = decide(closed, command, context).account or replace(left, code_failures=closed.code_failures)
    number, link = _end_of_record(service, name)
    known = replace(left, event_count=number, event_link=link)
    new_revision = service.vault.new_id()
    event = Event(
        at=context.now,
        user=name,
        kind=REBUILT,
        source="console",
        details=(("agent", agent), *((("reason", reason),) if reason else ()), ("found", found)),
    )
    events, head = hash_chain.chained([event], known, service.keys.ring, save_id=new_revision)
    saved = replace(
        known,
        revision=new_revision,
        saved_at=context.now,
        event_count=head.number,
        event_link=head.link,
    )
    if not service.save(saved, events, expected=revision):
        raise StoreUnavailableError(f"the account {name!r} was saved meanwhile: nothing was changed")
    return name


def _closed(service: MfaService, name: str) -> tuple[Account | None, str | None, str]:
    """Return a closed account as far as it can be read, the revision in the store, and what is wrong with it."""
    try:
        account = load_for_operator(service.store, name)
    except CorruptAccountError as error:
        return None, error.revision, "unreadable"
    if account is None:
        if not service.store.events(name, limit=1):
            raise AccountError(f"there is no account {name!r}; wsgi-mfa accounts list names them")
        return None, None, "deleted"
    try:
        service.signer.check(account)
    except UnknownKeyError as error:
        return account, account.revision, f"signed by the key {error.key_id}"
    except CorruptAccountError:
        return account, account.revision, "edited"
    raise AccountError(
        f"the account {name!r} is as it was saved: wsgi-mfa support reset, or wsgi-mfa accounts remove, changes it"
    )


def _end_of_record(service: MfaService, name: str) -> tuple[int, str]:
    """Return the number and the link of the latest event in the store, whatever the account said of it."""
    events = service.store.events(name, limit=hash_chain.EVERY)
    if not events:
        return 0, ""
    to_store = service.store.events(hash_chain.STORE, limit=hash_chain.EVERY)
    checkpoints = hash_chain.checkpoints_in(to_store).get(name, [])
    return events[-1].number, hash_chain.link_after(events, checkpoints)


def sign_all(service: MfaService, *, again: bool = False) -> Signed:
    """Give every account of the release before its MAC, once its sealed values open; nothing else changes.

    The store has to be closed to its workers. An account without a MAC in a store that has been signed was edited, so
    that signing ``again`` has to be asked for.

    :raises AccountError: the store has been signed, and accounts are without a MAC.
    """
    store = service.store
    looks = [_look(service, user) for user in (hash_chain.STORE, *every_user(store))]
    unsigned = [account for look in looks for account in look.unsigned]
    closed = [user for look in looks for user in look.closed]
    was_signed = any(event.kind == SIGNED for event in store.events(hash_chain.STORE, limit=hash_chain.EVERY))
    if unsigned and was_signed and not again:
        names = ", ".join(repr(account.user) for account in unsigned[:10])
        raise AccountError(
            f"the store was signed before, and {names} have no MAC: they were edited, unless workers of the release"
            " before have saved them since. Then say --again"
        )
    for account in unsigned:
        signed = replace(account, revision=service.vault.new_id())
        if not service.save(signed, (), expected=account.revision):
            raise StoreUnavailableError("the store was changed meanwhile: close it, and sign it again")
    note(service, SIGNED, ("accounts", str(len(unsigned))))
    return Signed(accounts_count=len(unsigned), closed=tuple(closed))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    unsigned: tuple[Account, ...] = ()
    closed: tuple[str, ...] = ()


def _look(service: MfaService, user: str) -> _Look:
    """Look at one account: its keys are tried if it has no MAC, and otherwise its MAC."""
    try:
        account = load_for_operator(service.store, user)
        if account is None:
            return _Look()
        if not account.mac:
            service.vault.opened_with(account)
            return _Look(unsigned=(account,))
        service.signer.check(account)
    except (CorruptAccountError, UnknownKeyError, UnsealError):
        return _Look(closed=(user,))
    return _Look()
