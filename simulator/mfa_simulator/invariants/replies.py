"""Judges every reply and its cookies: attributes, security headers, where it leads, and the browser cookie's renewal.

It also judges that a command acts on what its user saw: the key, or the recovery code, of the page that was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from mfa_simulator.invariants.call import BROWSER_COOKIE, SESSION_COOKIE, JudgedCall, Save, id_in
from mfa_simulator.invariants.ledger import Ledger
from mfa_simulator.language.format import invariant_names
from mfa_simulator.world.http import CACHED_MAX, ORIGIN, Headers, Response

MOUNT = "/mfa/"
FORWARD_AUTH = "/mfa/forward-auth"  # what a proxy asks has its own reply
OURS = "wsgi_mfa_"
HOST_PREFIX = "__Host-"
DAY_SECONDS = 86_400
#: No cookie of ours may live longer than those of known browsers (D46).
AGE_DAYS_MAX = 400


class ReplyJudge:
    """Looks at replies as a browser and a security scanner do."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def judge(self, call: JudgedCall) -> None:
        """Judge one reply."""
        response = call.response
        if response is None or response.crash is not None:
            return
        for seen in (*_cookie_faults(response.headers), *self._header_faults(call, response)):
            self._ledger.report(invariant_names.REPLIES, seen, call)
        if SESSION_COOKIE in response.cookies and any(call.opened(save) for save in call.saves):
            self._judge_renewal(call, response)

    def judge_save(self, call: JudgedCall, save: Save) -> None:
        """Judge that a form changed what its page showed, and nothing that came into its place."""
        shown_key, shown_code = call.fields.get("pending"), call.fields.get("recovery_code_id")
        bound = save.after.authenticator
        if shown_key and save.is_binding and bound is not None and bound.id != shown_key:
            seen = "a key was bound by a form that showed another one"
            self._ledger.report(invariant_names.SEEN, seen, call, save)
        code = save.after.recovery_code
        if shown_code and "recovery_code.saved" in save.kinds and (code is None or code.id != shown_code):
            seen = "a recovery code was taken for stored by a form that showed another one"
            self._ledger.report(invariant_names.SEEN, seen, call, save)

    def _judge_renewal(self, call: JudgedCall, response: Response) -> None:
        """Each success gives the browser a new id, so that an id which was put there before is worth nothing."""
        sent, given = id_in(call.cookies.get(BROWSER_COOKIE)), id_in(response.cookies.get(BROWSER_COOKIE))
        if given is None or given == sent:
            seen = "a second factor was accepted, and the browser kept the id that it came with"
            self._ledger.report(invariant_names.RENEWAL, seen, call)

    def _header_faults(self, call: JudgedCall, response: Response) -> Iterator[str]:
        if response.from_app:
            return
        location = response.header("Location")
        if location is not None and not _is_of_this_site(location):
            yield f"a reply leads away from the site, to {location[:80]}"
        if not call.path.startswith(MOUNT) or call.path == FORWARD_AUTH:
            return
        if "no-store" not in (response.header("Cache-Control") or ""):
            yield "a reply of the middleware may be kept in a cache: it has no Cache-Control: no-store"
        if response.header("X-Content-Type-Options") != "nosniff":
            yield "a reply of the middleware has no X-Content-Type-Options: nosniff"
        policy = response.header("Content-Security-Policy") or ""
        needed = ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'")
        missing = [part for part in needed if part not in policy]
        if missing or "unsafe-inline" in policy or "unsafe-eval" in policy:
            yield f"the Content-Security-Policy of a reply is not strict: {policy[:80] or 'there is none'}"


def _is_of_this_site(location: str) -> bool:
    """Return whether a browser stays at this site: it takes a backslash for a slash, and skips control characters."""
    if any(ord(letter) <= 0x20 or letter == "\\" for letter in location):
        return False
    if location.startswith(ORIGIN):
        return location[len(ORIGIN) : len(ORIGIN) + 1] in ("", "/", "?", "#")
    return location.startswith(("/", "?")) and not location.startswith("//")


@lru_cache(maxsize=CACHED_MAX)
def _cookie_faults(headers: Headers) -> tuple[str, ...]:
    found = []
    for name, value in headers:
        if name.lower() == "set-cookie" and OURS in value.partition("=")[0]:
            fault = _fault_of(value)
            if fault is not None:
                found.append(f"the cookie {value.partition('=')[0]} {fault}")
    return tuple(found)


def _fault_of(header: str) -> str | None:
    pair, *parts = header.split(";")
    attributes = {}
    for part in parts:
        key, _, text = part.strip().partition("=")
        attributes[key.lower()] = text.strip()
    if "httponly" not in attributes:
        return "can be read by scripts: it has no HttpOnly"
    if attributes.get("samesite", "").lower() not in ("lax", "strict"):
        return "comes with requests of other sites: it has no SameSite"
    if attributes.get("path") != "/" or "domain" in attributes:
        return "is not for all of this host alone: it needs Path=/ and no Domain"
    if pair.startswith(HOST_PREFIX) and "secure" not in attributes:
        return "has the prefix __Host- and is not Secure, so browsers refuse it"
    age = attributes.get("max-age")
    if age is not None and (not age.lstrip("-").isdigit() or int(age) > AGE_DAYS_MAX * DAY_SECONDS):
        return f"lives longer than {AGE_DAYS_MAX} days: Max-Age={age}"
    return None
