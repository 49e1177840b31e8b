"""Codes that programs send behind the password, because they show no page (R62).

The second factor of such a client is a session like any other: on the server, in the account, with its limits,
listed and ended with all the others. What names it in the place of a cookie is a keyed fingerprint of the
whole credentials, code included, and of the address that they come from. Somebody who has the password alone has
to guess a code, and each guess is charged.
"""

from __future__ import annotations

from wsgi_mfa.core.authentication_state import authentication_state
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.identity.adapter import FirstFactor
from wsgi_mfa.service import Visit
from wsgi_mfa.web.request import WebRequest


def code_in(request: WebRequest) -> str | None:
    """The code that came with the password; over plain http none is taken (R14)."""
    identification = request.sanitized.identification
    if not isinstance(identification, FirstFactor) or not request.is_https:
        return None
    return identification.code


def judge(request: WebRequest, code: str) -> Decision:
    """Find the session that these credentials have opened, or judge their code; the request goes on in it."""
    site, caller = request.site, request.caller
    if caller is None:
        raise ValueError("nobody is signed in at the portal")
    vault = site.service.vault
    sent = f"{request.source}\0{request.sanitized.credentials_digest}"
    client = vault.fingerprint(caller.user, "appended", sent)
    if request.account is not None:
        for session in request.account.sessions:
            if session.browser == client:
                _go_on(request, session.id)
                if request.standing.session is not None:
                    return Decision(outcome=request.standing.outcome)
    if client in site.spent:
        return Decision(outcome=Outcome.USED_CODE)
    origin = Origin(browser=client, next_browser=client, login=caller.login, source=request.source)
    visit = Visit(user=caller.user, origin=origin, now=request.now, address=caller.address)
    decision = site.service.verify_code(visit, code, keeps_cookies=False)
    if decision.outcome is Outcome.SIGNED_IN:
        request.account = site.service.load(caller.user)
        _go_on(request, decision.session_id)
        return Decision(outcome=request.standing.outcome)
    if decision.outcome in (Outcome.WRONG_CODE, Outcome.USED_CODE):
        site.spent.add(client)
    if decision.outcome is Outcome.WRONG_CODE:
        site.watch.wrong_answer(request.source, request.now)
    return decision


def _go_on(request: WebRequest, session_id: str | None) -> None:
    request.session_id = session_id
    request.standing = authentication_state(
        request.account,
        request.context,
        session_id=session_id,
        login=request.caller.login if request.caller else None,
    )
