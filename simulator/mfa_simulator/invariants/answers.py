"""Judges what users are told: a code is answered for what it is, and an open session is let through.

What a code is worth is worked out before the request is answered, from the key that a page showed and the clock of the
worker. A middleware that rejects good codes breaks no secret, and shuts its users out.
"""

from __future__ import annotations

from dataclasses import dataclass

from mfa_simulator.invariants.call import SESSION_COOKIE, JudgedCall, id_in
from mfa_simulator.invariants.ledger import CODES, RECOVERY_CODES, Grant, Ledger
from mfa_simulator.invariants.second_factor import classify_code
from mfa_simulator.language.format import invariant_names
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.reply_reader import read_reply
from wsgi_mfa.accounts import Account

VERIFY, RECOVER, OURS = "/mfa/verify", "/mfa/recover", "/mfa/"
#: Answers that say what a code was worth.
JUDGED = ("wrong_code", "used_code", "locked")
#: Within so long of a limit nothing is said: the worker's clock and the limit's grain may differ.
GRACE_SECONDS = 2
REPEAT_SECONDS = 5  # D11


@dataclass(frozen=True, kw_only=True, slots=True)
class Worth:
    """The value of what was posted, before it was answered: `right`, `used` or `wrong`, and the account then."""

    worth: str
    account: Account


class AnswerJudge:
    """Compares what was answered with what was posted."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def before(self, call: JudgedCall) -> Worth | None:
        """Return what a posted code is worth now; None for a request that judges no code of an active key."""
        account = self._ledger.accounts.get(call.user or "")
        if account is None or account.authenticator is None:
            return None
        if call.path == VERIFY and (typed := call.typed("code")) is not None:
            if len(typed) != account.authenticator.parameters.digits or self._is_ahead(account, call):
                return None
            return Worth(worth=_unused(self._ledger, account, typed, call), account=account)
        if call.path == RECOVER and (typed := call.typed("recovery_code")) is not None:
            code = account.recovery_code
            known = self._ledger.recovery_codes.get(code.id) if code is not None else None
            worth = "right" if known == typed else "wrong"
            return None if known is None else Worth(worth=worth, account=account)
        return None

    def _is_ahead(self, account: Account, call: JudgedCall) -> bool:
        """Return whether a later step than the window reaches is used up: then no code is judged."""
        phone = account.authenticator
        if phone is None:
            return True
        here = call.now // (phone.parameters.period_seconds * SECOND)
        return phone.last_step > here + phone.drift_steps + call.policy.steps_ahead

    def judge(self, call: JudgedCall, worth: Worth | None) -> None:
        """Judge the reply to a code, or to a request for the portal in an open session."""
        response = call.response
        if response is None or response.crash is not None:
            return
        if worth is not None:
            self._judge_code(call, worth)
        elif call.request is not None and call.request.method == "GET" and not call.path.startswith(OURS):
            self._judge_passing(call)

    def _judge_code(self, call: JudgedCall, worth: Worth) -> None:
        response = call.response
        outcome = read_reply(response).outcome if response is not None else ""
        present = call.saves[0].before if call.saves else self._ledger.accounts.get(worth.account.user)
        kind = CODES if call.path == VERIFY else RECOVERY_CODES
        # Another request's change in between, or an answer that is repeated as it was, says nothing of this code.
        if present is not worth.account or outcome not in JUDGED or _was_answered(worth.account, call):
            return
        what = "recovery code" if kind == RECOVERY_CODES else "code"
        if worth.worth == "right" and outcome != "locked":
            self._report(call, f"a right {what} was answered as {outcome}")
        elif worth.worth == "right" and not call.closed.get(kind, False):
            self._report(call, f"a right {what} was answered as locked, and nothing was closed")
        elif worth.worth == "used" and outcome == "wrong_code":
            self._report(call, "a code that was used up was answered as wrong")
        elif worth.worth == "wrong" and outcome == "used_code":
            self._report(call, "a wrong code was answered as used up")

    def _judge_passing(self, call: JudgedCall) -> None:
        response, account = call.response, self._ledger.accounts.get(call.user or "")
        grant = self._ledger.grants.get(id_in(call.cookies.get(SESSION_COOKIE)) or "")
        if response is None or account is None or grant is None or response.status not in (303, 401, 403):
            return
        location = (response.header("Location") or "").partition("?")[0]
        # A password in an address may be another user's, so that the request is no mere page (D40).
        turned_away = (response.status != 303 or location.startswith(OURS)) and not call.has_password_in_query
        if turned_away and not response.from_app and self._is_good(call, grant, account):
            self._report(call, f"an open session was turned away: {response.summary}")

    def _is_good(self, call: JudgedCall, grant: Grant, account: Account) -> bool:
        code = account.recovery_code
        holds = code is not None and not code.acknowledged
        asked = any(each.asked_at is not None for each in account.app_passwords)
        if grant.ended is not None or grant.user != account.user or holds or asked or account.ended_logins:
            return False
        policy, now = call.policy, call.now
        opened, seen = now - grant.verified_at, now - grant.seen_at
        skew = policy.clock_skew_seconds_max * SECOND
        return (
            -skew < opened < (policy.session_seconds_max - GRACE_SECONDS) * SECOND
            and -skew < seen < (policy.session_idle_seconds - GRACE_SECONDS) * SECOND
        )

    def _report(self, call: JudgedCall, seen: str) -> None:
        self._ledger.report(invariant_names.ANSWER, seen, call)


def _unused(ledger: Ledger, account: Account, typed: str, call: JudgedCall) -> str:
    """Return what a code is worth; one that support left used up is used."""
    worth = classify_code(ledger, account, typed, call)
    phone = account.authenticator
    key = ledger.keys.get(phone.id) if phone is not None else None
    if worth != "right" or phone is None or key is None:
        return worth
    used = {step for step in phone.used_steps if key.code_at(step) == typed}
    return "used" if used else worth


def _was_answered(account: Account, call: JudgedCall) -> bool:
    """Return whether this browser may get an earlier answer again, or asks for a success again."""
    latest = [item.at for item in account.answers], [item.at for item in account.retries]
    spans = (REPEAT_SECONDS, call.policy.retry_seconds)
    young = (call.now - at < span * SECOND for found, span in zip(latest, spans, strict=True) for at in found)
    return not call.saves and any(young)
