"""Judges guesses: each wrong code that was judged is charged, and what is closed judges nothing.

The judges count for themselves, from replies and from saves, and compare with what the account says.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from mfa_simulator.invariants.call import BROWSER_COOKIE, JudgedCall, Save, id_in
from mfa_simulator.invariants.failure_counts import FailureCounts, charges, count_of
from mfa_simulator.invariants.known_browsers import KnownBrowserJudge
from mfa_simulator.invariants.ledger import CODES, RECOVERY_CODES, Ledger
from mfa_simulator.invariants.second_factor import classify_code
from mfa_simulator.language.format import invariant_names
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.http import Response
from mfa_simulator.world.reply_reader import read_reply

REPEAT_SECONDS = 5  # D11
KIND_OF = {
    "code": CODES,
    "recovery_code": RECOVERY_CODES,
    "enrollment_code": RECOVERY_CODES,
    "unlock_code": RECOVERY_CODES,
}
SUCCESSES = ("sign_in.accepted", "step_up.accepted", "clock.relearned")
# Another key: guesses at the one before close nothing any longer, and still count for the year (D47).
OTHER_KEY = ("enrollment.confirmed", "support.reset", "support.removed")
# What differs between two replies that say the same: what is made anew, and what only tells the time.
TIMER = rb'<(\w+)[^>]* role="timer".*?</\1>'
SPAN = rb"[0-9]+(?: (?:second|minute|hour|day)s?\b(?: and [0-9]+ (?:second|minute|hour|day)s?\b)?)?"
VARIABLE = re.compile(TIMER + rb'|(?:value|nonce|href)="[^"]*"|' + SPAN, re.DOTALL)


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
    """Counts by user; known browsers are counted by :class:`KnownBrowserJudge`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known = KnownBrowserJudge(ledger)
        self._tallies: dict[str, FailureCounts] = {}
        self._wrong: deque[WrongCode] = deque(maxlen=64)
        self._rejected: dict[tuple[object, ...], dict[str, UnjudgedRejection]] = {}

    def tally(self, user: str) -> FailureCounts:
        """Give what was counted for the browsers of a user that are not known."""
        return self._tallies.setdefault(user, FailureCounts())

    def closed(self, call: JudgedCall) -> dict[str, bool]:
        """Say whether codes of this browser are judged now; recovery codes always are (D46)."""
        tally = None if call.user is None else self._tally_of(call, call.user)
        closed = tally is not None and (
            tally.locked(call.now, call.policy) or tally.spent(call.now, call.policy)
        )
        return {CODES: closed, RECOVERY_CODES: False}

    def _tally_of(self, call: JudgedCall, user: str) -> FailureCounts | None:
        return self._known.tally_of(call, user) or self._tallies.get(user)

    def judge(self, call: JudgedCall, save: Save) -> None:
        """Judge what a save says of failures."""
        self._known.judge(call, save)
        tally = self.tally(save.after.user)
        tally.observe(call.now, call.policy)
        for _ in range(count_of(save.after, CODES) - count_of(save.before, CODES)):
            if tally.locked(call.now, call.policy) or tally.spent(call.now, call.policy):
                self._in_a_lock(call, save, tally, "a wrong code was judged")
            tally.charge(call.now, call.policy)
        if save.kinds.intersection(OTHER_KEY):
            tally.clear()
        elif save.kinds.intersection(SUCCESSES) or (call.opened(save) and call.typed("code") is not None):
            if not self._known.was_known(call) and (
                tally.locked(call.now, call.policy) or tally.spent(call.now, call.policy)
            ):
                self._in_a_lock(call, save, tally, "a right code was accepted")
            tally.clear()
        elif "lock.restarted" in save.kinds and tally.locked_since is not None:
            tally.locked_since, tally.over = save.after.code_failures.locked_since or call.now, False
        self._compare(call, save)

    def _in_a_lock(self, call: JudgedCall, save: Save, tally: FailureCounts, what: str) -> None:
        seconds = ""
        if tally.locked_since is not None:
            left = tally.locked_since + tally.locked_seconds * SECOND - call.now
            seconds = f"; {left // SECOND} s of it were left" if left > 0 else ""
        self._ledger.report(
            invariant_names.LOCK,
            f"{what} while {CODES} closed after {tally.count} wrong{seconds}",
            call,
            save,
        )

    def _compare(self, call: JudgedCall, save: Save) -> None:
        tally, failures = self.tally(save.after.user), save.after.code_failures
        days = sum(count for _, count in failures.days)
        seen = None
        if failures.consecutive_count < tally.count:
            seen = f"{tally.count} wrong in a row were judged, and {CODES} says {failures.consecutive_count}"
        elif days < tally.recent(call.now, call.policy):
            seen = f"{tally.recent(call.now, call.policy)} wrong were judged of late, and {CODES} says {days}"
        if seen is not None:
            self._ledger.report(invariant_names.BUDGET, seen, call, save)
        elif tally.locked(call.now, call.policy) and (
            failures.locked_since is None or failures.locked_seconds < tally.locked_seconds
        ):
            seen = f"{tally.count} wrong in a row must lock for {tally.locked_seconds} s"
            self._ledger.report(
                invariant_names.LOCK, f"{seen}, and {CODES} has {failures.locked_seconds} s", call, save
            )

    def replied(self, call: JudgedCall) -> None:
        """Judge the reply to somebody who typed a code."""
        response, user = call.response, call.user
        name = next((name for name in KIND_OF if name in call.fields), None)
        if response is None or user is None or name is None or not call.path.startswith("/mfa/"):
            return
        typed, kind = call.typed(name), KIND_OF[name]
        outcome = read_reply(response).outcome
        charged = any(charges(save, kind) for save in call.saves)
        if charged and typed is not None:
            # Also where the reply says something else, as when the store failed after its commit.
            browser = id_in(call.cookies.get(BROWSER_COOKIE))
            self._wrong.append(WrongCode(user=user, browser=browser, typed=typed, at=call.now))
        elif outcome == "wrong_code" and typed is not None:
            self._judged_wrong(call, user, typed)
        closed = call.closed.get(kind, False) and self.closed(call)[kind]
        if closed and outcome == "used_code":
            self._ledger.report(
                invariant_names.LOCK, f"a code was told to be used up while {kind} is closed", call
            )
        if closed and outcome != "wrong_code" and typed is not None and not call.saves:
            # A form that is not taken at all, such as one of another window, is not judged by its code; nor is one for
            # whose account the store gives no answer.
            unread = (outcome == "error" and response.status in (400, 403)) or outcome == "unavailable"
            if unread or self._repeats_a_success(call, typed):
                return
            self._tells_nothing(call, user, name, typed, response)

    def _repeats_a_success(self, call: JudgedCall, typed: str) -> bool:
        """Say whether this browser was let in by what it typed, and may be told so again in a lock."""
        browser = id_in(call.cookies.get(BROWSER_COOKIE))
        grants = self._ledger.grants.values()
        return any(grant.browser == browser and grant.typed == typed for grant in grants)

    def _judged_wrong(self, call: JudgedCall, user: str, typed: str) -> None:
        browser = id_in(call.cookies.get(BROWSER_COOKIE))
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
        tally = self._tally_of(call, user) or self.tally(user)
        told = read_reply(response).retry_after_seconds
        # A spent budget has waits of its own, and none of them is the back-off's.
        left = None if tally.spent(call.now, call.policy) else tally.seconds_left(call.now)
        rejection = UnjudgedRejection(
            status=response.status,
            text=VARIABLE.sub(b"", response.body),
            wait_beyond_seconds=told - left if told is not None and left is not None else None,
        )
        # A page repeats the fields that were sent with the code, such as where its user wanted to go.
        sent = (call.path, tuple(sorted(call.fields)), response.header("Content-Type"))
        like = (user, name, *sent, tally.locked_since, tally.count)
        shown = self._rejected.setdefault(like, {})
        other = next((other for other, said in shown.items() if other != worth and said != rejection), None)
        shown.setdefault(worth, rejection)
        if other is not None:
            seen = f"in a lock the reply to a {worth} code ({rejection.words}) differs from that to a {other} one"
            self._ledger.report(invariant_names.LOCK, f"{seen} ({shown[other].words})", call)
