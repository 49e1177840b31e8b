"""Where one browser stands with its account, without changing anything: what the gate asks on every request."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from wsgi_mfa.core.account import Account, Method, Session
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.expiry import ACTIVITY_GRAINS, is_of_login, session_lives, session_span, younger
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.known_browsers import browser_of
from wsgi_mfa.core.policy import Policy

SHOWING_SECONDS = 300  # how long after a second factor an unacknowledged recovery code may be shown (D13)
CLOCK_QUESTION_AFTER = 2  # wrong codes (D17)
#: Asked for on every request, and a member is looked up three times as slowly as a name.
SIGNED_IN = Outcome.SIGNED_IN


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthenticationState:
    """Where a browser stands, with its open ``session``.

    ``outcome`` is SIGNED_IN, MUST_SAVE_RECOVERY_CODE, MUST_CHOOSE_APP_PASSWORDS, MUST_VERIFY or MUST_ENROLL.

    As long as the account is not saved anew, the same browser stands the same at each instant from ``since`` on
    and before ``until``; there is no such instant where nobody said so.
    """

    outcome: Outcome
    session: Session | None = None
    since: int = 0
    until: int = 0


def authentication_state(
    account: Account | None, context: Context, *, session_id: str | None, login: str | None
) -> AuthenticationState:
    """The standing of the browser whose cookie names ``session_id`` and whose portal login is ``login``."""
    if account is None or account.authenticator is None:
        return AuthenticationState(outcome=Outcome.MUST_ENROLL)
    session = account.session(session_id)
    if session is None or not session_lives(session, context):
        return AuthenticationState(outcome=Outcome.MUST_VERIFY)
    if not is_of_login(session, login, context):
        return AuthenticationState(outcome=Outcome.MUST_VERIFY)
    outcome = outcome_in(account, session)
    if outcome is not SIGNED_IN:
        return AuthenticationState(outcome=outcome, session=session)
    if session.login != login:
        return AuthenticationState(
            outcome=SIGNED_IN, session=session
        )  # by a login that was carried over, and for a while
    since, until = session_span(session, context.policy)
    until = min(until, activity_due_at(session, context.policy))
    return AuthenticationState(outcome=SIGNED_IN, session=session, since=since, until=until)


def outcome_in(account: Account, session: Session) -> Outcome:
    """Return what an open session comes to: SIGNED_IN, or what its user has to do first."""
    if must_save(account, session):
        return Outcome.MUST_SAVE_RECOVERY_CODE
    if account.app_passwords and must_choose(account, session):
        return Outcome.MUST_CHOOSE_APP_PASSWORDS
    return SIGNED_IN


def must_choose(account: Account, session: Session) -> bool:
    """Return whether this session has yet to say which app passwords to keep, after a new phone or a recovery (D50).

    As with the recovery code, sessions whose second factor was shown before the question are not held up.
    """
    return any(
        each.asked_at is not None and session.verified_at >= each.asked_at for each in account.app_passwords
    )


def must_save(account: Account, session: Session) -> bool:
    """Whether this session has yet to say that the recovery code is stored.

    Only a session whose second factor came with or after the code is held up; sessions that were open before
    stay open, since another browser's recovery is no reason to stop their work.
    """
    code = account.recovery_code
    return code is not None and not code.acknowledged and session.verified_at >= code.made_at


def may_show_recovery_code(account: Account, session: Session, context: Context) -> bool:
    """Whether this session may see the unacknowledged recovery code (D13)."""
    return must_save(account, session) and factor_is_younger(session, context, seconds=SHOWING_SECONDS)


def factor_is_younger(session: Session, context: Context, *, seconds: int) -> bool:
    """Whether a second factor was shown in ``session`` less than ``seconds`` ago.

    Never where a remembered browser opened it, however lately its code was shown: that was before somebody signed
    in at the portal, and it need not have been the same person (R40, R55).
    """
    remembered = session.method is Method.REMEMBERED_BROWSER
    return not remembered and younger(session.verified_at, context, seconds=seconds)


def is_fresh(session: Session, context: Context) -> bool:
    """Whether the second factor is recent enough to change the factors (R40)."""
    return factor_is_younger(session, context, seconds=context.policy.step_up_seconds)


def clock_in_question(account: Account, known_secrets: Collection[str] = ()) -> bool:
    """Whether pages should ask "Is your phone's clock right?" (D17): by the count alone, whatever the codes were."""
    browser = browser_of(account, known_secrets)
    failures = account.code_failures if browser is None else browser.failures
    return failures.consecutive_count >= CLOCK_QUESTION_AFTER


def activity_is_due(session: Session, context: Context) -> bool:
    """Whether this request's activity should be noted (D23)."""
    return context.now >= activity_due_at(session, context.policy)


def activity_due_at(session: Session, policy: Policy) -> int:
    """The first instant at which a request's activity should be noted."""
    return session.seen_at + policy.session_idle_seconds * SECOND // ACTIVITY_GRAINS + 1
