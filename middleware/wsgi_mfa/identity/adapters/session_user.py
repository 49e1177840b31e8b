"""The user in a session of the portal, and sessions that name one under another key than was set."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wsgi_mfa.core.usernames import UserNames
from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor, Unresolved
from wsgi_mfa.identity.adapters.framework_session import first_factor_of

logger = logging.getLogger("wsgi_mfa")

#: Keys under which applications commonly keep their users.
USUAL_KEYS = frozenset(
    (
        "user",
        "user_id",
        "_user_id",
        "uid",
        "userid",
        "username",
        "account",
        "auth_user_id",
        "_auth_user_id",
        "auth.userid",
    )
)
#: Keys that mean a user only beside a second one of these.
_WEAK_KEYS = frozenset(("login", "identity"))
_LOGGED_MAX = 20
#: Keys under which applications keep the id of a user; under others there may be a name as it was typed.
ID_KEYS = frozenset(("user_id", "_user_id", "uid", "userid", "id", "auth_user_id", "_auth_user_id"))


class SessionUser:
    """Finds the user in the sessions of one portal: the value under ``user_key``, or what ``user`` makes of it.

    ``adapter`` is the name by which messages speak of the adapter. A session without a user that has a usual key of
    users names one that this setting misses: it proves nothing, and is logged once. ``anonymous_keys`` are keys of
    visitors that look alike.
    """

    def __init__(
        self,
        adapter: str,
        user_key: str,
        *,
        user: Callable[[Any], Any] | None = None,
        anonymous_keys: Sequence[str] = (),
    ) -> None:
        if not isinstance(user_key, str) or not user_key:
            raise ConfigurationError(
                f"{adapter}: user_key is {user_key!r}: legal is the session's key with the user's id",
                setting="user_key",
            )
        if user is not None and not callable(user):
            raise ConfigurationError(
                f"{adapter}: user is {user!r}: legal is a function that makes an id of the value under {user_key!r}",
                setting="user",
            )
        if isinstance(anonymous_keys, str) or not all(isinstance(key, str) for key in anonymous_keys):
            raise ConfigurationError(
                f"{adapter}: anonymous_keys is {anonymous_keys!r}: legal is a list of keys",
                setting="anonymous_keys",
            )
        self._adapter = adapter
        self.user_key = user_key
        self._user = user
        self._anonymous_keys = frozenset(anonymous_keys)
        self._logged: set[str] = set()

    @property
    def user_names(self) -> UserNames:
        """How spellings are taken: a key of ids has the portal's own, any other one perhaps what was typed."""
        return UserNames.EXACT if self.user_key in ID_KEYS and self._user is None else UserNames.ASK

    def first_factor_in(
        self, session: Mapping[str, Any], *, session_id: str | None = None, changing: bool = False
    ) -> FirstFactor | Unresolved | None:
        """Return the user that a valid session names, bound to ``session_id`` where the server keeps one.

        :raises AdapterUnavailableError: the function of the setting ``user`` failed.
        """
        value = session.get(self.user_key)
        if value is not None and self._user is not None:
            try:
                value = self._user(value)
            except Exception as error:
                raise AdapterUnavailableError(f"{self._adapter}: user failed: {error!r}") from error
        if value is None:
            return None if self._names_no_user(session) else UNRESOLVED
        if isinstance(value, bool) or not isinstance(value, str | int):
            self._log(
                "type",
                f"the session keeps {type(value).__name__} under {self.user_key!r}, and no user is let in: give"
                " user=, a function that makes text or a number of it",
            )
            return UNRESOLVED
        return first_factor_of(value, session_id=session_id, changing=changing)

    def _names_no_user(self, session: Mapping[str, Any]) -> bool:
        found = [
            key
            for key in session
            if key in USUAL_KEYS | _WEAK_KEYS
            and key not in (self.user_key, *self._anonymous_keys)
            and _is_user(session[key])
        ]
        if not USUAL_KEYS.intersection(found) and len(found) < 2:
            return True
        key = next((key for key in found if key in USUAL_KEYS), found[0])
        self._log(
            " ".join(sorted(found)),
            f"a session without {self.user_key!r} has {', '.join(map(repr, sorted(found)))} and was left out: set"
            f" user_key to the key of the portal's users, perhaps {key!r}, or name the key in anonymous_keys, if"
            f" visitors have it (all keys: {', '.join(sorted(map(repr, session)))})",
        )
        return False

    def _log(self, what: str, message: str) -> None:
        if what not in self._logged and len(self._logged) < _LOGGED_MAX:
            self._logged.add(what)
            logger.error("%s: %s", self._adapter, message)


def _is_user(value: object) -> bool:
    """Return whether a value may stand for a user: text, a number, or what an identity provider told of one."""
    return (
        isinstance(value, str | int | float | dict) and not isinstance(value, bool) and value not in ("", {})
    )
