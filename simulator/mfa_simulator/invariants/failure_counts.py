"""Wrong codes of one kind, as the judges count them by themselves."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mfa_simulator.invariants.call import Save
from mfa_simulator.invariants.ledger import CODES
from mfa_simulator.language.quantities import SECOND
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Account

DAY = 86_400 * SECOND


@dataclass(kw_only=True, slots=True)
class FailureCounts:
    """Wrong answers of one kind and what they close, as the judges count; instants are the server's."""

    count: int = 0
    failed_at: deque[int] = field(default_factory=deque)
    locked_since: int | None = None
    locked_seconds: int = 0
    over: bool = False

    def locked(self, now: int, policy: Policy) -> bool:
        """Say if the back-off lasts at a moment."""
        since = self.locked_since
        if since is None or since - policy.clock_skew_seconds_max * SECOND > now:
            return False
        # What has ended once stays ended, also when the clock steps back.
        self.over = self.over or now >= since + self.locked_seconds * SECOND
        return not self.over

    def spent(self, now: int, policy: Policy) -> bool:
        """Say if a budget is spent."""
        return self.count >= policy.failures_max or self.recent(now, policy) >= policy.failures_rolling_max

    def seconds_left(self, now: int) -> int | None:
        """Give how long the back-off lasts from a moment on, in whole seconds; None when there is none."""
        if self.locked_since is None:
            return None
        return -(-(self.locked_since + self.locked_seconds * SECOND - now) // SECOND)

    def recent(self, now: int, policy: Policy) -> int:
        """Count the failures of the days that the rolling budget looks at."""
        first = now // DAY - policy.failures_rolling_days
        while self.failed_at and self.failed_at[0] // DAY <= first:
            self.failed_at.popleft()
        return len(self.failed_at)

    def charge(self, now: int, policy: Policy) -> None:
        """Count one more, and begin the wait that it brings."""
        self.count += 1
        self.failed_at.append(now)
        self.locked_since, self.locked_seconds, self.over = None, 0, False
        at_once = sum(now - at < policy.backoff_seconds_min * SECOND for at in self.failed_at)
        beyond = self.count - policy.free_tries
        if max(beyond, at_once - policy.free_tries) >= 0:
            doubled = policy.backoff_seconds_min * 2 ** max(0, min(beyond, 20))
            self.locked_since, self.locked_seconds = now, min(doubled, policy.backoff_seconds_max)

    def clear(self) -> None:
        """A success of the same kind forgets consecutive failures and their lock, and no day of the budget."""
        self.count, self.locked_since, self.locked_seconds = 0, None, 0


def count_of(account: Account | None, kind: str) -> int:
    """Give how many wrong codes in a row an account says there were."""
    count: int = getattr(account, kind).consecutive_count if account is not None else 0
    return count


def known_count_of(account: Account | None) -> int:
    """Give how many wrong codes of known browsers an account remembers."""
    return sum(count for _, count in account.known_failures) if account is not None else 0


def charges(save: Save, kind: str) -> bool:
    """Say whether a save counts a wrong code, in whichever way it may be counted."""
    if count_of(save.after, kind) > count_of(save.before, kind):
        return True
    if kind != CODES or save.before is None:
        return False
    if known_count_of(save.after) > known_count_of(save.before):
        return True
    # A late code is used up, and a code of a pending key counts for that key alone.
    wrong = {pending.id: pending.wrong_count for pending in save.before.pending}
    kept = {pending.id: pending.wrong_count for pending in save.after.pending}
    confirming = any(kept.get(name, count + 1) > count for name, count in wrong.items())
    return bool({*save.after.hints} - {*save.before.hints}) or confirming
