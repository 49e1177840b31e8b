"""The judges' books: what was shown, typed, opened and spent so far, as the world saw it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mfa_simulator.invariants.call import JudgedCall, Save, account_text
from mfa_simulator.language.format.invariant_names import INVARIANTS
from mfa_simulator.world.phone import AuthenticatorKey
from wsgi_mfa.accounts import Account

CODES, RECOVERY_CODES = "code_failures", "recovery_failures"


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One invariant that did not hold: what was seen, about whom, at which request; `at` in true time."""

    invariant: str
    at: int
    user: str
    request: str
    seen: str
    before: str = ""
    after: str = ""

    @property
    def lines(self) -> list[str]:
        """The finding for a person."""
        text = [
            f"invariant {self.invariant} ({INVARIANTS[self.invariant]}): {self.seen}",
            f"  who: {self.user}, at {self.request}",
        ]
        if self.before:
            text.append(f"  before: {self.before}")
        if self.after:
            text.append(f"  after: {self.after}")
        return text


@dataclass(kw_only=True, slots=True)
class Grant:
    """A session that a second factor opened.

    `browser` is the id in the browser cookie that came with it and `typed` the code; instants are the server's.
    `ended` is the number of the save that ended it, `cause` the events of that save.
    """

    user: str
    browser: str | None
    typed: str | None
    method: str
    opened_at: int
    verified_at: int
    seen_at: int
    ended: int | None = None
    cause: str = ""


@dataclass(kw_only=True, slots=True)
class FirstTyped:
    """The first of two codes that re-learn a clock, as it was typed."""

    code: str
    browser: str | None
    at: int


@dataclass(kw_only=True, slots=True)
class Ledger:
    """Everything that the judges remember of a run.

    Keys go by the id of their enrollment, recovery codes by their own id, sessions by theirs; `logins` has the user
    behind each value of the portal's cookie, `cookies_in_clear` names and values of cookies that the portal itself has
    set, `session_ids` what it set behind each value of its cookie that a client was given, and `used` the steps used up
    of each key and when.
    """

    off: frozenset[str] = frozenset()
    numbers: int = 0
    accounts: dict[str, Account] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    cookies_in_clear: set[tuple[str, str]] = field(default_factory=set)
    session_ids: dict[str, str] = field(default_factory=dict)
    keys: dict[str, AuthenticatorKey] = field(default_factory=dict)
    bound: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    recovery_codes: dict[str, str] = field(default_factory=dict)
    spent_recovery_codes: dict[str, set[str]] = field(default_factory=dict)
    enrollment_codes: list[str] = field(default_factory=list)
    grants: dict[str, Grant] = field(default_factory=dict)
    used: dict[str, dict[int, int]] = field(default_factory=dict)
    first_typed: dict[str, FirstTyped] = field(default_factory=dict)
    broken: list[Violation] = field(default_factory=list)
    _told: set[tuple[str, str]] = field(default_factory=set)

    def next_number(self) -> int:
        """Count one more call or save."""
        self.numbers += 1
        return self.numbers

    def report(
        self, invariant: str, seen: str, call: JudgedCall, save: Save | None = None, user: str = ""
    ) -> None:
        """Note that an invariant does not hold; of the same kind only the first for each user."""
        user = user or (save.after.user if save is not None else call.user or "nobody")
        if invariant in self.off or (invariant, user) in self._told:
            return
        self._told.add((invariant, user))
        self.broken.append(
            Violation(
                invariant=invariant,
                at=call.at,
                user=user,
                request=call.words,
                seen=seen,
                before=account_text(save.before) if save is not None else "",
                after=account_text(save.after) if save is not None else "",
            )
        )
