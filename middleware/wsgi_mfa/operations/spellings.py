"""The spellings of user names in a store: which wait for an operator, and how one decides about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from wsgi_mfa.core import commands
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.removal import is_there
from wsgi_mfa.core.usernames import UserNames, names_of
from wsgi_mfa.errors import AccountError
from wsgi_mfa.operations.accounts import AccountKeeper
from wsgi_mfa.stores.names import listed, unguarded_names, unguarded_text
from wsgi_mfa.stores.protocol import Store, every_user, load_for_operator


@dataclass(frozen=True, kw_only=True, slots=True)
class NameGroup:
    """The accounts and spellings of one folded ``name``.

    ``bound`` has for each account the spellings that lead to it, none before the first second factor was shown;
    ``refused`` are spellings that wait for a decision.
    """

    name: str
    bound: dict[str, tuple[str, ...]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Return True if all spellings are of one user."""
        return not self.refused and len(self.bound) < 2 and self.name in self.bound


def groups_of(store: Store) -> list[NameGroup]:
    """Return the names with more than one spelling, in order, and those of accounts that are not kept by it."""
    groups: dict[str, NameGroup] = {}
    for user in every_user(store):
        account = load_for_operator(store, user)
        if account is None:
            continue
        name = names_of(user)[1]
        before = groups.get(name, NameGroup(name=name))
        groups[name] = NameGroup(
            name=name,
            bound={**before.bound, user: account.spellings},
            refused=(*before.refused, *account.refused_spellings),
        )
    return [group for _, group in sorted(groups.items()) if not group.is_settled or _has_several(group)]


def _has_several(group: NameGroup) -> bool:
    return len({*group.bound, *(each for spellings in group.bound.values() for each in spellings)}) > 1


def problems_of_names(store: Store, mode: UserNames) -> list[str]:
    """Return what keeps ``mode`` from being used with the accounts of ``store``; empty when nothing does."""
    if mode is UserNames.FOLDED:
        names = [group.name for group in groups_of(store) if not group.is_settled]
        why = "spellings fold together that are not known to be one user; see `wsgi-mfa accounts spellings`"
        return [f"{listed(names)}: {why}"] if names else []
    names = unguarded_names(store, partial(load_for_operator, store)) if mode is UserNames.ASK else []
    return [unguarded_text(names)] if names else []


class SpellingKeeper(AccountKeeper):
    """Decides about spellings, for the agent and the reason that stand in the record."""

    def same(self, spelling: str) -> str:
        """Bind ``spelling`` to the account of its folded name, since it is the same user's; the account's name.

        :raises AccountError: there is no such account, or the spelling has an account of its own.
        """
        own, name = names_of(spelling)
        if self._stored(name) is None:
            raise AccountError(f"there is no account {name!r} that {own!r} could belong to")
        if own != name and is_there(self._stored(own)):
            raise AccountError(f"{own!r} has an account of its own; remove one of the two, or rename it")
        self._apply(
            name,
            commands.BindSpelling(spelling=own, agent=self._agent, reason=self._reason, source="console"),
        )
        return name

    def apart(self, spelling: str) -> tuple[str, str]:
        """Keep ``spelling`` and the other spellings of its name for two users; the names of both accounts.

        Where the account of the folded name belongs to another spelling alone, it is moved to that one.

        :raises AccountError: the account is bound to several other spellings.
        """
        own, name = names_of(spelling)
        shared = self._stored(name)
        bound = () if shared is None else shared.spellings
        if own == name:
            others = [each for each in bound if each != own]
            if len(others) > 1 or (others and own in bound):
                raise AccountError(
                    f"{name!r} is bound to {', '.join(map(repr, bound))}: say --apart for one of the others, or"
                    " --forget those that are not used"
                )
            if not others:
                self._keep(name, own)
                return name, name
            own = others[0]
        if bound == (own,):
            self._moved(name, own)
            self._keep(name, name)
        else:
            self._forget(name, own)
            self._keep(own, own)
            if not bound:
                self._keep(name, name)
        return own, name

    def forget(self, spelling: str) -> str:
        """Take ``spelling`` away from the account of its folded name; the account's name.

        :raises AccountError: the account has no such spelling, or no other one.
        """
        own, name = names_of(spelling)
        if not self._forget(name, own):
            raise AccountError(f"{name!r} has no spelling {own!r} beside others")
        return name

    def _moved(self, name: str, own: str) -> None:
        if is_there(self._stored(name)):
            self.move(name, own, spellings=(own,))

    def _keep(self, name: str, spelling: str) -> None:
        command = commands.SeparateSpelling(
            spelling=spelling, agent=self._agent, reason=self._reason, source="console"
        )
        self._apply(name, command)

    def _forget(self, name: str, spelling: str) -> bool:
        if self._stored(name) is None:
            return False
        command = commands.ForgetSpelling(
            spelling=spelling, agent=self._agent, reason=self._reason, source="console"
        )
        return self._apply(name, command).account is not None

    def _stored(self, name: str) -> Account | None:
        return self._service.load(name)
