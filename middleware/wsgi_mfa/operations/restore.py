"""Closing a store, opening it, and fencing one that was restored from a backup (R13, D28).

A fence saves every account anew while the store serves nobody. Where an export of the record was kept, the events
that the backup does not know are put on record again, and what they closed is closed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wsgi_mfa.audit import hash_chain
from wsgi_mfa.audit.export import Export
from wsgi_mfa.audit.hash_chain import Head, head_of
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import FenceAfterRestore
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.events import Event
from wsgi_mfa.errors import AccountError, StoreUnavailableError
from wsgi_mfa.operations.audit_retention import note
from wsgi_mfa.operations.integrity import problems
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import Store, StoreState, every_user, load_for_operator

CLOSED = "store.closed"  # in an export after it, nothing of before the restore is missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Fenced:
    """What a fence did, in numbers and users; ``state`` is that of the store now.

    ``closed`` are those whose phone is not the backup's any more, and ``removed`` those who were removed since.
    Before ``known_until`` nothing is missing; ``known_whole`` says that nothing happened later, since the store was
    closed then.
    """

    accounts_count: int
    lost_count: int
    closed: tuple[str, ...]
    removed: tuple[str, ...]
    known_until: int
    known_whole: bool
    state: StoreState


def set_state(store: Store, state: StoreState, now: int, *, fenced: bool = False) -> None:
    """Close or open the store for all workers, at an instant that is later than all before it."""
    was = store.status()
    at = max(now, was.changed_at + 1, was.fenced_at + 1)
    store.set_status(replace(was, state=state, changed_at=at, fenced_at=at if fenced else was.fenced_at))


def close_store(service: MfaService) -> None:
    """Serve nobody from now on, in no worker; nothing that was under way is saved any more."""
    if service.store.status().state is StoreState.OPEN:
        set_state(service.store, StoreState.CLOSED, service.clock.now())
        note(service, CLOSED)


def open_store(service: MfaService) -> None:
    """Serve again.

    :raises AccountError: the store was restored, or a fence was cut off: it has to be fenced first.
    """
    state = service.store.status().state
    if state is StoreState.UNFENCED:
        raise AccountError("the store was restored, or a fence was cut off: run `wsgi-mfa store fence` first")
    if state is StoreState.CLOSED:
        note(service, "store.opened")
        set_state(service.store, StoreState.OPEN, service.clock.now())


def fence(service: MfaService, export: Export | None) -> Fenced:
    """Close what a restored backup would open again, for every account that the store or the ``export`` knows.

    A store that was open is open again at the end; any other one is closed.

    :raises AccountError: an account was edited, or the export is none of this store, is not whole, or does not know
        all of its accounts.
    """
    store, export = service.store, export or Export(chains={}, heads=())
    _reject_altered(service)
    heads = {
        user: head_of(load_for_operator(store, user), user) for user in (hash_chain.STORE, *every_user(store))
    }
    if export.heads:
        _reject_unfit(export, service, heads)
    state = store.status().state
    set_state(store, StoreState.UNFENCED, service.clock.now())
    known_until, known_whole = _known(store, export)
    if not known_whole:
        store.set_invited_only(True)  # a user who is new to this store may have bound a phone since (D28)
    users = sorted({*heads, *export.chains} - {hash_chain.STORE})
    lost = {user: export.after(heads.get(user, head_of(None, user))) for user in (hash_chain.STORE, *users)}
    _restore_record(service, export, lost[hash_chain.STORE])
    changes = [_fenced(service, user, export, lost[user], invited=not known_whole) for user in users]
    lost_count = sum(map(len, lost.values()))
    note(service, "store.fenced", ("accounts", str(len(users))), ("lost_events", str(lost_count)))
    state = StoreState.OPEN if state is StoreState.OPEN else StoreState.CLOSED
    set_state(store, state, service.clock.now(), fenced=True)
    return Fenced(
        accounts_count=len(users),
        lost_count=lost_count,
        closed=tuple(after.user for before, after in changes if _lost_phone(before, after, lost[after.user])),
        removed=tuple(after.user for before, after in changes if before.removed_at != after.removed_at),
        known_until=known_until,
        known_whole=known_whole,
        state=state,
    )


def _reject_altered(service: MfaService) -> None:
    """Reject a store whose accounts are not what workers saved: a fence would sign what was edited."""
    found = list(problems(service))
    if found:
        told = "; ".join(map(str, found[:10]))
        raise AccountError(
            f"{len(found)} accounts are closed, and have to be rebuilt or signed first: {told}"
        )


def _reject_unfit(export: Export, service: MfaService, heads: Mapping[str, Head]) -> None:
    problems = [
        f"{user!r} has events, and the export has none of them: export the record of everybody"
        for user, head in heads.items()
        if head.number and user not in export.chains
    ]
    # A fence that was cut off has put accounts beyond the export; they were compared then.
    earlier = [head for head in heads.values() if head.number <= export.head(head.user).number]
    problems += export.problems(service.keys.ring, earlier)
    if problems:
        raise AccountError(f"not a whole record of this store: {'; '.join(problems)}")


def _known(store: Store, export: Export) -> tuple[int, bool]:
    """Up to which instant events are known, and whether the store was closed then."""
    if not export.chains:
        return max((event.at for event in store.events(limit=1)), default=store.identity.made_at), False
    to_store = export.chains.get(hash_chain.STORE, ())
    if to_store and to_store[-1].kind == CLOSED:
        return to_store[-1].at, True
    return max(events[-1].at for events in export.chains.values()), False


def _restore_record(service: MfaService, export: Export, lost: tuple[Event, ...]) -> None:
    """Put the lost events of the store as a whole back, and follow the latest rule for new users among them."""
    if not lost:
        return
    for event in lost:
        if event.kind == "store.enrollment":
            service.store.set_invited_only(("rule", "invited") in event.details)
    loaded, revision = load_for_operator(service.store, hash_chain.STORE), service.vault.new_id()
    account = loaded or Account(user=hash_chain.STORE, generation=revision)
    account = replace(
        _at(account, export.head(hash_chain.STORE)), revision=revision, saved_at=service.clock.now()
    )
    _save(service, account, lost, before=loaded)


def _fenced(
    service: MfaService, user: str, export: Export, lost: tuple[Event, ...], *, invited: bool
) -> tuple[Account, Account]:
    """Fence one account; how it was and how it is."""
    loaded, context, revision = (
        load_for_operator(service.store, user),
        service.context(),
        service.vault.new_id(),
    )
    before = loaded or Account(user=user, generation=revision)
    generation = service.vault.new_id()
    command = FenceAfterRestore(generation=generation, lost=lost, invited=invited, source="console")
    decision = decide(before, command, context)
    decided = replace(decision.account or before, revision=revision, saved_at=context.now)
    known = _at(before, export.head(user)) if lost else before
    signed, head = hash_chain.chained(decision.events, known, service.keys.ring, save_id=revision)
    after = _at(decided, head)
    _save(service, after, (*lost, *signed), before=loaded)
    return before, after


def _save(service: MfaService, account: Account, events: Sequence[Event], *, before: Account | None) -> None:
    """Save an account with its events.

    :raises StoreUnavailableError: somebody else works on the closed store.
    """
    if not service.save(account, events, expected=before.revision if before else None):
        raise StoreUnavailableError(
            "somebody else works on the store: run the fence again when they have ended"
        )


def _at(account: Account, head: Head) -> Account:
    return replace(account, event_count=head.number, event_link=head.link)


def _lost_phone(before: Account, after: Account, lost: tuple[Event, ...]) -> bool:
    """Whether there was a phone, in the backup or since, and is none now that the user could have."""
    bound = before.authenticator is not None or any(event.kind == "enrollment.confirmed" for event in lost)
    return bound and after.authenticator is None and after.removed_at is None
