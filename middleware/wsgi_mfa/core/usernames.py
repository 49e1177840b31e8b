"""The name of an account: one spelling for each user (D1, R23)."""

from __future__ import annotations

import unicodedata
from enum import Enum
from functools import lru_cache

from wsgi_mfa.core.errors import InvalidUserError
from wsgi_mfa.core.joiners import JOINERS, misplaced_joiner

# The longest address that SMTP can carry (RFC 5321 4.5.3.1.3, erratum 1690), and so the longest user id.
USER_CHARACTERS_MAX = 254

# Cc would write a second line into a log (R83), Cf is invisible, so that one user could be written in many
# ways, Cs cannot be encoded, Zl and Zp break lines. Each of them would name a fresh account, and a fresh
# account may enroll. Of Cf, joiners are legal where their script needs them.
_REJECTED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# Folding and normalizing feed each other until nothing changes. Single characters need two rounds.
_ROUNDS_MAX = 8


class UserNames(str, Enum):
    """The setting ``user_names``: how the spellings of one folded name are taken (D44)."""

    EXACT = "exact"  # each is a user
    ASK = "ask"  # an operator says whether another one is the same user
    FOLDED = "folded"  # all are one user


def canonical(user: str, *, exact: bool = False) -> str:
    """The one spelling by which the account of ``user`` is named; applying it again changes nothing.

    Compatibility forms are unified (NFKC), case is folded, outer white space is dropped and inner white
    space becomes one space. With ``exact`` the spelling is kept and only checked, for portals whose user
    ids differ in case or white space alone.

    :raises InvalidUserError: empty, longer than 254 characters, with a control, format or surrogate character, or
        with a joiner in a place where no script needs one.
    """
    if len(user) > USER_CHARACTERS_MAX:
        raise _too_long(user)
    if user.isascii() and user.isprintable():
        name = user if exact else " ".join(user.lower().split())
        if name and not name.isspace():
            return name
    else:
        _reject_hidden_characters(user)
        name = user if exact else _folded(user)
    if not name or name.isspace():
        raise InvalidUserError("it is empty")
    if len(name) > USER_CHARACTERS_MAX:
        raise _too_long(user)
    joiner = misplaced_joiner(name)
    if joiner is not None:
        raise _hidden(joiner)
    return name


@lru_cache(maxsize=4096)
def names_of(user: str) -> tuple[str, str]:
    """Return the exact and the folded name of ``user``.

    :raises InvalidUserError: as :func:`canonical`.
    """
    return canonical(user, exact=True), canonical(user)


def is_named(entry: str, user: str, spelling: str | None) -> bool:
    """Return True if ``entry`` of a setting that gives a right names this very user.

    ``spelling`` is None where spellings do not count.
    """
    return names_of(entry)[1] == user if spelling is None else entry == spelling


def may_name(entry: str, user: str) -> bool:
    """Return True if ``entry`` of a setting that asks for something may name this user."""
    return names_of(entry)[1] == names_of(user)[1]


def _folded(user: str) -> str:
    for _ in range(_ROUNDS_MAX):
        name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", user).casefold())
        name = " ".join(name.split())
        if name == user:
            return name
        user = name
    raise InvalidUserError("it has no normalized form")


def _reject_hidden_characters(user: str) -> None:
    for character in user:
        if unicodedata.category(character) in _REJECTED_CATEGORIES and character not in JOINERS:
            raise _hidden(character)


def _hidden(character: str) -> InvalidUserError:
    return InvalidUserError(f"it contains the control or format character U+{ord(character):04X}")


def _too_long(user: str) -> InvalidUserError:
    return InvalidUserError(f"it has {len(user)} characters, at most {USER_CHARACTERS_MAX} are legal")
