"""The audit record as an operator keeps it: what happened to the store as a whole, and dropping what is old (D31)."""

from __future__ import annotations

from wsgi_mfa.audit import hash_chain
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import every_user


def note(service: MfaService, kind: str, *details: tuple[str, str]) -> None:
    """Put an event without an account on record, in the chain of the store itself."""
    while True:
        loaded = service.load(hash_chain.STORE)
        now, revision = service.clock.now(), service.vault.new_id()
        event = Event(at=now, user=hash_chain.STORE, kind=kind, source="console", details=details)
        events, head = hash_chain.chained([event], loaded, service.keys.ring, save_id=revision)
        saved = Account(
            user=hash_chain.STORE,
            generation=loaded.generation if loaded else revision,
            revision=revision,
            saved_at=now,
            event_count=head.number,
            event_link=head.link,
        )
        if service.save(saved, events, expected=loaded.revision if loaded else None):
            return


def prune(service: MfaService, *, before: int, agent: str) -> int:
    """Drop every event from before the instant ``before``, but each account's latest; how many were dropped.

    A signed checkpoint comes first, so that the chain can be verified from there on; the store's own chain stays.
    """
    store, count = service.store, 0
    checkpoints = hash_chain.checkpoints_in(store.events(hash_chain.STORE, limit=hash_chain.EVERY))
    for user in every_user(store):
        gone = hash_chain.prunable(store.events(user, limit=hash_chain.EVERY), before=before)
        if not gone:
            continue
        link = hash_chain.link_after(gone, checkpoints.get(user, ()))
        number = gone[-1].number
        note(
            service,
            hash_chain.CHECKPOINT,
            *(("user", user), ("number", str(number)), ("link", link), ("agent", agent)),
        )
        store.forget_events(user, len(gone))
        count += len(gone)
    return count
