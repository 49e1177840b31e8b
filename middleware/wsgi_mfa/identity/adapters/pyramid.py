"""The signed session cookie of Pyramid: an HMAC, and behind it when it was renewed and made, and what it holds."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import io
import json
import pickle  # what stands behind a good HMAC is read without any class in it
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wsgi_mfa.clock import Clock, SystemClock
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, Adapter, AdapterTraits, Credentials, Identification
from wsgi_mfa.identity.adapters.framework_session import reject_short
from wsgi_mfa.identity.adapters.session_user import SessionUser
from wsgi_mfa.identity.request.cookie_header import value_in

SERIALIZERS = ("json", "pickle")
_BASE64 = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class PyramidSession:
    """Reads the user out of the cookie of ``pyramid.session.SignedCookieSessionFactory``.

    ``secret``, ``salt``, ``digest`` (``hashalg`` there), ``cookie`` (``cookie_name``) and ``timeout_seconds``
    (``timeout``) are the factory's own arguments, with its defaults. ``user_key`` is the session's key with the
    user's id; ``auth.userid`` is that of ``SessionAuthenticationPolicy`` and ``SessionAuthenticationHelper``. ``user``
    makes an id of another value there, and ``anonymous_keys`` are keys of visitors' sessions that look like users'.
    ``serializer`` is ``json``, or ``pickle`` for Pyramid before 2.0.

    Nothing in the cookie stands for one sign-in, so logins have no fingerprint.
    """

    # The cookie itself is the session (D8).
    traits = AdapterTraits(user_changes_in_response=True, renews_sessions=True, cookies_alone=True)

    def __init__(
        self,
        secret: str | bytes,
        *,
        cookie: str = "session",
        user_key: str,
        user: Callable[[Any], Any] | None = None,
        anonymous_keys: Sequence[str] = (),
        salt: str = "pyramid.session.",
        digest: str = "sha512",
        timeout_seconds: int | None = 1200,
        serializer: str = "json",
        clock: Clock | None = None,
    ) -> None:
        """Check the settings; nothing is read from the application.

        :raises ConfigurationError: a setting has no legal value; the message names both.
        """
        reject_short(secret, adapter="PyramidSession", setting="secret")
        if digest not in hashlib.algorithms_available or not hashlib.new(digest).digest_size:
            raise ConfigurationError(
                f"PyramidSession: digest is {digest!r}: legal are the names in hashlib, such as sha512",
                setting="digest",
            )
        if serializer not in SERIALIZERS:
            raise ConfigurationError(
                f"PyramidSession: serializer is {serializer!r}: legal are {', '.join(SERIALIZERS)}",
                setting="serializer",
            )
        if timeout_seconds is not None and timeout_seconds < 1:
            raise ConfigurationError(
                f"PyramidSession: timeout_seconds is {timeout_seconds}: legal are whole numbers from 1 up",
                setting="timeout_seconds",
            )
        self.credentials = Credentials(cookies=(cookie,))
        self._cookie = cookie
        self._session_user = SessionUser("PyramidSession", user_key, user=user, anonymous_keys=anonymous_keys)
        self.traits = replace(self.traits, user_names=self._session_user.user_names)
        self._key = _salted(salt, secret)
        self._digest = digest
        self._digest_bytes = hashlib.new(digest).digest_size
        self._timeout = timeout_seconds
        self._load = json.loads if serializer == "json" else _plain_pickle
        self._clock = clock or SystemClock()

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        value = value_in(environ.get("HTTP_COOKIE", ""), self._cookie)
        if not value:
            return None
        data = self._signed_in(value)
        if data is None:
            return UNRESOLVED
        try:
            renewed, _, state = self._load(data)
            age_seconds = self._clock.now() / SECOND - float(renewed)
        except Exception:  # noqa: BLE001 - whatever a serializer makes of another one's data
            return UNRESOLVED
        if not isinstance(state, dict) or (self._timeout is not None and age_seconds > self._timeout):
            return UNRESOLVED
        return self._session_user.first_factor_in(state)

    def selftest(self) -> list[str]:
        return []

    def store_selftest(self) -> list[str]:
        return []

    def _signed_in(self, value: str) -> bytes | None:
        if _BASE64.fullmatch(value) is None:
            return None
        try:
            signed = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        except binascii.Error:
            return None
        mac, data = signed[: self._digest_bytes], signed[self._digest_bytes :]
        return data if hmac.compare_digest(hmac.digest(self._key, data, self._digest), mac) else None


def _salted(salt: str, secret: str | bytes) -> bytes:
    """Salt and secret as WebOb joins them: in latin-1 where both allow it, else in UTF-8."""
    if isinstance(secret, bytes):
        return salt.encode("latin-1", "replace") + secret
    try:
        return (salt + secret).encode("latin-1")
    except UnicodeEncodeError:
        return (salt + secret).encode("utf-8")


class _NoClasses(pickle.Unpickler):
    """Reads text, numbers, lists and dictionaries, and nothing that could act."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - the base class's signature
        raise pickle.UnpicklingError(f"a session of {module}.{name} is not read")


def _plain_pickle(data: bytes) -> Any:  # noqa: ANN401 - whatever was serialized
    return _NoClasses(io.BytesIO(data)).load()


if TYPE_CHECKING:
    _: Adapter = PyramidSession("", user_key="")
