"""The laws, said in other words than the rules': an onlooker's notes are compared with what was decided.

The onlooker knows which keys and codes there are, writes down what was used up, counts wrong answers, and never looks
into the rules. Each law gives words when it is broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.prove.rulebook import decided, state_of, step_at
from mfa_simulator.prove.state import CODES, RECOVERY_CODES, Notes, State, Tally
from mfa_simulator.prove.wishes import Wish
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Account, Method
from wsgi_mfa.rules import Decision, Hint, Outcome, VerifyCode

REPEAT_SECONDS = 5
# A code of a pending key is no guess at the active one, and a recovery code cannot be guessed.
KIND = {"verify": CODES, "recover": RECOVERY_CODES}
Broken: TypeAlias = "tuple[str, str]"
LAWS = {
    "code once": "a code opens one session, and a code that bound a phone opens none",
    "window": "a code that opens a session lies in the window around what was learned of the clock",
    "wrong": "only a right code or the current recovery code opens a session",
    "lock": "nothing is judged in a lock, right or wrong, and both get the same answer",
    "charge": "each wrong answer that is judged is charged, and closes for as long as it must",
    "recovery once": "a recovery code opens one session, and is replaced with it",
    "reset final": "nothing that was there before a reset or a new phone comes back",
    "binding": "a phone is bound only by a code of the key that this browser was shown",
    "step": "the last step never goes back, unless the desk mends a clock",
    "state": "a browser is let in only by a session that was opened in it",
    "event": "each change is told by an event",
    "way in": "a fresh code of the right phone opens a session when nothing is closed",
}


def noted(before: State, wish: Wish, decision: Decision, after: State, policy: Policy) -> State:
    """Return the state with the onlooker's notes of what has just happened."""
    notes, old, new = before.notes, before.account, after.account
    if decision.outcome is Outcome.WRONG_CODE and decision.account is not None:
        notes = _retells(before, wish, policy)
    opened = _opened(old, new)
    kind = KIND.get(wish.kind)
    if wish.hand is not None:
        notes = replace(notes, opened=notes.opened | {(session, wish.hand) for session in opened})
    if opened and wish.step is not None and wish.key_id is not None:
        notes = replace(notes, used=notes.used | {(wish.key_id, wish.step)})
    if opened and wish.recovery is not None:
        notes = replace(notes, spent=notes.spent | {wish.recovery})
    if kind is not None:
        notes = _counted(notes, kind, wish, decision, before, opened=bool(opened), policy=policy)
    if _is_new_life(old, new):
        gone = _ids(old) - _ids(new)
        notes = replace(notes, dead=notes.dead | gone, codes=notes.codes.succeeded())
        if wish.kind == "reset":
            notes = replace(notes, recovery=Tally())
    if wish.kind == "replace" and decision.account is not None:
        notes = replace(notes, recovery=Tally())
    last = (wish.key_id, wish.step) if wish.step is not None and wish.key_id is not None else before.noted
    return replace(after, notes=notes, noted=last, written=_written(before, new))


def _written(before: State, new: Account) -> tuple[str, ...]:
    code = new.recovery_code
    return before.written if code is None or code.id in before.written else (*before.written, code.id)[-3:]


def _counted(
    notes: Notes, kind: str, wish: Wish, decision: Decision, before: State, *, opened: bool, policy: Policy
) -> Notes:
    tally = notes.tally(kind)
    if opened:
        tally = tally.succeeded()
    elif decision.outcome is Outcome.WRONG_CODE and (
        decision.account is not None or not _may_repeat(before, wish, policy)
    ):
        tally = _after_wrong(tally, kind, decision, before.now, policy)
    return replace(notes, codes=tally) if kind == CODES else replace(notes, recovery=tally)


def _after_wrong(tally: Tally, kind: str, decision: Decision, now: int, policy: Policy) -> Tally:
    """Return the tally after a wrong answer: recovery codes close nothing, and a late code is free."""
    if kind == RECOVERY_CODES:
        return tally.counted()
    return tally if decision.hint is Hint.CLOCK_SLOW else tally.charged(now, policy)


def _may_repeat(before: State, wish: Wish, policy: Policy) -> bool:
    """Return whether this browser typed the same a moment ago, and may get that answer again."""
    if wish.hand is None:
        return False
    sent = getattr(wish.command, "origin", None)
    cookie = sent.browser if sent is not None else before.hands[wish.hand].cookie
    fingerprint = getattr(wish.command, "fingerprint", "")
    skew = policy.clock_skew_seconds_max * SECOND
    return any(
        (cookie, fingerprint) == (browser, typed) and -skew <= before.now - at < REPEAT_SECONDS * SECOND
        for browser, typed, at in before.notes.told
    )


def _retells(before: State, wish: Wish, policy: Policy) -> Notes:
    """Return the notes with a wrong answer that was told, without those of long ago."""
    origin = getattr(wish.command, "origin", None)
    if origin is None:
        return before.notes
    far = policy.clock_skew_seconds_max * SECOND
    kept = {item for item in before.notes.told if abs(before.now - item[2]) <= far}
    told = (origin.browser, getattr(wish.command, "fingerprint", ""), before.now)
    return replace(before.notes, told=frozenset({*kept, told}))


def broken_by(
    before: State, wish: Wish, decision: Decision, after: State, policy: Policy
) -> Iterator[Broken]:
    """Yield every law that a decision breaks; `after` has the onlooker's notes from before it."""
    old, new = before.account, after.account
    opened = _opened(old, new)
    if len(opened) > 1:
        yield "code once", f"one command opened {len(opened)} sessions"
    if opened:
        yield from _on_opening(before, wish, new, policy)
    yield from _on_locks(before, wish, decision, policy)
    yield from _on_binding(before, wish, new)
    yield from _on_steps(wish, old, new)
    if new is not old and not decision.events:
        yield "event", f"{wish.kind} changed the account, and no event tells of it"
    back = before.notes.dead & _ids(new)
    if back:
        yield "reset final", f"{', '.join(sorted(back))} is back after it had ended"
    if wish.kind == "reset" and decision.outcome is Outcome.RESET:
        opening = ("authenticator", "recovery_code", "sessions", "pending", "retries", "first_code")
        left = [name for name in opening if getattr(new, name)]
        if left:
            yield "reset final", f"a reset left {', '.join(left)}"
    if wish.kind == "confirm" and opened and (len(new.sessions) > 1 or new.pending or len(new.retries) > 1):
        yield "reset final", "a new phone left a session, a retry or an enrollment that was there before"
    yield from _on_ways_in(before, wish, decision, policy)


def _on_opening(before: State, wish: Wish, new: Account, policy: Policy) -> Iterator[Broken]:
    old, notes = before.account, before.notes
    session = new.sessions[-1]
    if wish.kind == "recover":
        if session.method is not Method.RECOVERY_CODE or wish.recovery in notes.spent:
            yield "recovery once", f"the recovery code {wish.recovery} opened a second session"
        if old.recovery_code is None or wish.recovery != old.recovery_code.id:
            yield "wrong", "something else than the current recovery code opened a session"
        elif new.recovery_code is None or new.recovery_code.id == old.recovery_code.id:
            yield "recovery once", "a recovery code was used, and not replaced"
        return
    phone = new.authenticator
    if wish.kind not in ("verify", "confirm") or wish.step is None:
        yield "wrong", f"{wish.kind} opened a session without a code of any step"
    elif phone is None or phone.id != wish.key_id:
        yield "wrong", "a code of another key than the active one opened a session"
    elif (wish.key_id, wish.step) in notes.used:
        yield (
            "code once",
            f"the code of step {wish.step - step_at(before.now, policy):+d} opened a second session",
        )
    elif wish.kind == "verify" and old.authenticator is not None:
        off = wish.step - step_at(before.now, policy) - old.authenticator.drift_steps
        if not -policy.steps_back <= off <= policy.steps_ahead:
            yield "window", f"a code {off:+d} steps from the middle of the window opened a session"


def _on_locks(before: State, wish: Wish, decision: Decision, policy: Policy) -> Iterator[Broken]:
    kind = KIND.get(wish.kind)
    if kind is None:
        return
    tally = before.notes.tally(kind)
    closed = kind == CODES and tally.is_closed(before.now, policy)
    moved = decision.account is not None and getattr(decision.account, kind) != getattr(before.account, kind)
    charged = (
        getattr(decision.account, kind).consecutive_count > getattr(before.account, kind).consecutive_count
        if decision.account is not None
        else False
    )
    if closed and charged:
        yield "lock", "a wrong answer was judged in a lock"
    if closed and decision.account is not None and _opened(before.account, decision.account):
        yield "lock", "a right answer was judged in a lock"
    if closed and decision.outcome is Outcome.USED_CODE:
        yield "lock", "a lock told that a code was used up"
    if decision.outcome is not Outcome.WRONG_CODE or _may_repeat(before, wish, policy):
        return
    if not moved and decision.hint is not Hint.CLOCK_SLOW:
        yield "charge", "a wrong answer was judged, and not charged"
    elif decision.account is not None:
        expected = _after_wrong(tally, kind, decision, before.now, policy)
        yield from _on_charge(expected, decision.account, kind, before.now)


def _on_charge(tally: Tally, account: Account, kind: str, now: int) -> Iterator[Broken]:
    failures = getattr(account, kind)
    since = failures.locked_since
    until = 0 if since is None else since + failures.locked_seconds * SECOND
    if failures.consecutive_count != tally.row:
        yield "charge", f"{tally.row} wrong in a row are counted as {failures.consecutive_count}"
    if tally.until > now and until < tally.until:
        yield "charge", f"{tally.row} wrong in a row close for {(until - now) // SECOND} s"
    if sum(count for _, count in failures.days) < min(len(tally.at), 1):
        yield "charge", "a day's budget was not charged"


def _on_binding(before: State, wish: Wish, new: Account) -> Iterator[Broken]:
    old, phone = before.account, new.authenticator
    if phone is None or (old.authenticator is not None and old.authenticator.id == phone.id):
        return
    pending = next((item for item in old.pending if item.id == phone.id), None)
    if wish.kind != "confirm" or pending is None:
        yield "binding", f"{wish.kind} bound a phone"
    elif wish.hand is None or pending.browser != before.hands[wish.hand].cookie:
        yield "binding", "a phone was bound from another browser than the one that was shown its key"
    elif wish.key_id != phone.id:
        yield "binding", "a phone was bound by something else than a code of its key"


def _on_steps(wish: Wish, old: Account, new: Account) -> Iterator[Broken]:
    was, now = old.authenticator, new.authenticator
    if was is None or now is None or was.id != now.id or wish.kind == "unlock":
        return
    if now.last_step < was.last_step:
        yield "step", f"the last step went back by {was.last_step - now.last_step}"


def _on_ways_in(before: State, wish: Wish, decision: Decision, policy: Policy) -> Iterator[Broken]:
    """A right and fresh code is never turned away while nothing is closed."""
    phone = before.account.authenticator
    if wish.kind != "verify" or wish.step is None or phone is None or phone.id != wish.key_id:
        return
    tally, here = before.notes.codes, step_at(before.now, policy)
    near = abs(wish.step - here - phone.drift_steps) <= min(policy.steps_back, policy.steps_ahead)
    fresh = all(step < wish.step for key, step in before.notes.used if key == phone.id)
    free = tally.is_open(before.now, policy) and phone.last_step <= here + phone.drift_steps
    free = free and wish.step > phone.last_step and not _may_repeat(before, wish, policy)
    if near and fresh and free and decision.outcome is not Outcome.SIGNED_IN:
        yield "way in", f"a fresh code of the right phone came to {decision.outcome.value}"


def same_in_a_lock(state: State, right: Wish, wrong: Wish, policy: Policy) -> Iterator[Broken]:
    """Yield the law of locks if a right and a wrong code get different answers while codes are closed."""
    if not state.notes.codes.is_closed(state.now, policy) or not isinstance(right.command, VerifyCode):
        return
    one, other = (decided(state.account, wish.command, state.now, policy) for wish in (right, wrong))
    said = [(each.outcome, each.reason, each.hint, each.retry_after_seconds) for each in (one, other)]
    if said[0] != said[1]:
        yield "lock", f"a right code is answered {said[0]} in a lock, and a wrong one {said[1]}"


def states_of_browsers(state: State, policy: Policy) -> Iterator[Broken]:
    """Yield the law of authentication states if a browser would be let in by what was not opened in it."""
    for index, hand in enumerate(state.hands):
        outcome = state_of(state.account, hand.session, state.now, policy)
        if outcome is Outcome.SIGNED_IN and (hand.session, index) not in state.notes.opened:
            yield "state", "a browser is let in by a session that was not opened in it"


def _opened(old: Account, new: Account) -> list[str]:
    before = {session.id for session in old.sessions}
    return [session.id for session in new.sessions if session.id not in before]


def _is_new_life(old: Account, new: Account) -> bool:
    return old.generation != new.generation


def _ids(account: Account) -> set[str]:
    """Return the ids of what opens something."""
    found = {session.id for session in account.sessions} | {item.id for item in account.pending}
    found |= {retry.session_id for retry in account.retries}
    found |= {account.authenticator.id} if account.authenticator is not None else set()
    return found | ({account.recovery_code.id} if account.recovery_code is not None else set())
