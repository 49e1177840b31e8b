"""What an agent sees of an account: where it stands and what happened to it, never a secret (R44)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wsgi_mfa.core import known_browsers
from wsgi_mfa.core.account import Account, Failures
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.expiry import without_expired
from wsgi_mfa.core.removal import is_there
from wsgi_mfa.core.rollout import may_go_without
from wsgi_mfa.core.spellings import account_name
from wsgi_mfa.core.support import under_attack
from wsgi_mfa.core.throttle import budget_spent, counted, wait_seconds
from wsgi_mfa.core.usernames import canonical
from wsgi_mfa.directory import Person
from wsgi_mfa.errors import CorruptAccountError, InvalidUserError
from wsgi_mfa.service import MfaService
from wsgi_mfa.support.addresses import address_of, spell_the_same

EVENTS_SHOWN = 12
CLOSED_STATE = "closed: changed in the store"
FOUND_MAX = 20  # accounts that one address leads to; more are a store gone wrong


@dataclass(frozen=True, kw_only=True, slots=True)
class TriesView:
    """Wrong codes of browsers that are not known; ``wait_seconds`` is None where the next one is evaluated."""

    in_a_row_count: int
    rolling_count: int
    wait_seconds: int | None
    spent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownView:
    """The known browsers and their wrong codes; with ``spent`` they are judged like others."""

    count: int
    rolling_count: int
    spent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountView:
    """An account as it counts at the moment of the look, and its latest events, the newest first.

    ``account`` is None for a user whom the store does not know. ``guessed`` says that wrong codes followed a right
    password since the last success, so that somebody else may know it (D15). ``is_closed`` says that the stored account
    is not what was saved (D48a); ``account`` is None then. ``name`` is the user's where the account is named by a key
    of the portal.
    """

    user: str
    state: str
    name: str | None = None
    account: Account | None = None
    has_address: bool = False
    drift_seconds: int = 0
    codes: TriesView | None = None
    known_browsers: KnownView | None = None
    wrong_recovery_codes_count: int = 0
    guessed: bool = False
    is_closed: bool = False
    events: tuple[Event, ...] = ()


class AccountFinder:
    """Finds accounts by user name or address over one service."""

    def __init__(self, service: MfaService, *, directory: Callable[[str], Person | None] | None) -> None:
        self._service = service
        self._directory = directory

    def find(self, text: str) -> list[AccountView]:
        """The accounts that have this name or this address, in order.

        What the store's index says of an address is a hint: each account is loaded and compared with the address of
        this moment (D30).
        """
        try:
            name = canonical(text)
        except InvalidUserError:
            return []
        person = self._directory(name) if self._directory is not None else None
        load = self._service.load
        people = [*([] if person is None else [person]), *self._people(text)]
        names = {name, account_name(text, load)}
        names |= {each.key or account_name(each.name, load) for each in people}
        found = [user for user in sorted(names) if self._is_known(user)]
        for address in sorted({text.strip(), name}):
            for user in self._service.store.find_by_address(address)[:FOUND_MAX]:
                if user not in found and spell_the_same(self._address(user) or "", name):
                    found.append(user)
        return [view for view in map(self.look, found) if view is not None]

    def look(self, user: str) -> AccountView | None:
        """The account of this canonical name; None for somebody of whom neither store nor directory knows."""
        context = self._service.context()
        try:
            stored = self._service.load(user)
        except CorruptAccountError:
            return AccountView(user=user, state=CLOSED_STATE, is_closed=True)
        if stored is None:
            if not self._may_be_new(user):
                return None
            return AccountView(
                user=user, state="new", name=self._shown(user), has_address=self._address(user) is not None
            )
        account = without_expired(stored, context)
        held = account.authenticator
        events = self._service.store.events(user, limit=EVENTS_SHOWN)
        return AccountView(
            user=user,
            name=self._shown(user),
            state=state_of(account, context),
            account=account,
            has_address=self._address(user) is not None,
            drift_seconds=0 if held is None else held.drift_steps * held.parameters.period_seconds,
            codes=_tries(account.code_failures, context),
            known_browsers=KnownView(
                count=len(account.known_browsers),
                rolling_count=counted(account.known_failures),
                spent=known_browsers.budget_spent(account, context.policy),
            ),
            wrong_recovery_codes_count=account.recovery_failures.consecutive_count,
            guessed=under_attack(account, context.policy),
            events=tuple(reversed(events)),
        )

    def _people(self, text: str) -> list[Person]:
        """Return whom a directory that finds people by their names lists by ``text``."""
        find: Callable[[str], list[Person]] | None = getattr(self._directory, "find", None)
        return [] if find is None else find(text.strip())

    def _shown(self, user: str) -> str | None:
        person = self._directory(user) if self._directory is not None else None
        return None if person is None or person.key is None else person.name

    def groups_of(self, user: str) -> tuple[str, ...]:
        """The groups of the user in the directory."""
        person = self._directory(user) if self._directory is not None else None
        return () if person is None else person.groups

    def _is_known(self, user: str) -> bool:
        try:
            return self._service.load(user) is not None or self._may_be_new(user)
        except CorruptAccountError:
            return True

    def _may_be_new(self, user: str) -> bool:
        """Whether somebody without an account may be invited: where that is needed, and the directory knows them."""
        if self._service.policy.enrollment != "invited" and not self._service.store.invited_only():
            return False
        return self._directory is None or self._directory(user) is not None

    def _address(self, user: str) -> str | None:
        directed = self._directory is not None
        person = self._directory(user) if self._directory is not None else None
        return address_of(user, self._service.load(user), person, directed=directed)


def state_of(account: Account, context: Context) -> str:
    """One word or two for what the next sign-in would meet; ``account`` is settled."""
    if not is_there(account):
        return "removed"
    if account.authenticator is None and may_go_without(account, account.user, (), context):
        # Groups are the directory's to know.
        return "no phone" if context.policy.required_groups else "may enroll"
    if account.authenticator is None:
        return "must enroll with a code" if account.enrollment_code_needed else "must enroll"
    if budget_spent(account.code_failures, context.policy):
        return "closed"
    return "locked" if wait_seconds(account.code_failures, context) else "enrolled"


def _tries(failures: Failures, context: Context) -> TriesView:
    return TriesView(
        in_a_row_count=failures.consecutive_count,
        rolling_count=counted(failures.days),
        wait_seconds=wait_seconds(failures, context),
        spent=budget_spent(failures, context.policy),
    )
