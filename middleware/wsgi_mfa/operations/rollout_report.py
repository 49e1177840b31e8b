"""How far a roll-out has come: who has set up a phone, who must, and who may wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.expiry import younger
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.removal import is_there
from wsgi_mfa.core.rollout import may_go_without
from wsgi_mfa.core.spellings import account_name
from wsgi_mfa.core.usernames import canonical, names_of
from wsgi_mfa.directory import Person
from wsgi_mfa.stores.protocol import AccountStore, every_user, load_for_operator


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Users by how they stand: ``enrolled``, ``due`` (must set up a phone), ``waiting`` (need none yet).

    ``postponed_count`` of those who wait have chosen to be reminded later. ``unlisted_count`` is that of phones
    whose users the directory does not list.
    """

    enrolled: tuple[str, ...]
    due: tuple[str, ...]
    waiting: tuple[str, ...]
    postponed_count: int
    unlisted_count: int = 0


def people_of(directory: object) -> tuple[Person, ...] | None:
    """Everybody whom a directory lists by its method ``people``; None where it has none."""
    people: Callable[[], Iterable[Person]] | None = getattr(directory, "people", None)
    return None if people is None else tuple(people())


def unknown_names(policy: Policy, people: Iterable[Person]) -> list[str]:
    """What is wrong with whom the policy chooses: users whom nobody knows, groups in which nobody is."""
    listed = tuple(people)
    users = {names_of(each)[1] for person in listed for each in (person.name, person.key) if each is not None}
    groups = {group for person in listed for group in person.groups}
    return [
        f"policy.required_users: the directory lists no {name!r}"
        for name in policy.required_users
        if canonical(name) not in users
    ] + [
        f"policy.required_groups: the directory has nobody in {name!r}"
        for name in policy.required_groups
        if name not in groups
    ]


def progress_of(store: AccountStore, context: Context, people: Iterable[Person] | None = None) -> Progress:
    """How ``people`` stand; without them everybody who has an account, whose groups nobody knows."""
    if people is None:
        accounts = ((user, load_for_operator(store, user)) for user in every_user(store))
        there = ((user, account, ()) for user, account in accounts if is_there(account))
        return _counted(there, context)
    listed = {_account_of(person, store): person.groups for person in people}
    found = _counted(
        ((user, load_for_operator(store, user), groups) for user, groups in listed.items()), context
    )
    others = (load_for_operator(store, user) for user in every_user(store) if user not in listed)
    unlisted = sum(1 for account in others if account is not None and account.authenticator is not None)
    return replace(found, unlisted_count=unlisted)


def _account_of(person: Person, store: AccountStore) -> str:
    """Return the name of the account that a person of the directory has, or would have."""
    if person.key is not None:
        return names_of(person.key)[0]
    return account_name(person.name, lambda user: load_for_operator(store, user))


def _counted(users: Iterable[tuple[str, Account | None, tuple[str, ...]]], context: Context) -> Progress:
    enrolled, due, waiting, postponed = [], [], [], 0
    for user, account, groups in users:
        if account is not None and account.authenticator is not None:
            enrolled.append(user)
        elif not may_go_without(account, user, groups, context):
            due.append(user)
        else:
            waiting.append(user)
            at = None if account is None else account.postponed_at
            postponed += at is not None and younger(at, context, seconds=context.policy.reminder_seconds)
    return Progress(
        enrolled=tuple(enrolled), due=tuple(due), waiting=tuple(waiting), postponed_count=postponed
    )
