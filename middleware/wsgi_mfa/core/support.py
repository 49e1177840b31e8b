"""What the support desk may do to an account: reset, invite, unlock. It never sees or chooses a key (R44).

A reset means "must enroll", never "no second factor" (R45).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wsgi_mfa.core import app_passwords, known_browsers, recovery_codes, throttle
from wsgi_mfa.core.account import (
    Account,
    Authenticator,
    DeskUse,
    EnrollmentCode,
    Method,
    ResetAsked,
    Session,
    UnlockCode,
)
from wsgi_mfa.core.authentication_state import is_fresh, outcome_in
from wsgi_mfa.core.commands import (
    ForgetDrift,
    InviteBySupport,
    PresentUnlockCode,
    ResetBySupport,
    UnlockBySupport,
    UseDesk,
)
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome, Reason
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.expiry import DESK_USE_SECONDS, is_of_login, younger
from wsgi_mfa.core.instants import SECOND, seconds_until
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.rejections import not_guessed, rejected, repeated_rejection
from wsgi_mfa.core.remembered_browsers import all_ended_events, with_known
from wsgi_mfa.core.rollout import was_bound
from wsgi_mfa.core.totp import step_at
from wsgi_mfa.core.verification import most_needed, with_drift


def under_attack(account: Account, policy: Policy) -> bool:
    """Whether somebody with the right password has guessed since the last success (D15)."""
    known = [browser.failures for browser in account.known_browsers]
    return (
        any(
            failures.consecutive_count > 0
            for failures in (account.code_failures, account.recovery_failures, *known)
        )
        or throttle.budget_spent(account.code_failures, policy)
        or known_browsers.budget_spent(account, policy)
    )


def budgets_of(account: Account) -> dict[str, Any]:
    """Return the fields that hold rolling budgets, which neither a reset nor a removal clears (D47)."""
    return {
        "code_failures": throttle.without_locks(account.code_failures),
        "known_failures": account.known_failures,
        "granted_tries": account.granted_tries,
    }


def reset(account: Account, command: ResetBySupport, context: Context) -> Decision:
    """Forget everything that opens the account, and lead the next sign-in to a new enrollment."""
    if command.seen_generation not in (None, account.generation):
        return rejected(Reason.CHANGED_MEANWHILE)
    if context.policy.reset_agents > 1 and command.enrollment_code is not None:
        asked = account.reset_asked
        if asked is None or asked.agent.casefold() == command.agent.casefold():
            return _asked_for(account, command, context)
    # A caller who comes again has not outlived the attack that asked for the code the first time.
    code_needed = (
        command.enrollment_code is None
        or under_attack(account, context.policy)
        or account.enrollment_code_needed
        or context.policy.enrollment != "open"
    )
    code = None
    if code_needed and command.enrollment_code is not None:
        code = EnrollmentCode(sealed_digest=command.enrollment_code, made_at=context.now)
    changed = Account(
        user=account.user,
        generation=command.generation,
        revision=account.revision,
        saved_at=account.saved_at,
        address=account.address,
        **budgets_of(account),
        ended_logins=account.ended_logins,
        enrollments_begun=account.enrollments_begun,
        resyncs_begun=account.resyncs_begun,
        reset_at=context.now,
        enrollment_code=code,
        enrollment_code_needed=code_needed,
    )
    event = Event(
        at=context.now,
        user=account.user,
        kind="support.reset",
        source=command.source,
        details=(
            *_who_and_why(command),
            ("code_needed", str(code_needed).lower()),
        ),
    )
    forgotten = all_ended_events(account, "reset", context.now, source=command.source)
    ended = app_passwords.end_events(
        account, account.app_passwords, "reset", context.now, source=command.source
    )
    return Decision(
        outcome=Outcome.RESET,
        account=changed,
        events=(event, *forgotten, *ended),
        reason=Reason.ENROLLMENT_CODE_NEEDED if code_needed else None,
    )


def _asked_for(account: Account, command: ResetBySupport, context: Context) -> Decision:
    """Nothing is reset yet: another agent has to ask for the same within ten minutes (R46)."""
    asked = account.reset_asked
    if asked is not None and younger(asked.at, context, seconds=context.policy.retry_seconds):
        return rejected(Reason.SECOND_AGENT_NEEDED)  # a double click asks once
    event = Event(
        at=context.now,
        user=account.user,
        kind="support.reset_asked",
        source=command.source,
        details=_who_and_why(command),
    )
    return Decision(
        outcome=Outcome.REFUSED,
        account=replace(account, reset_asked=ResetAsked(agent=command.agent, at=context.now)),
        events=(event,),
        reason=Reason.SECOND_AGENT_NEEDED,
    )


def invite(account: Account, command: InviteBySupport, context: Context) -> Decision:
    """Let the caller bind a phone by a one-time code, where there is none and policy lets new users in (R41)."""
    if account.authenticator is not None:
        return rejected(Reason.CHANGED_MEANWHILE)
    if context.policy.enrollment == "closed":
        return rejected(Reason.ENROLLMENT_CLOSED)
    invited = replace(
        account,
        pending=(),  # a browser that had another invitation must not go on by this one
        # The seven days begin anew (D15); who was removed is as one who was reset, and gets no further without.
        reset_at=context.now if was_bound(account) else None,
        enrollment_code=EnrollmentCode(sealed_digest=command.enrollment_code, made_at=context.now),
        enrollment_code_needed=True,
        enrollment_browser=None,
        removed_at=None,
    )
    event = Event(
        at=context.now,
        user=account.user,
        kind="support.invited",
        source=command.source,
        details=_who_and_why(command),
    )
    return Decision(outcome=Outcome.MUST_ENROLL, account=invited, events=(event,))


def unlock(account: Account, command: UnlockBySupport, context: Context) -> Decision:
    """Keep the one-time code that the caller was given; with ``clock``, let codes of the present work again.

    The budgets stay as they are: only the browser that shows the code is judged by others (D47).
    """
    if command.seen_generation not in (None, account.generation):
        return rejected(Reason.CHANGED_MEANWHILE)
    if account.authenticator is None:
        return Decision(outcome=Outcome.MUST_ENROLL)
    changed = replace(account, unlock_code=UnlockCode(sealed_digest=command.unlock_code, made_at=context.now))
    if command.clock:
        changed = replace(changed, authenticator=_present(account.authenticator, context.now))
    event = Event(
        at=context.now,
        user=account.user,
        kind="support.unlocked",
        source=command.source,
        details=(
            *_who_and_why(command),
            ("clock", str(command.clock).lower()),
        ),
    )
    return Decision(outcome=Outcome.UNLOCKED, account=changed, events=(event,))


def present_unlock_code(account: Account, command: PresentUnlockCode, context: Context) -> Decision:
    """Make the browser known that shows the desk's one-time code, and grant it tries over a spent budget (D47)."""
    origin, held = command.origin, account.unlock_code
    answered = repeated_rejection(account, origin, command.fingerprint)
    if answered is not None:
        return answered
    if account.authenticator is None:
        return Decision(outcome=Outcome.MUST_ENROLL)
    if (
        held is None
        or held.browser not in (None, origin.browser)
        or command.code is None
        or command.opened is None
        or not recovery_codes.matches(command.code, command.opened)
    ):
        return not_guessed(account, origin, context, code=command.code, fingerprint=command.fingerprint)
    if known_browsers.browser_of(account, (command.known_secret,)) is not None:
        return Decision(outcome=Outcome.UNLOCKED)  # the reply was lost
    changed = replace(
        account,
        unlock_code=replace(held, browser=origin.browser),
        recovery_failures=throttle.cleared(account.recovery_failures),
    )
    changed, known = with_known(changed, origin, command.known_secret, context, is_granted=True)
    event = Event(at=context.now, user=account.user, kind="unlock_code.accepted", source=origin.source)
    return Decision(outcome=Outcome.UNLOCKED, account=changed, events=(event, *known))


def forget_drift(account: Account, command: ForgetDrift, context: Context) -> Decision:
    """Look for codes around this server's own step again, after a clock was wrong that drift was learned by (D18).

    What was used up stays so. Nothing is done, and ``account`` is None, where no drift is known, or none since then.
    """
    held = account.authenticator
    if held is None or held.drift_steps == 0:
        return Decision(outcome=Outcome.RESYNCED)
    if command.since is not None and held.drift_at < command.since:
        return Decision(outcome=Outcome.RESYNCED)
    changed = replace(account, authenticator=with_drift(held, drift_steps=0, now=context.now))
    event = Event(
        at=context.now,
        user=account.user,
        kind="support.drift_forgotten",
        source=command.source,
        details=(
            *_who_and_why(command),
            ("drift_steps", str(held.drift_steps)),
        ),
    )
    return Decision(outcome=Outcome.RESYNCED, account=changed, events=(event,))


def _who_and_why(
    command: ResetBySupport | InviteBySupport | UnlockBySupport | ForgetDrift,
) -> tuple[tuple[str, str], ...]:
    """The agent, the reason and the ticket, if there is one, for the record (R44)."""
    said = (("agent", command.agent), ("reason", command.reason))
    return (*said, ("ticket", command.ticket)) if command.ticket else said


def _present(authenticator: Authenticator, now: int) -> Authenticator:
    """``authenticator`` whose last step is not ahead of the present; steps used ahead stay used (D22).

    A last step that an earlier unlock set is among them only if it was used as well, lest it take the place of
    one that was.
    """
    step = step_at(now, period_seconds=authenticator.parameters.period_seconds)
    if authenticator.last_step <= step:
        return authenticator
    kept = most_needed({*authenticator.used_steps}, step)
    return replace(authenticator, last_step=step, used_steps=kept)


def is_own_factor(session: Session) -> bool:
    """Whether the agent has shown a second factor for this session, which a remembered browser is not (R55)."""
    return session.method is not Method.REMEMBERED_BROWSER


def use_desk(account: Account, command: UseDesk, context: Context) -> Decision:
    """Count one lookup or change; SIGNED_IN where the agent may go on."""
    if account.authenticator is None:
        return Decision(outcome=Outcome.MUST_ENROLL)
    session = account.session(command.origin.session_id)
    if session is None or not is_of_login(session, command.origin.login, context):
        return Decision(outcome=Outcome.MUST_VERIFY)
    outcome = outcome_in(account, session)
    if outcome is not Outcome.SIGNED_IN:
        return Decision(outcome=outcome)
    if not is_own_factor(session) or (command.changing and not is_fresh(session, context)):
        return Decision(outcome=Outcome.STEP_UP_REQUIRED)
    use = account.desk_use or DeskUse(since=context.now)
    count = use.changes_count if command.changing else use.lookups_count
    most = context.policy.agent_changes_max if command.changing else context.policy.agent_lookups_max
    if count < most:
        return Decision(outcome=Outcome.SIGNED_IN, account=_counted(account, use, command))
    seconds = seconds_until(use.since + DESK_USE_SECONDS * SECOND, now=context.now)
    if count > most:
        return Decision(outcome=Outcome.LOCKED, retry_after_seconds=seconds)
    kind = "changes" if command.changing else "lookups"
    event = Event(
        at=context.now,
        user=account.user,
        kind="support.limit_reached",
        source=command.origin.source,
        details=((kind, str(most)),),
    )
    return Decision(
        outcome=Outcome.LOCKED,
        account=_counted(account, use, command),
        events=(event,),
        retry_after_seconds=seconds,
        alert=f"the support desk had {most} {kind} of this agent within an hour; is the session still the agent's?",
    )


def _counted(account: Account, use: DeskUse, command: UseDesk) -> Account:
    if command.changing:
        return replace(account, desk_use=replace(use, changes_count=use.changes_count + 1))
    return replace(account, desk_use=replace(use, lookups_count=use.lookups_count + 1))
