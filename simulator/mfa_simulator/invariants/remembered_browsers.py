"""Judges remembered browsers: who may be one, for how long, with which cookie, and what ends it (R55)."""

from __future__ import annotations

from dataclasses import dataclass

from mfa_simulator.invariants.call import BROWSER_COOKIE, JudgedCall, Save
from mfa_simulator.invariants.ledger import Ledger
from mfa_simulator.language.format import invariant_names
from mfa_simulator.language.quantities import SECOND
from wsgi_mfa.accounts import Method

_ID_CHARACTERS = 32
_DAY_SECONDS = 86400
#: After these nothing of before is remembered (D16); a recovery code says that the phone is not at hand.
_ENDING = frozenset({"support.reset", "support.fenced", "enrollment.confirmed", "recovery_code.used"})


@dataclass(kw_only=True, slots=True)
class _Known:
    user: str
    at: int
    ended: str | None = None


class RememberedBrowserJudge:
    """Remembers for itself who ticked the box, and which cookies have been used up."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, _Known] = {}
        self._spent: set[str] = set()

    def judge(self, call: JudgedCall, save: Save) -> None:
        """Judge one save: what it ended, whom it remembered, and what a remembered browser opened."""
        user, kinds = save.after.user, save.kinds
        for kind in sorted(_ENDING & kinds):
            for known in self._known.values():
                if known.user == user and known.ended is None:
                    known.ended = kind
        for browser in save.after.remembered_browsers:
            found = self._known.get(browser.id)
            if found is None:
                self._known[browser.id] = _Known(user=user, at=call.now)
                if not call.fields.get("remember") or call.typed("code") is None:
                    seen = "a browser is remembered, and nobody showed a code and ticked the box"
                    self._ledger.report(invariant_names.BOTH_FACTORS, seen, call, save)
            elif found.ended is not None:
                seen = f"a browser is remembered still, after {found.ended}"
                self._ledger.report(invariant_names.RESET_FINAL, seen, call, save)
        opened = call.opened(save)
        for session in save.after.sessions:
            if session.id in opened and session.method is Method.REMEMBERED_BROWSER:
                self._recalled(call, save, session.remembered_id or "")

    def _recalled(self, call: JudgedCall, save: Save, browser_id: str) -> None:
        known, secret = self._known.get(browser_id), _secret(call, browser_id)
        if known is None or known.user != save.after.user:
            seen = "a session was opened without a code, by a browser that this user had not remembered"
            self._ledger.report(invariant_names.BOTH_FACTORS, seen, call, save)
            return
        if known.ended is not None:
            seen = f"a session was opened without a code, by a browser remembered before {known.ended}"
            self._ledger.report(invariant_names.RESET_FINAL, seen, call, save)
        if secret is None or secret in self._spent:
            whose = "without its cookie" if secret is None else "with a cookie that was used up"
            seen = f"a remembered browser came {whose}, and was let in"
            self._ledger.report(invariant_names.CODE_ONCE, seen, call, save)
        self._spent.add(secret or "")
        days = (call.now - known.at) / SECOND / _DAY_SECONDS
        if days >= call.policy.remembered_browser_days:
            seen = f"a remembered browser was let in {days:.1f} days after its code"
            self._ledger.report(invariant_names.BOTH_FACTORS, seen, call, save)


def _secret(call: JudgedCall, browser_id: str) -> str | None:
    """What the request's cookie holds for the remembered browser."""
    _, _, rest = call.cookies.get(BROWSER_COOKIE, "").partition(".")
    for held in rest.partition(".")[0].split("-")[1:]:
        if held[:_ID_CHARACTERS] == browser_id:
            return held[_ID_CHARACTERS:]
    return None
