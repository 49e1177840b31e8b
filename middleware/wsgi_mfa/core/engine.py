"""The rule book: what may change an account, and how. Nothing else in the package changes one.

Rule 1: an account changes only by ``decide``, through the one handler that the table below names for a command.
Rule 2: ``decide`` does no I/O, reads no clock and draws no randomness; the context and every random value come in.
Rule 3: a command is decided on the account as it counts now: what has expired is gone before it is judged.
Rule 4: a change is saved whole with its events, if the account is still the one that was decided on; else the
command is decided again on the account as it then is. So replay, double use and racing guesses are one thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from wsgi_mfa.core import (
    app_passwords,
    commands,
    enrollment,
    expiry,
    known_browsers,
    re_encryption,
    recovery_sign_in,
    remembered_browsers,
    remembered_sign_in,
    removal,
    restore,
    rollout,
    sessions,
    spellings,
    support,
    throttle,
    verification,
)
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import Command
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome, Reason
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.rejections import rejected

HANDLERS: dict[type, Callable[[Account, Any, Context], Decision]] = {
    commands.BeginEnrollment: enrollment.begin,
    commands.PostponeEnrollment: rollout.postpone,
    commands.PresentEnrollmentCode: enrollment.present_code,
    commands.PresentUnlockCode: support.present_unlock_code,
    commands.ConfirmEnrollment: enrollment.confirm,
    commands.VerifyCode: verification.verify,
    commands.SignInByRememberedBrowser: remembered_sign_in.sign_in,
    commands.ForgetBrowser: remembered_sign_in.forget,
    commands.RevokeBrowser: remembered_sign_in.revoke,
    commands.MakeAppPassword: app_passwords.make,
    commands.EndAppPassword: app_passwords.end,
    commands.ChooseAppPasswords: app_passwords.choose,
    commands.RevokeAppPasswords: app_passwords.revoke,
    commands.NoteAppPasswordUse: app_passwords.note_use,
    commands.ForgetKnownBrowsers: remembered_sign_in.forget_known,
    commands.ResyncClock: verification.resync,
    commands.SignInByRecoveryCode: recovery_sign_in.sign_in,
    commands.ShowRecoveryCode: recovery_sign_in.show,
    commands.AcknowledgeRecoveryCode: recovery_sign_in.acknowledge,
    commands.ReplaceRecoveryCode: recovery_sign_in.replace_code,
    commands.SignOut: sessions.sign_out,
    commands.EndSessions: sessions.end_sessions,
    commands.AdmitLogin: sessions.admit_login,
    commands.CarryLogin: sessions.carry_login,
    commands.NoteActivity: sessions.note_activity,
    commands.ResetBySupport: support.reset,
    commands.InviteBySupport: support.invite,
    commands.UnlockBySupport: support.unlock,
    commands.ForgetDrift: support.forget_drift,
    commands.UseDesk: support.use_desk,
    commands.RemoveAccount: removal.remove,
    commands.AdoptAccount: removal.adopt,
    commands.RefuseSpelling: spellings.refuse,
    commands.BindSpelling: spellings.bind,
    commands.SeparateSpelling: spellings.separate,
    commands.ForgetSpelling: spellings.forget,
    commands.ReEncrypt: re_encryption.re_encrypt,
    commands.FenceAfterRestore: restore.fence,
}


def decide(account: Account, command: Command, context: Context) -> Decision:
    """Return the decision about ``command`` on ``account`` as it counts at ``context.now``."""
    origin = getattr(command, "origin", None)
    if origin is not None and not spellings.takes(account, origin.spelling):
        return rejected(Reason.OTHER_SPELLING)  # bound to another one since the account was found
    counting = expiry.without_expired(account, context)
    decision = HANDLERS[type(command)](counting, command, context)
    if _is_closed_ahead(account, context):
        decision = _with_restarted_lock(account, counting, decision, context)
    elif decision.account is None and _session_expired(account, counting, decision):
        event = Event(at=context.now, user=account.user, kind="session.expired")
        decision = replace(decision, account=counting, events=(event,))
    if counting.remembered_browsers != account.remembered_browsers:
        return _with_run_out_browsers(account, counting, command, decision, context.now)
    return decision


def _with_run_out_browsers(
    account: Account, counting: Account, command: Command, decision: Decision, now: int
) -> Decision:
    """``decision`` that also records which remembered browsers have run out.

    They leave an account with an event only: with the next change that has one, or when one of them comes.
    """
    came = isinstance(command, commands.SignInByRememberedBrowser)
    changed = decision.account or (counting if came else None)
    if changed is None:
        return decision
    if not decision.events and not came:
        return replace(decision, account=replace(changed, remembered_browsers=account.remembered_browsers))
    kept = counting.remembered_browsers
    gone = [browser for browser in account.remembered_browsers if browser not in kept]
    events = remembered_browsers.end_events(account, gone, "expired", now, source="")
    return replace(decision, account=changed, events=(*events, *decision.events))


def _is_closed_ahead(account: Account, context: Context) -> bool:
    """Whether a lock or a spent budget lies ahead, which the next clock step must not undo (D22)."""
    return throttle.closed_ahead(account.code_failures, context) or known_browsers.restarted(account, context)


def _with_restarted_lock(
    account: Account, counting: Account, decision: Decision, context: Context
) -> Decision:
    """``decision`` that also saves and records the lock that restarts at ``context.now``.

    It is saved once, so that it ends after its own length. A change without an event leaves it for the next one.
    """
    changed = decision.account
    if changed is not None and not decision.events:
        kept = {
            name: getattr(account, name)
            for name in ("code_failures", "known_browsers", "known_failures", "granted_tries")
            if getattr(changed, name) == getattr(counting, name)
        }
        return replace(decision, account=replace(changed, **kept))
    event = Event(at=context.now, user=account.user, kind="lock.restarted")
    if changed is None:
        return replace(decision, account=counting, events=(event,))
    if not _is_closed(changed, context):
        return decision
    return replace(decision, events=(event, *decision.events))


def _is_closed(account: Account, context: Context) -> bool:
    return (
        throttle.wait_seconds(account.code_failures, context) is not None
        or known_browsers.budget_spent(account, context.policy)
        or any(browser.failures.locked_since is not None for browser in account.known_browsers)
    )


def _session_expired(account: Account, counting: Account, decision: Decision) -> bool:
    return decision.outcome is Outcome.SIGNED_OUT and counting.sessions != account.sessions
