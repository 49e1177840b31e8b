"""The middleware's cookies: which browser this is, its session, and by which secrets it is known.

A value is ``store.random.key_id.proof``: eight characters of the store's id (D2), a random id, and a proof that names
its key. That of a browser is a signature. That of a session is its user, sealed for this id: so the cookie tells
nobody whose it is (R53), and tells us whose session ends when somebody else comes with it (R51). It is derived
from the session's id, so that a lost reply can be given again (D10); what is stored on the server cannot be turned
into a cookie without a key.

The third cookie outlives sessions and users: it holds the secrets by which the browser is known, and is read in
:mod:`wsgi_mfa.web.browser_cookie`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from wsgi_mfa.errors import UnknownKeyError, UnsealError
from wsgi_mfa.identity.request.cookie_header import OWN_SESSION_PREFIX
from wsgi_mfa.identity.sealing.chunks import SECOND_NAME
from wsgi_mfa.keys.ring import NONCE_BYTES, KeyRing, KeySource, SealContext

logger = logging.getLogger("wsgi_mfa")

_STORE_CHARACTERS = 8
_ID_CHARACTERS = 32  # 128 bits in hex
_PADDED_BYTES = 32
_CACHED_VALUES_MAX = 4096
_HEX = frozenset("0123456789abcdef")
BROWSER_PREFIX = "__Host-wsgi_mfa_browser_"
KNOWN_SECRETS_MAX = 8  # users of one browser that may know it (D46)
_BITS_128 = r"[A-Za-z0-9_-]{22}"  # in base64url
_KNOWN_VALUE = re.compile(rf"{_BITS_128}(?:\.{_BITS_128}){{0,{KNOWN_SECRETS_MAX - 1}}}", re.ASCII)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class CookieNames:
    """The names for one way of being reached."""

    browser: str
    session: str
    known: str
    secure: bool

    @property
    def all(self) -> tuple[str, ...]:
        return self.browser, self.session, self.known

    @classmethod
    def over_https(cls, label: str) -> CookieNames:
        """Return the names of the portal with this label (D49).

        ``__Host-`` binds a cookie to this very host, https and the whole path (R53).
        """
        return cls(
            browser=f"{BROWSER_PREFIX}{label}",
            session=f"{OWN_SESSION_PREFIX}{label}",
            known=f"__Host-wsgi_mfa_known_{label}",
            secure=True,
        )

    @classmethod
    def over_plain_http(cls, port: str, label: str | None = None) -> CookieNames:
        """Return the names for a port: cookies cross ports, and without https there is no ``__Host-``.

        ``label`` is that of a portal which shares the port with others.
        """
        end = port if label is None else f"{port}_{label}"
        return cls(
            browser=f"wsgi_mfa_browser_{end}",
            session=f"wsgi_mfa_session_{end}",
            known=f"wsgi_mfa_known_{end}",
            secure=False,
        )


class CookieSigner:
    """Makes and checks the values of both cookies for one store and one key ring."""

    def __init__(self, *, keys: KeySource, store_id: str) -> None:
        self._keys = keys
        self._store = store_id[:_STORE_CHARACTERS]
        # A value that was signed stays signed, as long as the ring is the same; who may use it is asked of the
        # account each time (D24). Only values that were signed here are kept, so that no client chooses their size.
        self._browsers: dict[str, tuple[KeyRing, str]] = {}
        self._owners: dict[str, tuple[KeyRing, tuple[str, str]]] = {}

    def browser_value(self, browser: str, remembered: tuple[tuple[str, str], ...] = ()) -> str:
        """The value for a browser and, for each user who had it remembered, its id and secret there (R55)."""
        body = "-".join((browser, *(f"{browser_id}{secret}" for browser_id, secret in remembered)))
        signed = self._keys.ring.sign_value("cookie/browser", _message(self._store, body))
        return f"{self._store}.{body}.{signed}"

    def session_value(self, session_id: str, user: str) -> str:
        ring = self._keys.ring
        # Never the same for two users or ids, and the same when the same cookie is given again.
        nonce = ring.sign("cookie/session", _message(self._store, session_id, user))[:NONCE_BYTES]
        name = user.encode()
        name += bytes(-len(name) % _PADDED_BYTES)  # its length is not to be told either
        sealed = ring.seal(name, nonce=nonce, context=_place(self._store, session_id))
        return f"{self._store}.{session_id}.{sealed}"

    def browser_of(self, value: str | None) -> str | None:
        """The browser's id in a cookie's value; None when there is none that this store has signed."""
        body = None if value is None else self._browser_of(value)
        return None if body is None else body[:_ID_CHARACTERS]

    def remembered_of(self, value: str | None) -> tuple[tuple[str, str], ...]:
        """The ids and secrets in a browser cookie's value, if this store has signed it."""
        body = None if value is None else self._browser_of(value)
        held = () if body is None else body.split("-")[1:]
        return tuple((each[:_ID_CHARACTERS], each[_ID_CHARACTERS:]) for each in held)

    def session_id_of(self, value: str | None, user: str) -> str | None:
        """The session's id in a cookie's value, if it was made for ``user`` (R49)."""
        owned = self.session_of(value)
        return owned[0] if owned is not None and owned[1] == user else None

    def session_of(self, value: str | None) -> tuple[str, str] | None:
        """The session's id in a cookie's value, and the user for whom it was made."""
        return None if value is None else self._owner_of(value)

    def _browser_of(self, value: str) -> str | None:
        return _kept(self._browsers, value, self._keys.ring, self._checked_browser)

    def _owner_of(self, value: str) -> tuple[str, str] | None:
        return _kept(self._owners, value, self._keys.ring, self._opened_session)

    def alert_of_other_stores(self, own_cookies: Mapping[str, str], names: CookieNames) -> None:
        """Log an alert for each session cookie that our keys have made for another store (D2).

        A store that was made again gives the cookies other names, by its id in their label.
        """
        for name, value in own_cookies.items():
            if name.startswith(OWN_SESSION_PREFIX) and name != names.session:
                self.session_of(value)

    def _checked_browser(self, ring: KeyRing, value: str) -> str | None:
        """The id, and behind hyphens what the browser is remembered by."""
        store, _, rest = value.partition(".")
        body, _, signed = rest.partition(".")
        if not _HEX.issuperset(body.replace("-", "")):
            return None
        if not ring.check_value("cookie/browser", _message(store, body), signed):
            return None
        return body if self._is_ours(store) else None

    def _opened_session(self, ring: KeyRing, value: str) -> tuple[str, str] | None:
        store, random_id, sealed = _parts(value)
        if random_id is None:
            return None
        try:
            name = ring.open(sealed, context=_place(store, random_id))
        except (UnsealError, UnknownKeyError):
            return None
        return (random_id, name.rstrip(b"\0").decode()) if self._is_ours(store) else None

    def _is_ours(self, store: str) -> bool:
        if store != self._store:
            # Proven by our keys for another store: this one was lost and made anew, or confused (D2).
            logger.error(
                "a browser carries a cookie of another store (%s..., this one is %s...)", store, self._store
            )
        return store == self._store


def _parts(value: str) -> tuple[str, str | None, str]:
    """The store, the random id, None where it is none, and the proof, not yet checked."""
    store, _, rest = value.partition(".")
    random_id, _, proof = rest.partition(".")
    is_id = len(random_id) == _ID_CHARACTERS and _HEX.issuperset(random_id)
    return store, random_id if is_id else None, proof


def _message(*parts: str) -> bytes:
    return "\0".join(parts).encode()


def _place(store: str, session_id: str) -> SealContext:
    return SealContext(store_id=store, user="", field=f"cookie/session/{session_id}")


def known_secrets_in(value: str | None) -> tuple[str, ...]:
    """Return the secrets in the value of the third cookie; none where it is not one of ours."""
    if value is None or _KNOWN_VALUE.fullmatch(value) is None:
        return ()
    return tuple(dict.fromkeys(value.split(".")))


def set_cookie(name: str, value: str, *, secure: bool, age_seconds_max: int | None = None) -> tuple[str, str]:
    """A ``Set-Cookie`` header without an expiry: it ends with the browser, and on the server before that (R53).

    Only those of remembered and known browsers have one, ``age_seconds_max`` from now; the server decides by its own
    count (R55, D46).
    """
    age = "" if age_seconds_max is None else f"; Max-Age={age_seconds_max}"
    return "Set-Cookie", f"{name}={value}; Path=/{age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"


def clearing_cookies(names: Iterable[str], *, mount: str, host: str) -> tuple[tuple[str, str], ...]:
    """Return headers that take away every cookie of ``names`` that this host could have set, in one piece or two."""
    return tuple(
        (
            "Set-Cookie",
            f"{name}{suffix}=; Path={path}; Max-Age=0{domain}{'; Secure' if _is_prefixed(name) else ''}",
        )
        for name in names
        for suffix in ("", SECOND_NAME)
        for path in _paths_here(mount)
        for domain in _domains_of(host)
    )


def _is_prefixed(name: str) -> bool:
    """Return whether browsers keep to the rules of a prefix, also where a cookie is taken away."""
    return name.startswith(("__Host-", "__Secure-"))


def _paths_here(mount: str) -> tuple[str, ...]:
    """The paths of cookies that a browser sends to our pages: its prefixes, with and without a slash."""
    parts = mount.split("/")[1:]
    prefixes = ["/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return ("/", *prefixes, *(f"{prefix}/" for prefix in prefixes))


def _domains_of(host: str) -> tuple[str, ...]:
    """The attribute for this host alone, and those for it and its parents with all below them."""
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z][A-Za-z0-9-]*", name):
        return ("",)  # an address, or a name without a dot, has no parents
    labels = name.split(".")
    return ("", *(f"; Domain={'.'.join(labels[start:])}" for start in range(len(labels) - 1)))


def expire_cookie(name: str, *, secure: bool) -> tuple[str, str]:
    """A ``Set-Cookie`` header that takes the cookie away."""
    attributes = f"; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
    return "Set-Cookie", f"{name}={attributes}"


def _kept(
    values: dict[str, tuple[KeyRing, T]], value: str, ring: KeyRing, read: Callable[[KeyRing, str], T | None]
) -> T | None:
    """Return what ``read`` makes of a cookie's value; what was good is kept in ``values``."""
    known = values.get(value)
    if known is not None and known[0] is ring:
        return known[1]
    made = read(ring, value)
    if made is not None:
        if len(values) >= _CACHED_VALUES_MAX:
            values.clear()
        values[value] = (ring, made)
    return made
