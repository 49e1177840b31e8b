"""Changing the key that seals, while workers run and nobody notices (D29).

The ring's text says where a rotation stands. Its last key *writes*: it seals and signs. A key before it with a
higher number is *new*: it opens, and writes only when every worker that lives knows it. Any other key before it is
*old*: it opens what it has sealed until that is sealed anew, and is then retired.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from wsgi_mfa.audit.hash_chain import STORE
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import Command, Origin, ReEncrypt
from wsgi_mfa.core.instants import MINUTE, SECOND
from wsgi_mfa.core.re_encryption import sealed_values
from wsgi_mfa.entropy import Entropy
from wsgi_mfa.errors import CorruptAccountError, UnknownKeyError, UnsealError
from wsgi_mfa.identity.sealing.expiry_record import expiries_in
from wsgi_mfa.keys.ring import KeyRing, sealing_id
from wsgi_mfa.operations.audit_retention import note
from wsgi_mfa.service import STUBBORN_SECONDS, MfaService, Visit
from wsgi_mfa.stores.protocol import Store, WorkerReport, every_user, load_for_operator

LIVE_MINUTES = 5  # a worker that is silent so long is idle, and reads its keys anew first, or has ended

_NUMBER = re.compile(r"\d*\Z")


class Step(Enum):
    """What is to be done next."""

    ADD = "add"
    PROMOTE = "promote"
    RETIRE = "retire"


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """Which keys there are, what they have sealed, and who knows them.

    ``ids`` are those of the ring; ``sealed_counts`` has for a key the number of accounts in which it has sealed
    something, for keys that the ring lacks too; ``workers`` are those that live. ``cookies_until`` has for a key when
    the last of the portal's cookies expires that it has sealed, where that is to come.
    """

    ids: tuple[str, ...]
    sealed_counts: dict[str, int]
    workers: tuple[WorkerReport, ...]
    cookies_until: Mapping[str, int] = field(default_factory=dict)

    @property
    def writing_id(self) -> str:
        return self.ids[-1]

    @property
    def new_ids(self) -> tuple[str, ...]:
        """Keys that are to write next; whatever has sealed something has written before."""
        least = number_of(self.writing_id)
        return tuple(
            each for each in self.ids[:-1] if number_of(each) > least and each not in self.sealed_counts
        )

    @property
    def old_ids(self) -> tuple[str, ...]:
        return tuple(each for each in self.ids[:-1] if each not in self.new_ids)

    @property
    def lost_ids(self) -> tuple[str, ...]:
        """Keys that have sealed something and are not in the ring."""
        return tuple(sorted(each for each in self.sealed_counts if each not in self.ids))

    @property
    def step(self) -> Step:
        if self.new_ids:
            return Step.PROMOTE
        return Step.RETIRE if self.old_ids else Step.ADD

    @property
    def lasting(self) -> dict[str, int]:
        """The old keys whose retirement would sign users out, and when the last of their cookies expires."""
        return {each: self.cookies_until[each] for each in self.old_ids if each in self.cookies_until}

    @property
    def waiting_for(self) -> tuple[WorkerReport, ...]:
        """The workers that have to hear of the last step before the next one is safe."""
        if self.step is Step.PROMOTE:
            return tuple(each for each in self.workers if not {*self.new_ids} <= {*each.key_ids})
        if self.step is Step.RETIRE:
            return tuple(each for each in self.workers if each.key_ids[-1:] != (self.writing_id,))
        return ()


def survey(store: Store, ring: KeyRing, *, now: int) -> Survey:
    """Look at every account and every worker's report."""
    counts: Counter[str] = Counter()
    for user in (STORE, *every_user(store)):
        counts.update(_used_by(store, user))
    workers = tuple(each for each in store.workers() if each.at > now - LIVE_MINUTES * MINUTE)
    expiries = {key_id: seconds * SECOND for key_id, seconds in expiries_in(store).items()}
    return Survey(
        ids=ring.ids,
        sealed_counts=dict(counts),
        workers=workers,
        cookies_until={key_id: until for key_id, until in expiries.items() if until > now},
    )


def _used_by(store: Store, user: str) -> set[str]:
    """Return the ids of the keys that have sealed or signed an account; none of one that cannot be read."""
    try:
        account = load_for_operator(store, user)
    except CorruptAccountError:
        return set()
    if account is None:
        return set()
    macs = [account.mac] if account.mac else []
    return {sealing_id(sealed) for sealed in (*sealed_values(account), *macs)}


def with_new_key(ring: KeyRing, entropy: Entropy) -> str:
    """The text of the ring with a new key that only opens, before the one that writes."""
    stem = _NUMBER.sub("", ring.writing_id)
    new_id = f"{stem}{max(map(number_of, ring.ids)) + 1}"
    new = KeyRing.generate_text(entropy, new_id)
    return ",".join([*(ring.text_of(each) for each in ring.ids[:-1]), new, ring.text_of(ring.writing_id)])


def with_promoted(ring: KeyRing, key_ids: tuple[str, ...]) -> str:
    """The text of the ring in which ``key_ids`` stand last, so that the last of them writes."""
    others = [each for each in ring.ids if each not in key_ids]
    return ",".join(ring.text_of(each) for each in [*others, *key_ids])


def without_retired(ring: KeyRing, key_ids: tuple[str, ...]) -> str:
    """The text of the ring without ``key_ids``."""
    return ",".join(ring.text_of(each) for each in ring.ids if each not in key_ids)


def re_encrypt_all(service: MfaService) -> tuple[int, list[str]]:
    """Let the writing key seal whatever an older one has sealed, by compare-and-save, and change nothing else.

    How many accounts that were, and the users of those that could not be opened.
    """
    count, closed = 0, []
    for user in every_user(service.store):
        origin = Origin(browser="", next_browser="", source="console")
        visit = Visit(user=user, origin=origin, now=service.clock.now())

        def command(account: Account) -> Command:
            sealed = service.vault.re_encrypted(account)
            return ReEncrypt(sealed=sealed, key_id=service.keys.ring.writing_id, source="console")

        try:
            decision = service.apply(visit, command, patience_seconds=STUBBORN_SECONDS)
        except (UnknownKeyError, UnsealError, CorruptAccountError):
            closed.append(user)
        else:
            count += decision.account is not None
    return count + _sign_record(service), closed


def _sign_record(service: MfaService) -> int:
    """Let the writing key sign the account of the store itself, which seals nothing; how many that were."""
    account = service.load(STORE)
    if account is None or sealing_id(account.mac) == service.keys.ring.writing_id:
        return 0
    note(service, "key.rotated", ("key_id", service.keys.ring.writing_id))
    return 1


def number_of(key_id: str) -> int:
    """The number at the end of a key's id, by which a newer one is known; 0 for an id without one."""
    digits = _NUMBER.search(key_id)
    return int(digits[0] or 0) if digits else 0
