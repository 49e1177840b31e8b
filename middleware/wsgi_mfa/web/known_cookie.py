"""The cookie that makes a browser known to its users: one secret for each, and no name.

It outlives sign-out, other users and the renewal of the browser's other cookies. The account knows which of the
secrets is its own: nothing in the cookie says whose a secret is. It needs no signature, since a secret that was made
up is known to no account.
"""

from __future__ import annotations

from collections.abc import Collection

from wsgi_mfa.core import known_browsers
from wsgi_mfa.core.account import Account
from wsgi_mfa.web.cookies import KNOWN_SECRETS_MAX, expire_cookie, set_cookie
from wsgi_mfa.web.request import WebRequest

AGE_SECONDS_MAX = known_browsers.KNOWN_DAYS * 86_400


def with_secret(held: tuple[str, ...], secret: str, *, replaced: Collection[str]) -> tuple[str, ...]:
    """Return ``held`` with a new secret in the place of the earlier ones of the same user; the oldest leaves."""
    others = (each for each in held if each not in replaced and each != secret)
    return (secret, *others)[:KNOWN_SECRETS_MAX]


def is_known(request: WebRequest) -> bool:
    """Return True if this browser is known to the user who asks."""
    return request.account is not None and bool(_own(request, request.account))


def header_after_success(request: WebRequest, account: Account, secret: str) -> tuple[tuple[str, str], ...]:
    """Return the header that gives the browser its new secret; none where ``account`` does not know it by that."""
    browser = known_browsers.browser_of(account, (secret,))
    if browser is None or not known_browsers.shows_current(account, browser, (secret,)):
        return ()
    # Those of the generation before, and those by which the account knows the same browser.
    replaced = {*_own(request, account), *(_own(request, request.account) if request.account else ())}
    return (_header(request, with_secret(request.known_secrets, secret, replaced=replaced)),)


def header_after_forgetting(request: WebRequest) -> tuple[tuple[str, str], ...]:
    """Return the header that takes away this user's secrets; none where the browser has none."""
    own = _own(request, request.account) if request.account is not None else ()
    if not own:
        return ()
    return (_header(request, tuple(each for each in request.known_secrets if each not in own)),)


def _own(request: WebRequest, account: Account) -> tuple[str, ...]:
    return tuple(
        secret
        for secret in request.known_secrets
        if known_browsers.browser_of(account, (secret,)) is not None
    )


def _header(request: WebRequest, secrets: tuple[str, ...]) -> tuple[str, str]:
    names = request.names
    if not secrets:
        return expire_cookie(names.known, secure=names.secure)
    return set_cookie(names.known, ".".join(secrets), secure=names.secure, age_seconds_max=AGE_SECONDS_MAX)
