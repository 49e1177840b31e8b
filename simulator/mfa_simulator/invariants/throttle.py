"""Judges guesses: each wrong code that was judged is charged, and what is closed judges nothing.

The judges count for themselves, from replies and from saves, and compare with what the account says.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from mfa_simulator.invariants.call import BROWSER_COOKIE, JudgedCall, Save, id_in
from mfa_simulator.invariants.ledger import CODES, RECOVERY_CODES, Ledger
from mfa_simulator.invariants.second_factor import classify_code
from mfa_simulator.language.format import invariant_names
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.http import Response
from mfa_simulator.world.reply_reader import read_reply
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Account

DAY = 86_400 * SECOND
GRANTED_TRIES = 10  # D14
REPEAT_SECONDS = 5  # D11
KIND_OF = {"code": CODES, "recovery_code": RECOVERY_CODES, "enrollment_code": RECOVERY_CODES}
SUCCESS_OF = {
    CODES: ("sign_in.accepted", "step_up.accepted", "clock.relearned"),
    RECOVERY_CODES: ("recovery_code.used", "enrollment_code.accepted"),
}
FORGETTING_OF = {
    CODES: ("enrollment.confirmed", "support.reset", "support.removed"),
    RECOVERY_CODES: ("recovery_code.replaced", "support.reset", "support.removed"),
}
# What differs between two replies that say the same: what is made anew, and what only tells the time.
TIMER = rb'<(\w+)[^>]* role="timer".*?</\1>'
SPAN = rb"[0-9]+(?: (?:second|minute|hour|day)s?\b(?: and [0-9]+ (?:second|minute|hour|day)s?\b)?)?"
VARIABLE = re.compile(TIMER + rb'|(?:value|nonce|href)="[^"]*"|' + SPAN, re.DOTALL)


@dataclass(kw_only=True, slots=True)
class FailureCounts:
    """Wrong answers of one kind and what they close, as the judges count; instants are the server's."""

    count: int = 0
    failed_at: deque[int] = field(default_factory=deque)
    locked_since: int | None = None
    locked_seconds: int = 0
    granted: int = 0
    over: bool = False

    def locked(self, now: int, policy: Policy) -> bool:
        """Whether the back-off lasts at a moment."""
        since = self.locked_since
        if since is None or since - policy.clock_skew_seconds_max * SECOND > now:
            return False
        # Once it has ended it stays so: a clock that steps back may find it forgotten.
        self.over = self.over or now >= since + self.locked_seconds * SECOND
        return not self.over

    def spent(self, now: int, policy: Policy) -> bool:
        """Whether a budget is spent."""
        if self.granted:
            return False
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
        self.granted = max(0, self.granted - 1)
        self.locked_since, self.locked_seconds, self.over = None, 0, False
        at_once = sum(0 <= now - at < policy.backoff_seconds_min * SECOND for at in self.failed_at)
        beyond = self.count - policy.free_tries
        if max(beyond, at_once - policy.free_tries) >= 0 and not self.granted:
            doubled = policy.backoff_seconds_min * 2 ** max(0, min(beyond, 20))
            self.locked_since, self.locked_seconds = now, min(doubled, policy.backoff_seconds_max)

    def clear(self) -> None:
        """A success of the same kind forgets consecutive failures and their lock, and no day of the budget."""
        self.count, self.locked_since, self.locked_seconds = 0, None, 0


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongCode:
    """A wrong answer that was judged, for which the same browser gets the same answer again for a moment."""

    user: str
    browser: str | None
    typed: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UnjudgedRejection:
    """What a reply in a lock says, but for what only tells the time; the wait is counted from the end of the lock."""

    status: int
    text: bytes
    wait_beyond_seconds: int | None

    @property
    def words(self) -> str:
        """The reply in words."""
        beyond = self.wait_beyond_seconds
        wait = f", waits {abs(beyond)} s {'more' if beyond > 0 else 'less'} than the lock" if beyond else ""
        return f"status {self.status}, {len(self.text)} bytes{wait}"


class ThrottleJudge:
    """Counts by user and kind."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tallies: dict[tuple[str, str], FailureCounts] = {}
        self._wrong: deque[WrongCode] = deque(maxlen=64)
        self._rejected: dict[tuple[object, ...], dict[str, UnjudgedRejection]] = {}

    def tally(self, user: str, kind: str) -> FailureCounts:
        """Give what was counted for a user."""
        return self._tallies.setdefault((user, kind), FailureCounts())

    def closed(self, user: str | None, now: int, policy: Policy) -> dict[str, bool]:
        """Say which kinds of code judge nothing now."""
        if user is None:
            return {}
        found = {kind: self._tallies.get((user, kind)) for kind in (CODES, RECOVERY_CODES)}
        return {
            kind: tally is not None and (tally.locked(now, policy) or tally.spent(now, policy))
            for kind, tally in found.items()
        }

    def judge(self, call: JudgedCall, save: Save) -> None:
        """Judge what a save says of failures."""
        for kind in (CODES, RECOVERY_CODES):
            tally = self.tally(save.after.user, kind)
            charged = _count(save.after, kind) - _count(save.before, kind)
            if charged > 0:
                self._charged(call, save, kind, charged)
            if save.kinds.intersection(FORGETTING_OF[kind]):
                # The back-off closes the binding of a new phone too; a budget closes only what was guessed at (D14).
                if "enrollment.confirmed" in save.kinds and tally.locked(call.now, call.policy):
                    self._in_a_lock(call, save, kind, "a phone was bound")
                self._tallies[save.after.user, kind] = FailureCounts()
            elif save.kinds.intersection(SUCCESS_OF[kind]) or self._opened_by(call, save, kind):
                if tally.locked(call.now, call.policy) or tally.spent(call.now, call.policy):
                    self._in_a_lock(call, save, kind, "a right code was accepted")
                tally.clear()
            elif "support.unlocked" in save.kinds:
                if tally.locked(call.now, call.policy) or tally.spent(call.now, call.policy):
                    tally.granted, tally.locked_since, tally.locked_seconds = GRANTED_TRIES, None, 0
            elif "lock.restarted" in save.kinds and tally.locked_since is not None:
                tally.locked_since, tally.over = getattr(save.after, kind).locked_since or call.now, False
            self._compare(call, save, kind)

    def _opened_by(self, call: JudgedCall, save: Save, kind: str) -> bool:
        field_name = "code" if kind == CODES else "recovery_code"
        return bool(call.opened(save)) and call.typed(field_name) is not None

    def _charged(self, call: JudgedCall, save: Save, kind: str, charged: int) -> None:
        tally = self.tally(save.after.user, kind)
        is_bound = save.after.authenticator is not None
        if tally.locked(call.now, call.policy) or (is_bound and self._spent_for(call, tally)):
            self._in_a_lock(call, save, kind, "a wrong code was judged")
        for _ in range(charged):
            tally.charge(call.now, call.policy)

    @staticmethod
    def _spent_for(call: JudgedCall, tally: FailureCounts) -> bool:
        return not call.path.startswith("/mfa/enroll") and tally.spent(call.now, call.policy)

    def _in_a_lock(self, call: JudgedCall, save: Save, kind: str, what: str) -> None:
        tally = self.tally(save.after.user, kind)
        seconds = ""
        if tally.locked_since is not None:
            left = tally.locked_since + tally.locked_seconds * SECOND - call.now
            seconds = f"; {left // SECOND} s of it were left" if left > 0 else ""
        self._ledger.report(
            invariant_names.LOCK, f"{what} while {kind} closed after {tally.count} wrong{seconds}", call, save
        )

    def _compare(self, call: JudgedCall, save: Save, kind: str) -> None:
        tally, failures = self.tally(save.after.user, kind), getattr(save.after, kind)
        days = sum(count for _, count in failures.days)
        seen = None
        if failures.consecutive_count < tally.count:
            seen = f"{tally.count} wrong in a row were judged, and {kind} says {failures.consecutive_count}"
        elif days < tally.recent(call.now, call.policy):
            seen = f"{tally.recent(call.now, call.policy)} wrong were judged of late, and {kind} says {days}"
        elif failures.granted_count > tally.granted:
            seen = f"{kind} has {failures.granted_count} tries granted, and support gave {tally.granted}"
        if seen is not None:
            self._ledger.report(invariant_names.BUDGET, seen, call, save)
        elif tally.locked(call.now, call.policy) and (
            failures.locked_since is None or failures.locked_seconds < tally.locked_seconds
        ):
            seen = f"{tally.count} wrong in a row must lock for {tally.locked_seconds} s"
            self._ledger.report(
                invariant_names.LOCK, f"{seen}, and {kind} has {failures.locked_seconds} s", call, save
            )

    def replied(self, call: JudgedCall) -> None:
        """Judge the reply to somebody who typed a code."""
        response, user = call.response, call.user
        name = next((name for name in KIND_OF if name in call.fields), None)
        if response is None or user is None or name is None or not call.path.startswith("/mfa/"):
            return
        typed, kind = call.typed(name), KIND_OF[name]
        outcome = read_reply(response).outcome
        if outcome == "wrong_code" and typed is not None:
            self._judged_wrong(call, user, kind, typed)
        closed = call.closed.get(kind, False) and self.closed(user, call.now, call.policy)[kind]
        if closed and outcome == "used_code":
            self._ledger.report(
                invariant_names.LOCK, f"a code was told to be used up while {kind} is closed", call
            )
        if closed and outcome != "wrong_code" and typed is not None and not call.saves:
            self._tells_nothing(call, user, name, typed, response)

    def _judged_wrong(self, call: JudgedCall, user: str, kind: str, typed: str) -> None:
        browser = id_in(call.cookies.get(BROWSER_COOKIE))
        if any(_count(save.after, kind) > _count(save.before, kind) for save in call.saves):
            self._wrong.append(WrongCode(user=user, browser=browser, typed=typed, at=call.now))
            return
        repeats = any(
            (wrong.user, wrong.browser, wrong.typed) == (user, browser, typed)
            # A clock that has stepped back a little counts the answer as one of this moment (D22).
            and -call.policy.clock_skew_seconds_max * SECOND <= call.now - wrong.at < REPEAT_SECONDS * SECOND
            for wrong in self._wrong
        )
        if not repeats and self._could_be_code(call, user, typed):
            self._ledger.report(invariant_names.BUDGET, "a wrong code was judged and charged to nobody", call)

    def _could_be_code(self, call: JudgedCall, user: str, typed: str) -> bool:
        """What cannot be a code at all is never judged, and costs nothing (R8)."""
        if "code" not in call.fields:
            return len(typed) in (call.policy.recovery_code_symbols, 12)
        account = self._ledger.accounts.get(user)
        if account is None:
            return False
        if call.path.startswith("/mfa/enroll"):
            browser = id_in(call.cookies.get(BROWSER_COOKIE))
            digits = {item.parameters.digits for item in account.pending if item.browser == browser}
        else:
            digits = {account.authenticator.parameters.digits} if account.authenticator is not None else set()
        return len(typed) in digits

    def _tells_nothing(self, call: JudgedCall, user: str, name: str, typed: str, response: Response) -> None:
        """The reply in a lock is the same for a right, a used and a wrong code, and so is the wait (R20)."""
        account = self._ledger.accounts.get(user)
        if response.status == 303 and account is not None and account.ended_logins:
            return  # the lock ended the sign-in at the portal that this came with, and no page was asked (D19)
        if name == "code":
            worth = classify_code(self._ledger, account, typed, call)
        else:
            current = account.recovery_code if account is not None else None
            known = self._ledger.recovery_codes.get(current.id) if current is not None else None
            worth = "right" if known == typed else "wrong"
        tally, told = self.tally(user, KIND_OF[name]), read_reply(response).retry_after_seconds
        # A spent budget has waits of its own, and none of them is the back-off's.
        left = None if tally.spent(call.now, call.policy) else tally.seconds_left(call.now)
        rejection = UnjudgedRejection(
            status=response.status,
            text=VARIABLE.sub(b"", response.body),
            wait_beyond_seconds=told - left if told is not None and left is not None else None,
        )
        like = (user, name, call.path, response.header("Content-Type"), tally.locked_since, tally.count)
        shown = self._rejected.setdefault(like, {})
        other = next((other for other, said in shown.items() if other != worth and said != rejection), None)
        shown.setdefault(worth, rejection)
        if other is not None:
            seen = f"in a lock the reply to a {worth} code ({rejection.words}) differs from that to a {other} one"
            self._ledger.report(invariant_names.LOCK, f"{seen} ({shown[other].words})", call)


def _count(account: Account | None, kind: str) -> int:
    count: int = getattr(account, kind).consecutive_count if account is not None else 0
    return count
