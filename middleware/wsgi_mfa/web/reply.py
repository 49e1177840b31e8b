"""An answer of ours before it is HTML or JSON, and its way to the client (R75-R77, RFC 9457)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wsgi_mfa.core.authentication_state import clock_in_question
from wsgi_mfa.core.decision import Decision, Hint, Outcome, Reason
from wsgi_mfa.web import forms
from wsgi_mfa.web.browser_cookie import browser_cookie, is_known, own_of
from wsgi_mfa.web.cookies import expire_cookie
from wsgi_mfa.web.render import render_page
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.sign_in_response import SignInResponse

if TYPE_CHECKING:
    # Imported when the first page is made: it brings a server and a test client, which take longer than all of ours.
    from werkzeug.wrappers import Response

NONCE_BYTES = 16
#: For what is no page of ours: should a browser show it all the same, it loads nothing and stands in no frame (R75).
BARE_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
PROBLEM_TYPE = "urn:wsgi-mfa:"

#: The status of each outcome where it is no success; HTML and JSON alike.
STATUS: dict[Outcome, int] = {
    Outcome.WRONG_CODE: 422,
    Outcome.USED_CODE: 422,
    Outcome.LOCKED: 429,
    Outcome.REFUSED: 403,
    Outcome.UNAVAILABLE: 503,
}

#: One line for each problem; JSON clients show it, pages have their own words.
TITLES: dict[str, str] = {
    "must_enroll": "An authenticator app must be set up first.",
    "must_verify": "A code from the authenticator app is needed.",
    "must_save_recovery_code": "The new recovery code must be stored first.",
    "must_choose_app_passwords": "The user must say first which app passwords to keep.",
    "step_up_required": "A fresh code from the authenticator app is needed.",
    "sign_in_required": "Nobody is signed in at the portal.",
    "wrong_code": "The code is wrong.",
    "used_code": "The code has been used already.",
    "locked": "Too many tries; none is looked at for a while.",
    "refused": "This cannot be done now.",
    "unavailable": "The service is not available for a moment; nothing was changed.",
    "bad_request": "The request cannot be read.",
    "forbidden": "The request does not come from a page of this site.",
    "cookies_refused": "The client keeps no cookies of this site.",
    "plain_http": "This is answered over https only.",
    "misdirected": "The request is for another host than the portal's.",
    "not_found": "There is nothing here by that name.",
    "method_not_allowed": "This page does not know that method.",
    "too_large": "The request is too long.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """``page`` is a template's name, ``context`` what it shows beside the common things, ``members`` the JSON.

    With ``location`` an HTML client is led there by 303, and a JSON client gets ``members``.
    """

    page: str
    status: int = 200
    outcome: Outcome | None = None
    word: str | None = None  # in place of an outcome, for refusals that no rule made
    hint: Hint | None = None
    reason: Reason | None = None
    retry_after_seconds: int | None = None
    context: Mapping[str, object] = field(default_factory=dict)
    members: Mapping[str, object] = field(default_factory=dict)
    location: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    for_scripts: SignInResponse | None = None  # in place of a problem

    @property
    def said(self) -> str | None:
        """The outcome's word."""
        return self.outcome.value if self.outcome is not None else self.word


def rejection(page: str, decision: Decision, **context: object) -> Reply:
    """The page again, with what the rules answered."""
    return Reply(
        page=page,
        status=STATUS.get(decision.outcome, 200),
        outcome=decision.outcome,
        hint=decision.hint,
        reason=decision.reason,
        retry_after_seconds=decision.retry_after_seconds,
        context=context,
    )


def response_to(request: WebRequest, reply: Reply, *, as_json: bool) -> Response:
    """``reply`` as what the client reads, ready to be sent."""
    response = _json(reply) if as_json else _html(request, reply)
    for name, value in [*_headers(request, reply), *reply.headers]:
        response.headers.add(name, value)
    response.headers.setdefault("Content-Security-Policy", BARE_POLICY)
    return response


def problem(word: str, status: int, **members: object) -> str:
    """A problem of RFC 9457, without anything about the user (R77)."""
    known = {"type": PROBLEM_TYPE + word, "title": TITLES[word], "status": status}
    return json.dumps(known | {name: value for name, value in members.items() if value is not None})


def _json(reply: Reply) -> Response:
    from werkzeug.wrappers import Response

    word, given = reply.said, reply.for_scripts
    if given is not None and reply.location is not None:
        body = given.body_with(reply.location)
        response = Response(body, given.status, content_type=given.type)
        response.headers["Link"] = f'<{reply.location}>; rel="alternate"; type="text/html"'
        return response
    if reply.status >= 400 and word is not None:
        body = problem(
            word,
            reply.status,
            hint=reply.hint and reply.hint.value,
            reason=reply.reason and reply.reason.value,
            retry_after_seconds=reply.retry_after_seconds,
            page=reply.location,
        )
        response = Response(body, reply.status, mimetype="application/problem+json")
        if reply.location is not None:
            # For scripts of front ends, which lead the user there (RFC 8288).
            response.headers["Link"] = f'<{reply.location}>; rel="alternate"; type="text/html"'
        return response
    members: dict[str, Any] = {**({} if word is None else {"outcome": word}), **reply.members}
    if reply.hint is not None:
        members["hint"] = reply.hint.value
    if reply.reason is not None:
        members["reason"] = reply.reason.value
    return Response(json.dumps(members), 200, mimetype="application/json")


def _html(request: WebRequest, reply: Reply) -> Response:
    from werkzeug.wrappers import Response

    if reply.location is not None:
        response = Response("", 303, mimetype="text/html")
        response.headers["Location"] = reply.location
        response.autocorrect_location_header = False
        return response
    entropy = request.site.service.entropy
    nonce = base64.b64encode(entropy.token_bytes(NONCE_BYTES)).decode("ascii")
    response = Response(
        render_page(reply.page, _context(request, reply), nonce=nonce), reply.status, mimetype="text/html"
    )
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src 'self' data:;"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return response


def _context(request: WebRequest, reply: Reply) -> dict[str, object]:
    site, account = request.site, request.account
    phone = account.authenticator if account is not None else None
    # A phone keeps the kind of codes with which it was set up, whatever the policy has become.
    codes = site.service.policy if phone is None else phone.parameters
    return {
        "page": reply.page,
        "outcome": reply.said,
        "hint": reply.hint and reply.hint.value,
        "reason": reply.reason and reply.reason.value,
        "retry_after_seconds": reply.retry_after_seconds,
        "issuer": site.issuer,
        "user": request.caller.shown if request.caller else None,
        "mount": request.mount,
        "root": request.root,
        "csrf": forms.csrf_token(request) if request.has_forms else None,
        "next": "",
        "support_contact": site.support_contact,
        "digits": codes.digits,
        "period_seconds": codes.period_seconds,
        "clock_in_question": request.account is not None
        and clock_in_question(request.account, request.known_secrets),
        "doubled": request.sanitized.doubled,
        "is_remembered": own_of(request) is not None,
        "is_known": is_known(request),
        "is_verified": request.state.session is not None,
        "unsent": request.argument("unsent") is not None,
        **reply.context,
    }


def _headers(request: WebRequest, reply: Reply) -> list[tuple[str, str]]:
    """What every answer of ours carries (R75, R76), and the browser cookie where there was none."""
    headers = [
        ("Cache-Control", "no-store"),
        ("Vary", "Cookie"),
        (
            "Referrer-Policy",
            "same-origin",
        ),  # with no-referrer Chromium sends Origin: null from our forms (D36)
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
    if reply.retry_after_seconds is not None and reply.status in (429, 503):
        headers.append(("Retry-After", str(reply.retry_after_seconds)))
    return headers + _cookies(request, reply)


def _cookies(request: WebRequest, reply: Reply) -> list[tuple[str, str]]:
    """A browser cookie where there was none, and the end of a session that is another user's (R51, D19)."""
    # Over http no form is shown, and no cookie given that is for https alone (R14).
    if not request.has_forms:
        return []
    names = request.names
    given = [value.partition("=")[0] for name, value in reply.headers if name == "Set-Cookie"]
    cookies = []
    if request.user_changed and names.session not in given:
        cookies.append(expire_cookie(names.session, secure=names.secure))
    if request.known_browser is None and names.browser not in given:
        cookies.append(browser_cookie(request, request.browser))
    return cookies
