"""The recovery code: used once, replaced in the same change, shown until its user says that it is stored.

R26-R33, D10, D13. A sign-in with it never shows the authenticator's key (R33).
"""

from __future__ import annotations

from wsgi_mfa.core import recovery_codes, throttle
from wsgi_mfa.core.account import Account, Failures, Method, RecoveryCode
from wsgi_mfa.core.authentication_state import is_fresh, may_show_recovery_code, must_save, outcome_in
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import (
    AcknowledgeRecoveryCode,
    Origin,
    ReplaceRecoveryCode,
    ShowRecoveryCode,
    SignInByRecoveryCode,
)
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome, Reason
from wsgi_mfa.core.enrollment import asked_about, made_recovery_code
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.expiry import is_of_login, younger
from wsgi_mfa.core.instants import DAY, SECOND
from wsgi_mfa.core.rejections import not_guessed, rejected, repeated_rejection
from wsgi_mfa.core.remembered_browsers import with_known, without_browsers
from wsgi_mfa.core.sessions import opened, repeated

UNSAVED_DAYS_MAX = 30  # a code that nobody acknowledged is replaced rather than shown (D13)


def sign_in(account: Account, command: SignInByRecoveryCode, context: Context) -> Decision:
    """Use the recovery code up, issue the next one and open a session, all in one change (R28)."""
    origin = command.origin
    answered = repeated(account, origin, "recovery", command.fingerprint)
    if answered is not None:
        return _shown_again(account, origin, answered, context)
    answered = repeated_rejection(account, origin, command.fingerprint)
    if answered is not None:
        return answered
    if account.authenticator is None:
        return Decision(outcome=Outcome.MUST_ENROLL)
    if (
        command.code is None
        or command.opened is None
        or not recovery_codes.matches(command.code, command.opened)
    ):
        return not_guessed(account, origin, context, code=command.code, fingerprint=command.fingerprint)
    changed = replace(
        account,
        address=command.address or account.address,
        recovery_failures=throttle.cleared(account.recovery_failures),
        app_passwords=asked_about(account.app_passwords, context.now),
    )
    # The phone is not at hand, and its own browser may be among the remembered ones.
    remembered = {browser.id for browser in account.remembered_browsers}
    changed, forgotten = without_browsers(
        changed, remembered, cause="recovery_code", now=context.now, source=origin.source
    )
    changed, known = with_known(changed, origin, command.known_secret, context)
    changed, events = opened(
        changed,
        origin,
        context,
        session_id=command.session_id,
        method=Method.RECOVERY_CODE,
        purpose="recovery",
        fingerprint=command.fingerprint,
        recovery_code_id=command.recovery_code.id,
    )
    changed = _with_code_for(
        changed, command.session_id, made_recovery_code(command.recovery_code, context.now)
    )
    event = Event(at=context.now, user=account.user, kind="recovery_code.used", source=origin.source)
    return Decision(
        outcome=Outcome.SIGNED_IN,
        account=changed,
        events=(event, *forgotten, *known, *events),
        session_id=command.session_id,
    )


def _shown_again(account: Account, origin: Origin, answered: Decision, context: Context) -> Decision:
    """The first result again, in which the new code may be seen again (R29).

    The reply that led to it may have been lost for longer than a code may be shown after its second factor. Who
    gives the used code once more in the same browser has shown that factor now.
    """
    session = account.session(answered.session_id)
    if session is None or may_show_recovery_code(account, session, context):
        return answered
    renewed = tuple(
        replace(each, verified_at=context.now) if each is session else each for each in account.sessions
    )
    event = Event(at=context.now, user=account.user, kind="recovery_code.retried", source=origin.source)
    return replace(answered, account=replace(account, sessions=renewed), events=(event,))


def show(account: Account, command: ShowRecoveryCode, context: Context) -> Decision:
    """Allow the unacknowledged code to be shown to this session; each showing is on record (D13)."""
    origin = command.origin
    session = account.session(origin.session_id)
    code = account.recovery_code
    if session is None or not is_of_login(session, origin.login, context) or code is None:
        return Decision(outcome=Outcome.MUST_VERIFY)
    if not may_show_recovery_code(account, session, context):
        return rejected(Reason.CODE_NOT_SHOWN_AGAIN)
    kind = "recovery_code.shown"
    if not younger(code.made_at, context, seconds=UNSAVED_DAYS_MAX * DAY // SECOND):
        # Made at the second factor's instant, so that this session may still see it.
        code = made_recovery_code(command.replacement, session.verified_at)
        account = _with_code_for(account, session.id, code)
        kind = "recovery_code.replaced"
    code = replace(code, shown_count=code.shown_count + 1)
    event = Event(
        at=context.now,
        user=account.user,
        kind=kind,
        source=origin.source,
        details=(("count", str(code.shown_count)),),
    )
    return Decision(
        outcome=Outcome.MUST_SAVE_RECOVERY_CODE, account=replace(account, recovery_code=code), events=(event,)
    )


def acknowledge(account: Account, command: AcknowledgeRecoveryCode, context: Context) -> Decision:
    """Forget the copy that could show the code; asking twice is no error, another code is (D12)."""
    session = account.session(command.origin.session_id)
    if session is None or not is_of_login(session, command.origin.login, context):
        return Decision(outcome=Outcome.MUST_VERIFY)
    code = account.recovery_code
    if code is None or command.recovery_code_id not in (None, code.id):
        return rejected(Reason.CHANGED_MEANWHILE)
    if code.acknowledged:
        return Decision(outcome=outcome_in(account, session))
    if not must_save(account, session):
        return rejected(Reason.CHANGED_MEANWHILE)  # this session never saw the code
    changed = replace(account, recovery_code=replace(code, sealed_copy=None))
    event = Event(at=context.now, user=account.user, kind="recovery_code.saved", source=command.origin.source)
    return Decision(outcome=outcome_in(changed, session), account=changed, events=(event,))


def replace_code(account: Account, command: ReplaceRecoveryCode, context: Context) -> Decision:
    """Make a new recovery code for a user who has lost the old one; needs a fresh second factor (R40)."""
    origin = command.origin
    session = account.session(origin.session_id)
    if session is None or not is_of_login(session, origin.login, context):
        return Decision(outcome=Outcome.MUST_VERIFY)
    if not is_fresh(session, context):
        return Decision(outcome=Outcome.STEP_UP_REQUIRED)
    # Made at the second factor's instant: this session, and no older one, has to save it.
    code = made_recovery_code(command.recovery_code, session.verified_at)
    changed = replace(
        _with_code_for(account, session.id, code),
        recovery_failures=Failures(),  # guesses at the old code count no more (R15)
    )
    event = Event(at=context.now, user=account.user, kind="recovery_code.replaced", source=origin.source)
    return Decision(outcome=Outcome.MUST_SAVE_RECOVERY_CODE, account=changed, events=(event,))


def _with_code_for(account: Account, session_id: str, code: RecoveryCode) -> Account:
    """``account`` with a new ``code`` that of its present sessions only this one may see (D13).

    Instants tell which second factor came after the code was made. They would tell wrongly of a session whose
    clock was ahead, and of one opened since this session's own second factor.
    """
    sessions = tuple(
        session
        if session.id == session_id
        else replace(session, verified_at=min(session.verified_at, code.made_at - 1))
        for session in account.sessions
    )
    return replace(account, recovery_code=code, sessions=sessions)
