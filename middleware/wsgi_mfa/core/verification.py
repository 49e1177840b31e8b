"""Judging a code of the active key: the window, replay, drift, hints, and re-learning a clock.

The window is ``drift - steps_back .. drift + steps_ahead`` around the server's step (RFC 6238 section 5.2, D18).
A step counts once: only one above ``last_step`` is accepted (R6), whatever clocks did in between (R12).
"""

from __future__ import annotations

from bisect import bisect_right

from wsgi_mfa.core import known_browsers, throttle
from wsgi_mfa.core.account import Account, Authenticator, FirstCode, Method
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import ResyncClock, VerifyCode
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Hint, Outcome, Reason
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.instants import HOUR, seconds_until
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.rejections import (
    locked,
    malformed,
    rejected,
    repeated_rejection,
    uncharged,
    with_answer,
    wrong,
)
from wsgi_mfa.core.remembered_browsers import with_browser, with_known
from wsgi_mfa.core.sessions import opened, repeated
from wsgi_mfa.core.totp import matching_steps, seconds_left_in_step, step_at

HINTS_AN_HOUR_MAX = 3  # D17
RESYNCS_AN_HOUR_MAX = 10
USED_STEPS_MAX = 8  # beside the last one (D22)


def window(authenticator: Authenticator, step: int, policy: Policy) -> range:
    """The steps whose codes are accepted when the server's step is ``step``."""
    middle = step + authenticator.drift_steps
    return range(middle - policy.steps_back, middle + policy.steps_ahead + 1)


def fenced(authenticator: Authenticator, context: Context) -> Authenticator:
    """``authenticator`` that refuses every code which may have been used before ``context.now`` (R13).

    A phone ahead of us may have used any step of the window, which therefore stays used up when support later
    sets the last step back.
    """
    step = step_at(context.now, period_seconds=authenticator.parameters.period_seconds)
    reach = window(authenticator, step, context.policy)
    used = most_needed({*authenticator.used_steps, *reach}, step)
    return replace(authenticator, last_step=max(*reach, authenticator.last_step), used_steps=used)


def verify(account: Account, command: VerifyCode, context: Context) -> Decision:
    """Sign in, or step up, with a code."""
    origin = command.origin
    purpose = "sign_in" if account.session(origin.session_id) is None else "step_up"
    answered = repeated(account, origin, purpose, command.fingerprint)
    if answered is None and purpose == "sign_in":
        # A step-up ended the session that asked for it (R50), so that its retry looks like a sign-in.
        answered = repeated(account, origin, "step_up", command.fingerprint)
    answered = answered or repeated_rejection(account, origin, command.fingerprint)
    if answered is not None:
        return answered
    authenticator = account.authenticator
    if authenticator is None:
        return Decision(outcome=Outcome.MUST_ENROLL)
    closed = locked(account, origin, context)
    if closed is not None:
        return closed
    step = step_at(context.now, period_seconds=authenticator.parameters.period_seconds)
    if last_step_is_ahead(authenticator, step, context.policy):
        return rejected(Reason.SERVER_CLOCK, alert="last_step_ahead")
    if command.code is None or command.key is None:
        return malformed()
    steps = matching_steps(
        command.key, command.code, window(authenticator, step, context.policy), authenticator.parameters
    )
    usable = [candidate for candidate in steps if _is_unused(authenticator, candidate)]
    if usable:
        return _accepted(
            account, command, authenticator, context, step=step, matched=max(usable), purpose=purpose
        )
    if steps:
        seconds = seconds_left_in_step(context.now, period_seconds=authenticator.parameters.period_seconds)
        return Decision(outcome=Outcome.USED_CODE, hint=Hint.WAIT_FOR_NEXT, retry_after_seconds=seconds)
    late = _late(account, authenticator, context, key=command.key, code=command.code, step=step)
    if late is not None:
        return uncharged(
            late,
            origin,
            context,
            kind="code.late",
            fingerprint=command.fingerprint,
            hint=Hint.CLOCK_SLOW,
        )
    return wrong(account, origin, context, fingerprint=command.fingerprint)


def last_step_is_ahead(authenticator: Authenticator, step: int, policy: Policy) -> bool:
    """Whether no code could be accepted now, because a later step than the window reaches is used up.

    It means that this server's clock stepped back, or was far ahead once. Nothing is evaluated then: support
    mends it with ``unlock --clock`` (R12, D22).
    """
    return authenticator.last_step > max(window(authenticator, step, policy))


def _is_unused(authenticator: Authenticator, step: int) -> bool:
    return step > authenticator.last_step and step not in authenticator.used_steps


def with_used(authenticator: Authenticator, step: int) -> Authenticator:
    """``authenticator`` in which ``step`` and every earlier one are used up."""
    others = most_needed({*authenticator.used_steps} - {step}, step)
    return replace(authenticator, last_step=step, used_steps=tuple(sorted((*others, step))))


def most_needed(used_steps: set[int], step: int) -> tuple[int, ...]:
    """Those of ``used_steps`` that could be replayed first when ``step`` is the present: so many are kept (D22).

    Steps of the past come after those ahead, for the clock may step back once more.
    """
    ordered = sorted(used_steps)
    present = bisect_right(ordered, step)
    ahead = ordered[present : present + USED_STEPS_MAX]
    past = ordered[max(0, present - (USED_STEPS_MAX - len(ahead))) : present]
    return (*past, *ahead)


def _accepted(
    account: Account,
    command: VerifyCode,
    authenticator: Authenticator,
    context: Context,
    *,
    step: int,
    matched: int,
    purpose: str,
) -> Decision:
    origin = command.origin
    changed = replace(
        account,
        address=command.address or account.address,
        authenticator=with_drift(
            with_used(authenticator, matched),
            drift_steps=learned_drift(
                authenticator.drift_steps, seen_steps=matched - step, policy=context.policy
            ),
            now=context.now,
        ),
        code_failures=throttle.cleared(account.code_failures),
        first_code=None,
    )
    changed, known = with_known(changed, origin, command.known_secret, context, retracting=True)
    changed, events = opened(
        changed,
        origin,
        context,
        session_id=command.session_id,
        method=Method.CODE,
        purpose=purpose,
        fingerprint=command.fingerprint,
    )
    if command.remember is not None and context.policy.remembered_browser_days:
        own = changed.known_browsers[-1].id if command.known_secret is not None else None
        changed, added = with_browser(
            changed, command.remember, context.now, known_id=own, source=origin.source
        )
        changed, events = _in_session(changed, command.session_id, command.remember.id), (*events, *added)
    event = Event(
        at=context.now,
        user=account.user,
        kind=f"{purpose}.accepted",
        source=origin.source,
        details=(("method", Method.CODE.value), ("steps_off", str(matched - step))),
    )
    return Decision(
        outcome=Outcome.SIGNED_IN,
        account=changed,
        events=(event, *known, *events),
        session_id=command.session_id,
    )


def _in_session(account: Account, session_id: str, remembered_id: str) -> Account:
    """``account`` in which the session knows which browser was remembered in it, for a lost reply (D10)."""
    sessions = tuple(
        replace(session, remembered_id=remembered_id) if session.id == session_id else session
        for session in account.sessions
    )
    return replace(account, sessions=sessions)


def learned_drift(drift_steps: int, *, seen_steps: int, policy: Policy) -> int:
    """The drift after a sign-in that was ``seen_steps`` off: at most one step nearer, and bounded (D18).

    A drift beyond ``drift_steps_max``, which only a resync sets, may shrink here and not grow.
    """
    if seen_steps == drift_steps:
        return drift_steps
    moved = drift_steps + (1 if seen_steps > drift_steps else -1)
    bound = max(policy.drift_steps_max, abs(drift_steps))
    return max(-bound, min(bound, moved))


def with_drift(authenticator: Authenticator, *, drift_steps: int, now: int) -> Authenticator:
    """``authenticator`` whose clock is known to be so far off, and since when."""
    if drift_steps == authenticator.drift_steps:
        return authenticator
    return replace(authenticator, drift_steps=drift_steps, drift_at=now)


def _late(
    account: Account, authenticator: Authenticator, context: Context, *, key: bytes, code: str, step: int
) -> Account | None:
    """Return the account in which a code of an earlier moment is used up; None where ``code`` is none (D17, D46).

    It costs no try: a random guess is such a code once in 50,000 times, and is told that its clock is slow.
    """
    earlier = range(step - context.policy.hint_steps_max, min(window(authenticator, step, context.policy)))
    matched = matching_steps(key, code, earlier, authenticator.parameters)
    late = [candidate for candidate in matched if _is_unused(authenticator, candidate)]
    if not late or len(account.hints) >= HINTS_AN_HOUR_MAX:
        return None
    burnt = with_used(authenticator, max(late))
    return replace(account, authenticator=burnt, hints=(*account.hints, context.now))


def resync(account: Account, command: ResyncClock, context: Context) -> Decision:
    """Keep the first of two consecutive codes, or judge both together as one attempt (D17). Opens no session."""
    origin = command.origin
    answered = repeated_rejection(account, origin, command.fingerprint)
    if answered is not None:
        return answered
    authenticator = account.authenticator
    if authenticator is None:
        return Decision(outcome=Outcome.MUST_ENROLL)
    closed = locked(account, origin, context)
    if closed is not None:
        return closed
    step = step_at(context.now, period_seconds=authenticator.parameters.period_seconds)
    out_of_reach = authenticator.last_step >= step + context.policy.resync_steps_max
    if out_of_reach and last_step_is_ahead(authenticator, step, context.policy):
        return rejected(Reason.SERVER_CLOCK, alert="last_step_ahead")
    if command.code is None or command.key is None:
        return malformed()
    first = account.first_code
    if (
        command.asked_for_first
        or first is None
        or command.first_code is None
        or (first.browser, first.login) != (origin.browser, origin.login)
    ):
        if len(account.resyncs_begun) >= RESYNCS_AN_HOUR_MAX:
            # D43a: a first code is kept at no cost to its sender, so that only some are.
            wait = seconds_until(account.resyncs_begun[0] + HOUR, now=context.now)
            return Decision(outcome=Outcome.LOCKED, retry_after_seconds=wait)
        return _first_kept(account, command, context.now)
    learned = _consecutive(
        authenticator,
        first,
        context,
        key=command.key,
        first_code=command.first_code,
        second_code=command.code,
    )
    spent = replace(account, first_code=None)
    if learned is None:
        return wrong(spent, origin, context, fingerprint=command.fingerprint)
    matched, drift_steps = learned
    changed = replace(
        spent,
        authenticator=with_drift(
            with_used(with_used(authenticator, matched - 1), matched),
            drift_steps=drift_steps,
            now=context.now,
        ),
        code_failures=throttle.cleared(account.code_failures),
    )
    changed = known_browsers.with_cleared(changed, origin)
    changed = with_answer(
        changed, origin, fingerprint=command.fingerprint, now=context.now, outcome=Outcome.RESYNCED, hint=None
    )
    event = Event(
        at=context.now,
        user=account.user,
        kind="clock.relearned",
        source=origin.source,
        details=(("drift_steps", str(drift_steps)),),
    )
    return Decision(outcome=Outcome.RESYNCED, account=changed, events=(event,))


def _first_kept(account: Account, command: ResyncClock, now: int) -> Decision:
    """Whatever the first code is, the answer is "now the next one": it tells nothing."""
    origin = command.origin
    kept = replace(
        account,
        resyncs_begun=(*account.resyncs_begun, now),
        first_code=FirstCode(
            browser=origin.browser, login=origin.login, sealed_code=command.sealed_code, at=now
        ),
    )
    kept = with_answer(
        kept,
        origin,
        fingerprint=command.fingerprint,
        now=now,
        outcome=Outcome.MUST_VERIFY,
        hint=Hint.WAIT_FOR_NEXT,
    )
    event = Event(at=now, user=account.user, kind="clock.first_code", source=origin.source)
    return Decision(outcome=Outcome.MUST_VERIFY, account=kept, events=(event,), hint=Hint.WAIT_FOR_NEXT)


def _consecutive(
    authenticator: Authenticator,
    first: FirstCode,
    context: Context,
    *,
    key: bytes,
    first_code: str,
    second_code: str,
) -> tuple[int, int] | None:
    """(step, drift) of the second code when both are fresh, unused and consecutive; else None.

    Each code is looked for around the step in which it came, so noted-down codes of the past do not serve.
    """
    parameters = authenticator.parameters
    reach = context.policy.resync_steps_max
    then, here = (
        step_at(first.at, period_seconds=parameters.period_seconds),
        step_at(context.now, period_seconds=parameters.period_seconds),
    )
    firsts = matching_steps(key, first_code, range(then - reach, then + reach + 1), parameters)
    seconds = matching_steps(key, second_code, range(here - reach, here + reach + 1), parameters)
    pairs = [
        step
        for step in seconds
        if step - 1 in firsts and _is_unused(authenticator, step - 1) and _is_unused(authenticator, step)
    ]
    return (max(pairs), max(pairs) - here) if pairs else None
