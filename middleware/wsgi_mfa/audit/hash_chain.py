"""The audit record as a chain: nobody without a key can change, remove or add an event unseen (D31, R48).

An event carries its number in its user's chain and a signature over the link, which is a hash of the link before
it and of the event. The account holds the latest number and link, saved together with the event. So a later
signature vouches for everything before it, also where the key that signed that is retired. Whoever can put back
account and events together, to what they once were, is seen only against an earlier export.

What happens to the store as a whole is the chain of :data:`STORE`, a name that no user can have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.codec import EVENT_CODEC
from wsgi_mfa.core.events import Event
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.stores.protocol import Store, every_user, load_for_operator

STORE = ""
CHECKPOINT = "audit.checkpoint"
EVERY = 2**62  # more events than any store has
_PURPOSE = "audit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Where a chain ends: the number and link of its latest event; number 0 before the first."""

    user: str
    number: int
    link: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What was found: the chains' heads, how many events count, and what is wrong, a line each."""

    heads: tuple[Head, ...]
    events_count: int
    retired_count: int  # signed by a key that the ring no longer holds; vouched for by later events
    problems: tuple[str, ...]


def head_of(account: Account | None, user: str) -> Head:
    if account is None:
        return Head(user=user, number=0, link="")
    return Head(user=user, number=account.event_count, link=account.event_link)


def chained(
    events: Iterable[Event], before: Account | None, ring: KeyRing, *, save_id: str
) -> tuple[tuple[Event, ...], Head]:
    """``events`` of one save as the next ones in the chain of the account that was loaded, and the head they make."""
    signed: list[Event] = []
    head = head_of(before, "")
    number, link = head.number, head.link
    for index, event in enumerate(events):
        number += 1
        numbered = replace(event, save_id=save_id, index=index, number=number)
        link = _next_link(link, numbered)
        signed.append(replace(numbered, mac=ring.sign_value(_PURPOSE, link.encode())))
    return tuple(signed), Head(user=head.user, number=number, link=link)


def _next_link(link: str, event: Event) -> str:
    unsigned = replace(event, mac="") if event.mac else event
    return hashlib.sha256(f"{link}\n{EVENT_CODEC.encode(unsigned)}".encode()).hexdigest()


def verify(store: Store, ring: KeyRing, *, against: Iterable[Head] = ()) -> Verification:
    """Read every chain of the store, and compare with the heads of an earlier export.

    :raises StoreUnavailableError: the store cannot be read, or a chain grew faster than it could be.
    """
    chains = [_read(store, STORE)]
    checkpoints = checkpoints_in(chains[0].events)
    chains += [_read(store, user) for user in every_user(store)]
    earlier: dict[str, list[Head]] = {}
    for head in against:
        earlier.setdefault(head.user, []).append(head)
    known = {chain.head.user for chain in chains}
    problems: list[str] = [
        f"{_name(user)}: the export knows {heads[-1].number} events, and the store knows no such account"
        for user, heads in earlier.items()
        if user not in known
    ]
    retired = 0
    for chain in chains:
        user = chain.head.user
        judged = _Judge(ring, chain, checkpoints.get(user, []), earlier.get(user, []))
        problems += judged.problems()
        retired += judged.retired_count
    owned = sum(len(chain.events) for chain in chains)
    every = store.events(limit=EVERY)
    strangers = sorted({event.user for event in every} - known)
    problems += [f"{_name(user)}: there are events, and no account" for user in strangers]
    return Verification(
        heads=tuple(chain.head for chain in chains if chain.head.number),
        events_count=owned,
        retired_count=retired,
        problems=tuple(problems),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chain:
    head: Head
    events: tuple[Event, ...]


def _read(store: Store, user: str) -> _Chain:
    """The events of one user and the head that belongs to them, though saves go on meanwhile."""
    while True:
        head = head_of(load_for_operator(store, user), user)
        events = tuple(store.events(user, limit=EVERY))
        if head_of(load_for_operator(store, user), user) == head:
            return _Chain(head=head, events=events)


def checkpoints_in(events: Iterable[Event]) -> dict[str, list[Head]]:
    """For each user the places up to which ``audit prune`` has dropped events, or was about to."""
    found: dict[str, list[Head]] = {}
    for event in events:
        if event.kind == CHECKPOINT:
            details = dict(event.details)
            head = Head(user=details["user"], number=int(details["number"]), link=details["link"])
            found.setdefault(head.user, []).append(head)
    return found


def start_of(events: Sequence[Event], checkpoints: Iterable[Head]) -> Head:
    """Where a chain begins that may have been pruned: the checkpoint just before its first event, else nothing."""
    wanted = events[0].number - 1 if events else 0
    nothing = Head(user="", number=0, link="")
    return next((head for head in checkpoints if head.number == wanted), nothing)


class _Judge:
    """Goes along one chain, from its start or from the checkpoint behind which nothing is kept."""

    def __init__(self, ring: KeyRing, chain: _Chain, checkpoints: list[Head], earlier: list[Head]) -> None:
        self._ring, self._chain, self._earlier = ring, chain, earlier
        self._start = start_of(chain.events, checkpoints)
        self.retired_count = 0

    def problems(self) -> Iterator[str]:
        name = _name(self._chain.head.user)
        number, link = self._start.number, self._start.link
        passed, vouched = {number: link}, True
        for event in self._chain.events:
            if event.number != number + 1:
                yield f"{name}: event {number + 1} is missing, and event {event.number} stands in its place"
                return
            number, link = event.number, _next_link(link, event)
            passed[number] = link
            key_id = event.mac.partition(".")[0]
            vouched = key_id in self._ring.ids
            if not vouched:
                self.retired_count += 1
            elif not self._ring.check_value(_PURPOSE, link.encode(), event.mac):
                yield f"{name}: event {number} ({event.kind}) or one before it is not what was signed"
                return
        if (number, link) != (self._chain.head.number, self._chain.head.link):
            yield f"{name}: the account counts {self._chain.head.number} events, and {number} are there"
        elif not vouched:
            yield f"{name}: event {number} was signed by a key that the ring does not hold, and none vouches for it"
        for head in self._earlier:
            if head.number >= self._start.number and passed.get(head.number) != head.link:
                yield f"{name}: event {head.number} is not the one of the export, or has gone"


def problems_of(
    user: str, events: tuple[Event, ...], ring: KeyRing, *, checkpoints: Iterable[Head], known: Iterable[Head]
) -> list[str]:
    """What is wrong with ``events`` as a chain of their own, which is to pass through the heads ``known``."""
    checkpoints = list(checkpoints)
    number = events[-1].number if events else 0
    head = Head(user=user, number=number, link=link_after(events, checkpoints))
    return list(_Judge(ring, _Chain(head=head, events=events), checkpoints, list(known)).problems())


def link_after(events: Sequence[Event], checkpoints: Iterable[Head]) -> str:
    """The link behind ``events``, the first ones that a chain still has."""
    link = start_of(events, checkpoints).link
    for event in events:
        link = _next_link(link, event)
    return link


def prunable(events: Sequence[Event], *, before: int) -> Sequence[Event]:
    """The first events of a chain, as far as they are from before the instant ``before``; never its latest one."""
    count = next((index for index, event in enumerate(events) if event.at >= before), len(events))
    return events[: min(count, len(events) - 1)] if events else events


def _name(user: str) -> str:
    return repr(user) if user != STORE else "the store"
