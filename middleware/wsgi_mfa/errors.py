"""Every error that this package raises, under one root, with its facts as attributes.

An expected "no" (a wrong code, a locked account) is a decision and not an error. An error means that
something is configured wrongly, cannot be reached, or cannot be trusted; the web layer answers all of
them closed (R80). The root and the errors of the rules live in ``core``, which imports nothing else.
"""

from __future__ import annotations

from wsgi_mfa.core.errors import InvalidIssuerError, InvalidPolicyError, InvalidUserError, MfaError

__all__ = [
    "AccountError",
    "AdapterUnavailableError",
    "AlteredAccountError",
    "AmbiguousCredentialError",
    "ConfigurationError",
    "CorruptAccountError",
    "InvalidIssuerError",
    "InvalidKeyError",
    "InvalidPolicyError",
    "InvalidUserError",
    "MfaError",
    "StoreError",
    "StoreUnavailableError",
    "UnknownKeyError",
    "UnsealError",
]


class ConfigurationError(MfaError):
    """The operator has to change something; the message names the setting and the legal values."""

    def __init__(self, message: str, *, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting


class InvalidKeyError(ConfigurationError):
    """A key, a key id or a whole key ring cannot be used; the message never contains key material."""

    def __init__(self, message: str, *, key_id: str | None = None, setting: str | None = None) -> None:
        super().__init__(message, setting=setting)
        self.key_id = key_id


class AccountError(MfaError):
    """An operator asked for something that the account, as it stands, is not fit for."""


class UnknownKeyError(MfaError):
    """Something is sealed by a key that is not in the ring: answered 503, never "not enrolled" (D29)."""

    def __init__(self, key_id: str, *, known: tuple[str, ...]) -> None:
        super().__init__(f"no key {key_id!r} in the key ring, which holds {', '.join(known)}")
        self.key_id = key_id
        self.known = known


class UnsealError(MfaError):
    """A sealed value was changed, or belongs to another store, user or field (R42)."""

    def __init__(self, message: str, *, user: str, field: str) -> None:
        super().__init__(message)
        self.user = user
        self.field = field


class StoreError(MfaError):
    """The store answered something that cannot be used."""


class StoreUnavailableError(StoreError):
    """The store could not be reached or could not write; answered 503 with ``Retry-After``."""


class CorruptAccountError(StoreError):
    """A stored account that cannot be read, or is not what a worker saved; it is closed until an operator acts.

    ``revision`` is the one under which the store holds it, where the store can tell.
    """

    def __init__(self, message: str, *, user: str, revision: str | None = None) -> None:
        super().__init__(message)
        self.user = user
        self.revision = revision


class AlteredAccountError(CorruptAccountError):
    """A stored account whose MAC does not verify: it was edited by access to the database alone (D48a)."""


class AdapterUnavailableError(MfaError):
    """An identity adapter could not ask who is signed in; answered 503 with ``Retry-After`` (D7)."""


class AmbiguousCredentialError(MfaError):
    """A credential of a request names two users at once; answered 400 (R57)."""
