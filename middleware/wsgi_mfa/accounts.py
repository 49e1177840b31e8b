"""The values that a store keeps: the account of each user, and the events on record.

They are read, not made: only the rules of this package change an account.
"""

from __future__ import annotations

from wsgi_mfa.core.account import (
    Account,
    Answer,
    AppPassword,
    Authenticator,
    CarriedLogin,
    DeskUse,
    EndedLogin,
    EnrollmentCode,
    Failures,
    FirstCode,
    KeyParameters,
    KnownBrowser,
    Method,
    PendingEnrollment,
    RecoveryCode,
    RememberedBrowser,
    ResetAsked,
    Retractable,
    Retry,
    Session,
    UnlockCode,
)
from wsgi_mfa.core.events import Event

__all__ = [
    "Account",
    "Answer",
    "AppPassword",
    "Authenticator",
    "CarriedLogin",
    "DeskUse",
    "EndedLogin",
    "EnrollmentCode",
    "Event",
    "Failures",
    "FirstCode",
    "KeyParameters",
    "KnownBrowser",
    "Method",
    "PendingEnrollment",
    "RecoveryCode",
    "RememberedBrowser",
    "ResetAsked",
    "Retractable",
    "Retry",
    "Session",
    "UnlockCode",
]
