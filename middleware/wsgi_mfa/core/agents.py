"""What a support agent may ask of the desk over HTTP, by the agent's own account (R44, R47).

A session that was stolen from an agent must neither list the users nor reset them all: what is asked in an hour has a
bound, and whoever meets it is told of to the operator and to the agent.
"""

from __future__ import annotations

from dataclasses import replace

from wsgi_mfa.core.account import Account, DeskUse, Method, Session
from wsgi_mfa.core.aging import DESK_USE_SECONDS, is_of_login
from wsgi_mfa.core.commands import UseDesk
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.instants import SECOND, seconds_until
from wsgi_mfa.core.outcome import Decision, Outcome
from wsgi_mfa.core.standing import is_fresh, must_save


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
    if must_save(account, session):
        return Decision(outcome=Outcome.MUST_SAVE_RECOVERY_CODE)
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
