"""Leading a browser from page to page: where it is to go next, and the cookies of a success."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from wsgi_mfa.core.authentication_state import is_fresh, may_show_recovery_code, outcome_in
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.service import Visit
from wsgi_mfa.web.browser_cookie import browser_cookie, header_after_success, held_after
from wsgi_mfa.web.cookies import set_cookie
from wsgi_mfa.web.http_errors import ForbiddenError
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import WebRequest

#: The value of ``done`` with which ``continue`` tells that a new phone has taken the place of another.
NEW_PHONE = "new-phone"
#: The page on which each authentication state goes on.
PAGE_OF = {
    Outcome.MUST_ENROLL: "enroll",
    Outcome.MAY_ENROLL: "reminder",
    Outcome.MUST_VERIFY: "verify",
    Outcome.STEP_UP_REQUIRED: "verify",
    Outcome.MUST_SAVE_RECOVERY_CODE: "recovery-code",
    Outcome.MUST_CHOOSE_APP_PASSWORDS: "keep-app-passwords",
    Outcome.SIGNED_IN: "continue",
}


def next_of(request: WebRequest, fields: Mapping[str, str] | None = None) -> str:
    """The sealed target that this page carries on; "" when it has none, or one that was not made here."""
    sealed = (fields or {}).get("next") or request.argument("next") or ""
    return sealed if request.site.targets.opened(sealed) is not None else ""


def return_url_of(request: WebRequest, sealed: str) -> str:
    """The path and query to go to in the end."""
    return request.site.targets.opened(sealed) or request.root


def url_of(request: WebRequest, page: str, sealed: str = "", **arguments: str) -> str:
    """The URL of one of our pages, carrying the target along."""
    query = urlencode({"next": sealed, **arguments} if sealed else arguments)
    return f"{request.mount}/{page}" + (f"?{query}" if query else "")


def redirect_to(request: WebRequest, outcome: Outcome, sealed: str, *, insisting: bool = False) -> Reply:
    """Lead to the page on which ``outcome`` goes on; a JSON client is told the outcome.

    ``insisting`` has that page asked also by a worker who would lead on: one whose clock is another may see a
    session that this one does not (D22), and the two would send the browser to and fro.
    """
    status = {Outcome.MUST_VERIFY: 401, Outcome.STEP_UP_REQUIRED: 401, Outcome.MUST_ENROLL: 401}.get(
        outcome, 200
    )
    return Reply(
        page="continue",
        status=status,
        outcome=outcome,
        location=url_of(request, PAGE_OF[outcome], sealed, **({"asked": "1"} if insisting else {})),
        members={"next": return_url_of(request, sealed)},
    )


def accepted(request: WebRequest, decision: Decision, sealed: str, **arguments: str) -> Reply:
    """Return the answer to a second factor: its cookies are new, and the browser goes on to ``continue`` (R50, D20).

    ``arguments`` are further ones of the URL of that page.
    """
    session_id = decision.session_id or ""
    site, names, user = request.site, request.names, request.visit.user
    account = decision.account or site.service.load(user)
    session = account.session(session_id) if account is not None else None
    if account is None or session is None:
        raise StoreUnavailableError("the session that was asked for again has ended meanwhile")
    headers = (
        set_cookie(names.session, site.cookies.session_value(session_id, user), secure=names.secure),
        browser_cookie(request, session.browser, held_after(request, account, session_id)),
        *header_after_success(request, account, site.service.vault.known_secret(user, session_id)),
    )
    members: dict[str, object] = {"next": return_url_of(request, sealed)}
    outcome = outcome_in(account, session)
    must_show = outcome is Outcome.MUST_SAVE_RECOVERY_CODE
    if must_show and request.wants_json and not is_embedded(request):
        _, code = site.service.show_recovery_code(in_session(request.visit, session_id))
        if code is not None:
            members = {"recovery_code": code, **members}
    return Reply(
        page="continue",
        outcome=outcome,
        location=url_of(request, "continue", sealed, **arguments),
        members=members,
        headers=headers,
    )


def in_session(visit: Visit, session_id: str) -> Visit:
    """The same visit as it goes on in the session that it has just opened."""
    return replace(visit, origin=replace(visit.origin, session_id=session_id))


def asked_for(
    request: WebRequest, page: str, *, members: Mapping[str, object] | None = None, **context: object
) -> Reply:
    """The page that asks for a second factor, first or afresh; or the way on for whom another changes nothing."""
    outcome = request.state.outcome
    insisting = request.argument("asked") is not None
    if outcome is Outcome.MUST_ENROLL or (needs_no_factor(request) and not insisting):
        return redirect_to(request, outcome, str(context["next"]))
    if outcome is not Outcome.MUST_VERIFY:
        outcome = Outcome.STEP_UP_REQUIRED
    return Reply(page=page, outcome=outcome, context=context, members=members or {})


def needs_no_factor(request: WebRequest) -> bool:
    """Whether the second factor was shown so lately that showing it again could change nothing."""
    session, account = request.state.session, request.account
    if session is None or account is None:
        return False
    if request.state.outcome is Outcome.MUST_SAVE_RECOVERY_CODE:
        return may_show_recovery_code(account, session, request.context)
    return is_fresh(session, request.context)


def reject_embedding(request: WebRequest) -> None:
    """Show a key or a recovery code to top-level navigations only.

    :raises ForbiddenError: a frame, an image, a script asks.
    """
    if is_embedded(request):
        raise ForbiddenError("this page shows a secret and opens in a window of its own only")


def is_embedded(request: WebRequest) -> bool:
    """Whether another page could read the answer: no top-level navigation, or JSON for a browser (D13)."""
    environ = request.environ
    if request.wants_json:
        return any(key.startswith("HTTP_SEC_FETCH_") for key in environ)
    return bool(environ.get("HTTP_SEC_FETCH_DEST", "document") != "document")
