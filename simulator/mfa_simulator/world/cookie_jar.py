"""The cookie jar of an emulated browser; its cookies expire in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from mfa_simulator.language.quantities import EPOCH, SECOND


@dataclass(frozen=True, kw_only=True, slots=True)
class Cookie:
    """One cookie; `expires_at` is an instant in microseconds, or None for one that ends with the browser."""

    name: str
    value: str
    path: str = "/"
    expires_at: int | None = None


class CookieJar:
    """Keeps what `Set-Cookie` says (RFC 6265, one host), and gives the `Cookie` header of a request."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str], Cookie] = {}

    def store(self, header: str, *, now: int) -> None:
        """Take one `Set-Cookie` header; one that has expired already removes its cookie."""
        pair, *attributes = header.split(";")
        name, equals, value = pair.strip().partition("=")
        if not equals or not name:
            return
        values = {}
        for attribute in attributes:
            key, _, text = attribute.strip().partition("=")
            values[key.lower()] = text.strip()
        cookie = Cookie(
            name=name, value=value, path=values.get("path") or "/", expires_at=_expiry(values, now)
        )
        if cookie.expires_at is not None and cookie.expires_at <= now:
            self._cookies.pop((cookie.name, cookie.path), None)
        else:
            self._cookies[cookie.name, cookie.path] = cookie

    def header(self, path: str, *, now: int) -> str | None:
        """Give the `Cookie` header for a path, longer paths first, or None when there is nothing to send."""
        found = [cookie for cookie in self._live(now) if cookie.path == "/" or _matches(path, cookie.path)]
        if len(found) > 1:
            found.sort(key=_by_path)
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in found) or None

    def take(self, other: CookieJar, *, now: int, name: str) -> None:
        """Copy the cookies of one name from another browser, as a thief does."""
        for cookie in other._live(now):
            if cookie.name == name:
                self._cookies[cookie.name, cookie.path] = cookie

    def value_of(self, name: str, *, now: int) -> str | None:
        """Give the value of a cookie that would be sent now, or None."""
        return next((cookie.value for cookie in self._live(now) if cookie.name == name), None)

    def take_those(self, other: CookieJar, *, now: int, named: Callable[[str], bool]) -> None:
        """Copy the cookies whose names are meant from another browser."""
        for cookie in other._live(now):
            if named(cookie.name):
                self._cookies[cookie.name, cookie.path] = cookie

    def clear(self, named: Callable[[str], bool]) -> None:
        """Forget the cookies whose names are meant."""
        self._cookies = {key: cookie for key, cookie in self._cookies.items() if not named(cookie.name)}

    def holds(self, text: str, *, now: int) -> bool:
        """Whether a cookie that would be sent now has a text in its value."""
        return any(text in cookie.value for cookie in self._live(now))

    def names(self, *, now: int) -> list[str]:
        """Give the names of the cookies that would be sent now, in the order in which they came."""
        return [cookie.name for cookie in self._live(now)]

    def copy(self) -> CookieJar:
        """Give a jar of its own with the same cookies."""
        jar = CookieJar()
        jar._cookies = dict(self._cookies)
        return jar

    def close(self) -> None:
        """Drop what lasts only as long as the browser is open."""
        self._cookies = {
            key: cookie for key, cookie in self._cookies.items() if cookie.expires_at is not None
        }

    def _live(self, now: int) -> list[Cookie]:
        return [item for item in self._cookies.values() if item.expires_at is None or item.expires_at > now]


def _expiry(values: dict[str, str], now: int) -> int | None:
    """Max-Age wins over Expires (RFC 6265, 5.3)."""
    if "max-age" in values:
        try:
            return now + int(values["max-age"]) * SECOND
        except ValueError:
            pass
    if "expires" in values:
        try:
            return int((parsedate_to_datetime(values["expires"]) - EPOCH).total_seconds()) * SECOND
        except (TypeError, ValueError):
            return None
    return None


def _by_path(cookie: Cookie) -> int:
    return -len(cookie.path)


def _matches(path: str, cookie_path: str) -> bool:
    return path == cookie_path or path.startswith(cookie_path.rstrip("/") + "/")
