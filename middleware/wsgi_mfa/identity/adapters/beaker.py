"""Beaker's sessions, read by Beaker itself: Pylons, TurboGears, Kotti, Kallithea."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, Adapter, AdapterTraits, Credentials, Identification
from wsgi_mfa.identity.adapters.framework_session import problem_in
from wsgi_mfa.identity.adapters.session_user import SessionUser
from wsgi_mfa.identity.request.cookie_header import value_in

#: Kinds of storage that are of this machine: what goes wrong with a session there is wrong with that session.
_LOCAL = {"memory", "file", "dbm", "cookie", None}


class BeakerSession:
    """Reads the user's id under ``user_key`` out of Beaker's session; ``user`` makes one of another value there.

    ``anonymous_keys`` are keys of visitors' sessions that look like those of users.

    ``options`` are the application's own, as they stand in its ini file, with or without ``beaker.session.`` before
    each. ``secret`` goes in their place where it shall not stand in a file: it is ``validate_key`` for sessions of
    the type ``cookie`` and ``secret`` for all others. A session of the type ``memory`` is seen only in the same
    process.

    Beaker keeps a session's id over a sign-in, so a session is asked for on every request (D3).
    """

    traits = AdapterTraits(user_changes_in_response=True, cookies_alone=True, keeps_session_id=True)

    def __init__(
        self,
        options: Mapping[str, Any],
        *,
        user_key: str,
        user: Callable[[Any], Any] | None = None,
        anonymous_keys: Sequence[str] = (),
        secret: str | None = None,
    ) -> None:
        """Read the options as Beaker reads them.

        :raises ConfigurationError: Beaker is missing, or does not take the options.
        """
        try:
            from beaker.middleware import SessionMiddleware
            from beaker.session import SessionObject
        except ModuleNotFoundError:
            raise ConfigurationError(
                "BeakerSession needs Beaker, in the same process", setting="identity"
            ) from None
        prefixed = {
            name if name.startswith(("beaker.session.", "session.")) else f"session.{name}": value
            for name, value in options.items()
        }
        try:
            self._options: dict[str, Any] = SessionMiddleware(None, prefixed).options
        except Exception as error:
            raise ConfigurationError(f"BeakerSession: options: {error!r}", setting="options") from error
        self._type = self._options.get("type")
        if secret is not None:
            self._options["validate_key" if self._type == "cookie" else "secret"] = secret
        self._options["invalidate_corrupt"] = False  # we want to hear of it
        self._session_object = SessionObject
        self._cookie: str = self._options["key"]
        self._session_user = SessionUser("BeakerSession", user_key, user=user, anonymous_keys=anonymous_keys)
        self.traits = replace(self.traits, user_names=self._session_user.user_names)
        self.credentials = Credentials(cookies=(self._cookie,))

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        value = value_in(environ.get("HTTP_COOKIE", ""), self._cookie)
        if not value:
            return None
        return self._of(value)

    def selftest(self) -> list[str]:
        if self._options.get("validate_key" if self._type == "cookie" else "secret") is None:
            return [
                "BeakerSession: sessions are not signed: set "
                + ("validate_key" if self._type == "cookie" else "secret")
                + ", in the portal too"
            ]
        return []

    def store_selftest(self) -> list[str]:
        """Return the problems of the session store, which is asked for a made-up session."""
        made_up = SystemEntropy().token_bytes(20).hex()
        return problem_in(lambda: self._of(made_up), asking="BeakerSession cannot ask for a session")

    def _of(self, value: str) -> Identification:
        try:
            session = self._session_object({"HTTP_COOKIE": f"{self._cookie}={value}"}, **self._options)
            if session.is_new:
                return UNRESOLVED
            return self._session_user.first_factor_in(
                session, session_id=None if self._type == "cookie" else session.id
            )
        except AdapterUnavailableError:
            raise
        except OSError as error:
            raise AdapterUnavailableError(f"BeakerSession cannot ask for a session: {error!r}") from error
        except Exception as error:
            if self._type in _LOCAL:
                return UNRESOLVED
            raise AdapterUnavailableError(f"BeakerSession cannot ask for a session: {error!r}") from error


if TYPE_CHECKING:
    _: Adapter = BeakerSession({}, user_key="")
