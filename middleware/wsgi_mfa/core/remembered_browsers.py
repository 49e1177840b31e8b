"""The remembered browsers that an account holds: one more, one fewer, and what tells one from a copy of it (R55).

A browser holds a secret, the account only a digest of it, which is bound to user and generation: in another
account, or after a reset or a new phone, the same secret has another digest.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection

from wsgi_mfa.core import known_browsers
from wsgi_mfa.core.account import Account, RememberedBrowser
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import NewBrowser, Origin
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.events import Event

BROWSERS_MAX = 20  # D26
_ID_CHARACTERS = 8  # enough to tell the browsers of one account apart


def digest_of(account: Account, secret: str) -> str:
    """What ``account`` keeps of a secret; its 128 random bits need no slow hash (R27)."""
    return hashlib.sha256(f"{account.user}\0{account.generation}\0{secret}".encode()).hexdigest()


def is_current(account: Account, browser: RememberedBrowser, secret: str) -> bool:
    """Whether ``secret`` is the one that the browser was given last."""
    return hmac.compare_digest(digest_of(account, secret), browser.digest)


def with_browser(
    account: Account, new: NewBrowser, now: int, *, known_id: str | None, source: str
) -> tuple[Account, tuple[Event, ...]]:
    """``account`` with one more remembered browser; over twenty the oldest is forgotten (D26)."""
    # It stays the known browser that it is.
    left, replaced = _without_remembered(
        account, {new.replaces}, cause="replaced", now=now, source=source, keeping=None
    )
    over = left.remembered_browsers[: max(0, len(left.remembered_browsers) + 1 - BROWSERS_MAX)]
    gone = {browser.id for browser in over}
    left, ended = without_browsers(left, gone, cause="browsers_max", now=now, source=source)
    added = RememberedBrowser(
        id=new.id,
        digest=digest_of(account, new.secret),
        made_at=now,
        used_at=now,
        label=new.label,
        known_id=known_id,
    )
    event = event_of(account, added, "remembered_browser.added", now, source=source)
    changed = replace(left, remembered_browsers=(*left.remembered_browsers, added))
    return changed, (*replaced, *ended, event)


def with_known(
    account: Account,
    origin: Origin,
    secret: str | None,
    context: Context,
    *,
    is_granted: bool = False,
    retracting: bool = False,
) -> tuple[Account, tuple[Event, ...]]:
    """Return ``account`` in which this browser is known by ``secret``, at most eight in all (D46)."""
    changed, events = known_browsers.with_success(
        account, origin, secret, context, is_granted=is_granted, retracting=retracting
    )
    gone = known_browsers.over_the_limit(changed)
    if not gone:
        return changed, events
    changed, ended = without_known(changed, gone, cause="browsers_max", now=context.now, source=origin.source)
    return changed, (*ended, *events)


def without_known(
    account: Account,
    gone: Collection[str | None],
    *,
    cause: str,
    now: int,
    source: str,
    keeping: str | None = None,
) -> tuple[Account, tuple[Event, ...]]:
    """Return ``account`` in which these browsers are neither known nor remembered (D46)."""
    left, ended = known_browsers.without(account, gone, cause=cause, now=now, source=source)
    remembered = {
        browser.id
        for browser in account.remembered_browsers
        if browser.known_id is not None and browser.known_id in gone
    }
    left, events = _without_remembered(left, remembered, cause=cause, now=now, source=source, keeping=keeping)
    return left, (*ended, *events)


def without_browsers(
    account: Account,
    gone: Collection[str | None],
    *,
    cause: str,
    now: int,
    source: str,
    keeping: str | None = None,
) -> tuple[Account, tuple[Event, ...]]:
    """``account`` without these browsers, and without their sessions but the one of the id ``keeping``.

    They are no known browsers any longer, either (D46).
    """
    known = {
        browser.known_id
        for browser in account.remembered_browsers
        if browser.id in gone and browser.known_id is not None
    }
    left, events = _without_remembered(account, gone, cause=cause, now=now, source=source, keeping=keeping)
    left, ended = known_browsers.without(left, known, cause=cause, now=now, source=source)
    return left, (*events, *ended)


def _without_remembered(
    account: Account,
    gone: Collection[str | None],
    *,
    cause: str,
    now: int,
    source: str,
    keeping: str | None,
) -> tuple[Account, tuple[Event, ...]]:
    ended = tuple(browser for browser in account.remembered_browsers if browser.id in gone)
    if not ended:
        return account, ()
    ids = {browser.id for browser in ended}
    sessions = tuple(
        session for session in account.sessions if session.remembered_id not in ids or session.id == keeping
    )
    living = {session.id for session in sessions}
    left = replace(
        account,
        remembered_browsers=tuple(
            browser for browser in account.remembered_browsers if browser.id not in ids
        ),
        sessions=sessions,
        retries=tuple(retry for retry in account.retries if retry.session_id in living),
    )
    return left, end_events(account, ended, cause, now, source=source)


def end_events(
    account: Account, ended: Collection[RememberedBrowser], cause: str, now: int, *, source: str
) -> tuple[Event, ...]:
    """That each of these browsers is remembered no longer, and why."""
    return tuple(
        event_of(account, browser, "remembered_browser.ended", now, ("cause", cause), source=source)
        for browser in ended
    )


def all_ended_events(account: Account, cause: str, now: int, *, source: str) -> tuple[Event, ...]:
    """Return that no browser of ``account`` is remembered or known any longer, and why."""
    remembered = end_events(account, account.remembered_browsers, cause, now, source=source)
    ids = {browser.id for browser in account.known_browsers}
    _, known = known_browsers.without(account, ids, cause=cause, now=now, source=source)
    return (*remembered, *known)


def event_of(
    account: Account,
    browser: RememberedBrowser,
    kind: str,
    now: int,
    *details: tuple[str, str],
    source: str,
) -> Event:
    """An event of this kind, with what its user may know the browser by."""
    named = (("browser", browser.label), ("id", browser.id[:_ID_CHARACTERS]))
    return Event(
        at=now,
        user=account.user,
        kind=kind,
        source=source,
        details=(*named, *details),
    )
