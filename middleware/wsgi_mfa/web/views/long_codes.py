"""The rate at which one client address may try recovery, enrollment and unlock codes."""

from __future__ import annotations

from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.web.reply import STATUS, Reply
from wsgi_mfa.web.request import WebRequest


def rejected_for_now(request: WebRequest, page: str, sealed: str) -> Reply | None:
    """Return the answer while no long code from this client address is judged; None where one is."""
    seconds = request.site.long_codes.wait_seconds(request.source, request.now)
    if seconds is None:
        return None
    return Reply(
        page=page,
        status=STATUS[Outcome.LOCKED],
        outcome=Outcome.LOCKED,
        retry_after_seconds=seconds,
        context={"next": sealed},
    )


def counted(request: WebRequest, decision: Decision, reply: Reply) -> Reply:
    """Return ``reply``, and count a wrong code that was judged: what cannot be one at all is free."""
    if decision.outcome is Outcome.WRONG_CODE and decision.account is not None:
        request.site.long_codes.count(request.source, request.now)
    return reply
