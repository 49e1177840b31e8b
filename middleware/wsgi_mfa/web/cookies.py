"""The middleware's two cookies: which browser this is, and which session it has shown a second factor for.

A value is ``store.random.key_id.mac``: eight characters of the store's id (D2), a random id, and a signature that
names its key. The session cookie is derived from the session's id, so that a lost reply can be given again
(D10), and it is signed for its user; what is stored on the server cannot be turned into a cookie without a key.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache

from wsgi_mfa.keys import KeyRing, KeySource

logger = logging.getLogger("wsgi_mfa")

_STORE_CHARACTERS = 8
_ID_CHARACTERS = 32  # 128 bits in hex
_CACHED_VALUES_MAX = 4096
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, kw_only=True, slots=True)
class CookieNames:
    """The names for one way of being reached."""

    browser: str
    session: str
    secure: bool

    @property
    def all(self) -> tuple[str, str]:
        return self.browser, self.session

    @classmethod
    def over_https(cls) -> CookieNames:
        """``__Host-`` binds a cookie to this very host, https and the whole path (R53)."""
        return cls(browser="__Host-wsgi_mfa_browser", session="__Host-wsgi_mfa_session", secure=True)

    @classmethod
    def over_plain_http(cls, port: str) -> CookieNames:
        """Cookies cross ports, so the port is part of the name; without https there is no ``__Host-``."""
        return cls(browser=f"wsgi_mfa_browser_{port}", session=f"wsgi_mfa_session_{port}", secure=False)


class CookieSigner:
    """Makes and checks the values of both cookies for one store and one key ring."""

    def __init__(self, *, keys: KeySource, store_id: str) -> None:
        self._keys = keys
        self._store = store_id[:_STORE_CHARACTERS]
        # A value that was signed stays signed, as long as the ring is the same; who may use it is asked of the
        # account each time (D24).
        self._id_of = lru_cache(maxsize=_CACHED_VALUES_MAX)(self._checked_id)

    def browser_value(self, browser: str) -> str:
        return self._value("cookie/browser", browser, "")

    def session_value(self, session_id: str, user: str) -> str:
        return self._value("cookie/session", session_id, user)

    def browser_of(self, value: str | None) -> str | None:
        """The browser's id in a cookie's value; None when there is none that this store has signed."""
        return self._id_of(self._keys.ring, "cookie/browser", value, "")

    def session_id_of(self, value: str | None, user: str) -> str | None:
        """The session's id in a cookie's value, if it was signed for ``user`` (R49)."""
        return self._id_of(self._keys.ring, "cookie/session", value, user)

    def _value(self, purpose: str, random_id: str, user: str) -> str:
        signed = self._keys.ring.sign_value(purpose, _message(self._store, random_id, user))
        return f"{self._store}.{random_id}.{signed}"

    def _checked_id(self, ring: KeyRing, purpose: str, value: str | None, user: str) -> str | None:
        if value is None:
            return None
        store, _, rest = value.partition(".")
        random_id, _, signed = rest.partition(".")
        if len(random_id) != _ID_CHARACTERS or not _HEX.issuperset(random_id):
            return None
        if not ring.check_value(purpose, _message(store, random_id, user), signed):
            return None
        if store != self._store:
            # Signed by our keys for another store: this one was lost and made anew, or confused (D2).
            logger.error(
                "a browser carries a cookie of another store (%s..., this one is %s...)", store, self._store
            )
            return None
        return random_id


def _message(store: str, random_id: str, user: str) -> bytes:
    return f"{store}\0{random_id}\0{user}".encode()


def set_cookie(name: str, value: str, *, secure: bool) -> tuple[str, str]:
    """A ``Set-Cookie`` header without an expiry: it ends with the browser, and on the server before that (R53)."""
    return "Set-Cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"


def expire_cookie(name: str, *, secure: bool) -> tuple[str, str]:
    """A ``Set-Cookie`` header that takes the cookie away."""
    attributes = f"; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
    return "Set-Cookie", f"{name}={attributes}"
