"""Judges known browsers: whose wrong codes they count, what locks them, and how many guesses they are worth.

Whether a browser is known is found out here from its cookie and from what the account holds, and not from what the
middleware says of it.
"""

from __future__ import annotations

import base64
import hashlib
from collections import deque

from mfa_simulator.invariants.call import KNOWN_COOKIE, JudgedCall, Save
from mfa_simulator.invariants.failure_counts import DAY, FailureCounts, known_count_of
from mfa_simulator.invariants.ledger import Ledger
from mfa_simulator.language.format import invariant_names
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Account

GRANTED_TRIES = 10  # over a spent budget, in as many days as the budget looks at
TAKEN_BACK_MAX = 3  # by one success


class KnownBrowserJudge:
    """Counts the wrong codes of each known browser, and of all known browsers of a user."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tallies: dict[tuple[str, str], FailureCounts] = {}
        self._judged: dict[str, deque[int]] = {}  # every wrong code of a known browser, by user
        self._taken_back: dict[str, deque[int]] = {}
        self._over: dict[str, deque[int]] = {}  # those that were judged over a spent budget

    def tally_of(self, call: JudgedCall, user: str) -> FailureCounts | None:
        """Give the counts by which a code of this browser is judged; None where it is judged like others."""
        account = self._ledger.accounts.get(user)
        name = known_id(account, call.cookies.get(KNOWN_COOKIE))
        if account is None or name is None or self._is_spent(account, call.policy):
            return None
        return self._tallies.setdefault((user, name), FailureCounts())

    def was_known(self, call: JudgedCall) -> bool:
        """Say whether the request came from a browser that its user's account knew before it."""
        before = call.saves[0].before if call.saves else None
        return known_id(before, call.cookies.get(KNOWN_COOKIE)) is not None

    @staticmethod
    def _is_spent(account: Account, policy: Policy) -> bool:
        return known_count_of(account) >= policy.known_failures_rolling_max

    def judge(self, call: JudgedCall, save: Save) -> None:
        """Judge what a save says of known browsers."""
        before, after = save.before, save.after
        if before is None:
            return
        name = known_id(before, call.cookies.get(KNOWN_COOKIE))
        today = call.now // DAY
        difference = _of_day(after, today) - _of_day(before, today)
        if difference > 0:
            self._charged(call, save, name)
        elif difference < 0:
            self._retracted(call, save, -difference)
        if name is not None and call.opened(save):
            self._tallies.pop((after.user, name), None)
        self._restarted(call, save)
        self._compare(call, save)
        held = {browser.id for browser in after.known_browsers}
        for key in [key for key in self._tallies if key[0] == after.user and key[1] not in held]:
            del self._tallies[key]

    def _charged(self, call: JudgedCall, save: Save, name: str | None) -> None:
        user, policy = save.after.user, call.policy
        if name is None:
            seen = "a browser that is not known was judged by the counters of those that are"
            self._ledger.report(invariant_names.BUDGET, seen, call, save)
            return
        tally = self._tallies.setdefault((user, name), FailureCounts())
        if tally.locked(call.now, policy):
            self._ledger.report(
                invariant_names.LOCK, "a wrong code was judged in a known browser's lock", call, save
            )
        tally.charge(call.now, policy)
        self._judged.setdefault(user, deque()).append(call.now)
        if self._is_spent(save.before or save.after, policy):
            over = self._over.setdefault(user, deque())
            over.append(call.now)
            count = _recent(over, call.now, policy)
            if count > GRANTED_TRIES:
                seen = f"{count} wrong codes were judged over the spent budget of known browsers"
                self._ledger.report(invariant_names.BUDGET, seen, call, save)
        own = next((each for each in save.after.known_browsers if each.id == name), None)
        if (
            own is not None
            and sum(count for _, count in own.failures.days) >= policy.known_browser_failures_max
        ):
            seen = f"a browser is known after {policy.known_browser_failures_max} wrong codes"
            self._ledger.report(invariant_names.BUDGET, seen, call, save)

    def _retracted(self, call: JudgedCall, save: Save, count: int) -> None:
        if count > TAKEN_BACK_MAX or not call.opened(save):
            seen = f"{count} wrong codes of known browsers were forgotten"
            self._ledger.report(invariant_names.BUDGET, seen, call, save)
        self._taken_back.setdefault(save.after.user, deque()).extend([call.now] * count)

    def _restarted(self, call: JudgedCall, save: Save) -> None:
        if "lock.restarted" not in save.kinds:
            return
        for browser in save.after.known_browsers:
            tally = self._tallies.get((save.after.user, browser.id))
            if tally is not None and tally.locked_since is not None:
                tally.locked_since, tally.over = browser.failures.locked_since or call.now, False

    def _compare(self, call: JudgedCall, save: Save) -> None:
        user, policy = save.after.user, call.policy
        judged = _recent(self._judged.get(user, deque()), call.now, policy)
        judged -= _recent(self._taken_back.get(user, deque()), call.now, policy)
        if known_count_of(save.after) < judged:
            seen = f"{judged} wrong codes of known browsers were judged of late, and the account says"
            self._ledger.report(invariant_names.BUDGET, f"{seen} {known_count_of(save.after)}", call, save)
        for browser in save.after.known_browsers:
            tally, failures = self._tallies.get((user, browser.id)), browser.failures
            if tally is None or not tally.locked(call.now, policy):
                continue
            if failures.locked_since is None or failures.locked_seconds < tally.locked_seconds:
                seen = f"{tally.count} wrong in a row must lock a known browser for {tally.locked_seconds} s"
                self._ledger.report(
                    invariant_names.LOCK, f"{seen}, and it has {failures.locked_seconds} s", call, save
                )


def known_id(account: Account | None, cookie: str | None) -> str | None:
    """Give the id of the known browser that a cookie makes a browser; None where it makes it none."""
    if account is None or cookie is None:
        return None
    for secret in cookie.split("."):
        text = f"known\0{account.user}\0{account.generation}\0{secret}"
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()
        for browser in account.known_browsers:
            if digest in (browser.digest, browser.previous):
                return browser.id
    return None


def _of_day(account: Account, day: int) -> int:
    # Days ahead count as this one: a clock may have stepped back over midnight.
    return sum(count for each, count in account.known_failures if each >= day)


def _recent(instants: deque[int], now: int, policy: Policy) -> int:
    first = now // DAY - policy.failures_rolling_days
    return sum(at // DAY > first for at in instants)
