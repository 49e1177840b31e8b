"""Codes that programs send behind the password, because they show no page (R62).

The second factor of such a client is a session like any other: on the server, in the account, with its limits,
listed and ended with all the others. What names it in the place of a cookie is a keyed fingerprint of the
whole credentials, code included, and of the address that they come from. Somebody who has the password alone has
to guess a code, and each guess is charged.
"""

from __future__ import annotations

from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.identity.adapter import FirstFactor
from wsgi_mfa.service import Visit
from wsgi_mfa.web.request import IdentifiedRequest, WebRequest


def code_in(request: WebRequest) -> str | None:
    """The code that came with the password; over plain http none is taken (R14)."""
    identification = request.sanitized.identification
    if not isinstance(identification, FirstFactor) or not request.is_https:
        return None
    return identification.code


def judged(request: WebRequest, code: str) -> tuple[WebRequest, Decision]:
    """Find the session that these credentials have opened, or judge their code; return the request in that session."""
    if not isinstance(request, IdentifiedRequest):
        raise ValueError("nobody is signed in at the portal")
    site, caller = request.site, request.caller
    vault = site.service.vault
    sent = f"{request.source}\0{request.sanitized.credentials_digest}"
    client = vault.fingerprint(caller.user, "appended", sent)
    if request.account is not None:
        for session in request.account.sessions:
            if session.browser == client:
                going_on = request.in_session(request.account, session.id)
                if going_on.state.session is not None:
                    return going_on, Decision(outcome=going_on.state.outcome)
    if client in site.spent:
        return request, Decision(outcome=Outcome.USED_CODE)
    origin = Origin(
        browser=client,
        next_browser=client,
        login=caller.login,
        source=request.source,
        spelling=caller.spelling,
    )
    visit = Visit(user=caller.user, origin=origin, now=request.now, address=caller.address)
    decision = site.service.verify_code(visit, code, keeps_cookies=False)
    if decision.outcome is Outcome.SIGNED_IN:
        opened = request.in_session(site.service.load(caller.user), decision.session_id)
        return opened, Decision(outcome=opened.state.outcome)
    if decision.outcome in (Outcome.WRONG_CODE, Outcome.USED_CODE):
        site.spent.add(client)
    if decision.outcome is Outcome.WRONG_CODE:
        site.watch.wrong_answer(request.source, request.now)
    return request, decision
