"""The ``Cookie`` header, read strictly and written again in one canonical form (D6, R54).

Applications read a header that is spelt oddly in different ways: the first or the last of two values, an octal
escape, a comma as a separator, ``$Version``. A client that knows how could show one user to the adapter and
another one to the application. So both get to read the canonical form: credentials first and strictly spelt, any
other well-formed cookie byte for byte, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.request.credential_digest import digest_of
from wsgi_mfa.identity.request.undeclared import UndeclaredTable, Where

# RFC 6265 4.1.1. A name that begins with `$` is left out: RFC 2965 made such names attributes.
_TOKEN = r"[!#%&'*+\-.^_`|~0-9A-Za-z][!#$%&'*+\-.^_`|~0-9A-Za-z]*"  # noqa: S105 - the grammar's word
_OCTETS = r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*"
# What Django before 3.2, Werkzeug and WebOb write: one quoted string, `;` and `,` only as escapes.
_QUOTED = r'"(?:[\x20\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]|\\[0-3][0-7][0-7]|\\["\\])*"'
_COOKIE = re.compile(rf"({_TOKEN})=({_OCTETS}|{_QUOTED})", re.ASCII)
_STRICT_VALUE = re.compile(rf'({_OCTETS})|"({_OCTETS})"', re.ASCII)
# A credential that may hold commas: they stand in quotes, bare (repoze.who) or escaped (WebOb, SimpleCookie).
_LISTED_VALUE = re.compile(rf'"((?:{_OCTETS[:-1]}|,|\\054)*)"', re.ASCII)
_NAME = re.compile(_TOKEN, re.ASCII)
_PLAIN = re.compile(_OCTETS, re.ASCII)

#: Our session cookies of any label: those of other portals never reach an application, and show a store that was
#: made again (D2, D49).
OWN_SESSION_PREFIX = "__Host-wsgi_mfa_session_"

_CACHED_HEADERS_MAX = 1024
_CACHED_HEADER_CHARACTERS_MAX = 4096


def is_cookie_name(name: str) -> bool:
    """Whether ``name`` can be a cookie's name: a token (RFC 6265 section 4.1.1)."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class CanonicalCookies:
    """What one ``Cookie`` header says.

    ``header`` is the canonical form, ``without_credentials`` the same for a visitor whose credentials are taken out,
    ``for_anonymous`` the same for a request without a user (D5); each is "" where no cookie is left. ``credentials``
    and ``own`` map names to values, ``doubled`` names the credentials that had two different values, and
    ``digest`` is that of the credentials, None when there are none.
    """

    header: str
    without_credentials: str
    for_anonymous: str
    credentials: Mapping[str, str]
    own: Mapping[str, str]
    doubled: tuple[str, ...]
    digest: str | None


class CookieReader:
    """Reads the ``Cookie`` headers of one portal.

    ``credentials`` are the adapter's cookies, ``own`` the middleware's, ``undeclared_credentials`` the cookies
    to take out; ``anonymous`` are those that a request without a user may keep, None for all of them;
    ``commas`` says that credentials may hold commas.
    """

    def __init__(
        self,
        *,
        credentials: tuple[str, ...],
        own: Iterable[str],
        undeclared_credentials: UndeclaredTable,
        anonymous: tuple[str, ...] | None,
        commas: bool = False,
    ) -> None:
        for name in (*credentials, *(anonymous or ())):
            if _NAME.fullmatch(name) is None:
                raise ConfigurationError(
                    f"the cookie name {name!r} is not legal: it must be a token (RFC 6265 4.1.1)",
                    setting="identity",
                )
        self._credentials = credentials
        self._own = frozenset(own)
        self._undeclared_credentials = undeclared_credentials
        self._anonymous = None if anonymous is None else frozenset(anonymous)
        self._commas = commas
        self._cached = lru_cache(maxsize=_CACHED_HEADERS_MAX)(self._read)

    def read(self, raw: str) -> CanonicalCookies:
        """Read a header as the server gives it; any text will do, and what is not well-formed is left out."""
        if len(raw) > _CACHED_HEADER_CHARACTERS_MAX:
            return self._read(raw)
        return self._cached(raw)

    def _read(self, raw: str) -> CanonicalCookies:
        credentials: dict[str, set[str]] = {}
        own: dict[str, list[str]] = {}
        others: list[tuple[str, str]] = []
        for part in raw.split(";"):
            text = part.strip(" \t")
            name, equals, value = text.partition("=")
            if name in self._own or name.startswith(OWN_SESSION_PREFIX):
                own.setdefault(name, []).append(value)
                continue
            if name in self._credentials:
                strict = self._strictly(value) if equals else None
                if strict is not None:
                    credentials.setdefault(name, set()).add(strict)
            elif _COOKIE.fullmatch(text) is not None and not self._is_undeclared(name):
                others.append((name, text))
        return self._canonical(credentials, own, others)

    def _canonical(
        self, credentials: dict[str, set[str]], own: dict[str, list[str]], others: list[tuple[str, str]]
    ) -> CanonicalCookies:
        # An empty value is how applications write "signed out": to all of them as good as no cookie.
        single = {name: value for name, (value, *more) in credentials.items() if value and not more}
        rest = [text for _, text in others]
        canonical = "; ".join([*(f"{name}={value}" for name, value in single.items()), *rest])
        if self._anonymous is None:
            for_anonymous = canonical
        else:
            for_anonymous = "; ".join(text for name, text in others if name in self._anonymous)
        return CanonicalCookies(
            header=canonical,
            without_credentials="; ".join(rest),
            for_anonymous=for_anonymous,
            credentials=single,
            # R54: one of our cookies that is given twice, or oddly spelt, is none.
            own={name: value for name, (value, *more) in own.items() if not more and _PLAIN.fullmatch(value)},
            doubled=tuple(name for name, values in credentials.items() if len(values) > 1),
            digest=digest_of(("cookie", name, value) for name, value in single.items()),
        )

    def _strictly(self, value: str) -> str | None:
        """A credential's value in its one spelling; None where it has none."""
        strict = _STRICT_VALUE.fullmatch(value)
        if strict is not None:
            return strict[1] or strict[2] or ""
        listed = _LISTED_VALUE.fullmatch(value) if self._commas else None
        return None if listed is None else '"' + listed[1].replace(",", "\\054") + '"'

    def _is_undeclared(self, name: str) -> bool:
        return self._undeclared_credentials.is_credential(Where.COOKIE, name) or self._is_disguised(name)

    def _is_disguised(self, name: str) -> bool:
        """Whether an application that decodes names would read one of the credentials here."""
        return "%" in name and unquote(name) in {*self._credentials, *self._own}


def value_in(canonical: str, name: str) -> str | None:
    """The value of the credential ``name`` in a header of canonical form; None when it is not there."""
    spelt = f"{name}="
    if canonical.startswith(spelt):
        begin = len(spelt)
    else:
        found = canonical.find(f"; {spelt}")  # in this form no value holds a semicolon
        if found < 0:
            return None
        begin = found + len("; ") + len(spelt)
    end = canonical.find(";", begin)
    return canonical[begin:] if end < 0 else canonical[begin:end]


def is_strict(value: str) -> bool:
    """Whether a credential may have this value: cookie-octets, bare or in one pair of quotes (D6)."""
    return _STRICT_VALUE.fullmatch(value) is not None
