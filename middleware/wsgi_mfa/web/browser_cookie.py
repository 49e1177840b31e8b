"""The cookies by which a browser is remembered (R55) and known (D46), each with one secret for each of its users.

The browser's own cookie names it, and holds what it is remembered by. The portal's sign-out, another user and the
end of the browser leave that there: it saves a code at the next sign-in and opens nothing by itself.

The other cookie makes the browser known. It outlives sign-out, other users and the renewal of the first. The account
knows which of the secrets is its own: nothing in the cookie tells whose a secret is. It needs no signature, since a
secret that was made up is known to no account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from wsgi_mfa.core import known_browsers
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.remembered_browsers import is_current
from wsgi_mfa.web.cookies import KNOWN_SECRETS_MAX, expire_cookie, set_cookie
from wsgi_mfa.web.request import WebRequest

HELD_MAX = 4  # users of one browser
_DAY_SECONDS = 86_400
_KNOWN_SECONDS_MAX = known_browsers.KNOWN_DAYS * _DAY_SECONDS
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


def with_secret(held: tuple[str, ...], secret: str, *, replaced: Collection[str]) -> tuple[str, ...]:
    """Return ``held`` with a new secret in the place of the earlier ones of the same user; the oldest leaves."""
    others = (each for each in held if each not in replaced and each != secret)
    return (secret, *others)[:KNOWN_SECRETS_MAX]


def is_known(request: WebRequest) -> bool:
    """Return True if this browser is known to the user who asks."""
    return request.account is not None and bool(_known_secrets_of(request, request.account))


def header_after_success(request: WebRequest, account: Account, secret: str) -> tuple[tuple[str, str], ...]:
    """Return the header that gives the browser its new secret; none where ``account`` does not know it by that."""
    browser = known_browsers.browser_of(account, (secret,))
    if browser is None or not known_browsers.shows_current(account, browser, (secret,)):
        return ()
    # Those of the generation before, and those by which the account knows the same browser.
    replaced = {
        *_known_secrets_of(request, account),
        *(_known_secrets_of(request, request.account) if request.account else ()),
    }
    return (_known_header(request, with_secret(request.known_secrets, secret, replaced=replaced)),)


def header_after_forgetting(request: WebRequest) -> tuple[tuple[str, str], ...]:
    """Return the header that takes away this user's secrets; none where the browser has none."""
    own = _known_secrets_of(request, request.account) if request.account is not None else ()
    if not own:
        return ()
    return (_known_header(request, tuple(each for each in request.known_secrets if each not in own)),)


def _known_secrets_of(request: WebRequest, account: Account) -> tuple[str, ...]:
    return tuple(
        secret
        for secret in request.known_secrets
        if known_browsers.browser_of(account, (secret,)) is not None
    )


def _known_header(request: WebRequest, secrets: tuple[str, ...]) -> tuple[str, str]:
    names = request.names
    if not secrets:
        return expire_cookie(names.known, secure=names.secure)
    return set_cookie(names.known, ".".join(secrets), secure=names.secure, age_seconds_max=_KNOWN_SECONDS_MAX)
