"""Which address an account has at this moment, and when two spellings are one (D1, D30)."""

from __future__ import annotations

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.usernames import canonical
from wsgi_mfa.directory import Person
from wsgi_mfa.errors import InvalidUserError


def address_of(name: str, account: Account | None, person: Person | None, *, directed: bool) -> str | None:
    """The address at this moment (D30): the directory's where there is one, ``directed``."""
    if directed:
        return person.email if person is not None else None
    if account is not None and account.address is not None:
        return account.address
    return name if "@" in name else None


def spell_the_same(one: str, other: str) -> bool:
    """Whether two names or addresses are one, however they are spelt (D1)."""
    try:
        return canonical(one) == canonical(other)
    except InvalidUserError:
        return False
