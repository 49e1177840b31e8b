"""The auth_tkt cookie of Pyramid, repoze.who, Paste and mod_auth_tkt: a signed ticket that names a user.

A ticket is ``DIGEST TIMESTAMP USERID ! [TOKENS !] USER_DATA`` without the blanks: the digest in hex, the second
of its issue in eight hex digits, the user's id quoted as in a URL. The digest is
``H(hex(H(ADDRESS TIMESTAMP SECRET USERID NUL TOKENS NUL USER_DATA)) SECRET)``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from wsgi_mfa.clock import SystemClock
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import (
    UNRESOLVED,
    Adapter,
    AdapterTraits,
    Credentials,
    FirstFactor,
    Identification,
    Unresolved,
)
from wsgi_mfa.identity.request.cookie_header import value_in

DIGESTS = ("md5", "sha256", "sha512")

_SECRET_CHARACTERS_MIN = 8
_CACHED_TICKETS_MAX = 1024
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - what is signed in the place of an address that is left out
_SIGNED_OUT = "INVALID"  # what repoze.who writes over the ticket
_NUMBER = re.compile(rb"0|-?[1-9][0-9]{0,19}")
_ADDRESS_PART = re.compile(r"[0-9]{1,3}", re.ASCII)
# Pyramid names the type of the id after a colon, repoze.who after an equals sign.
_TYPES = re.compile(rb"(?:^|[|&])userid_type[:=]([^|&]*)")
_BASE64_TYPES = (b"userid_type:b64unicode", b"userid_type:b64str")


class _Ticket(NamedTuple):
    first_factor: FirstFactor
    issued_at: int


class AuthTkt:
    """Reads the user out of an auth_tkt cookie.

    ``secret``, ``digest`` (``md5``, ``sha256`` or ``sha512``), ``include_ip`` and ``timeout_seconds`` are those
    by which the application writes and reads its tickets; ``cookie`` is the cookie's name (``authtkt`` for
    repoze.who's and TurboGears' defaults). With ``include_ip`` a ticket counts only from the ``REMOTE_ADDR`` that
    it was issued to. Without ``timeout_seconds`` tickets do not expire.

    The only trace of a sign-in in a ticket is its timestamp, which is the fingerprint of the login. A ticket that
    the application issues anew in a response, as Pyramid's ``reissue_time`` has it do, is carried over (D34). Where
    something in front of the middleware issues tickets anew, such as mod_auth_tkt in Apache, nobody here sees it
    happen: there :class:`~wsgi_mfa.identity.adapters.remote_user.RemoteUser` is the adapter.

    A good ticket is remembered with its timestamp, and its age is judged anew on each request (D3).
    """

    # Each sign-in makes a ticket of its own (D8).
    traits = AdapterTraits(user_changes_in_response=True, renews_sessions=True, cookies_alone=True)

    def __init__(
        self,
        secret: str | bytes,
        *,
        cookie: str = "auth_tkt",
        digest: str = "sha512",
        include_ip: bool = False,
        timeout_seconds: int | None = None,
    ) -> None:
        """Check the settings; nothing is read from the application.

        :raises ConfigurationError: a setting has no legal value; the message names both.
        """
        if len(secret) < _SECRET_CHARACTERS_MIN:
            raise ConfigurationError(
                f"AuthTkt: secret must have at least {_SECRET_CHARACTERS_MIN} characters, and be the portal's own",
                setting="secret",
            )
        if digest not in DIGESTS:
            raise ConfigurationError(
                f"AuthTkt: digest is {digest!r}: legal are {', '.join(DIGESTS)}", setting="digest"
            )
        if timeout_seconds is not None and timeout_seconds < 1:
            raise ConfigurationError(
                f"AuthTkt: timeout_seconds is {timeout_seconds}: legal are whole numbers from 1 up, and None",
                setting="timeout_seconds",
            )
        self.credentials = Credentials(cookies=(cookie,), commas=True)  # they part the tokens
        self._secret = secret.encode() if isinstance(secret, str) else secret
        self._cookie = cookie
        self._digest = digest
        self._include_ip = include_ip
        self._timeout = None if timeout_seconds is None else timeout_seconds * SECOND
        self._clock = SystemClock()
        self._pattern = _pattern_of(digest)
        self._tickets: dict[tuple[str, str], _Ticket] = {}

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        value = value_in(environ.get("HTTP_COOKIE", ""), self._cookie)
        if not value or value == _SIGNED_OUT:
            return None
        address = environ.get("REMOTE_ADDR", "") if self._include_ip else _NO_ADDRESS
        ticket = self._tickets.get((value, address))
        if ticket is None:
            read = self._read(value, address)
            if not isinstance(read, _Ticket):
                return read
            # Only a user is remembered (D3), and garbage from outside cannot crowd out what is.
            if len(self._tickets) >= _CACHED_TICKETS_MAX:
                self._tickets.clear()
            ticket = self._tickets[value, address] = read
        if self._timeout is not None and ticket.issued_at + self._timeout < self._clock.now():
            return UNRESOLVED
        return ticket.first_factor

    def selftest(self) -> list[str]:
        try:
            hashlib.new(self._digest)
        except ValueError:
            return [f"AuthTkt: this Python has no {self._digest}: choose another digest, in the portal too"]
        return []

    def store_selftest(self) -> list[str]:
        return []

    def _read(self, value: str, address: str) -> _Ticket | Unresolved:
        match = self._pattern.fullmatch(_plain(value))
        if match is None:
            return UNRESOLVED
        digest, stamp, quoted_id, tokens, user_data = match.groups(default=b"")
        seconds, user_id = int(stamp, 16), unquote_to_bytes(quoted_id)
        place = _place(address, seconds)
        if place is None or b"\0" in user_id:
            return UNRESOLVED
        inner = hashlib.new(
            self._digest, place + self._secret + user_id + b"\0" + tokens + b"\0" + user_data
        ).hexdigest()
        outer = hashlib.new(self._digest, inner.encode("ascii") + self._secret).hexdigest()
        if not hmac.compare_digest(outer.encode("ascii"), digest):
            return UNRESOLVED
        user = _user_of(user_id, user_data)
        if not user:
            return UNRESOLVED
        first_factor = FirstFactor(user=user, login=stamp.decode("ascii"))
        return _Ticket(first_factor=first_factor, issued_at=seconds * SECOND)


def _pattern_of(digest: str) -> re.Pattern[bytes]:
    """A whole ticket; a NUL in a field could move the borders between the fields that were signed."""
    hex_digits = {"md5": 32, "sha256": 64, "sha512": 128}[digest]
    fields = rb"([^!\0]+)!(?:([^!\0]*)!)?([^\0]*)"
    return re.compile(rb"([0-9a-f]{%d})([0-9a-f]{8})" % hex_digits + fields, re.DOTALL)


def _plain(value: str) -> bytes:
    """The ticket in a cookie's value: as it stands, or as a whole quoted as in a URL or in base64 (mod_auth_tkt)."""
    if value.startswith('"'):
        value = value[1:-1].replace("\\054", ",")
    data = value.encode("latin-1", "replace")
    if b"!" in data:
        return data
    if b"%21" in data:
        return unquote_to_bytes(data)
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        return b""


def _place(address: str, seconds: int) -> bytes | None:
    """What is signed of address and time; None for an address in which no application could have signed."""
    if ":" in address:
        # Pyramid's way with IPv6: both as text.
        return f"{address}{seconds}".encode("latin-1", "replace")
    parts = address.split(".")
    if len(parts) != 4 or not all(_ADDRESS_PART.fullmatch(part) and int(part) < 256 for part in parts):
        return None
    return bytes(map(int, parts)) + seconds.to_bytes(4, "big")


def _user_of(user_id: bytes, user_data: bytes) -> str | None:
    """The id as the application reads it by its type; None where that could be another one than we read.

    User data may hold what a user chose. So the type that changes the id counts only where it stands as Pyramid
    writes it, alone, and any other type must leave the id as it is.
    """
    try:
        if user_data in _BASE64_TYPES:
            return base64.b64decode(user_id, validate=True).decode("utf-8")
        for kind in _TYPES.findall(user_data):
            if kind not in (b"int", b"unicode") or (kind == b"int" and _NUMBER.fullmatch(user_id) is None):
                return None
        return user_id.decode("utf-8")
    except ValueError:
        return None


if TYPE_CHECKING:
    _: Adapter = AuthTkt("")
