"""The root of every error that this package raises, and the errors of the rules."""

from __future__ import annotations


class MfaError(Exception):
    """Root of all errors of ``wsgi_mfa``; the message is one line for a person."""


class InvalidPolicyError(MfaError):
    """A policy setting has a value that is not legal; ``setting``, ``value`` and ``legal`` say which."""

    def __init__(self, setting: str, value: object, legal: str) -> None:
        super().__init__(f"policy.{setting} is {value!r}: {legal}")
        self.setting = setting
        self.value = value
        self.legal = legal


class InvalidUserError(MfaError):
    """A user name that cannot name an account (D1); ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the user name cannot name an account: {reason}")
        self.reason = reason


class InvalidIssuerError(MfaError):
    """The ``issuer`` setting cannot stand in an authenticator app's label (R39)."""

    def __init__(self, issuer: str, reason: str) -> None:
        super().__init__(
            f"issuer is {issuer!r}: {reason}; legal are 1 to 64 printable characters without a colon"
        )
        self.issuer = issuer
        self.reason = reason
