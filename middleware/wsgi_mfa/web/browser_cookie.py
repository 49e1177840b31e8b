"""What a browser's cookie holds for the users who had it remembered, and the words that they know it by (R55).

The portal's sign-out, another user and the end of the browser leave it there: it saves a code at the next sign-in
and opens nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.remembered_browsers import is_current
from wsgi_mfa.web.cookies import set_cookie
from wsgi_mfa.web.request import WebRequest

HELD_MAX = 4  # users of one browser
_DAY_SECONDS = 86_400
#: The first word that a User-Agent has names the browser and the system; what pretends to be another comes first.
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Windows": "Windows",
    "Macintosh": "a Mac",
    "Linux": "Linux",
}

Held = tuple[tuple[str, str], ...]


def label_of(user_agent: str) -> str:
    """A coarse name of our own words, such as "Firefox on Windows"; nothing of the header is kept."""
    browser = next((name for word, name in _BROWSERS.items() if word in user_agent), "A browser")
    system = next((name for word, name in _SYSTEMS.items() if word in user_agent), "another system")
    return f"{browser} on {system}"


def days_of(request: WebRequest) -> int:
    return request.site.service.policy.remembered_browser_days


def held_by(request: WebRequest) -> Held:
    """The ids and secrets in this browser's cookie; none where policy remembers no browser."""
    if not days_of(request):
        return ()
    return request.site.cookies.remembered_of(request.sanitized.own_cookies.get(request.names.browser))


def own_of(request: WebRequest) -> tuple[str, str] | None:
    """The id and the secret by which this browser is remembered for the user who asks."""
    account = request.account
    if account is None or not account.remembered_browsers:
        return None
    return next((held for held in held_by(request) if account.remembered_browser(held[0])), None)


def held_after(request: WebRequest, account: Account, session_id: str) -> Held:
    """What the cookie holds after a success that opened the session: a new secret where it is remembered."""
    session, held = account.session(session_id), held_by(request)
    browser = account.remembered_browser(session.remembered_id) if session is not None else None
    if browser is None:
        return held
    secret = request.site.service.vault.browser_secret(account.user, browser.id, session_id)
    if not is_current(account, browser, secret):
        return held
    replaced = {browser.id, own[0] if (own := own_of(request)) else None}
    others = (each for each in held if each[0] not in replaced)
    return ((browser.id, secret), *others)[:HELD_MAX]


def browser_cookie(
    request: WebRequest, browser: str, held: Iterable[tuple[str, str]] | None = None
) -> tuple[str, str]:
    """The header that gives this browser the id ``browser``, and keeps what it is remembered by."""
    kept = held_by(request) if held is None else tuple(held)
    return set_cookie(
        request.names.browser,
        request.site.cookies.browser_value(browser, kept),
        secure=request.names.secure,
        age_seconds_max=days_of(request) * _DAY_SECONDS if kept else None,
    )
