"""Who is signed in once the application has answered (D3, D4).

The response's ``Set-Cookie`` headers are read as attributes, as a browser reads them (RFC 6265 5.2), and merged
onto the request's credentials; then the adapter is asked again. Whether the status or a cookie looks like a sign-in
is never guessed: ten real applications disagree on both.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_tz
from functools import lru_cache
from typing import Any, NamedTuple

from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.identity.adapter import Identification
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, sets_cookie

_MAX_AGE = re.compile(r"-?[0-9]+", re.ASCII)
_CACHED_CHARACTERS_MAX = 1024
_AGE_CHARACTERS_MAX = 12  # of a number: longer than any life


class ResponseIdentity(NamedTuple):
    """What a response made of the user; ``credentials_digest`` names the credentials that the browser has now."""

    identification: Identification
    credentials_digest: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SetCookie:
    """One ``Set-Cookie`` header; ``removed`` says that the browser will not keep the cookie.

    ``place`` is its domain and path: browsers keep one cookie of a name for each (RFC 6265 5.3, step 11).
    ``expires_at`` is the end of its life in microseconds, None for a cookie that ends with the browser, and
    ``attributes`` are all others as they were spelt. ``is_readable`` says that scripts of the page can read it.
    """

    name: str
    value: str
    removed: bool
    place: tuple[str, str]
    expires_at: int | None = None
    attributes: str = ""
    is_readable: bool = True


def identify_after(
    sanitizer: RequestSanitizer, request: Mapping[str, Any], headers: Iterable[tuple[str, str]], *, now: int
) -> ResponseIdentity:
    """Ask the adapter who is signed in after a response with ``headers``.

    ``request`` is a copy of the cleaned environ that was made before the application got it, since applications
    change theirs. ``now`` tells which cookies have expired. Where a response sets one credential for several paths
    or domains, the last one that the browser keeps counts: an old one that is taken away beside it hides no sign-in.

    :raises AdapterUnavailableError: the adapter cannot ask at present (D7).
    """
    cookies = sanitizer.cookie_reader.read(request.get("HTTP_COOKIE", ""))
    kept = kept_cookies(headers, now=now)
    changed = [name for name in sanitizer.adapter.credentials.cookies if name in kept] if kept else ()
    if changed:
        credentials = dict(cookies.credentials)
        for name in changed:
            credentials.pop(name, None)
            credentials.update((name, value) for value in kept[name].values())
        # Read as the next request will be read, so that a value which that would drop is dropped here too.
        cookies = sanitizer.cookie_reader.read(
            "; ".join(f"{name}={value}" for name, value in credentials.items())
        )
        request = {**request, "HTTP_COOKIE": cookies.header}
    return ResponseIdentity(sanitizer.adapter.identify(request), sanitizer.digest(request, cookies))


def may_change_user(sanitizer: RequestSanitizer, headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a response with ``headers`` may make somebody else, or nobody, of the user of its request.

    Where each sign-in and each sign-out sets the cookie by which the portal knows its users, a response that sets
    none changes none of them, and the adapter need not be asked again (D3).
    """
    return not sanitizer.adapter.traits.renews_sessions or any(sets_cookie(name) for name, _ in headers)


def kept_cookies(headers: Iterable[tuple[str, str]], *, now: int) -> dict[str, dict[tuple[str, str], str]]:
    """The cookies that a response sets: by their names, the values that the browser keeps, for each place.

    A name without a value is one that is only taken away.
    """
    kept: dict[str, dict[tuple[str, str], str]] = {}
    for header, text in headers:
        cookie = parse_set_cookie(text, now=now) if sets_cookie(header) else None
        if cookie is None:
            continue
        places = kept.setdefault(cookie.name, {})
        places.pop(cookie.place, None)
        if not cookie.removed:
            places[cookie.place] = cookie.value
    return kept


def parse_set_cookie(text: str, *, now: int) -> SetCookie | None:
    """Read one ``Set-Cookie`` header by RFC 6265 5.2; None when it names no cookie."""
    # A response is read twice, and portals set the same cookie again and again.
    read = _parsed(text) if len(text) <= _CACHED_CHARACTERS_MAX else _parsed.__wrapped__(text)
    if read is None:
        return None
    cookie, age_seconds, date = read
    # Max-Age wins over Expires wherever they stand (RFC 6265 5.3, step 3).
    expires_at = date if age_seconds is None else now + age_seconds * SECOND
    if expires_at is None:
        return cookie
    return replace(cookie, removed=expires_at <= now, expires_at=expires_at)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[SetCookie, int | None, int | None] | None:
    """Read all of a ``Set-Cookie`` header that does not depend on the time, its age and its date."""
    pair, _, attributes = text.partition(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(" \t"), value.strip(" \t")
    if not equals or not name:
        return None
    age_seconds: int | None = None
    date: int | None = None
    domain = path = ""
    is_readable = True
    lasting = []
    for attribute in attributes.split(";"):
        key, _, setting = attribute.partition("=")
        key, setting = key.strip(" \t").lower(), setting.strip(" \t")
        if key == "max-age":
            if _MAX_AGE.fullmatch(setting):
                is_past = setting.startswith("-")
                age_seconds = 0 if is_past else int(setting.lstrip("0")[:_AGE_CHARACTERS_MAX] or 0)
        elif key == "expires":
            instant = _instant_of(setting)
            date = date if instant is None else instant
        else:
            if key == "domain":
                domain = setting.lower().lstrip(".")
            elif key == "path":
                path = setting
            elif key == "httponly":
                is_readable = False
            if key:
                lasting.append(attribute.strip(" \t"))
    cookie = SetCookie(
        name=name,
        value=value,
        removed=False,
        place=(domain, path),
        attributes="; ".join(lasting),
        is_readable=is_readable,
    )
    return cookie, age_seconds, date


def _instant_of(date: str) -> int | None:
    """The instant of an HTTP date in any of its old forms; None where there is no date to be read."""
    parsed = parsedate_tz(date)
    if parsed is None:
        return None
    try:
        # RFC 6265 5.1.1 takes every date as UTC, whatever zone it names.
        return calendar.timegm((*parsed[:6], 0, 0, 0)) * SECOND
    except (ValueError, OverflowError):
        return None
