"""All errors of the package in one place; the root lives in ``core``, which imports nothing else."""

from __future__ import annotations

from wsgi_mfa.core.errors import InvalidPolicyError, InvalidUserError, MfaError

__all__ = ["InvalidPolicyError", "InvalidUserError", "MfaError"]
