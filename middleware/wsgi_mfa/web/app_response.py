"""What the application's answers change (R51, D3, D34).

A response that signs somebody in is held; one that signs out or changes the user ends the second factor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from wsgi_mfa.core.authentication_state import factor_is_younger
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.errors import InvalidUserError, StoreError
from wsgi_mfa.identity.adapter import FirstFactor, Identification
from wsgi_mfa.identity.request.response_identity import identify_after, may_change_user
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, without_own_cookies
from wsgi_mfa.service import Visit
from wsgi_mfa.web import access, gate, return_to, routes
from wsgi_mfa.web.browser_cookie import browser_cookie
from wsgi_mfa.web.cookies import expire_cookie
from wsgi_mfa.web.gate import caller_of, redirect_to_page
from wsgi_mfa.web.rejected_users import rejected_user
from wsgi_mfa.web.reply import Reply, response_to
from wsgi_mfa.web.request import Caller, Directory, IdentifiedRequest, IncomingRequest, WebRequest
from wsgi_mfa.web.response_hold import Headers, ResponseHold, thrown_away

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


logger = logging.getLogger("wsgi_mfa")

#: Those of the names of headers that are looked at, `Set-Cookie` and `Location`. Comparing lengths is quick.
_WATCHED_LENGTHS = frozenset((len("Set-Cookie"), len("Location")))


class Judged(NamedTuple):
    """A judged response: the headers to send, or the reply to give instead.

    ``user`` is the account that is signed in after it, None for a visitor. A reply says that it is held because it
    signs that user in, or could not be judged to the end.
    """

    headers: Headers
    reply: Reply | None
    user: str | None

    @property
    def is_held(self) -> bool:
        return self.reply is not None


def is_left_alone(request: WebRequest, sanitizer: RequestSanitizer, status: str, headers: Headers) -> bool:
    """Return whether a response changes nothing of its user, as most do: it sets no cookie and leads nowhere.

    The portal must set a cookie at each sign-in and sign-out, and none of the request's seals be due for renewal.
    """
    return (
        request.caller is not None
        and _WATCHED_LENGTHS.isdisjoint([len(name) for name, _ in headers])
        and not status.startswith("401")
        and not request.sanitized.cookies.is_renewable
        and sanitizer.adapter.traits.renews_sessions
    )


def judged_response(
    request: WebRequest, sanitizer: RequestSanitizer, directory: Directory | None, headers: Headers
) -> Judged:
    """Judge what a response with ``headers`` did to the user."""
    before = request.caller
    if before is not None and not may_change_user(sanitizer, headers):
        return Judged(headers, None, before.user)
    now = request.site.service.clock.now()
    after = identify_after(sanitizer, request.environ, headers, now=now)
    if before is not None and after.identification == request.sanitized.identification:
        return Judged(headers, None, before.user)  # and the directory is asked once a request
    try:
        caller = _caller_after(request, after.identification, directory)
    except InvalidUserError as error:
        return Judged(headers, rejected_user(request, error), None)
    user = caller.user if caller is not None else None
    if user == (before and before.user):
        if caller is not None and before is not None and caller.login != before.login:
            _carry(request, caller.login)
        return Judged(headers, None, user)
    try:
        ended = _ended(request, "signed_out" if caller is None else "user_changed")
    except StoreError as error:
        logger.error("a second factor could not be ended on the server: %s", error)
        return Judged(headers, _not_ended(request, _set_cookies(headers) if caller is None else []), user)
    if caller is None:
        return Judged(headers + ended + _fresh_browser(request), None, None)
    if request.site.rules and access.rule_of(request, caller).age_seconds_max is None:
        # This user may see this page without.
        return Judged(headers + ended + _fresh_browser(request), None, user)
    signing_in = _signing_in(request, caller, after.credentials_digest)
    if request.site.is_rolling_out and access.is_released(signing_in, caller, signing_in.account):
        # The next page reminds this user.
        return Judged(headers + ended + _fresh_browser(request), None, user)
    return Judged(headers, _held(request, signing_in, headers, ended), user)


def _caller_after(
    request: WebRequest, identification: Identification, directory: Directory | None
) -> Caller | None:
    """Return the caller after a response; the directory is not asked again about the user of the request."""
    before, known = request.caller, request.sanitized.identification
    user = known.user if isinstance(known, FirstFactor) else None
    if before is not None and isinstance(identification, FirstFactor) and identification.user == user:
        return before._replace(login=identification.login)
    found = caller_of(request.site, identification, directory)
    return None if found is None else found[0]


def _carry(request: WebRequest, login: str | None) -> None:
    """Let the session that this request was verified by follow its login to a new fingerprint (D34)."""
    if request.state.session is None:
        return
    try:
        request.site.service.carry_login(_visit_now(request), login)
    except StoreError as error:
        # The portal's answer is as good as before; it is the next request that asks for a second factor.
        logger.warning("a login could not be carried over: %s", error)


def _visit_now(request: WebRequest) -> Visit:
    """The visit at the moment of the response: an application may take longer than a decision keeps (D21)."""
    return replace(request.visit, now=request.site.service.clock.now())


def _ended(request: WebRequest, cause: str) -> list[tuple[str, str]]:
    """End the second factor of this browser, if it has one; the headers that take its cookie away."""
    if request.state.session is None:
        return []
    request.site.service.end_session(_visit_now(request), request.state.session.id, cause=cause)
    return [expire_cookie(request.names.session, secure=request.names.secure)]


def _not_ended(request: WebRequest, signing_out: list[tuple[str, str]]) -> Reply:
    """The end of a second factor could not be saved: at least this browser gives up what it holds (D34).

    ``signing_out`` are the portal's cookies where it signed somebody out; those of a sign-in stay here.
    """
    expired = expire_cookie(request.names.session, secure=request.names.secure)
    reply = routes.unavailable()
    return replace(
        reply,
        context={"not_ended": True},
        headers=(*signing_out, expired, *_fresh_browser(request)),
    )


def _fresh_browser(request: WebRequest) -> list[tuple[str, str]]:
    """A new browser cookie: who comes next must not go on with what was begun under another user (D20)."""
    if not request.is_https:
        return []
    return [browser_cookie(request, request.site.service.vault.new_id())]


def _set_cookies(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() == "set-cookie"]


def _signing_in(request: WebRequest, caller: Caller, credentials_digest: str | None) -> IdentifiedRequest:
    """The request as that of ``caller``, whom its response signs in; such a login counts, whatever was before."""
    site = request.site
    now = site.service.clock.now()
    incoming = IncomingRequest(site, request.environ, request.names, request.sanitized, now)
    signing_in = incoming.identified(caller, site.service.load(caller.user))
    if credentials_digest is not None and signing_in.account is not None:
        site.service.admit_login(signing_in.visit, credentials_digest)
    return signing_in


def _held(
    request: WebRequest,
    signing_in: IdentifiedRequest,
    headers: list[tuple[str, str]],
    ended: list[tuple[str, str]],
) -> Reply:
    """The answer in place of a response that signed somebody in: its cookies go out, its body does not."""
    # A new sign-in asks for a new second factor, also where the old one has not run out.
    ended = ended or _ended(signing_in, "new_sign_in")
    enrolled = signing_in.account is not None and signing_in.account.authenticator is not None
    outcome = Outcome.MUST_VERIFY if enrolled else Outcome.MUST_ENROLL
    location = next((value for name, value in headers if name.lower() == "location"), None)
    reply = redirect_to_page(
        request, outcome, return_to.redirected(location, request.environ, request.site.public)
    )
    given = request.site.sign_in_response
    if given is not None and not given.is_for(str(request.environ.get("PATH_INFO", ""))):
        given = None
    cookies = (*_set_cookies(headers), *ended, *_fresh_browser(request))
    return replace(reply, headers=cookies, for_scripts=given)


def passed_unchanged(
    application: WSGIApplication,
    request: WebRequest,
    own: Collection[str],
    environ: WSGIEnvironment,
    start_response: StartResponse,
) -> Iterable[bytes]:
    """Call an application whose answers cannot change the user, but may ask for a fresher second factor.

    Its own iterable is handed on as it is; an answer that it starts after it has returned stands as it is too.
    """
    call = _Call(request, own, start_response)
    iterable = application(environ, call.start_response)
    observer = call.observer
    if observer is None:
        call.is_passed_on = True
        return iterable
    return answered(request, observer, iterable, start_response)


def answered(
    request: WebRequest, observer: ResponseHold, iterable: Iterable[bytes], start_response: StartResponse
) -> Iterable[bytes]:
    """The application's own answer, or what answers in its place."""
    instead = observer.held()
    if instead is None:
        return iterable
    thrown_away(iterable, request.site.service.clock)
    return instead(request.environ, start_response)


class _Call:
    """One call of such an application: its answer is looked at only where it has the status 401."""

    __slots__ = ("_own", "_request", "_start_response", "is_passed_on", "observer")

    def __init__(self, request: WebRequest, own: Collection[str], start_response: StartResponse) -> None:
        self._request = request
        self._own = own
        self._start_response = start_response
        self.observer: ResponseHold | None = None
        self.is_passed_on = False

    def start_response(
        self, status: str, headers: Headers, exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """Start the response without cookies of our names (D6)."""
        try:
            if status.startswith("401") and self.observer is None and not self.is_passed_on:
                self.observer = ResponseHold(self._judged, self._start_response)
            if self.observer is not None:
                return self.observer.start_response(status, headers, exc_info)
            headers = without_own_cookies(headers, self._own)
            if exc_info is None:
                return self._start_response(status, headers)
            return self._start_response(status, headers, exc_info)
        finally:
            exc_info = None  # the traceback of what is raised here leads to this frame: a cycle (R68)

    def _judged(self, status: str, headers: Headers) -> tuple[Headers, WSGIApplication | None]:
        headers = without_own_cookies(headers, self._own)
        if not status.startswith("401"):
            return headers, None
        headers, reply = judged_challenge(self._request, headers)
        return headers, None if reply is None else response_to(self._request, reply, as_json=False)


#: A second factor that is younger is as fresh as one can be: a browser that came with it is not led round once more,
#: whatever the application says.
AGE_SECONDS_MIN = 30
_ERROR = "insufficient_user_authentication"


def asked_in(headers: Headers, *, otherwise: int) -> int | None:
    """The greatest age in seconds of the second factor that an answer of status 401 asks for; None if it does not.

    Without a ``max_age``, or with one that is no number, it is ``otherwise``.
    """
    from werkzeug.http import parse_dict_header

    for name, value in headers:
        if name.lower() == "www-authenticate":
            scheme, _, rest = value.strip().partition(" ")
            challenge = parse_dict_header(rest) if scheme.lower() == "bearer" else {}
            if challenge.get("error") != _ERROR:
                continue
            age = challenge.get("max_age") or ""
            return int(age) if age.isascii() and age.isdigit() and len(age) < 10 else otherwise
    return None


def judged_challenge(request: WebRequest, headers: Headers) -> tuple[Headers, Reply | None]:
    """What an answer of status 401 with ``headers`` comes to: the headers to send, or the reply to give instead.

    What the application has noted in its cookies stays. What a form had sent was not carried out, by the very answer.
    """
    age_seconds_max = asked_in(headers, otherwise=request.site.service.policy.step_up_seconds)
    if age_seconds_max is None:
        return headers, None
    outcome = outcome_of(request, age_seconds_max)
    if outcome is None:
        return with_max_age(headers, age_seconds_max), None
    reply = gate.challenge_reply(request, outcome)
    cookies = tuple((name, value) for name, value in headers if name.lower() == "set-cookie")
    return headers, replace(reply, headers=(*reply.headers, *cookies))


def outcome_of(request: WebRequest, age_seconds_max: int) -> Outcome | None:
    """What such an answer means for the browser; None where it may stand as it is."""
    if request.caller is None or not request.is_navigation or not request.is_https:
        return None
    session = request.state.session
    if session is None:
        return request.state.outcome  # somebody who was let off, or need no second factor yet
    if factor_is_younger(session, request.context, seconds=max(age_seconds_max, AGE_SECONDS_MIN)):
        logger.warning(
            "the application asks for a second factor of the last %d s, and was told of one that is younger: its"
            " answer is passed on",
            age_seconds_max,
        )
        return None
    return Outcome.STEP_UP_REQUIRED


def with_max_age(headers: Headers, age_seconds_max: int) -> Headers:
    """The headers for a program, which are to say how old the second factor may be."""
    return [
        (name, f'{value}, max_age="{age_seconds_max}"' if _lacks_age(name, value) else value)
        for name, value in headers
    ]


def _lacks_age(name: str, value: str) -> bool:
    return name.lower() == "www-authenticate" and _ERROR in value and "max_age" not in value
