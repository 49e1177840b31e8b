"""The results of a call to the support desk."""

from __future__ import annotations

from dataclasses import dataclass

from wsgi_mfa.core.decision import Outcome, Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The desk did what the agent asked for; ``message`` tells the agent about it.

    ``user`` is the canonical name of the account. ``enrollment_code`` and ``unlock_code`` are for the
    verified caller alone.
    """

    outcome: Outcome
    user: str
    message: str
    enrollment_code: str | None = None
    unlock_code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """The desk did nothing; ``message`` tells the agent why.

    ``reason`` is None only if the store is unavailable, and ``outcome`` says so.
    """

    message: str
    reason: Reason | None
    outcome: Outcome = Outcome.REFUSED


#: What each method of the desk returns.
SupportResult = Done | Rejected
