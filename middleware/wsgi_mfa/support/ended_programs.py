"""The support desk ends app passwords, of a program on a device that was lost for instance."""

from __future__ import annotations

from wsgi_mfa.core.commands import RevokeAppPasswords
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.expiry import without_expired
from wsgi_mfa.support.desk import SESSION_CHARACTERS, Call, SupportDesk
from wsgi_mfa.support.results import Done, Rejected, SupportResult


def end_app_passwords(desk: SupportDesk, call: Call, *, app_password: str | None = None) -> SupportResult:
    """End the app password of the caller whose id begins with ``app_password``, or all of them."""
    account = desk.service.load(call.user)
    listed = () if account is None else without_expired(account, desk.service.context()).app_passwords
    found = [each for each in listed if app_password and each.id.startswith(app_password)]
    if app_password is not None and (len(app_password) < SESSION_CHARACTERS or len(found) != 1):
        return Rejected(message="there is no such app password of this user", reason=Reason.WRONG_PAIR)
    command = RevokeAppPasswords(
        id=found[0].id if found else None,
        cause="support",
        agent=call.agent,
        reason=call.reason,
        ticket=call.ticket,
        source=call.source,
    )
    applied = desk._applied(call, lambda _: command)
    if isinstance(applied, Rejected):
        return applied
    count = 0 if applied.decision.account is None else 1 if found else len(listed)
    ended = f"{count} app password{'' if count == 1 else 's'} ended" if count else "there was no app password"
    return Done(outcome=Outcome.SIGNED_OUT, user=applied.user, message=f"{applied.user}: {ended}")
