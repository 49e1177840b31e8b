"""One state of the search: the account, the browsers in front of it, and what an onlooker has written down."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from mfa_simulator.language.quantities import SECOND
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Account, Failures

CODES, RECOVERY_CODES = "code_failures", "recovery_failures"
DAY = 86_400 * SECOND
#: No limit of the rules is longer; an instant further back counts as one so far back.
AGE_MAX = 40 * DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class Hand:
    """One browser: the id in its cookie, its session, and the wish that it sent last, which it may send again."""

    cookie: str
    session: str | None = None
    sent: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Wrong answers of one kind as an onlooker counts them; `until` is the end of the wait that they brought.

    `over` says that the wait has ended once. If a clock steps back then, it may count again or be forgotten.
    """

    row: int = 0
    until: int = 0
    at: tuple[int, ...] = ()
    over: bool = False

    def seen_at(self, now: int) -> Tally:
        """Return the tally at a moment that has come."""
        return replace(self, over=True) if self.until and now >= self.until and not self.over else self

    def charged(self, now: int, policy: Policy) -> Tally:
        """Return the tally after one more wrong answer."""
        row, at = self.row + 1, (*self.at, now)
        at_once = sum(1 for moment in at if 0 <= now - moment < policy.backoff_seconds_min * SECOND)
        until = 0
        if row >= policy.free_tries or at_once >= policy.free_tries:
            wait = policy.backoff_seconds_min
            for _ in range(max(0, row - policy.free_tries)):
                wait = min(2 * wait, policy.backoff_seconds_max)
            until = now + min(wait, policy.backoff_seconds_max) * SECOND
        return Tally(row=row, until=until, at=at)

    def counted(self) -> Tally:
        """Return the tally after one more wrong answer that closes nothing."""
        return replace(self, row=self.row + 1)

    def is_spent(self, now: int, policy: Policy) -> bool:
        """Return whether a budget is used up."""
        first = now // DAY - policy.failures_rolling_days
        recent = sum(1 for moment in self.at if moment // DAY > first)
        return self.row >= policy.failures_max or recent >= policy.failures_rolling_max

    def is_closed(self, now: int, policy: Policy) -> bool:
        """Return whether nothing is judged at a moment."""
        return self.is_waiting(now) or self.is_spent(now, policy)

    def is_waiting(self, now: int) -> bool:
        """Return whether the wait lasts for certain."""
        return now < self.until and not self.over

    def is_open(self, now: int, policy: Policy) -> bool:
        """Return whether a code is judged at a moment for certain."""
        return now >= self.until and not self.is_spent(now, policy)

    def succeeded(self) -> Tally:
        """Return the tally after a success: the row is over, the days are not."""
        return replace(self, row=0, until=0, over=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notes:
    """The notes of the onlooker: steps used up by key, who opened each session, what must never come back.

    `told` has the latest wrong answers: the browser's cookie, what was typed, and when.
    """

    used: frozenset[tuple[str, int]] = frozenset()
    opened: frozenset[tuple[str, int]] = frozenset()
    dead: frozenset[str] = frozenset()
    spent: frozenset[str] = frozenset()
    told: frozenset[tuple[str, str, int]] = frozenset()
    codes: Tally = Tally()
    recovery: Tally = Tally()

    def seen_at(self, now: int) -> Notes:
        """Return the notes at a moment that has come."""
        codes, recovery = self.codes.seen_at(now), self.recovery.seen_at(now)
        same = codes is self.codes and recovery is self.recovery
        return self if same else replace(self, codes=codes, recovery=recovery)

    def tally(self, kind: str) -> Tally:
        """Return the tally of one kind."""
        return self.codes if kind == CODES else self.recovery


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Everything that the next step depends on; `noted` is a code that a thief has seen, by key and step."""

    account: Account
    now: int
    hands: tuple[Hand, ...]
    fresh: int = 0
    noted: tuple[str, int] | None = None
    written: tuple[str, ...] = ()
    notes: Notes = field(default_factory=Notes)

    def with_hand(self, index: int, hand: Hand) -> State:
        """Return the state with another hand at one browser."""
        return replace(self, hands=(*self.hands[:index], hand, *self.hands[index + 1 :]))


class _Names:
    """Names ids by the order in which they are met, and instants by how long ago they are."""

    def __init__(self, now: int, step: int) -> None:
        self._ids: dict[str, int] = {}
        self._now = now
        self._step = step

    def id(self, name: str | None) -> int:
        """Return the number of an id."""
        return -1 if name is None else self._ids.setdefault(name, len(self._ids))

    def known(self, name: str | None) -> int:
        """Return the number of an id that was met, or else the number of what is gone."""
        return -1 if name is None else self._ids.get(name, -2)

    def age(self, at: int | None) -> int | None:
        """Return how long ago an instant is."""
        return None if at is None else min(AGE_MAX, self._now - at)

    def typed(self, fingerprint: str) -> tuple[Any, ...]:
        """Return what a fingerprint is of: a step of a key, or a text that nothing else is of."""
        key, at, step = fingerprint.partition("@")
        return (self.id(key), self.step(int(step))) if at else (self.id(fingerprint),)

    def step(self, step: int) -> int:
        """Return how far a step is from the present one."""
        return max(-100, step - self._step)


def key_of(state: State, policy: Policy) -> tuple[Any, ...]:
    """Return what two states have in common that differ only in ids and in the date."""
    period = policy.period_seconds * SECOND
    account, names = state.account, _Names(state.now, state.now // period)
    phone, code, notes = account.authenticator, account.recovery_code, state.notes
    hands = tuple((names.id(hand.cookie), names.id(hand.session)) for hand in state.hands)
    held = phone and (
        names.id(phone.id),
        names.step(phone.last_step),
        phone.drift_steps,
        tuple(map(names.step, phone.used_steps)),
    )
    return (
        state.now % period,
        state.now % DAY if policy.failures_rolling_days < 3 else 0,
        hands,
        tuple(_sent_key(hand.sent, names) for hand in state.hands),
        held,
        code and (names.id(code.id), names.age(code.made_at), code.acknowledged),
        _failures_key(account.code_failures, names),
        _failures_key(account.recovery_failures, names),
        tuple((names.id(p.id), names.id(p.browser), names.age(p.made_at)) for p in account.pending),
        tuple(
            (names.id(s.id), names.id(s.browser), s.method, names.age(s.verified_at), names.age(s.seen_at))
            for s in account.sessions
        ),
        tuple(
            (
                r.purpose,
                names.id(r.browser),
                names.id(r.session_id),
                names.age(r.at),
                names.typed(r.fingerprint),
            )
            for r in account.retries
        ),
        tuple(
            (names.id(a.browser), names.age(a.at), a.outcome, names.typed(a.fingerprint))
            for a in account.answers
        ),
        tuple(map(names.age, account.hints)),
        tuple(map(names.age, account.enrollments_begun)),
        account.first_code and (names.id(account.first_code.browser), names.age(account.first_code.at)),
        (names.age(account.reset_at), account.enrollment_code_needed, account.enrollment_code is not None),
        state.noted and (names.known(state.noted[0]), names.step(state.noted[1])),
        tuple(map(names.known, state.written[-2:])),
        _tally_key(notes.codes, names),
        _tally_key(notes.recovery, names),
        frozenset(names.step(step) for key, step in notes.used if phone is not None and key == phone.id),
        frozenset(
            (names.known(session), hand) for session, hand in notes.opened if names.known(session) >= 0
        ),
    )


def _failures_key(failures: Failures, names: _Names) -> tuple[Any, ...]:
    return (
        failures.consecutive_count,
        tuple(count for _, count in failures.days),
        names.age(failures.locked_since),
        failures.locked_seconds,
        tuple(map(names.age, failures.latest)),
    )


def _tally_key(tally: Tally, names: _Names) -> tuple[Any, ...]:
    return tally.row, names.age(tally.until or None), tally.over


def _sent_key(sent: Any, names: _Names) -> tuple[Any, ...] | None:  # noqa: ANN401  # a wish, which imports this module
    if sent is None:
        return None
    origin = sent.command.origin
    return sent.name, names.known(origin.browser), names.known(origin.session_id), sent.typed_key(names)
