"""Saying no: locked, wrong and repeated answers, the same on every path that checks a code (D11, D46, R15-R22, R81).

An authenticator code is judged by the counters of the browser that it comes from: its own where it is known, else
those that all other clients share. Codes that cannot be guessed, of recovery and of the support desk, are counted for
the desk alone (D15): no number of wrong ones keeps the right one out.
"""

from __future__ import annotations

from wsgi_mfa.core import known_browsers, throttle
from wsgi_mfa.core.account import Account, Answer, Failures, KnownBrowser
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Hint, Outcome, Reason
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.expiry import is_of_login
from wsgi_mfa.core.remembered_browsers import without_known
from wsgi_mfa.core.sessions import with_login_ended

ANSWERS_MAX = 4


def rejected(reason: Reason, *, alert: str | None = None) -> Decision:
    """A refusal that changes nothing."""
    return Decision(outcome=Outcome.REFUSED, reason=reason, alert=alert)


def locked(account: Account, origin: Origin, context: Context) -> Decision | None:
    """Return the answer while no code of this browser is evaluated; None where one is (R20).

    It is the same for right and wrong codes, and charged to nobody.
    """
    browser = known_browsers.judged_as(account, origin, context.policy)
    if browser is not None:
        seconds = throttle.lock_seconds(browser.failures, context.now)
        return None if seconds is None else Decision(outcome=Outcome.LOCKED, retry_after_seconds=seconds)
    seconds = throttle.wait_seconds(account.code_failures, context)
    if seconds is None:
        return None
    spent = throttle.budget_spent(account.code_failures, context.policy)
    return Decision(
        outcome=Outcome.LOCKED,
        reason=Reason.BUDGET_SPENT if spent else None,
        retry_after_seconds=seconds,
    )


def repeated_rejection(account: Account, origin: Origin, fingerprint: str) -> Decision | None:
    """The first answer again, for the same code from the same browser at once (a double click, D11)."""
    for answer in account.answers:
        if answer.browser == origin.browser and answer.fingerprint == fingerprint:
            hint = None if answer.hint is None else Hint(answer.hint)
            return Decision(outcome=Outcome(answer.outcome), hint=hint)
    return None


def with_answer(
    account: Account, origin: Origin, *, fingerprint: str, now: int, outcome: Outcome, hint: Hint | None
) -> Account:
    """``account`` that remembers for a moment what this browser was told."""
    answer = Answer(
        browser=origin.browser,
        fingerprint=fingerprint,
        at=now,
        outcome=outcome.value,
        hint=None if hint is None else hint.value,
    )
    return replace(account, answers=(*account.answers, answer)[-ANSWERS_MAX:])


def malformed() -> Decision:
    """Return the answer to what cannot be a code at all: it is never evaluated, and is free (R8)."""
    return Decision(outcome=Outcome.WRONG_CODE, hint=Hint.MALFORMED)


def wrong(account: Account, origin: Origin, context: Context, *, fingerprint: str) -> Decision:
    """Charge one wrong authenticator code."""
    changed = with_answer(
        account, origin, fingerprint=fingerprint, now=context.now, outcome=Outcome.WRONG_CODE, hint=None
    )
    browser = known_browsers.judged_as(account, origin, context.policy)
    if browser is not None:
        return _wrong_in_known(changed, browser, origin, context)
    before, failures = account.code_failures, throttle.charged(account.code_failures, context)
    changed = replace(changed, code_failures=failures)
    count = ("count", str(failures.consecutive_count))
    events = [event_of(account, origin, "code.wrong", context.now, ("counters", "code_failures"), count)]
    changed, started = _with_lock(changed, origin, failures, context, counters="code_failures")
    events += started
    spent = throttle.budget_spent(failures, context.policy)
    if spent and not throttle.budget_spent(before, context.policy):
        events.append(event_of(account, origin, "budget.spent", context.now, ("counters", "code_failures")))
    return Decision(outcome=Outcome.WRONG_CODE, account=changed, events=tuple(events))


def _wrong_in_known(account: Account, browser: KnownBrowser, origin: Origin, context: Context) -> Decision:
    was_spent = known_browsers.budget_spent(account, context.policy)
    changed = known_browsers.charged(account, browser, origin, context)
    failed = next(each for each in changed.known_browsers if each.id == browser.id)
    counters = ("counters", "known_failures")
    details = (("count", str(failed.failures.consecutive_count)), ("browser", browser.id))
    granted = (("granted", "true"),) if was_spent else ()
    events = [event_of(account, origin, "code.wrong", context.now, counters, *details, *granted)]
    changed, started = _with_lock(
        changed, origin, failed.failures, context, counters="known_failures", browser_id=browser.id
    )
    events += started
    if known_browsers.budget_spent(changed, context.policy) and not was_spent:
        events.append(event_of(account, origin, "budget.spent", context.now, counters))
    if known_browsers.has_failed_too_often(failed, context.policy):
        changed, ended = without_known(
            changed, {browser.id}, cause="failures", now=context.now, source=origin.source
        )
        events += ended
    return Decision(outcome=Outcome.WRONG_CODE, account=changed, events=tuple(events))


def _with_lock(
    account: Account,
    origin: Origin,
    failures: Failures,
    context: Context,
    *,
    counters: str,
    browser_id: str | None = None,
) -> tuple[Account, tuple[Event, ...]]:
    """Return ``account`` in which the lock of ``failures`` also ends the login, and the event of it."""
    if failures.locked_since is None:
        return account, ()
    seconds = failures.locked_seconds
    details = [("counters", counters), ("seconds", str(seconds))]
    if browser_id is not None:
        details.append(("browser", browser_id))
    event = event_of(account, origin, "lock.started", context.now, *details)
    if origin.login is not None and not any(
        is_of_login(session, origin.login, context) for session in account.sessions
    ):
        # A partially authenticated login must not go on guessing when the lock ends (R20, D19). One that has a
        # session is fully authenticated, and open sessions are untouched by locks (D14).
        account = with_login_ended(account, origin.login, now=context.now, seconds=seconds)
    return account, (event,)


def not_guessed(
    account: Account, origin: Origin, context: Context, *, code: str | None, fingerprint: str
) -> Decision:
    """Count one wrong recovery, enrollment or unlock code; it closes nothing (D46)."""
    if code is None:
        return malformed()
    changed = with_answer(
        account, origin, fingerprint=fingerprint, now=context.now, outcome=Outcome.WRONG_CODE, hint=None
    )
    failures = throttle.noted(account.recovery_failures)
    count = ("count", str(failures.consecutive_count))
    event = event_of(account, origin, "code.wrong", context.now, ("counters", "recovery_failures"), count)
    changed = replace(changed, recovery_failures=failures)
    return Decision(outcome=Outcome.WRONG_CODE, account=changed, events=(event,))


def uncharged(
    account: Account,
    origin: Origin,
    context: Context,
    *,
    kind: str,
    fingerprint: str,
    hint: Hint | None,
) -> Decision:
    """Answer "wrong" without charging it to a budget; ``account`` has the change that made it harmless."""
    changed = with_answer(
        account, origin, fingerprint=fingerprint, now=context.now, outcome=Outcome.WRONG_CODE, hint=hint
    )
    event = event_of(account, origin, kind, context.now)
    return Decision(outcome=Outcome.WRONG_CODE, account=changed, events=(event,), hint=hint)


def event_of(account: Account, origin: Origin, kind: str, now: int, *details: tuple[str, str]) -> Event:
    """Return an event of this kind that the browser of ``origin`` caused."""
    return Event(at=now, user=account.user, kind=kind, source=origin.source, details=details)
