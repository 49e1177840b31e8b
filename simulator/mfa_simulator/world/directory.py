"""The directory of the portal, which the middleware asks for addresses and groups."""

from __future__ import annotations

from collections.abc import Iterable

from mfa_simulator.errors import DirectoryDownError
from mfa_simulator.language.scenario import UserSpec
from mfa_simulator.world.clocks import TrueTime
from wsgi_mfa import Person


class SimulatedDirectory:
    """Knows the users of a story without regard to case; it fails up to the instant `down_until`."""

    def __init__(self, users: Iterable[UserSpec], time: TrueTime) -> None:
        self._time = time
        self._people: dict[str, Person] = {}
        self.down_until = time.now()
        for user in reversed(tuple(users)):
            self.put(user)

    def put(self, user: UserSpec) -> None:
        """Add a user, or change one."""
        person = Person(name=user.name, email=user.email, groups=user.groups)
        self._people[user.name.casefold()] = self._people[user.name] = person

    def remove(self, name: str) -> None:
        """Remove a user."""
        self._people.pop(name.casefold(), None)
        self._people.pop(name, None)

    def person(self, name: str) -> Person | None:
        """Return the entry of a user; raises DirectoryDownError while the directory fails."""
        if self._time.now() < self.down_until:
            raise DirectoryDownError("the directory is down, as the scenario asked")
        return self._people.get(name)
