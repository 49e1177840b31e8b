"""A browser that changes hands: who comes with it next has not shown the second factor of the one before (R51, D19)."""

from __future__ import annotations

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.service import Visit
from wsgi_mfa.web.site import Caller, WebRequest


def take(request: WebRequest, caller: Caller, account: Account | None) -> None:
    """Go on as ``caller``; the session that this browser has as somebody else ends, here and on the server.

    :raises StoreError: its end cannot be saved, and nobody gets further before it is.
    """
    request.take(caller, account)
    if not request.changed_hands:
        return
    owned = request.site.cookies.session_of(request.session_cookie)
    if owned is not None:
        session_id, user = owned
        origin = Origin(browser="", next_browser="", source=request.source)
        visit = Visit(user=user, origin=origin, now=request.now)
        request.site.service.end_session(visit, session_id, cause="user_changed")
