"""What an account still holds at a given moment: everything that has a lifetime ends here, and only here.

Instants ahead of now (a clock stepped back, or workers differ) up to ``clock_skew_seconds_max`` count as now.
Beyond that, sessions, remembered browsers, pending enrollments and retries end, and locks restart (D22): no clock
step keeps anything open, and none locks anybody out for good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from wsgi_mfa.core import known_browsers, throttle
from wsgi_mfa.core.account import Account, CarriedLogin, EndedLogin, RememberedBrowser, Retry, Session
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.instants import DAY, HOUR, SECOND
from wsgi_mfa.core.policy import Policy

T = TypeVar("T")

ANSWER_SECONDS = 5  # D11
FIRST_CODE_SECONDS = 90  # D17
RESET_ASKED_SECONDS = 600  # R46
DESK_USE_SECONDS = 3600  # the span in which what an agent asks is counted (R47)
ACTIVITY_GRAINS = 60  # activity is noted to 1/60 of the idle limit (D23)
REPLACED_LOGIN_SECONDS = 60  # for parallel requests that still come with the old fingerprint (D34)


def younger(instant: int, context: Context, *, seconds: int) -> bool:
    """Whether less than ``seconds`` have passed since ``instant``; never for one too far ahead of now."""
    if instant > context.now + context.policy.clock_skew_seconds_max * SECOND:
        return False
    return context.now - instant < seconds * SECOND


def session_lives(session: Session, context: Context) -> bool:
    """Whether ``session`` is within its overall and its idle limit (R52)."""
    since, until = session_span(session, context.policy)
    return since <= context.now < until


def session_span(session: Session, policy: Policy) -> tuple[int, int]:
    """The first instant at which ``session`` lives, and the first after it at which it does not.

    The idle limit is lengthened by the grain in which activity is noted, so that it never ends early (D23).
    """
    idle_seconds = policy.session_idle_seconds + policy.session_idle_seconds // ACTIVITY_GRAINS
    since = max(session.begun_at, session.seen_at) - policy.clock_skew_seconds_max * SECOND
    until = min(
        session.begun_at + policy.session_seconds_max * SECOND, session.seen_at + idle_seconds * SECOND
    )
    return since, until


def browser_is_remembered(browser: RememberedBrowser, context: Context) -> bool:
    """Whether the days of ``browser`` have not run out: they count from its code and no use lengthens them (R55)."""
    seconds = context.policy.remembered_browser_days * DAY // SECOND
    return all(younger(instant, context, seconds=seconds) for instant in (browser.made_at, browser.used_at))


def carried_login_counts(carried: CarriedLogin, context: Context) -> bool:
    """Whether a fingerprint still stands for its login beside the newest one (D34)."""
    return carried.replaced_at is None or younger(
        carried.replaced_at, context, seconds=REPLACED_LOGIN_SECONDS
    )


def is_of_login(session: Session, login: str | None, context: Context) -> bool:
    """Whether ``session`` belongs to the portal's login with the fingerprint ``login``."""
    return session.login == login or any(
        carried.fingerprint == login and carried_login_counts(carried, context)
        for carried in session.carried_logins
    )


def without_expired(account: Account, context: Context) -> Account:
    """``account`` as it counts at ``context.now``; itself where nothing in it has aged."""
    account = _code_made_by_now(account, context.now)
    sessions = _kept(account.sessions, lambda session: session_lives(session, context))
    living = {session.id for session in sessions}
    first = account.first_code
    asked, use = account.reset_asked, account.desk_use
    enrollment_code = account.enrollment_code
    if enrollment_code and not younger(
        enrollment_code.made_at, context, seconds=context.policy.enrollment_seconds_max
    ):
        enrollment_code = None
    unlock_code = account.unlock_code
    if unlock_code and not younger(
        unlock_code.made_at, context, seconds=context.policy.enrollment_seconds_max
    ):
        unlock_code = None
    counting: dict[str, Any] = {
        "sessions": sessions,
        "remembered_browsers": _kept(
            account.remembered_browsers, lambda browser: browser_is_remembered(browser, context)
        ),
        "app_passwords": _kept(account.app_passwords, lambda each: context.now < each.expires_at),
        "pending": _kept(
            account.pending,
            lambda pending: younger(pending.made_at, context, seconds=context.policy.enrollment_seconds_max),
        ),
        "retries": _kept(account.retries, lambda retry: _retry_lives(account, retry, living, context)),
        "answers": _kept(account.answers, lambda answer: younger(answer.at, context, seconds=ANSWER_SECONDS)),
        "ended_logins": _kept(account.ended_logins, lambda login: _still_ended(login, context)),
        "first_code": first if first and younger(first.at, context, seconds=FIRST_CODE_SECONDS) else None,
        "hints": _within_the_hour(account.hints, context),
        "resyncs_begun": _within_the_hour(account.resyncs_begun, context),
        "enrollments_begun": _within_the_hour(account.enrollments_begun, context),
        "enrollment_code": enrollment_code,
        "unlock_code": unlock_code,
        "desk_use": use if use and younger(use.since, context, seconds=DESK_USE_SECONDS) else None,
        "reset_asked": asked if asked and younger(asked.at, context, seconds=RESET_ASKED_SECONDS) else None,
        "code_failures": throttle.without_expired(account.code_failures, context),
        "known_browsers": known_browsers.settled(account, context),
        "known_failures": throttle.settled_days(account.known_failures, context),
        "granted_tries": throttle.settled_days(account.granted_tries, context),
        "recovery_failures": throttle.without_expired(account.recovery_failures, context),
    }
    aged = {name: value for name, value in counting.items() if value != getattr(account, name)}
    return replace(account, **aged) if aged else account


def _kept(items: tuple[T, ...], counts: Callable[[T], bool]) -> tuple[T, ...]:
    """Those of ``items`` that count; mostly all of them do, and then no other tuple is made."""
    return items if all(map(counts, items)) else tuple(filter(counts, items))


def _retry_lives(account: Account, retry: Retry, living: set[str], context: Context) -> bool:
    if retry.session_id not in living:
        return False
    if retry.recovery_code_id is None:
        return younger(retry.at, context, seconds=context.policy.retry_seconds)
    # The reply that carried a new recovery code may be lost for longer than any proxy waits (D10).
    code = account.recovery_code
    return code is not None and code.id == retry.recovery_code_id and not code.acknowledged


def _code_made_by_now(account: Account, now: int) -> Account:
    """``account`` whose recovery code is not of the future, else no session of the present could save it.

    Sessions that are older than the code stay older: their second factor came before it (D13).
    """
    code = account.recovery_code
    if code is None or code.made_at <= now:
        return account
    sessions = tuple(
        replace(session, verified_at=min(session.verified_at, now - 1))
        if session.verified_at < code.made_at
        else session
        for session in account.sessions
    )
    return replace(account, recovery_code=replace(code, made_at=now), sessions=sessions)


def _within_the_hour(instants: tuple[int, ...], context: Context) -> tuple[int, ...]:
    return tuple(min(at, context.now) for at in instants if younger(at, context, seconds=HOUR // SECOND))


def _still_ended(login: EndedLogin, context: Context) -> bool:
    return login.seconds is None or younger(login.since, context, seconds=login.seconds)


def login_is_ended(account: Account, fingerprint: str, context: Context) -> bool:
    """Whether the portal's login of this fingerprint must not count at ``context.now`` (D19)."""
    return any(
        login.fingerprint == fingerprint and _still_ended(login, context) for login in account.ended_logins
    )
