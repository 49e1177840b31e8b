"""The moment and the policy that one decision is made by."""

from __future__ import annotations

from dataclasses import dataclass

from wsgi_mfa.core.policy import Policy


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The current time and the policy; ``now`` is in microseconds since 1970 UTC."""

    now: int
    policy: Policy
