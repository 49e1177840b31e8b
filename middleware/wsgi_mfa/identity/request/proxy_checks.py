"""What a proxy that only asks us would hand on as it came, and an application could read another user by (D8).

Where the middleware stands around an application, it takes such things out of the request. A front that asks by a
request of its own forwards the original, so that there the whole request is refused instead.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import unquote

from wsgi_mfa.identity.adapter import Credentials
from wsgi_mfa.identity.request.cookie_header import CanonicalCookies
from wsgi_mfa.identity.request.disguise import DisguiseFinder
from wsgi_mfa.identity.request.undeclared import UndeclaredTable, Where

_BEFORE_A_NAME = r"(?<![!#$%&'*+\-.^_`|~0-9A-Za-z])"


def undeclared_headers(
    environ: Mapping[str, object], credentials: Credentials, undeclared_credentials: UndeclaredTable
) -> list[str]:
    """The headers of the client that are known to carry a user into some application, and were not declared."""
    return sorted(
        key[5:].replace("_", "-").title()
        for key in environ
        if key.startswith("HTTP_")
        and key not in credentials.headers
        and undeclared_credentials.is_credential(Where.ENVIRON, key)
    )


def undeclared_arguments(uri: str, undeclared_credentials: UndeclaredTable) -> list[str]:
    """The names in the query of ``uri`` that are known to carry a user into some application."""
    names = [part.partition("=")[0] for part in re.split("[&;]", uri.partition("?")[2])]
    return sorted({name for name in names if undeclared_credentials.is_credential(Where.ARGUMENT, name)})


def passed_on_cookies(
    raw: str,
    cookies: CanonicalCookies,
    credentials: Credentials,
    own: Collection[str],
    undeclared_credentials: UndeclaredTable,
    disguises: DisguiseFinder,
) -> tuple[str, ...]:
    """The names of the cookies in the header ``raw`` that say something else than its canonical form ``cookies``.

    Those are credentials that are doubled or not spelt strictly, cookies that are doors, and whatever was left out in
    which a credential's name stands: applications were seen to read a comma, an octal escape and more as the
    beginning of another cookie. What else was left out hides no user.
    """
    kept = {*cookies.header.split("; "), *(f"{name}={value}" for name, value in cookies.own.items())}
    hidden = _mention_of(credentials.cookies)
    strays = dict.fromkeys(cookies.doubled)
    for part in raw.split(";"):
        text = part.strip(" \t")
        name, _, value = text.partition("=")
        if not text or text in kept:
            continue
        if name in credentials.cookies:
            is_stray = bool(value) and _bare(value) != _bare(cookies.credentials.get(name, ""))
            is_stray = is_stray or hidden.search(unquote(value)) is not None
        else:
            is_undeclared = name not in own and undeclared_credentials.is_credential(Where.COOKIE, name)
            is_hidden = disguises.is_name(name.strip()) or disguises.is_in(value)
            is_stray = is_undeclared or is_hidden or hidden.search(unquote(text)) is not None
        if is_stray:
            strays[name.strip()] = None
    return tuple(strays)


def _bare(value: str) -> str:
    """A strictly spelt value without the quotes around it, which a reader takes off or takes for a broken value."""
    bare = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    return bare.replace("\\054", ",")


def _mention_of(names: Collection[str]) -> re.Pattern[str]:
    """Any of ``names`` where a reader could take it for the name of a cookie."""
    either = "|".join(map(re.escape, names))
    return re.compile(rf"{_BEFORE_A_NAME}(?:{either})\s*=", re.IGNORECASE | re.ASCII)
