"""The ``Cookie`` header, read strictly and written again in one canonical form (D6, R54).

Applications read a header that is spelt oddly in different ways: the first or the last of two values, an octal
escape, a comma as a separator, ``$Version``. A client that knows how could show one user to the adapter and
another one to the application. So both get to read the canonical form: credentials first and strictly spelt, any
other well-formed cookie byte for byte, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.request.bounded_cache import BoundedCache
from wsgi_mfa.identity.request.caches import RequestCaches
from wsgi_mfa.identity.request.credential_digest import digest_of
from wsgi_mfa.identity.request.disguise import DisguiseFinder
from wsgi_mfa.identity.request.head_limits import check_cookies
from wsgi_mfa.identity.request.undeclared import UndeclaredTable, Where
from wsgi_mfa.identity.sealing.chunks import MARK, ChunkCollector
from wsgi_mfa.identity.sealing.seals import CookieSeals, Opened, Ring

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

#: Later than any instant that a seal may hold.
NEVER = 2**63
# Of what is kept for a header: the text itself, its canonical forms, and what stands around them.
_SIZE_FACTOR, _SIZE_MIN = 6, 2048


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

    Of sealed cookies all of that holds what they hold. ``opened`` are the seals that were good, and ``of_users``
    has for each user the undeclared cookies that only a request of that user may carry. ``unsealed`` names the
    declared cookies that came in clear alone, ``in_clear`` is a header of them. With ``is_renewable`` a response
    has to replace one of the seals. ``ring`` opened the seals, and at
    ``until``, in microseconds, the first of them expires.
    """

    header: str
    without_credentials: str
    for_anonymous: str
    credentials: Mapping[str, str]
    own: Mapping[str, str]
    doubled: tuple[str, ...]
    digest: str | None
    opened: tuple[Opened, ...] = ()
    of_users: Mapping[str, str] = field(default_factory=dict)
    unsealed: tuple[str, ...] = ()
    in_clear: str = ""
    is_renewable: bool = False
    ring: Ring | None = None
    until: int = NEVER


class CookieReader:
    """Reads the ``Cookie`` headers of one portal.

    ``credentials`` are the adapter's cookies, ``own`` the middleware's, ``undeclared_credentials`` the cookies
    to take out; ``anonymous`` are those that a request without a user may keep, None for all of them;
    ``commas`` says that credentials may hold commas.

    With ``seals`` clients hold sealed cookies. A credential in clear is then left out, but for those in
    ``never_sealed`` and where ``accepts_clear`` says otherwise.
    """

    def __init__(
        self,
        *,
        credentials: tuple[str, ...],
        own: Iterable[str],
        undeclared_credentials: UndeclaredTable,
        anonymous: tuple[str, ...] | None,
        commas: bool = False,
        seals: CookieSeals | None = None,
        never_sealed: Iterable[str] = (),
        accepts_clear: bool = False,
        caches: RequestCaches | None = None,
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
        self._seals = seals
        self._sealed = (
            frozenset() if seals is None or accepts_clear else frozenset(credentials) - {*never_sealed}
        )
        self.disguises = DisguiseFinder(
            credentials, is_undeclared=lambda name: undeclared_credentials.is_credential(Where.COOKIE, name)
        )
        caches = caches or RequestCaches()
        self._cached: BoundedCache[CanonicalCookies] = caches.cookies
        self._plain, self._opened = caches.new_reader(), caches.new_reader()

    def read(self, raw: str) -> CanonicalCookies:
        """Read a header in which nothing is sealed; any text will do, and what is not well-formed is left out.

        :raises HeadTooLargeError: it is longer than that of any browser.
        """
        known = self._cached.get((self._plain, raw))
        if known is None:
            check_cookies(raw)
            known = self._read(raw)
            self._cached.put((self._plain, raw), known, size=_SIZE_FACTOR * len(raw) + _SIZE_MIN)
        return known

    def unsealed(self, raw: str, *, now: int) -> CanonicalCookies:
        """Read a client's header as the server gives it, opening what is sealed; expired seals are left out.

        :meth:`read` does the same where nothing is sealed.

        :raises HeadTooLargeError: it is longer than that of any browser.
        """
        if self._seals is None:
            return self.read(raw)
        ring = self._seals.ring
        known = self._cached.get((self._opened, raw))
        if known is not None and known.ring is ring and now < known.until:
            return known
        check_cookies(raw)
        cookies = self._unsealed(raw, self._seals, ring, now)
        self._cached.put((self._opened, raw), cookies, size=_SIZE_FACTOR * len(raw) + _SIZE_MIN)
        return cookies

    def _read(self, raw: str) -> CanonicalCookies:
        credentials, own, others = self._sorted(part.strip(" \t") for part in raw.split(";"))
        return self._canonical(credentials, own, others)

    def _sorted(
        self, texts: Iterable[str], *, was_sealed: bool = False
    ) -> tuple[dict[str, set[str]], dict[str, list[str]], list[tuple[str, str]]]:
        """Sort the cookies of a header into credentials, our own and others; what may not pass is left out."""
        credentials: dict[str, set[str]] = {}
        own: dict[str, list[str]] = {}
        others: list[tuple[str, str]] = []
        for text in texts:
            name, equals, value = text.partition("=")
            if name in self._own or name.startswith(OWN_SESSION_PREFIX):
                own.setdefault(name, []).append(value)
                continue
            if name in self._credentials:
                strict = self._strictly(value) if equals else None
                # What the portal set is one value to it; of what a client spells, WebOb reads only up to a bracket.
                if strict is not None and (was_sealed or not self._is_ambiguous(value)):
                    credentials.setdefault(name, set()).add(strict)
            elif _COOKIE.fullmatch(text) is not None and not self._is_undeclared(name, value):
                others.append((name, text))
        return credentials, own, others

    def _unsealed(self, raw: str, seals: CookieSeals, ring: Ring, now: int) -> CanonicalCookies:
        chunks, texts = ChunkCollector(), []
        for part in raw.split(";"):
            text = part.strip(" \t")
            name, _, value = text.partition("=")
            # What looks like a seal is one or nothing: it never reaches the application as it came.
            if value.startswith(MARK) and name not in self._own:
                chunks.add(name, value)
            elif text:
                texts.append(text)
        opened = tuple(seals.open(chunks.seals(), ring=ring, now=now))
        credentials, own, others = self._sorted(texts)
        sealed_names = {each.name for each in opened}
        in_clear = {name: credentials.pop(name) for name in self._sealed & credentials.keys()}
        # A cookie in clear beside a sealed one of its name was not set through us.
        others = [(name, text) for name, text in others if name not in sealed_names]
        of_users: dict[str, list[str]] = {}
        for each in opened:
            text = f"{each.name}={each.cookie.value}"
            declared, _, undeclared = self._sorted([text], was_sealed=True)
            for name, values in declared.items():
                credentials.setdefault(name, set()).update(values)
            if each.cookie.user is None:
                others += undeclared
            elif undeclared:
                of_users.setdefault(each.cookie.user, []).append(text)
        expiries = [each.cookie.expires_at for each in opened if each.cookie.expires_at is not None]
        kept = {name: value for name, value in credentials.items() if name not in self._sealed}
        return replace(
            self._canonical(credentials, own, others),
            opened=opened,
            of_users={user: "; ".join(texts) for user, texts in of_users.items()},
            unsealed=tuple(sorted(name for name in in_clear if name not in sealed_names)),
            in_clear=self._canonical({**kept, **in_clear}, own, []).header if in_clear else "",
            is_renewable=any(each.cookie.is_readable or each.key_id != ring.writing_id for each in opened),
            ring=ring,
            until=min(expiries, default=NEVER // SECOND) * SECOND,
        )

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

    def _is_ambiguous(self, value: str) -> bool:
        return "[" in value or "]" in value or self.disguises.is_declared_in(value)

    def _is_undeclared(self, name: str, value: str) -> bool:
        """Whether an application that reads cookies by rules of its own would find a credential here (D39a)."""
        return (
            self._undeclared_credentials.is_credential(Where.COOKIE, name)
            or self.disguises.is_name(name)
            or self.disguises.is_in(value)
        )


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
