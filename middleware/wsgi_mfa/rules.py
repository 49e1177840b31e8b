"""The rules, for tools that check them: commands, accounts, and the one function that decides.

A deployment needs none of this. It is public so that a checker can ask the very function that the middleware runs,
and it changes with the rules: names may come and go between minor releases.
"""

from __future__ import annotations

from wsgi_mfa.core.account import (
    Account,
    Authenticator,
    Failures,
    KeyParameters,
    Method,
    RecoveryCode,
    Session,
)
from wsgi_mfa.core.authentication_state import authentication_state
from wsgi_mfa.core.commands import (
    AcknowledgeRecoveryCode,
    BeginEnrollment,
    Command,
    ConfirmEnrollment,
    NewKey,
    NewRecoveryCode,
    Origin,
    ReplaceRecoveryCode,
    ResetBySupport,
    SignInByRecoveryCode,
    SignOut,
    UnlockBySupport,
    VerifyCode,
)
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome, Reason
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.recovery_codes import digest as recovery_code_digest

__all__ = [
    "Account",
    "AcknowledgeRecoveryCode",
    "Authenticator",
    "BeginEnrollment",
    "Command",
    "ConfirmEnrollment",
    "Context",
    "Decision",
    "Event",
    "Failures",
    "KeyParameters",
    "Method",
    "NewKey",
    "NewRecoveryCode",
    "Origin",
    "Outcome",
    "Policy",
    "Reason",
    "RecoveryCode",
    "ReplaceRecoveryCode",
    "ResetBySupport",
    "Session",
    "SignInByRecoveryCode",
    "SignOut",
    "UnlockBySupport",
    "VerifyCode",
    "authentication_state",
    "decide",
    "recovery_code_digest",
]
