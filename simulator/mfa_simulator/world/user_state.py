"""The state of a user: the codes that were written down, and the phone and browser used last."""

from __future__ import annotations

from dataclasses import dataclass

from mfa_simulator.language.scenario import UserSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedDrift:
    """How many steps the server takes a user's phone to be ahead, and the line of the step that taught it."""

    steps: int
    line: int


@dataclass(kw_only=True, slots=True)
class UserState:
    """A user, with what the user has written down; the newest recovery code stands last.

    `spec` has the name at the portal, which may have been changed, and `is_deleted` says that the portal has no such
    user any more.
    """

    spec: UserSpec
    recovery_codes: list[str]
    enrollment_code: str | None = None
    unlock_code: str | None = None
    phone: str | None = None
    is_deleted: bool = False
    browser: str | None = None

    def write_down(self, code: str) -> None:
        """Note a recovery code that a page shows, unless it is the one noted last."""
        if not self.recovery_codes or self.recovery_codes[-1] != code:
            self.recovery_codes.append(code)
