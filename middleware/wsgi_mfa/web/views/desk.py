"""``support``: how to reach the support desk, and for its agents the desk itself (R44-R47).

Who is an agent is a setting. An agent looks accounts up in a session of the own second factor, and changes them soon
after it; what may be done to whom is decided by the desk that the command line uses too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wsgi_mfa.core.authentication_state import is_fresh
from wsgi_mfa.core.commands import UseDesk
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.spellings import account_name
from wsgi_mfa.core.support import is_own_factor
from wsgi_mfa.core.totp import step_at
from wsgi_mfa.errors import InvalidUserError, StoreUnavailableError
from wsgi_mfa.notifications import audit_logger
from wsgi_mfa.support.account_view import AccountView
from wsgi_mfa.support.desk import SESSION_CHARACTERS, Call, SupportDesk
from wsgi_mfa.support.ended_programs import end_app_passwords
from wsgi_mfa.support.event_text import details_of, in_words
from wsgi_mfa.support.results import Rejected, SupportResult
from wsgi_mfa.web import forms
from wsgi_mfa.web.http_errors import BadRequestError, NotFoundError, StaleFormError
from wsgi_mfa.web.reply import STATUS, Reply
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views.desk_json import members_of
from wsgi_mfa.web.views.desk_links import Found, link_of, opened
from wsgi_mfa.web.views.navigation import redirect_to, reject_embedding, url_of

STEPS_AHEAD_MAX = 2  # a used step further ahead was used while this server's clock was fast (D22)

Act = Callable[[SupportDesk, Call, Mapping[str, str]], SupportResult]

#: What an agent may have done: the value of the field ``action``.
ACTS: dict[str, Act] = {
    "reset": lambda desk, call, _: desk.reset_for(call),
    "unlock": lambda desk, call, _: desk.unlock_for(call),
    "unlock_clock": lambda desk, call, _: desk.unlock_for(call, clock=True),
    "invite": lambda desk, call, _: desk.invite_for(call),
    "end_sessions": lambda desk, call, fields: desk.end_sessions_for(
        call, session=fields.get("session") or None
    ),
    "end_app_passwords": lambda desk, call, fields: end_app_passwords(
        desk, call, app_password=fields.get("app_password") or None
    ),
    "forget_drift": lambda desk, call, _: desk.forget_drift_for(call),
}


def show_support(request: WebRequest) -> Reply:
    """The contact for everybody; the desk for its agents, and in it an account that was looked up."""
    if not _is_agent(request):
        return Reply(page="support", outcome=request.state.outcome, members=_members(request, agent=False))
    handle = request.argument("account")
    led = _redirect_to_own_factor(request, handle)
    if led is not None:
        return led
    if handle is None:
        return _desk(request)
    reject_embedding(request)
    found = opened(request, handle)
    kept = None if found.is_counted else _counted(request, changing=False, handle=handle)
    if kept is not None:
        return kept
    view = request.site.finder.look(found.user)
    if view is None:
        raise NotFoundError("there is no such account")
    if not found.is_counted:
        _log_look_up(request, [view])
    return _account(request, view, email=found.email)


def post_support(request: WebRequest) -> Reply:
    """Look an account up, or have something done to it."""
    try:
        fields = forms.posted(request)
    except StaleFormError:
        if not _is_agent(request):
            raise
        # The form was open while the agent showed a second factor. It names any user, so that it shows none.
        return Reply(page="support_desk", location=_url(request, None))
    if not _is_agent(request):
        return Reply(
            page="refused",
            status=STATUS[Outcome.REFUSED],
            outcome=Outcome.REFUSED,
            reason=Reason.NOT_AN_AGENT,
            context={"next": ""},
        )
    reject_embedding(request)
    action = fields.get("action", "")
    if action == "find":
        return _found(request, fields)
    if action not in ACTS:
        raise BadRequestError(f"the field 'action' is none of find, {', '.join(ACTS)}")
    return _done(request, action, fields)


def _is_agent(request: WebRequest) -> bool:
    caller = request.caller
    return caller is not None and caller.is_agent_of(request.site.agents)


def _redirect_to_own_factor(request: WebRequest, handle: str | None) -> Reply | None:
    """The way to the second factor for an agent who has not shown it in this session."""
    state = request.state
    outcome = state.outcome
    if outcome is Outcome.SIGNED_IN and state.session is not None and is_own_factor(state.session):
        return None
    asking = outcome is Outcome.SIGNED_IN
    return _redirect(request, Outcome.STEP_UP_REQUIRED if asking else outcome, handle)


def _redirect(request: WebRequest, outcome: Outcome, handle: str | None) -> Reply:
    sealed = request.site.targets.sealed(_url(request, handle))
    return redirect_to(request, outcome, sealed, insisting=outcome is Outcome.STEP_UP_REQUIRED)


def _url(request: WebRequest, handle: str | None) -> str:
    return url_of(request, "support", **({} if handle is None else {"account": handle}))


def _counted(request: WebRequest, *, changing: bool, handle: str | None) -> Reply | None:
    """Count what the agent asks; the reply where the agent may not go on."""
    command = UseDesk(origin=request.visit.origin, changing=changing)
    decision = request.site.service.apply(request.visit, command)
    if decision.outcome is Outcome.SIGNED_IN:
        return None
    if decision.outcome is not Outcome.LOCKED:
        return _redirect(request, decision.outcome, handle)
    return _desk(
        request,
        status=STATUS[Outcome.LOCKED],
        outcome=decision.outcome,
        retry_after_seconds=decision.retry_after_seconds,
    )


def _log_look_up(request: WebRequest, views: Sequence[AccountView]) -> None:
    """Log that the agent sees these accounts.

    In the log alone, since no account was changed; what was typed is not logged, which may be anything.
    """
    audit_logger.info(
        "support.looked_up user=%r source=%r found=%r",
        request.visit.user,
        request.source,
        [view.user for view in views],
    )


def _found(request: WebRequest, fields: Mapping[str, str]) -> Reply:
    text = fields.get("find", "")
    kept = _counted(request, changing=False, handle=None)
    if kept is not None:
        return kept
    views = request.site.finder.find(text)
    _log_look_up(request, views)
    email = text.strip() if "@" in text else ""
    handles = [link_of(request, Found(view.user, email, is_counted=True)) for view in views]
    if len(views) == 1 and not request.wants_json:
        return Reply(page="support_desk", location=_url(request, handles[0]))
    members = [members_of(view, handle) for view, handle in zip(views, handles, strict=True)]
    results = [
        {"user": view.name or view.user, "state": view.state, "url": _url(request, handle)}
        for view, handle in zip(views, handles, strict=True)
    ]
    return _desk(request, looked_for=text, results=results, members={"accounts": members})


def _done(request: WebRequest, action: str, fields: Mapping[str, str]) -> Reply:
    if "user" not in fields:
        raise BadRequestError("the field 'user' is missing")
    try:
        user = account_name(fields["user"], request.site.service.load)
    except InvalidUserError:
        return _no_pair(request, fields["user"])
    email = fields.get("email", "").strip()
    handle = link_of(request, Found(user, email))
    kept = _counted(request, changing=True, handle=handle)
    if kept is not None:
        return kept
    call = Call(
        user=user,
        email=email or None,
        reason=fields.get("reason", "").strip(),
        ticket=fields.get("ticket", "").strip(),
        agent=request.visit.user,
        source=request.source,
        seen_generation=fields.get("generation") or None,
        once=fields.get("once") or None,
    )
    result = ACTS[action](request.site.desk, call, fields)
    if result.outcome is Outcome.UNAVAILABLE:
        raise StoreUnavailableError(result.message)
    if isinstance(result, Rejected):
        return _rejected(request, action, call, result.reason)
    codes = {"enrollment_code": result.enrollment_code, "unlock_code": result.unlock_code}
    given = {name: code for name, code in codes.items() if code is not None}
    return Reply(
        page="support_done",
        outcome=result.outcome,
        context={
            "action": action,
            "target": result.user,
            "message": result.message,
            "code": next(iter(given.values()), None),
            "minutes": request.site.service.policy.enrollment_seconds_max // 60,
            "back": _url(request, handle),
            "desk_url": _url(request, None),
        },
        members={
            "user": result.user,
            "message": result.message,
            **given,
        },
    )


def _rejected(request: WebRequest, action: str, call: Call, reason: Reason | None) -> Reply:
    """Why nothing was done; one thing is said of every user and address that are no pair, as of every strange id."""
    view = None if reason is Reason.WRONG_PAIR else request.site.finder.look(call.user)
    if view is None:
        return _no_pair(request, call.user)
    kept = _counted(request, changing=False, handle=None)  # any user may be named, and this shows the account
    if kept is not None:
        return kept
    _log_look_up(request, [view])
    return _account(
        request,
        view,
        email=call.email or "",
        status=STATUS[Outcome.REFUSED],
        outcome=Outcome.REFUSED,
        reason=reason,
        typed={"action": action, "reason": call.reason, "ticket": call.ticket},
    )


def _no_pair(request: WebRequest, looked_for: str) -> Reply:
    return _desk(
        request, status=404, outcome=None, word="not_found", reason=Reason.WRONG_PAIR, looked_for=looked_for
    )


def _members(request: WebRequest, *, agent: bool) -> dict[str, object]:
    site = request.site
    return {"issuer": site.issuer, "support_contact": site.support_contact, "agent": agent}


def _desk(
    request: WebRequest,
    *,
    status: int = 200,
    outcome: Outcome | None = Outcome.SIGNED_IN,
    word: str | None = None,
    reason: Reason | None = None,
    retry_after_seconds: int | None = None,
    looked_for: str | None = None,
    results: list[dict[str, str]] | None = None,
    members: Mapping[str, object] | None = None,
) -> Reply:
    """The page on which an agent looks accounts up."""
    return Reply(
        page="support_desk",
        status=status,
        outcome=outcome,
        word=word,
        reason=reason,
        retry_after_seconds=retry_after_seconds,
        context={"looked_for": looked_for, "results": results},
        members=members or _members(request, agent=True),
    )


def _account(
    request: WebRequest,
    view: AccountView,
    *,
    email: str,
    status: int = 200,
    outcome: Outcome = Outcome.SIGNED_IN,
    reason: Reason | None = None,
    typed: Mapping[str, str] | None = None,
) -> Reply:
    """The page of one account."""
    service, session = request.site.service, request.state.session
    handle = link_of(request, Found(view.user, email))
    account = view.account
    held = None if account is None else account.authenticator
    step = 0 if held is None else step_at(request.now, period_seconds=held.parameters.period_seconds)
    groups = request.site.finder.groups_of(view.user)
    own = view.user == request.visit.user
    return Reply(
        page="support_account",
        status=status,
        outcome=outcome,
        reason=reason,
        context={
            "view": view,
            "account": account,
            "now": request.now,
            "once": service.vault.new_id(),
            "email": email,
            "typed": typed or dict.fromkeys(("action", "reason", "ticket"), ""),
            "own": own,
            "agents": request.site.agents.has(view.user, groups),
            "fresh": session is not None and is_fresh(session, request.context),
            "fresh_minutes": service.policy.step_up_seconds // 60,
            "used_ahead": held is not None and held.last_step > step + STEPS_AHEAD_MAX,
            "two_agents": service.policy.reset_agents > 1,
            "session_characters": SESSION_CHARACTERS,
            "events": [
                {
                    "at": event.at,
                    "words": in_words(event),
                    "source": event.source,
                    "details": details_of(event),
                }
                for event in view.events
            ],
            "next": request.site.targets.sealed(_url(request, handle)),
            "desk_url": _url(request, None),
        },
        members={"account": members_of(view, handle)},
    )
