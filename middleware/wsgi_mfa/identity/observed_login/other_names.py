"""Names by which a portal may sign a user in as well, because it compares them loosely."""

from __future__ import annotations

import unicodedata

from wsgi_mfa.core.usernames import names_of
from wsgi_mfa.errors import InvalidUserError

_ACCENTED = {"a": "ä", "e": "é", "i": "í", "o": "ö", "u": "ü", "n": "ñ", "c": "ç", "s": "š"}


def other_names(user: str) -> tuple[str, ...]:
    """Return names to try beside ``user``: another case, white space, accents, and an address without its domain."""
    accented = next(
        (user.replace(c, _ACCENTED[c], 1) for c in user.lower() if c in _ACCENTED and c in user), ""
    )
    decomposed = unicodedata.normalize("NFD", user)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    dotless = user.replace("i", "\N{LATIN SMALL LETTER DOTLESS I}", 1)
    local = user.partition("@")[0]
    names = (user.swapcase(), f" {user}", accented, bare, dotless, local)
    return tuple(dict.fromkeys(name for name in names if name and name != user))


def folds_alike(one: str, other: str) -> bool:
    """Return True if both are spellings of one name."""
    try:
        return names_of(one)[1] == names_of(other)[1]
    except InvalidUserError:
        return False
