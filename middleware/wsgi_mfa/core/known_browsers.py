"""Browsers that have shown a second factor of this user, and the budget of their wrong codes.

A password thief spends the budget of the browsers that are not known, and locks none of those that are. A known
browser holds a secret in a cookie of its own. Each success gives it another one. Its failures count against a budget
of all known browsers of the account, its back-off is its own, and too many failures make it unknown: a copied cookie
is worth a bounded number of guesses.

A browser that is known is asked for a code like any other. It is only judged by other counters.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection

from wsgi_mfa.core import throttle
from wsgi_mfa.core.account import Account, KnownBrowser, Retractable
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.policy import Policy

KNOWN_BROWSERS_MAX = 8
KNOWN_DAYS = 400  # as long as browsers keep a cookie
GRANTED_TRIES_MAX = 10  # in ``failures_rolling_days``, over a spent budget, in all
RETRACTED_MAX = 3  # failures that one success takes back
_RETRACTABLE_MAX = 4  # logins and browser cookies whose failures of today are told apart
_DIGEST_BYTES = 16
_ID_CHARACTERS = 8


def digest_of(account: Account, secret: str) -> str:
    """Return what ``account`` keeps of a secret; another account or generation has another digest of it."""
    text = f"known\0{account.user}\0{account.generation}\0{secret}"
    digest = hashlib.sha256(text.encode()).digest()[:_DIGEST_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def browser_of(account: Account, secrets: Collection[str]) -> KnownBrowser | None:
    """Return the known browser that holds one of ``secrets``; None for a browser that is not known."""
    if not account.known_browsers:
        return None
    digests = [digest_of(account, secret) for secret in secrets]
    for browser in account.known_browsers:
        if any(_is_either(browser, digest) for digest in digests):
            return browser
    return None


def _is_either(browser: KnownBrowser, digest: str) -> bool:
    previous = browser.previous or browser.digest
    return hmac.compare_digest(browser.digest, digest) or hmac.compare_digest(previous, digest)


def shows_current(account: Account, browser: KnownBrowser, secrets: Collection[str]) -> bool:
    """Return True if one of ``secrets`` is the one that ``browser`` was given last."""
    return any(hmac.compare_digest(browser.digest, digest_of(account, secret)) for secret in secrets)


def judged_as(account: Account, origin: Origin, policy: Policy) -> KnownBrowser | None:
    """Return the known browser by whose counters a code of ``origin`` is judged.

    None is a browser that is not known, or whose budget is spent: it shares the counters of all others. Tries that
    were granted count for the newest secret alone, which a copy of an earlier cookie lacks.
    """
    browser = browser_of(account, origin.known_secrets)
    if browser is None or not budget_spent(account, policy):
        return browser
    granted = browser.is_granted and throttle.counted(account.granted_tries) < GRANTED_TRIES_MAX
    return browser if granted and shows_current(account, browser, origin.known_secrets) else None


def budget_spent(account: Account, policy: Policy) -> bool:
    """Return True if the known browsers of ``account`` have failed so often that they are judged like others."""
    return throttle.counted(account.known_failures) >= policy.known_failures_rolling_max


def settled(account: Account, context: Context) -> tuple[KnownBrowser, ...]:
    """Return the known browsers as they count at ``context.now``."""
    return tuple(
        _settled(browser, context)
        for browser in account.known_browsers
        if browser.seen_day > throttle.day_of(context.now) - KNOWN_DAYS
    )


def _settled(browser: KnownBrowser, context: Context) -> KnownBrowser:
    today = throttle.day_of(context.now)
    failures = throttle.without_expired(browser.failures, context)
    retractable = tuple(each for each in browser.retractable if each.day == today)
    seen_day = min(browser.seen_day, today)
    if (failures, retractable, seen_day) == (browser.failures, browser.retractable, browser.seen_day):
        return browser
    return replace(browser, failures=failures, retractable=retractable, seen_day=seen_day)


def charged(account: Account, browser: KnownBrowser, origin: Origin, context: Context) -> Account:
    """Return ``account`` with one more failure of ``browser``, which has been judged by its own counters."""
    policy, today = context.policy, throttle.day_of(context.now)
    spent = budget_spent(account, policy)
    is_current = shows_current(account, browser, origin.known_secrets)
    failed = replace(
        browser,
        failures=throttle.charged(browser.failures, context),
        retractable=_with_retractable(browser.retractable, _origin_of(account, origin), today),
        # The earlier secret counts until the newer one has been shown.
        previous="" if is_current and browser.previous else browser.previous,
    )
    return replace(
        account,
        known_browsers=_with(account.known_browsers, failed),
        known_failures=throttle.with_one_more(account.known_failures, today),
        granted_tries=throttle.with_one_more(account.granted_tries, today)
        if spent
        else account.granted_tries,
    )


def has_failed_too_often(browser: KnownBrowser, policy: Policy) -> bool:
    """Return True if ``browser`` is to be known no longer."""
    return throttle.counted(browser.failures.days) >= policy.known_browser_failures_max


def with_success(
    account: Account,
    origin: Origin,
    secret: str | None,
    context: Context,
    *,
    is_granted: bool = False,
    retracting: bool = False,
) -> tuple[Account, tuple[Event, ...]]:
    """Return ``account`` in which the browser of ``origin`` is known by ``secret`` from now on.

    With ``retracting`` the success takes back failures of the same day, login and browser cookie. Without a secret
    nothing changes: a program that sends codes has no cookie to keep.
    """
    if secret is None:
        return account, ()
    browser = browser_of(account, origin.known_secrets)
    if browser is None:
        return _with_new(account, origin, secret, context, is_granted=is_granted)
    if retracting:
        account, browser = _retracted(account, browser, origin, context)
    shown = {digest_of(account, each) for each in origin.known_secrets}
    renewed = replace(
        browser,
        digest=digest_of(account, secret),
        previous=browser.digest if browser.digest in shown else browser.previous,
        seen_day=throttle.day_of(context.now),
        is_granted=browser.is_granted or is_granted,
        failures=throttle.cleared(browser.failures),
    )
    others = tuple(each for each in account.known_browsers if each.id != browser.id)
    return replace(account, known_browsers=(*others, renewed)), ()


def _with_new(
    account: Account, origin: Origin, secret: str, context: Context, *, is_granted: bool
) -> tuple[Account, tuple[Event, ...]]:
    digest = digest_of(account, secret)
    new = KnownBrowser(
        id=digest[:_ID_CHARACTERS],
        digest=digest,
        seen_day=throttle.day_of(context.now),
        is_granted=is_granted,
    )
    event = event_of(account, new, "known_browser.added", context.now, source=origin.source)
    return replace(account, known_browsers=(*account.known_browsers, new)), (event,)


def with_cleared(account: Account, origin: Origin) -> Account:
    """Return ``account`` in which the back-off of this browser ends, after a success that opens no session."""
    browser = browser_of(account, origin.known_secrets)
    if browser is None:
        return account
    cleared = replace(browser, failures=throttle.cleared(browser.failures))
    return replace(account, known_browsers=_with(account.known_browsers, cleared))


def over_the_limit(account: Account) -> frozenset[str]:
    """Return the ids of those that leave because a new one came.

    One that has never come back leaves first: it is a browser that keeps no cookies, or was used once.
    """
    others = account.known_browsers[:-1]
    count = max(0, len(account.known_browsers) - KNOWN_BROWSERS_MAX)
    ordered = sorted(others, key=lambda browser: browser.previous is not None)
    return frozenset(browser.id for browser in ordered[:count])


def without(
    account: Account, gone: Collection[str | None], *, cause: str, now: int, source: str
) -> tuple[Account, tuple[Event, ...]]:
    """Return ``account`` in which the browsers of these ids are not known, and the events of that."""
    ended = [browser for browser in account.known_browsers if browser.id in gone]
    if not ended:
        return account, ()
    kept = tuple(browser for browser in account.known_browsers if browser.id not in gone)
    events = tuple(
        event_of(account, browser, "known_browser.ended", now, ("cause", cause), source=source)
        for browser in ended
    )
    return replace(account, known_browsers=kept), events


def event_of(
    account: Account, browser: KnownBrowser, kind: str, now: int, *details: tuple[str, str], source: str
) -> Event:
    """Return an event of this kind that names the browser by its id."""
    return Event(at=now, user=account.user, kind=kind, source=source, details=(("id", browser.id), *details))


def restarted(account: Account, context: Context) -> bool:
    """Return True if a lock or a spent budget of known browsers lies further ahead than clocks may differ."""
    spent_ahead = throttle.days_are_ahead(account.known_failures, context) and budget_spent(
        account, context.policy
    )
    return spent_ahead or any(
        throttle.began_ahead(browser.failures, context) for browser in account.known_browsers
    )


def _retracted(
    account: Account, browser: KnownBrowser, origin: Origin, context: Context
) -> tuple[Account, KnownBrowser]:
    name, today = _origin_of(account, origin), throttle.day_of(context.now)
    found = next((each for each in browser.retractable if each.origin == name), None)
    if found is None:
        return account, browser
    count = min(found.count, RETRACTED_MAX)
    failures = replace(browser.failures, days=throttle.with_fewer(browser.failures.days, today, count))
    # What this success does not take back no later one does.
    left = tuple(each for each in browser.retractable if each is not found)
    retracted = replace(browser, failures=failures, retractable=left)
    days = throttle.with_fewer(account.known_failures, today, count)
    return replace(account, known_failures=days), retracted


def _with_retractable(
    retractable: tuple[Retractable, ...], origin: str, today: int
) -> tuple[Retractable, ...]:
    found = next((each for each in retractable if each.origin == origin), None)
    if found is not None:
        one_more = replace(found, count=found.count + 1)
        return tuple(one_more if each is found else each for each in retractable)
    return (*retractable, Retractable(day=today, origin=origin, count=1))[-_RETRACTABLE_MAX:]


def _origin_of(account: Account, origin: Origin) -> str:
    """Return a short digest of the login and the browser cookie, by which later failures are compared."""
    text = f"{account.user}\0{origin.login}\0{origin.browser}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _with(browsers: tuple[KnownBrowser, ...], changed: KnownBrowser) -> tuple[KnownBrowser, ...]:
    return tuple(changed if each.id == changed.id else each for each in browsers)
