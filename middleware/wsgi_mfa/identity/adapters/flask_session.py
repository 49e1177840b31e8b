"""The session cookie of Flask, read as Flask reads it: signed and timed by itsdangerous, JSON inside."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

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
from wsgi_mfa.identity.adapters.framework_session import has_changing_id
from wsgi_mfa.identity.adapters.session_user import SessionUser
from wsgi_mfa.identity.request.cookie_header import value_in

# Flask's PERMANENT_SESSION_LIFETIME, by which it checks every session cookie, permanent or not.
SESSION_SECONDS_MAX = 31 * 24 * 60 * 60

_SECRET_CHARACTERS_MIN = 8
_PAYLOAD_BYTES_MAX = 1024 * 1024
_CACHED_COOKIES_MAX = 1024


class _Signed(NamedTuple):
    first_factor: FirstFactor
    signed_at_seconds: int


class FlaskSession:
    """Reads the user out of Flask's client-side session.

    ``secret_key`` is the application's ``SECRET_KEY`` and ``fallbacks`` its ``SECRET_KEY_FALLBACKS``; ``cookie``
    is its ``SESSION_COOKIE_NAME``. ``user_key`` is the session key that holds the user's id, such as
    ``_user_id`` for Flask-Login; ``user`` makes an id of a value that is neither text nor a number.
    ``anonymous_keys`` are keys of visitors' sessions that look like those of users.

    The cookie changes at every write and holds no id of the sign-in, so logins have no fingerprint. A good
    cookie is remembered with the time at which it was signed, and its age is judged anew on each request.
    """

    # The cookie itself is the session, and another one after each sign-in (D8).
    traits = AdapterTraits(user_changes_in_response=True, renews_sessions=True, cookies_alone=True)

    def __init__(
        self,
        secret_key: str | bytes,
        *,
        cookie: str = "session",
        user_key: str,
        user: Callable[[Any], Any] | None = None,
        anonymous_keys: Sequence[str] = (),
        salt: str = "cookie-session",
        fallbacks: Sequence[str | bytes] = (),
    ) -> None:
        """Check the settings; nothing is read from the application.

        :raises ConfigurationError: a secret is too short, or the package itsdangerous is missing.
        """
        try:
            import itsdangerous
        except ImportError:
            raise ConfigurationError(
                "FlaskSession needs the package itsdangerous: pip install 'wsgi-mfa[flask]'",
                setting="identity",
            ) from None
        for name, secret in (("secret_key", secret_key), *(("fallbacks", each) for each in fallbacks)):
            if len(secret) < _SECRET_CHARACTERS_MIN:
                raise ConfigurationError(
                    f"FlaskSession: {name} must have at least {_SECRET_CHARACTERS_MIN} characters, and be the"
                    " portal's own SECRET_KEY",
                    setting=name,
                )
        self.credentials = Credentials(cookies=(cookie,))
        self._cookie = cookie
        self._session_user = SessionUser("FlaskSession", user_key, user=user, anonymous_keys=anonymous_keys)
        self.traits = replace(self.traits, user_names=self._session_user.user_names)
        self._bad_data = itsdangerous.BadData
        # The oldest key first: itsdangerous signs with the last one and checks with all. It would derive each of them
        # anew for each cookie, so that is done once here.
        secrets = [_bytes_of(each) for each in (*fallbacks, secret_key)]
        signer = itsdangerous.TimestampSigner(
            secrets, salt=salt, key_derivation="hmac", digest_method=hashlib.sha1
        )
        self._signer = itsdangerous.TimestampSigner(
            [signer.derive_key(each) for each in secrets], key_derivation="none", digest_method=hashlib.sha1
        )
        self._cookie_values: dict[str, _Signed] = {}

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        value = value_in(environ.get("HTTP_COOKIE", ""), self._cookie)
        if not value:
            return None
        signed = self._cookie_values.get(value)
        if signed is None:
            read = self._read(value)
            if not isinstance(read, _Signed):
                return read
            # Only a user is remembered (D3), and garbage from outside cannot crowd out what is.
            if len(self._cookie_values) >= _CACHED_COOKIES_MAX:
                self._cookie_values.clear()
            signed = self._cookie_values[value] = read
        # The signer's own clock, so that whatever the application takes for the time counts here too.
        age_seconds = self._signer.get_timestamp() - signed.signed_at_seconds
        return signed.first_factor if 0 <= age_seconds <= SESSION_SECONDS_MAX else UNRESOLVED

    def selftest(self) -> list[str]:
        sample = base64.urlsafe_b64encode(json.dumps({"selftest": "selftest"}).encode()).rstrip(b"=")
        cookie = self._signer.sign(sample).decode("ascii")
        if self._read(cookie) is UNRESOLVED:
            return ["FlaskSession cannot read a session that it signed itself: reinstall itsdangerous"]
        return []

    def store_selftest(self) -> list[str]:
        return []

    def _read(self, value: str) -> _Signed | Unresolved | None:
        try:
            payload, signed_at = self._signer.unsign(value, return_timestamp=True)
        except self._bad_data:
            return UNRESOLVED
        session = _session_in(payload)
        if session is None:
            return UNRESOLVED
        # Flask writes other types than text and numbers as tagged objects.
        first_factor = self._session_user.first_factor_in(session, changing=has_changing_id(session))
        if not isinstance(first_factor, FirstFactor):
            return first_factor
        return _Signed(first_factor=first_factor, signed_at_seconds=int(signed_at.timestamp()))


def _bytes_of(secret: str | bytes) -> bytes:
    return secret.encode() if isinstance(secret, str) else secret


def _session_in(payload: bytes) -> dict[str, Any] | None:
    """The session in a signed payload, or None; a leading dot says that it is compressed."""
    compressed = payload.startswith(b".")
    data = payload[1:] if compressed else payload
    try:
        data = base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))
        if compressed:
            # What is cut off here is no JSON any more, and so no session.
            data = zlib.decompressobj().decompress(data, _PAYLOAD_BYTES_MAX)
        session = json.loads(data)
    except (ValueError, zlib.error, RecursionError):
        return None
    return session if isinstance(session, dict) else None


if TYPE_CHECKING:
    _: Adapter = FlaskSession("", user_key="")
