"""Who of the portal's users is an agent of the support desk over HTTP (R44, R47)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wsgi_mfa.core.usernames import canonical, is_named, may_name
from wsgi_mfa.errors import ConfigurationError, InvalidUserError

SETTING = "support_agents"
LEGAL = "legal is a list of users by their names, and of groups of the directory as group:NAME"
_GROUP = "group:"


@dataclass(frozen=True, kw_only=True, slots=True)
class SupportAgents:
    """Agents by name, as they sign in, or by a group; with neither there is no desk over HTTP."""

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.users or self.groups)

    def has(self, user: str, groups: Iterable[str]) -> bool:
        """Return True if the user of this name may be an agent, by some spelling of it or by one of these groups."""
        return any(may_name(entry, user) for entry in self.users) or not self.groups.isdisjoint(groups)

    def allows(self, user: str, groups: Iterable[str], *, spelling: str | None) -> bool:
        """Return True if the user is an agent by exactly this spelling, or by one of these groups."""
        if not self.has(user, groups):
            return False
        named = any(is_named(entry, user, spelling) for entry in self.users)
        return named or not self.groups.isdisjoint(groups)


NO_AGENTS = SupportAgents()


def agents_from(entries: Sequence[str], *, has_directory: bool) -> SupportAgents:
    """The agents that the setting ``support_agents`` names.

    :raises ConfigurationError: no list, everybody (``*``), a name that can have no account, or a group without a
        directory that knows groups.
    """
    if isinstance(entries, str) or not all(isinstance(entry, str) for entry in entries):
        raise ConfigurationError(f"{SETTING} is {entries!r}: {LEGAL}", setting=SETTING)
    groups = frozenset(entry.removeprefix(_GROUP) for entry in entries if entry.startswith(_GROUP))
    names = [entry for entry in entries if not entry.startswith(_GROUP)]
    for name in (*groups, *names):
        if not name.strip() or name.strip() == "*":
            raise ConfigurationError(f"{SETTING} has {name!r}: {LEGAL}", setting=SETTING)
    if groups and not has_directory:
        raise ConfigurationError(
            f"{SETTING} names a group: give directory=, which knows the groups of a user", setting=SETTING
        )
    try:
        for name in names:
            canonical(name)
    except InvalidUserError as error:
        raise ConfigurationError(f"{SETTING}: {error}", setting=SETTING) from None
    return SupportAgents(users=frozenset(names), groups=groups)
