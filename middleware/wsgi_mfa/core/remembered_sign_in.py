"""Signing in as a remembered browser, and forgetting one (R55).

It saves the code for some days and nothing else: the portal asks for the password each time, and a session that a
remembered browser opened has no fresh second factor, ever (R40). Each use gives the browser another secret. Who
comes with an earlier one has a copy of its cookie, or the browser's own owner has come after somebody with a copy:
nobody can tell which, so neither goes on.
"""

from __future__ import annotations

from wsgi_mfa.core import known_browsers
from wsgi_mfa.core.account import Account, Method, RememberedBrowser
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import (
    ForgetBrowser,
    ForgetKnownBrowsers,
    RevokeBrowser,
    SignInByRememberedBrowser,
)
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome, Reason
from wsgi_mfa.core.expiry import is_of_login, younger
from wsgi_mfa.core.rejections import rejected
from wsgi_mfa.core.remembered_browsers import (
    digest_of,
    event_of,
    is_current,
    with_known,
    without_browsers,
    without_known,
)
from wsgi_mfa.core.sessions import opened, repeated

PURPOSE = "remembered_browser"


def sign_in(account: Account, command: SignInByRememberedBrowser, context: Context) -> Decision:
    """Open a session without a code, by the secret that the browser was given last.

    Wrong codes from elsewhere do not close this way: who types them has the password alone (D14).
    """
    origin = command.origin
    browser = account.remembered_browser(command.browser_id)
    if browser is None or account.authenticator is None:
        return Decision(outcome=Outcome.MUST_VERIFY)
    session = account.session(origin.session_id)
    if session is not None and is_of_login(session, origin.login, context):
        return Decision(outcome=Outcome.STEP_UP_REQUIRED)  # never in the place of a code that is asked for
    if not is_current(account, browser, command.secret):
        return _earlier(account, command, browser, context)
    code = account.recovery_code
    if code is not None and not code.acknowledged and browser.made_at >= code.made_at:
        return Decision(outcome=Outcome.MUST_VERIFY)  # the code is shown to who has shown a factor now (D13)
    used = replace(
        browser,
        digest=digest_of(account, command.next_secret),
        previous_digest=browser.digest,
        used_at=context.now,
    )
    changed = replace(
        account,
        address=command.address or account.address,
        remembered_browsers=tuple(
            used if other is browser else other for other in account.remembered_browsers
        ),
    )
    changed, events = opened(
        changed,
        origin,
        context,
        session_id=command.session_id,
        method=Method.REMEMBERED_BROWSER,
        purpose=PURPOSE,
        fingerprint=browser.digest,
        remembered=used,
    )
    changed, known = with_known(changed, origin, command.known_secret, context)
    if known and changed.known_browsers:
        # It was remembered before there were known browsers.
        changed = _with_known_id(changed, used.id, changed.known_browsers[-1].id)
    event = event_of(account, browser, "remembered_browser.used", context.now, source=origin.source)
    return Decision(
        outcome=Outcome.SIGNED_IN,
        account=changed,
        events=(event, *events, *known),
        session_id=command.session_id,
    )


def _with_known_id(account: Account, browser_id: str, known_id: str) -> Account:
    browsers = tuple(
        replace(browser, known_id=known_id) if browser.id == browser_id else browser
        for browser in account.remembered_browsers
    )
    return replace(account, remembered_browsers=browsers)


def _earlier(
    account: Account, command: SignInByRememberedBrowser, browser: RememberedBrowser, context: Context
) -> Decision:
    """The browser has been given another secret since: a lost or parallel reply, or else a copied cookie (D10)."""
    digest, source = digest_of(account, command.secret), command.origin.source
    if digest == browser.previous_digest and younger(
        browser.used_at, context, seconds=context.policy.retry_seconds
    ):
        again = repeated(account, command.origin, PURPOSE, digest)
        return again or Decision(outcome=Outcome.MUST_VERIFY)
    left, _ = without_browsers(account, {browser.id}, cause="reused", now=context.now, source=source)
    event = event_of(account, browser, "remembered_browser.reused", context.now, source=source)
    return Decision(outcome=Outcome.MUST_VERIFY, account=left, events=(event,))


def forget(account: Account, command: ForgetBrowser, context: Context) -> Decision:
    """Forget one or all, and end their sessions but for the one that asks.

    It needs no fresh factor, since it opens nothing.
    """
    origin = command.origin
    session = account.session(origin.session_id)
    if session is None or not is_of_login(session, origin.login, context):
        return Decision(outcome=Outcome.MUST_VERIFY)
    wanted = {browser.id for browser in account.remembered_browsers}
    if command.browser_id is not None:
        if command.browser_id not in wanted:
            return rejected(Reason.CHANGED_MEANWHILE)
        wanted = {command.browser_id}
    left, events = without_browsers(
        account, wanted, cause="forgotten", now=context.now, source=origin.source, keeping=session.id
    )
    return Decision(outcome=Outcome.SIGNED_IN, account=left if events else None, events=events)


def revoke(account: Account, command: RevokeBrowser, context: Context) -> Decision:
    """Forget one for its user, with its sessions."""
    left, events = without_browsers(
        account, {command.browser_id}, cause=command.cause, now=context.now, source=command.source
    )
    return Decision(outcome=Outcome.SIGNED_OUT, account=left if events else None, events=events)


def forget_known(account: Account, command: ForgetKnownBrowsers, context: Context) -> Decision:
    """Make this browser unknown, or every known browser; their sessions end but for the one that asks (D46)."""
    origin = command.origin
    session = account.session(origin.session_id)
    if session is None or not is_of_login(session, origin.login, context):
        return Decision(outcome=Outcome.MUST_VERIFY)
    own = known_browsers.browser_of(account, origin.known_secrets)
    wanted = {browser.id for browser in account.known_browsers if command.every or browser is own}
    left, events = without_known(
        account, wanted, cause="forgotten", now=context.now, source=origin.source, keeping=session.id
    )
    return Decision(outcome=Outcome.SIGNED_IN, account=left if events else None, events=events)
