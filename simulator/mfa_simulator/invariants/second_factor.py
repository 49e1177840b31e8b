"""Judges what opens a session: the code against the key that a page showed, the window, replay, recovery codes."""

from __future__ import annotations

from mfa_simulator.invariants.call import BROWSER_COOKIE, JudgedCall, Save, id_in
from mfa_simulator.invariants.ledger import FirstTyped, Grant, Ledger
from mfa_simulator.invariants.remembered_browsers import RememberedBrowserJudge
from mfa_simulator.language.format import invariant_names
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.phone import AuthenticatorKey
from wsgi_mfa.accounts import Account, Method

FIRST_CODE_SECONDS = 90  # D17
FAR_STEPS = 60  # how far from its moment a code is looked for, so that a message can say where it belongs


class SecondFactorJudge:
    """Looks at each save, in the order in which they became durable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._browsers = RememberedBrowserJudge(ledger)

    def judge(self, call: JudgedCall, save: Save) -> None:
        """Judge what a save opened, bound and learned."""
        opened = call.opened(save)
        self._browsers.judge(call, save)
        if opened:
            self._opened(call, save, opened)
        phone = save.after.authenticator
        if "support.drift_forgotten" in save.kinds and phone is not None and phone.drift_steps == 0:
            self._step(call, save)  # the desk takes nothing for learned any more (D18)
            return
        if "clock.relearned" in save.kinds or (_drift(save) and not opened):
            self._relearned(call, save)
        elif "clock.first_code" in save.kinds:
            self._keep_first(call, save)
        elif _burnt(save) and not opened:
            self._burnt_late(call, save)
        self._step(call, save)
        self._bounds(call, save)

    def _opened(self, call: JudgedCall, save: Save, opened: list[str]) -> None:
        ledger, user = self._ledger, save.after.user
        if len(opened) > 1:
            ledger.report(invariant_names.CODE_ONCE, f"one request opened {len(opened)} sessions", call, save)
        if call.user != user:
            seen = f"a session was opened by a request of {call.user or 'nobody'}"
            ledger.report(invariant_names.BOTH_FACTORS, f"{seen}, as far as passwords were typed", call, save)
        for session in save.after.sessions:
            if session.id not in opened:
                continue
            if session.method is Method.RECOVERY_CODE:
                typed = call.typed("recovery_code")
                self._recovery(call, save, typed)
            elif session.method is Method.REMEMBERED_BROWSER:
                typed = None  # judged beside this: no factor is shown
            else:
                typed = call.typed("code")
                self._code(call, save, typed)
            ledger.grants[session.id] = Grant(
                user=user,
                browser=id_in(call.cookies.get(BROWSER_COOKIE)),
                typed=typed,
                method=session.method.value,
                opened_at=call.now,
                verified_at=call.now,
                seen_at=call.now,
            )

    def _code(self, call: JudgedCall, save: Save, typed: str | None) -> None:
        phone = save.after.authenticator
        if phone is None:
            self._ledger.report(
                invariant_names.UNCONFIRMED_KEY, "a code opened a session and no phone is bound", call, save
            )
            return
        if save.is_binding:
            self._bound(call, save)
        key = self._ledger.keys.get(phone.id)
        if key is None:
            seen = "a code was accepted for a key that stood on no page"
            self._ledger.report(invariant_names.UNCONFIRMED_KEY, seen, call, save)
            return
        drift = 0 if save.is_binding or save.before is None else _drift_of(save.before)
        middle = _step(call.now, key) + drift
        window = range(middle - call.policy.steps_back, middle + call.policy.steps_ahead + 1)
        matched = _matching(key, typed, window)
        if not matched:
            self._outside(call, save, key, typed, middle)
            return
        self._use(call, save, phone.id, matched)

    def _use(self, call: JudgedCall, save: Save, key_id: str, matched: list[int]) -> None:
        used = self._ledger.used.setdefault(key_id, {})
        fresh = [step for step in matched if step not in used]
        if not fresh:
            ago = (call.at - used[matched[-1]]) // SECOND
            seen = f"the code of step {matched[-1]} opened a session, and was used up {ago} s before"
            self._ledger.report(invariant_names.CODE_ONCE, seen, call, save)
        step = (fresh or matched)[-1]
        used.setdefault(step, call.at)
        phone = save.after.authenticator
        if phone is not None and phone.last_step < step and step not in phone.used_steps:
            seen = f"the code of step {step} was accepted, and the account does not know that it is used up"
            self._ledger.report(invariant_names.STEP_FORWARD, seen, call, save)

    def _outside(
        self, call: JudgedCall, save: Save, key: AuthenticatorKey, typed: str | None, middle: int
    ) -> None:
        phone = save.after.authenticator
        for key_id, other in self._ledger.keys.items():
            near = range(middle - FAR_STEPS, middle + FAR_STEPS + 1)
            if phone is None or key_id == phone.id or not _matching(other, typed, near):
                continue
            if key_id in self._ledger.dead:
                seen = "a code of a key from before a reset or a new phone opened a session"
                self._ledger.report(invariant_names.RESET_FINAL, seen, call, save)
            elif key_id not in self._ledger.bound:
                seen = "a code of a key that nobody confirmed opened a session"
                self._ledger.report(invariant_names.UNCONFIRMED_KEY, seen, call, save)
            else:
                self._ledger.report(
                    invariant_names.BOTH_FACTORS, "a code of another user's key opened a session", call, save
                )
            return
        where = _matching(key, typed, range(middle - FAR_STEPS, middle + FAR_STEPS + 1))
        if save.is_binding and not where:
            self._ledger.report(
                invariant_names.UNCONFIRMED_KEY,
                "a key was bound by something that is no code of it",
                call,
                save,
            )
            return
        off = f"{where[-1] - middle:+d} steps from the window's middle" if where else "of no step near"
        seen = (
            f"a code {off} opened a session; the window reaches from -{call.policy.steps_back}"
            f" to +{call.policy.steps_ahead}"
        )
        self._ledger.report(invariant_names.WINDOW, seen, call, save)

    def _bound(self, call: JudgedCall, save: Save) -> None:
        phone, before = save.after.authenticator, save.before
        if phone is None:
            return
        pending = next((item for item in before.pending if item.id == phone.id), None) if before else None
        if pending is None:
            seen = "a key was bound that was not pending"
        elif pending.browser != id_in(call.cookies.get(BROWSER_COOKIE)):
            seen = "a key was bound from another browser than the one that was shown it"
        elif call.now - pending.made_at >= call.policy.enrollment_seconds_max * SECOND:
            age = (call.now - pending.made_at) // SECOND
            seen = (
                f"a key was bound {age} s after it was made; legal are {call.policy.enrollment_seconds_max} s"
            )
        else:
            seen = ""
        if seen:
            self._ledger.report(invariant_names.UNCONFIRMED_KEY, seen, call, save)

    def _recovery(self, call: JudgedCall, save: Save, typed: str | None) -> None:
        ledger, user = self._ledger, save.after.user
        spent = ledger.spent_recovery_codes.setdefault(user, set())
        current = save.before.recovery_code if save.before is not None else None
        if typed in spent:
            seen = "a recovery code opened a second session"
        elif current is None or typed is None or ledger.recovery_codes.get(current.id) != typed:
            seen = "something else than the current recovery code opened a session"
        elif save.after.recovery_code is None or save.after.recovery_code.id == current.id:
            seen = "a recovery code was used and not replaced"
        else:
            seen = ""
        if seen:
            ledger.report(invariant_names.RECOVERY_ONCE, seen, call, save)
        if typed is not None:
            spent.add(typed)

    def _keep_first(self, call: JudgedCall, save: Save) -> None:
        typed = call.typed("code")
        if typed is not None:
            browser = id_in(call.cookies.get(BROWSER_COOKIE))
            self._ledger.first_typed[save.after.user] = FirstTyped(code=typed, browser=browser, at=call.now)

    def _relearned(self, call: JudgedCall, save: Save) -> None:
        """Two consecutive, fresh codes of one browser, each within reach of its own moment (D17)."""
        phone, first = save.after.authenticator, self._ledger.first_typed.pop(save.after.user, None)
        key = self._ledger.keys.get(phone.id) if phone is not None else None
        if phone is None or key is None:
            return
        reach = call.policy.resync_steps_max
        here = _step(call.now, key)
        seconds = _matching(key, call.typed("code"), range(here - reach, here + reach + 1))
        pairs = []
        if first is not None and call.now - first.at < FIRST_CODE_SECONDS * SECOND:
            then = _step(first.at, key)
            firsts = _matching(key, first.code, range(then - reach, then + reach + 1))
            pairs = [step for step in seconds if step - 1 in firsts]
        used = self._ledger.used.setdefault(phone.id, {})
        if not pairs:
            seen = (
                f"the drift was set to {phone.drift_steps} without two consecutive codes within {reach} steps"
            )
            self._ledger.report(invariant_names.WINDOW, seen, call, save)
            return
        fresh = [step for step in pairs if step not in used and step - 1 not in used]
        if not fresh:
            seen = "a clock was learned from codes that were used up before"
            self._ledger.report(invariant_names.CODE_ONCE, seen, call, save)
        for step in (pairs[-1] - 1, pairs[-1]):
            used.setdefault(step, call.at)

    def _burnt_late(self, call: JudgedCall, save: Save) -> None:
        """A late code that earned a hint is used up (D17)."""
        phone = save.after.authenticator
        if phone is not None:
            self._ledger.used.setdefault(phone.id, {}).setdefault(phone.last_step, call.at)

    def _step(self, call: JudgedCall, save: Save) -> None:
        old = save.before.authenticator if save.before is not None else None
        new = save.after.authenticator
        if old is None or new is None or old.id != new.id or new.last_step >= old.last_step:
            return
        mended = any(
            event.kind == "support.unlocked" and ("clock", "true") in event.details for event in save.events
        )
        if not mended:
            seen = f"the last accepted step went back from {old.last_step} to {new.last_step}"
            self._ledger.report(invariant_names.STEP_FORWARD, seen, call, save)

    def _bounds(self, call: JudgedCall, save: Save) -> None:
        phone, policy = save.after.authenticator, call.policy
        if phone is None:
            if save.after.sessions:
                seen = "sessions are open, and no phone is bound"
                self._ledger.report(invariant_names.UNCONFIRMED_KEY, seen, call, save)
            return
        moved = _drift(save)
        before = _drift_of(save.before) if save.before is not None and not save.is_binding else 0
        if "clock.relearned" in save.kinds:
            bad = abs(phone.drift_steps) > policy.resync_steps_max
        else:
            bad = abs(moved) > 1 or (
                moved != 0 and abs(phone.drift_steps) > max(policy.drift_steps_max, abs(before))
            )
        if bad:
            seen = f"the learned drift went from {before} to {phone.drift_steps} steps"
            self._ledger.report(invariant_names.WINDOW, seen, call, save)


def classify_code(ledger: Ledger, account: Account | None, typed: str | None, call: JudgedCall) -> str:
    """Say what a code would be at this moment, were there no lock: `right`, `used` or `wrong`."""
    phone = account.authenticator if account is not None else None
    key = ledger.keys.get(phone.id) if phone is not None else None
    if phone is None or key is None:
        return "wrong"
    middle = _step(call.now, key) + phone.drift_steps
    window = range(middle - call.policy.steps_back, middle + call.policy.steps_ahead + 1)
    steps = _matching(key, typed, window)
    if not steps:
        return "wrong"
    return "right" if any(step > phone.last_step for step in steps) else "used"


def _step(now: int, key: AuthenticatorKey) -> int:
    return now // (key.period_seconds * SECOND)


def _matching(key: AuthenticatorKey, typed: str | None, steps: range) -> list[int]:
    return [step for step in steps if step >= 0 and key.code_at(step) == typed]


def _drift_of(account: Account) -> int:
    return account.authenticator.drift_steps if account.authenticator is not None else 0


def _drift(save: Save) -> int:
    """By how much the drift of the same key moved."""
    if save.before is None or save.after.authenticator is None or save.is_binding:
        return 0
    return save.after.authenticator.drift_steps - _drift_of(save.before)


def _burnt(save: Save) -> bool:
    old = save.before.authenticator if save.before is not None else None
    new = save.after.authenticator
    return (
        "code.wrong" in save.kinds and old is not None and new is not None and new.last_step != old.last_step
    )
