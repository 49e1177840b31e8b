"""What the adapters share that read a session which the application's framework keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor, Unresolved

SECRET_CHARACTERS_MIN = 8


# Set by Flask-Security at each sign-in, whose users have an id that is replaced when the password changes.
_FLASK_SECURITY_KEY = "fs_paa"


def has_changing_id(session: Mapping[str, Any]) -> bool:
    """Whether a session of Flask names its user by an id that the portal replaces (D1)."""
    return _FLASK_SECURITY_KEY in session


def first_factor_of(
    user: object, *, session_id: str | None = None, changing: bool = False
) -> FirstFactor | Unresolved | None:
    """The user whom a session names, bound to the session's id where the server keeps one.

    Ids are text or numbers. What else a session may hold under the key is for the application alone to know.
    """
    if user is None:
        return None
    if isinstance(user, bool) or not isinstance(user, str | int) or user == "":
        return UNRESOLVED
    login = None if session_id is None else fingerprint_of(session_id)
    return FirstFactor(user=str(user), login=login, changing=changing)


def fingerprint_of(session_id: str) -> str:
    """What names a session in our store, where its id would be as good as a password."""
    return hashlib.sha256(b"wsgi-mfa login 1\0" + session_id.encode("utf-8", "surrogatepass")).hexdigest()[
        :32
    ]


def reject_short(secret: str | bytes, *, adapter: str, setting: str) -> None:
    """Refuse a secret that is a placeholder.

    :raises ConfigurationError: it has less than eight characters.
    """
    if len(secret) < SECRET_CHARACTERS_MIN:
        raise ConfigurationError(
            f"{adapter}: {setting} must have at least {SECRET_CHARACTERS_MIN} characters, and be the portal's own",
            setting=setting,
        )


def problem_in(question: Callable[[], object], *, asking: str) -> list[str]:
    """The problem of a self-test that asks ``question``; none where it is answered at all."""
    try:
        question()
    except Exception as error:  # noqa: BLE001 - whatever a framework's store raises is what is wrong
        return [f"{asking}: {error!r}"]
    return []
