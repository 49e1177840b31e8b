"""Load, decide, save, and again on conflict: where clock, chance and keys meet the rule book.

The moment is taken once a request, and a decision that has grown old is not saved.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wsgi_mfa.audit.hash_chain import chained
from wsgi_mfa.clock import Clock
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.codec import ACCOUNT_CODEC, keep_text
from wsgi_mfa.core.commands import Command, Origin
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.schema import MAC_SCHEMA
from wsgi_mfa.entropy import Entropy
from wsgi_mfa.errors import AlteredAccountError, CorruptAccountError, StoreUnavailableError, UnknownKeyError
from wsgi_mfa.keys.check_values import reject_other_keys
from wsgi_mfa.keys.ring import KeySource, sealing_id
from wsgi_mfa.keys.vault import Vault
from wsgi_mfa.metrics import Meter, Metrics
from wsgi_mfa.notifications import Notifier
from wsgi_mfa.stores.protocol import Store
from wsgi_mfa.stores.rollback import RollbackDetector

logger = logging.getLogger("wsgi_mfa")

PATIENCE_SECONDS = 5  # conflicts are retried so long, and no older decision is saved (D21, D26)
STUBBORN_SECONDS = 30  # reset, unlock and sign-out must win in the end (D26)
WORKER_CLOCK_SECONDS = 5  # D22

_MAC_PURPOSE = "account"


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One request of a browser that has passed the first factor; ``user`` is canonical, ``now`` its moment."""

    user: str
    origin: Origin
    now: int
    address: str | None = None
    shown: str | None = None

    @property
    def name(self) -> str:
        """The name by which apps and pages call the user."""
        return self.user if self.shown is None else self.shown


class AccountSigner:
    """Signs the accounts of one store, and checks those that it answers.

    The MAC is one HMAC over the store id, the user and the text that is stored, under a sub-key of the writing key,
    whose id it names. An older row that an attacker writes again, with the MAC of its time, is not detected here but by
    a worker that has seen a later one (:mod:`wsgi_mfa.stores.rollback`).

    An account in a form from before the MAC has none to check, and only a store that is told to write that form is
    believed without.
    """

    __slots__ = ("_keys", "_prefix", "_store", "takes_unsigned")

    def __init__(self, *, keys: KeySource, store: Store) -> None:
        self._keys = keys
        self._store = store
        self._prefix = f"{store.identity.store_id}\0"
        self.takes_unsigned = store.document_schema < MAC_SCHEMA

    def signed(self, account: Account) -> Account:
        """Return a copy of ``account`` with its MAC, and with its text at hand for the store."""
        copy = replace(account)
        self.sign(copy)
        return copy

    def sign(self, account: Account) -> None:
        """Give its MAC to an account that the caller has just made and that nothing else refers to."""
        text = ACCOUNT_CODEC.text_of(account)
        mac = self._keys.ring.sign_value(_MAC_PURPOSE, self._message(account, text))
        keep_text(account, text, mac=mac)

    def check(self, account: Account) -> None:
        """Reject an account that is not what a worker has saved.

        :raises AlteredAccountError: its MAC does not verify, or it has none.
        :raises UnknownKeyError: the ring lacks the key that made the MAC.
        :raises InvalidKeyError: the ring has another key than the store under an id.
        """
        if not account.mac:
            if self.takes_unsigned:
                return
            raise _altered(account, "it has no MAC")
        key_id = sealing_id(account.mac)
        if key_id not in self._keys.ring.ids:
            self._keys.reread()  # a worker may meet a new key before it has heard of it (D29)
        if key_id not in self._keys.ring.ids:
            raise UnknownKeyError(key_id, known=self._keys.ring.ids)
        if not self.is_signed(account):
            reject_other_keys(self._keys.ring, self._store.key_checks(), self._store.identity.store_id)
            raise _altered(account, "its MAC does not verify")

    def is_signed(self, account: Account) -> bool:
        """Return whether the MAC of the account verifies; its text is let go of."""
        message = self._message(account, ACCOUNT_CODEC.text_of(account))
        keep_text(account, None)
        return self._keys.ring.check_value(_MAC_PURPOSE, message, account.mac)

    def _message(self, account: Account, text: str) -> bytes:
        # Neither a store id nor a user has a NUL in it, so that no two lists of parts make one message.
        return f"{self._prefix}{account.user}\0{text}".encode()


def _altered(account: Account, reason: str) -> AlteredAccountError:
    return AlteredAccountError(
        f"the account of {account.user!r} was changed in the store by other means than this package: {reason}."
        " It is closed: see `wsgi-mfa accounts rebuild`",
        user=account.user,
        revision=account.revision,
    )


class Transactions:
    """Decides commands on the accounts of one store and saves what was decided."""

    def __init__(
        self,
        *,
        store: Store,
        keys: KeySource,
        policy: Policy,
        clock: Clock,
        entropy: Entropy,
        notify: Callable[[Event], None] | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.store = store
        self.keys = keys
        self.policy = policy
        self.clock = clock
        self.entropy = entropy
        self.vault = Vault(keys=keys, store_id=store.identity.store_id, entropy=entropy, policy=policy)
        self.signer = AccountSigner(keys=keys, store=store)
        self.meter = Meter(metrics)
        self._accounts = RollbackDetector(store, check=self.signer.check, incident=self._incident)
        self.load = self._accounts.load
        # What was found out about the names of the accounts, once in each process (D44).
        self._is_keyed = self._is_guarded = False
        self._notifier = Notifier(notify=notify, meter=self.meter)

    def context(self) -> Context:
        """Return the context of a decision at this moment."""
        return Context(now=self.clock.now(), policy=self.policy)

    def apply(
        self,
        visit: Visit,
        command: Command | Callable[[Account], Command],
        *,
        patience_seconds: int = PATIENCE_SECONDS,
    ) -> Decision:
        """Decide and save until the save wins; the decision that was saved is the answer.

        A ``command`` that needs an opened secret of the account is a function of the account that was loaded.

        :raises StoreUnavailableError: the store failed, or conflicts went on for ``patience_seconds``.
        """
        user, now = visit.user, visit.now
        context = Context(now=now, policy=self.policy)
        generation, revision = self.vault.new_id(), self.vault.new_id()
        attempt = 0
        while True:
            loaded = self.load(user)
            self._compare_clocks(loaded, now)
            account = loaded or self._new_account(user, generation)
            wish = command(account) if callable(command) else command
            decision = decide(account, wish, context)
            if decision.alert is not None:
                logger.error("account %r: %s", user, decision.alert)
            if decision.account is None:
                self.meter.answered(decision.outcome)
                return decision
            if self.clock.now() - now > patience_seconds * SECOND:
                raise StoreUnavailableError(f"no save won in {patience_seconds} s; nothing was changed")
            events, head = chained(decision.events, loaded, self.keys.ring, save_id=revision)
            saved = replace(
                decision.account,
                revision=revision,
                saved_at=now,
                event_count=head.number,
                event_link=head.link,
            )
            self.signer.sign(saved)
            if self._save(saved, events, expected=loaded.revision if loaded else None):
                keep_text(saved, None)
                self._accounts.saw(saved)
                self._notifier.tell(events)
                return replace(decision, account=saved, events=events)
            attempt += 1
            self.clock.sleep(self._jitter_seconds(attempt))

    def save(self, account: Account, events: Sequence[Event], *, expected: str | None) -> bool:
        """Sign and save an account that no command decided, as :meth:`AccountStore.save` does."""
        return self.store.save(self.signer.signed(account), events, expected=expected)

    def _new_account(self, user: str, generation: str) -> Account:
        """Return the account of a user without one in the store; it may need an invitation.

        :raises AlteredAccountError: there was an account, since its events are there.
        """
        if self.store.events(user, limit=1):
            error = AlteredAccountError(
                f"the account of {user!r} was deleted from the store, which has its events."
                " It is closed: see `wsgi-mfa accounts rebuild`",
                user=user,
            )
            self._incident(error)
            raise error
        return Account(user=user, generation=generation, enrollment_code_needed=self.store.invited_only())

    def _save(self, account: Account, events: tuple[Event, ...], *, expected: str | None) -> bool:
        """One save; an unknown outcome is resolved by sending the same save again.

        Reading alone would lie: a cut-off save may still apply after it was looked for.
        """
        try:
            return self.store.save(account, events, expected=expected)
        except StoreUnavailableError:
            if self.store.save(account, events, expected=expected):
                return True
            found = self.load(account.user)
            if found is not None and found.revision == account.revision:
                return True
            return any(event.save_id == account.revision for event in self.store.events(account.user))

    def _incident(self, error: CorruptAccountError) -> None:
        """Log and count that an account is closed: an attacker or a defect has changed the store."""
        logger.critical("incident: %s", error)
        self.meter.incident("altered" if isinstance(error, AlteredAccountError) else "unreadable")

    def _compare_clocks(self, account: Account | None, now: int) -> None:
        if account is not None and account.saved_at > now + WORKER_CLOCK_SECONDS * SECOND:
            ahead = (account.saved_at - now) // SECOND
            logger.error(
                "account %r was saved %d s ahead of this clock: do workers' clocks differ?",
                account.user,
                ahead,
            )

    def _jitter_seconds(self, attempt: int) -> float:
        """A random wait that grows to 64 ms, so that racing requests part."""
        milliseconds = min(1 << attempt, 64)
        return milliseconds * int.from_bytes(self.entropy.token_bytes(2), "big") / 65_536_000
