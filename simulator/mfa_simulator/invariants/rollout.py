"""Knows who may use the portal by the password alone, as a roll-out that comes step by step lets some."""

from __future__ import annotations

from collections.abc import Mapping

from mfa_simulator.invariants.call import JudgedCall, Save
from mfa_simulator.language.quantities import instant

ENDING = ("support.reset", "support.removed")


class UsersNotYetRequired:
    """Whoever has bound a phone once, or was reset or removed, is none any more; `groups` are those of the users."""

    def __init__(self, groups: Mapping[str, tuple[str, ...]]) -> None:
        self._groups = groups
        self._known: set[str] = set()

    def saved(self, save: Save) -> None:
        """Note who has a phone now, or has lost one."""
        if save.after.authenticator is not None or save.kinds.intersection(ENDING):
            self._known.add(save.after.user)

    def has(self, user: str, call: JudgedCall) -> bool:
        """Whether the operator asks no second factor of a user yet, at the moment of a request."""
        policy, begins = call.policy, call.policy.required_from
        if user in self._known or begins == "always":
            return False
        named = {name.casefold() for name in policy.required_users}
        if user in named or set(policy.required_groups).intersection(self._groups.get(user, ())):
            return False
        return begins == "never" or call.now < instant(begins)
