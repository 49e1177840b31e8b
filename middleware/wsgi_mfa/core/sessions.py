"""Opening, repeating, carrying over and ending MFA sessions (D10, D16, D19, D23, D34, R49-R52)."""

from __future__ import annotations

from wsgi_mfa.core import known_browsers, spellings
from wsgi_mfa.core.account import (
    Account,
    CarriedLogin,
    EndedLogin,
    Method,
    RememberedBrowser,
    Retry,
    Session,
)
from wsgi_mfa.core.authentication_state import activity_is_due
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import AdmitLogin, CarryLogin, EndSessions, NoteActivity, Origin, SignOut
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.expiry import carried_login_counts
from wsgi_mfa.core.remembered_browsers import without_browsers, without_known

RETRIES_MAX = 4
ENDED_LOGINS_MAX = 8
CARRIED_LOGINS_MAX = 8  # so many parallel requests may each be given a fingerprint of its own


def opened(
    account: Account,
    origin: Origin,
    context: Context,
    *,
    session_id: str,
    method: Method,
    purpose: str,
    fingerprint: str,
    recovery_code_id: str | None = None,
    remembered: RememberedBrowser | None = None,
) -> tuple[Account, tuple[Event, ...]]:
    """``account`` with a new session for this browser, in place of the one that it had (R50).

    The success may be asked for again, by ``purpose`` and ``fingerprint`` of what was typed (D10). The second factor
    of a session that a ``remembered`` browser opened was shown when that was remembered. One that is shown now binds
    the spelling of the user's name (D44).
    """
    session = Session(
        id=session_id,
        browser=origin.next_browser,
        login=origin.login,
        method=method,
        verified_at=context.now if remembered is None else min(remembered.made_at, context.now),
        seen_at=context.now,
        opened_at=None if remembered is None else context.now,
        remembered_id=None if remembered is None else remembered.id,
    )
    told: tuple[Event, ...] = ()
    if remembered is None:
        account, told = spellings.bound(account, origin, context)
    others = tuple(other for other in account.sessions if other.id != origin.session_id)
    ended = others[: max(0, len(others) + 1 - context.policy.sessions_max)]
    events = tuple(
        Event(
            at=context.now,
            user=account.user,
            kind="session.ended",
            source=origin.source,
            details=(("cause", "sessions_max"),),
        )
        for _ in ended
    )
    retry = Retry(
        purpose=purpose,
        browser=origin.browser,
        login=origin.login,
        fingerprint=fingerprint,
        session_id=session_id,
        at=context.now,
        recovery_code_id=recovery_code_id,
    )
    sessions, retries = (*others[len(ended) :], session), (*account.retries, retry)[-RETRIES_MAX:]
    return replace(account, sessions=sessions, retries=retries), (*told, *events)


def repeated(account: Account, origin: Origin, purpose: str, fingerprint: str) -> Decision | None:
    """The success that this browser asks for again: its first result, nothing opened, nothing charged (D10)."""
    for retry in account.retries:
        same_browser = retry.browser == origin.browser and retry.login == origin.login
        if same_browser and retry.purpose == purpose and retry.fingerprint == fingerprint:
            return Decision(outcome=Outcome.SIGNED_IN, session_id=retry.session_id)
    return None


def with_login_ended(account: Account, fingerprint: str, *, now: int, seconds: int | None) -> Account:
    """``account`` in which the portal's login of this fingerprint does not count (D19).

    A login that was signed out of stays so until it changes: a later lock must not give it an end.
    """
    if any(login.fingerprint == fingerprint and login.seconds is None for login in account.ended_logins):
        return account
    others = tuple(login for login in account.ended_logins if login.fingerprint != fingerprint)
    ended = EndedLogin(fingerprint=fingerprint, since=now, seconds=seconds)
    return replace(account, ended_logins=(*others, ended)[-ENDED_LOGINS_MAX:])


def sign_out(account: Account, command: SignOut, context: Context) -> Decision:
    """End this browser's session, what it had begun, and the portal's login behind it."""
    origin = command.origin
    left = replace(
        account,
        sessions=tuple(session for session in account.sessions if session.id != origin.session_id),
        pending=tuple(pending for pending in account.pending if pending.browser != origin.browser),
        retries=tuple(
            retry
            for retry in account.retries
            if retry.browser != origin.browser and retry.session_id != origin.session_id
        ),
    )
    if command.login_fingerprint is not None:
        left = with_login_ended(left, command.login_fingerprint, now=context.now, seconds=None)
    left, forgotten = without_browsers(
        left, {command.forget_browser}, cause="forgotten", now=context.now, source=origin.source
    )
    own = known_browsers.browser_of(left, origin.known_secrets) if command.forget_known else None
    left, unknown = without_known(
        left, {own.id} if own is not None else (), cause="forgotten", now=context.now, source=origin.source
    )
    if left == account:
        return Decision(outcome=Outcome.SIGNED_OUT)
    event = Event(at=context.now, user=account.user, kind="sign_out", source=origin.source)
    return Decision(outcome=Outcome.SIGNED_OUT, account=left, events=(event, *forgotten, *unknown))


def end_sessions(account: Account, command: EndSessions, context: Context) -> Decision:
    """End the session that the portal, or an operator, says is over; without an id all of them."""
    kept = tuple(
        session
        for session in account.sessions
        if command.session_id is not None and session.id != command.session_id
    )
    left, events = _forgotten(account, command, context.now) if command.forgetting else (account, ())
    said = (("agent", command.agent), ("reason", command.reason), ("ticket", command.ticket))
    if kept != account.sessions:
        event = Event(
            at=context.now,
            user=account.user,
            kind="session.ended",
            source=command.source,
            details=(
                ("cause", command.cause),
                ("count", str(len(account.sessions) - len(kept))),
                *((name, text) for name, text in said if text),
            ),
        )
        living = {session.id for session in kept}
        left = replace(
            left,
            sessions=tuple(session for session in left.sessions if session.id in living),
            retries=tuple(retry for retry in left.retries if retry.session_id in living),
        )
        events = (event, *events)
    return Decision(outcome=Outcome.SIGNED_OUT, account=left if events else None, events=events)


def _forgotten(account: Account, command: EndSessions, now: int) -> tuple[Account, tuple[Event, ...]]:
    """``account`` without the remembered browsers that could open the ended sessions again."""
    ended = account.session(command.session_id)
    gone: set[str | None] = {browser.id for browser in account.remembered_browsers}
    if command.session_id is not None:
        gone = set() if ended is None else {ended.remembered_id}
    return without_browsers(account, gone, cause=command.cause, now=now, source=command.source)


def admit_login(account: Account, command: AdmitLogin, context: Context) -> Decision:
    """Count a login again that was signed out of, because the portal has just asked for the password anew."""
    kept = tuple(
        login
        for login in account.ended_logins
        if login.fingerprint != command.login_fingerprint or login.seconds is not None
    )
    if kept == account.ended_logins:
        return Decision(outcome=Outcome.MUST_VERIFY)
    event = Event(at=context.now, user=account.user, kind="login.admitted", source=command.source)
    return Decision(outcome=Outcome.MUST_VERIFY, account=replace(account, ended_logins=kept), events=(event,))


def carry_login(account: Account, command: CarryLogin, context: Context) -> Decision:
    """Let a session, and what its browser has begun, follow a login whose fingerprint the portal changed (D34).

    Parallel requests may each be given another new one, and nobody knows which the browser keeps: all of them
    count until they are replaced themselves. Retries stay, since what is sent again is sent as it was. Like a note
    of activity it is no event: nobody did anything.
    """
    origin, session = command.origin, account.session(command.origin.session_id)
    if session is None:
        return Decision(outcome=Outcome.MUST_VERIFY)
    replaced_at = {item.fingerprint: item.replaced_at for item in session.carried_logins}
    replaced_at[session.login] = None
    if replaced_at.get(origin.login, context.now) is None:
        replaced_at[origin.login] = context.now
    replaced_at.pop(command.login, None)
    carried = tuple(CarriedLogin(fingerprint=login, replaced_at=at) for login, at in replaced_at.items())
    carried = tuple(item for item in carried if carried_login_counts(item, context))
    followed = replace(session, login=command.login, carried_logins=carried[-CARRIED_LOGINS_MAX:])
    first = account.first_code
    if first is not None and (first.browser, first.login) == (origin.browser, origin.login):
        first = replace(first, login=command.login)
    changed = replace(
        account,
        sessions=tuple(followed if other.id == session.id else other for other in account.sessions),
        pending=tuple(
            replace(pending, login=command.login)
            if (pending.browser, pending.login) == (origin.browser, origin.login)
            else pending
            for pending in account.pending
        ),
        first_code=first,
    )
    if changed == account:
        return Decision(outcome=Outcome.SIGNED_IN)
    return Decision(outcome=Outcome.SIGNED_IN, account=changed)


def note_activity(account: Account, command: NoteActivity, context: Context) -> Decision:
    """Move the idle limit of one session; no event, since a note never changes an answer (D23)."""
    session = account.session(command.session_id)
    if session is None or not activity_is_due(session, context):
        return Decision(outcome=Outcome.SIGNED_IN)
    noted = tuple(
        replace(other, seen_at=context.now) if other.id == command.session_id else other
        for other in account.sessions
    )
    return Decision(outcome=Outcome.SIGNED_IN, account=replace(account, sessions=noted))
