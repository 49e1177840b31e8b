"""Binding a phone: a pending key belongs to one browser and becomes active only by a code of it (R33-R37, R41)."""

from __future__ import annotations

from wsgi_mfa.core import recovery_codes, throttle
from wsgi_mfa.core.account import (
    Account,
    AppPassword,
    Authenticator,
    Method,
    PendingEnrollment,
    RecoveryCode,
)
from wsgi_mfa.core.authentication_state import is_fresh
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import (
    BeginEnrollment,
    ConfirmEnrollment,
    NewRecoveryCode,
    Origin,
    PresentEnrollmentCode,
)
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Hint, Outcome, Reason
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.expiry import is_of_login, younger
from wsgi_mfa.core.instants import DAY, HOUR, SECOND, seconds_until
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.rejections import malformed, not_guessed, rejected, repeated_rejection, uncharged
from wsgi_mfa.core.remembered_browsers import all_ended_events, with_known
from wsgi_mfa.core.sessions import opened, repeated
from wsgi_mfa.core.totp import matching_steps, step_at

PENDING_MAX = 4
BEGUN_AN_HOUR_MAX = 10
HINT_HOURS_MAX = 26  # the earth's time zones reach from UTC-12 to UTC+14
WRONG_CONFIRMATIONS_MAX = 10  # of one pending key; guesses at no active one (D46)
RESET_DAYS = 7  # after a reset the desk is needed again when nobody has enrolled (D15)


def permission(account: Account, origin: Origin, context: Context) -> Decision | None:
    """Why this browser may not begin an enrollment now; None when it may."""
    if account.authenticator is not None:
        session = account.session(origin.session_id)
        if session is None or not is_of_login(session, origin.login, context):
            return Decision(outcome=Outcome.MUST_VERIFY)
        return None if is_fresh(session, context) else Decision(outcome=Outcome.STEP_UP_REQUIRED)
    if account.reset_at is not None and not younger(
        account.reset_at, context, seconds=RESET_DAYS * DAY // SECOND
    ):
        return rejected(Reason.RESET_EXPIRED)
    if account.enrollment_code_needed or (
        context.policy.enrollment != "open" and account.enrollment_code is not None
    ):
        proven = account.enrollment_code is not None and account.enrollment_browser == origin.browser
        return None if proven else Decision(outcome=Outcome.MUST_ENROLL, reason=Reason.ENROLLMENT_CODE_NEEDED)
    if context.policy.enrollment == "invited":
        return Decision(outcome=Outcome.MUST_ENROLL, reason=Reason.ENROLLMENT_CODE_NEEDED)
    if context.policy.enrollment == "closed":
        return rejected(Reason.ENROLLMENT_CLOSED)
    return None


def begin(account: Account, command: BeginEnrollment, context: Context) -> Decision:
    """Give the browser the key that it already has, or a new one (D26)."""
    origin = command.origin
    rejection = permission(account, origin, context)
    if rejection is not None:
        return rejection
    current = account.pending_of(origin.browser, origin.login)
    if current is not None and not command.restart:
        return Decision(outcome=Outcome.MUST_ENROLL, pending=current)
    if len(account.enrollments_begun) >= BEGUN_AN_HOUR_MAX:
        wait = seconds_until(account.enrollments_begun[0] + HOUR, now=context.now)
        return Decision(outcome=Outcome.LOCKED, reason=Reason.TOO_MANY_ENROLLMENTS, retry_after_seconds=wait)
    pending = PendingEnrollment(
        id=command.key.id,
        browser=origin.browser,
        login=origin.login,
        sealed_key=command.key.sealed_key,
        parameters=command.key.parameters,
        made_at=context.now,
    )
    others = tuple(other for other in account.pending if other != current)
    changed = replace(
        account,
        pending=(*others, pending)[-PENDING_MAX:],
        enrollments_begun=(*account.enrollments_begun, context.now),
    )
    event = Event(at=context.now, user=account.user, kind="enrollment.begun", source=origin.source)
    return Decision(outcome=Outcome.MUST_ENROLL, account=changed, events=(event,), pending=pending)


def present_code(account: Account, command: PresentEnrollmentCode, context: Context) -> Decision:
    """Let this browser enroll when it shows the desk's one-time code; throttled like a recovery code (R30)."""
    origin = command.origin
    answered = repeated_rejection(account, origin, command.fingerprint)
    if answered is not None:
        return answered
    if account.authenticator is not None:
        return rejected(Reason.CHANGED_MEANWHILE)
    # It works once, for one browser (R41), and while it lives.
    usable = account.enrollment_code is not None and account.enrollment_browser in (None, origin.browser)
    if (
        not usable
        or command.code is None
        or command.opened is None
        or not recovery_codes.matches(command.code, command.opened)
    ):
        return not_guessed(account, origin, context, code=command.code, fingerprint=command.fingerprint)
    changed = replace(
        account,
        enrollment_browser=origin.browser,
        recovery_failures=throttle.cleared(account.recovery_failures),
    )
    event = Event(at=context.now, user=account.user, kind="enrollment_code.accepted", source=origin.source)
    return Decision(outcome=Outcome.MUST_ENROLL, account=changed, events=(event,))


def confirm(account: Account, command: ConfirmEnrollment, context: Context) -> Decision:
    """Judge a code of the pending key; a right one binds the phone and starts a new generation (D16)."""
    origin = command.origin
    answered = repeated(account, origin, "confirmation", command.fingerprint)
    answered = answered or repeated_rejection(account, origin, command.fingerprint)
    if answered is not None:
        return answered
    pending = account.pending_of(origin.browser, origin.login)
    if pending is None:
        return rejected(Reason.ENROLLMENT_EXPIRED)
    if command.pending_id not in (None, pending.id) or command.key is None:
        return rejected(Reason.CHANGED_MEANWHILE)
    rejection = permission(account, origin, context)
    if rejection is not None:
        return rejection
    if command.code is None:
        return malformed()
    step = step_at(context.now, period_seconds=pending.parameters.period_seconds)
    window = range(step - context.policy.steps_back, step + context.policy.steps_ahead + 1)
    steps = matching_steps(command.key, command.code, window, pending.parameters)
    if not steps:
        hint = _clock_hint(command.key, command.code, pending, step, context.policy)
        return uncharged(
            _with_wrong(account, pending),
            origin,
            context,
            kind="enrollment.wrong_code",
            fingerprint=command.fingerprint,
            hint=hint,
        )
    return _bound(account, command, pending, max(steps), context)


def _with_wrong(account: Account, pending: PendingEnrollment) -> Account:
    """Return ``account`` with one more wrong code for ``pending``, which ends with the tenth (D46)."""
    failed = replace(pending, wrong_count=pending.wrong_count + 1)
    kept = (failed if each is pending else each for each in account.pending)
    return replace(
        account, pending=tuple(each for each in kept if each.wrong_count < WRONG_CONFIRMATIONS_MAX)
    )


def _clock_hint(key: bytes, code: str, pending: PendingEnrollment, step: int, policy: Policy) -> Hint | None:
    """Return which way the phone's clock is wrong; harmless on a key that opens nothing yet (D17)."""
    parameters, reach = pending.parameters, policy.hint_steps_max
    if matching_steps(key, code, range(step - reach, step - policy.steps_back), parameters):
        return Hint.CLOCK_SLOW
    if matching_steps(key, code, range(step + policy.steps_ahead + 1, step + reach + 1), parameters):
        return Hint.CLOCK_FAST
    # A clock that was set by hand in a wrong time zone is off by whole hours, and right to the minute otherwise.
    hour = HOUR // (parameters.period_seconds * SECOND)
    around = range(-policy.steps_back, policy.steps_ahead + 1)
    for sign, hint in ((-1, Hint.CLOCK_HOURS_SLOW), (1, Hint.CLOCK_HOURS_FAST)):
        hours = (step + sign * count * hour for count in range(1, HINT_HOURS_MAX + 1))
        if matching_steps(key, code, [base + each for base in hours for each in around], parameters):
            return hint
    return None


def _bound(
    account: Account, command: ConfirmEnrollment, pending: PendingEnrollment, step: int, context: Context
) -> Decision:
    """The account with its new phone: a new generation in which only this browser is signed in."""
    origin = command.origin
    bound = replace(
        account,
        generation=command.generation,
        address=command.address or account.address,
        authenticator=Authenticator(
            id=pending.id,
            sealed_key=pending.sealed_key,
            parameters=pending.parameters,
            confirmed_at=context.now,
            last_step=step,  # the confirming code is used up for every other purpose (R7)
            used_steps=(step,),
        ),
        recovery_code=account.recovery_code or made_recovery_code(command.recovery_code, context.now),
        # Guesses at the old key count against the year's budget like those at the new one (D47).
        code_failures=throttle.without_locks(account.code_failures),
        known_browsers=(),
        app_passwords=asked_about(account.app_passwords, context.now),
        pending=(),
        sessions=(),
        remembered_browsers=(),
        retries=(),
        answers=(),
        first_code=None,
        hints=(),
        postponed_at=None,
        reset_at=None,
        removed_at=None,
        enrollment_code=None,
        enrollment_code_needed=False,
        enrollment_browser=None,
        unlock_code=None,
    )
    bound, known = with_known(bound, origin, command.known_secret, context, is_granted=True)
    bound, events = opened(
        bound,
        origin,
        context,
        session_id=command.session_id,
        method=Method.CODE,
        purpose="confirmation",
        fingerprint=command.fingerprint,
    )
    event = Event(at=context.now, user=account.user, kind="enrollment.confirmed", source=origin.source)
    forgotten = all_ended_events(account, "new_phone", context.now, source=origin.source)
    return Decision(
        outcome=Outcome.SIGNED_IN,
        account=bound,
        events=(event, *forgotten, *known, *events),
        session_id=command.session_id,
    )


def asked_about(app_passwords: tuple[AppPassword, ...], now: int) -> tuple[AppPassword, ...]:
    """Return the app passwords as those whose user is asked which to keep: one may be on the phone that was lost."""
    return tuple(replace(each, asked_at=now) for each in app_passwords)


def made_recovery_code(new: NewRecoveryCode, now: int) -> RecoveryCode:
    """The recovery code as the account holds it, not acknowledged."""
    return RecoveryCode(id=new.id, sealed_digest=new.sealed_digest, made_at=now, sealed_copy=new.sealed_copy)
