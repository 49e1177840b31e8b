"""Clean a request before the adapter reads it, and keep our cookies out of the application's responses.

The environ is changed in place, because the very same dictionary must reach the application (R67).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, Adapter, Credentials, FirstFactor, Identification
from wsgi_mfa.identity.adapters.chain import parts_of
from wsgi_mfa.identity.request.caches import RequestCaches
from wsgi_mfa.identity.request.cookie_header import CanonicalCookies, CookieReader
from wsgi_mfa.identity.request.credential_digest import digest_of
from wsgi_mfa.identity.request.head_limits import PATH_BYTES_MAX, check_names, check_path
from wsgi_mfa.identity.request.query_string import QueryReader
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential, UndeclaredTable, Where
from wsgi_mfa.identity.sealing.path_parameters import PathParameters
from wsgi_mfa.identity.sealing.seals import CookieSeals
from wsgi_mfa.log_once import LogOnce

logger = logging.getLogger("wsgi_mfa")

# Clients invent header names, so the names that were judged harmless are forgotten when they are too many, and one
# that no server or browser would choose is judged each time.
_HARMLESS_NAMES_MAX = 4096
_HARMLESS_CHARACTERS_MAX = 128

#: By this key our own server marks a request with such a header, whose name it does not hand on.
UNDERSCORES_KEY = "HTTP_WSGI_MFA_UNDERSCORES"
_HEADER_WITH_UNDERSCORE = "a header whose name is spelt with an underscore"

_URI_KEYS = ("REQUEST_URI", "RAW_URI")
_LOCATION_CHARACTERS = len("location")
_SET_COOKIE_CHARACTERS = len("set-cookie")
_PATH_KEYS = ("SCRIPT_NAME", "PATH_INFO", *_URI_KEYS)


def declared_cookies(adapter: Adapter) -> tuple[str, ...]:
    """Return the portal's own cookies among those that ``adapter`` reads."""
    return tuple(name for name in adapter.credentials.cookies if name not in adapter.traits.own_cookies)


def _arguments_like_cookies(adapter: Adapter) -> Iterator[UndeclaredCredential]:
    """Yield query arguments that may carry the session too, where the application may not read cookies alone."""
    for part in parts_of(adapter):
        if not part.traits.cookies_alone:
            for name in declared_cookies(part):
                if name not in adapter.credentials.arguments:
                    yield UndeclaredCredential(
                        where=Where.ARGUMENT, pattern=name, reason="a declared cookie's name"
                    )


@dataclass(slots=True)
class SanitizedRequest:
    """What the cleaning of one request found; not frozen, since one is made on every request (D24).

    ``cookies`` is what its ``Cookie`` header said and ``own_cookies`` those of the middleware in it. ``doubled``
    names the credentials that were dropped because they had two different values. ``credentials_digest`` names the
    credentials that were there, SHA-256 in hex; it is None when none was there that a browser could change.
    """

    identification: Identification
    cookies: CanonicalCookies
    doubled: tuple[str, ...]
    credentials_digest: str | None

    @property
    def own_cookies(self) -> Mapping[str, str]:
        return self.cookies.own


class RequestSanitizer:
    """Cleans the requests of one portal by what its adapter declares."""

    def __init__(
        self,
        adapter: Adapter,
        *,
        own_cookie_names: Iterable[str],
        extra_undeclared: Iterable[UndeclaredCredential] = (),
        seals: CookieSeals | None = None,
        accepts_clear: bool = False,
        caches: RequestCaches | None = None,
    ) -> None:
        """``own_cookie_names`` are the middleware's cookies, ``extra_undeclared`` what settings add to the table.

        ``seals`` open the cookies that clients hold sealed; with ``accepts_clear`` those in clear count too.
        ``caches`` are shared with other sanitizers of the same adapter.

        :raises ConfigurationError: the adapter declares a cookie that is not a legal name or is one of ours.
        """
        own = tuple(own_cookie_names)
        clash = set(own) & {*adapter.credentials.cookies, *(adapter.traits.anonymous_cookies or ())}
        if clash:
            raise ConfigurationError(
                f"the cookie {min(clash)!r} belongs to the middleware: the portal's needs another name",
                setting="identity",
            )
        caches = caches or RequestCaches()
        self.adapter = adapter
        self.undeclared_credentials = UndeclaredTable((*extra_undeclared, *_arguments_like_cookies(adapter)))
        self.own_cookie_names = own
        self._headers = adapter.credentials.headers
        # A value that the server sets is no credential that a browser could change.
        self._browser_headers = tuple(key for key in self._headers if key.startswith("HTTP_"))
        self._arguments = adapter.credentials.arguments
        self._only_cookies = not self._browser_headers and not self._arguments
        self._reads_cookies = adapter.traits.anonymous_cookies is None
        self._query_reader = QueryReader(
            credentials=self._arguments, undeclared_credentials=self.undeclared_credentials, caches=caches
        )
        self._harmless = caches.harmless_names
        self._harmless.update(self._headers)
        self._log = LogOnce(logger)
        self.cookie_reader = CookieReader(
            credentials=adapter.credentials.cookies,
            own=own,
            undeclared_credentials=self.undeclared_credentials,
            anonymous=adapter.traits.anonymous_cookies,
            commas=adapter.credentials.commas,
            seals=seals,
            never_sealed=adapter.traits.own_cookies,
            accepts_clear=accepts_clear,
            caches=caches,
        )
        self.path_parameters = PathParameters(declared_cookies(adapter))

    def clean(self, environ: dict[str, Any], *, now: int = 0) -> SanitizedRequest:
        """Change ``environ`` into what adapter and application may read, and identify the user by it.

        ``now`` tells which sealed cookies have expired, in microseconds.

        With :data:`~wsgi_mfa.identity.adapter.UNRESOLVED` the credentials are taken out at once.

        :raises AdapterUnavailableError: the adapter cannot ask at present (D7).
        :raises AmbiguousCredentialError: a credential names two users at once (R57).
        :raises HeadTooLargeError: there is more of something than any client sends.
        """
        if not self._harmless.issuperset(environ):
            self._remove_undeclared(environ)
        raw = environ.get("HTTP_COOKIE", "")
        cookies = self.cookie_reader.unsealed(raw, now=now)
        if cookies.header != raw:
            _write_cookies(environ, cookies.header)
        doubled = cookies.doubled
        if environ.get("QUERY_STRING") or "REQUEST_URI" in environ or "RAW_URI" in environ:
            doubled += self._clean_query(environ)
        identification = self.adapter.identify(environ)
        digest = cookies.digest if self._only_cookies else self.digest(environ, cookies)
        if identification is UNRESOLVED:
            self._remove_credentials(environ, cookies)
        else:
            if identification is not None and identification.unproven is not None:
                self._remove_listed(environ, identification.unproven)
            if isinstance(identification, FirstFactor):
                if identification.replaced:
                    environ.update(identification.replaced)
            elif not self._reads_cookies:
                # D5: the adapter vouches for no cookie, so without a user none may speak for one.
                _write_cookies(environ, cookies.for_anonymous)
        return SanitizedRequest(identification, cookies, doubled, digest)

    def clean_path(self, environ: dict[str, Any]) -> None:
        """Take the path parameters of declared names out of ``environ``.

        :raises HeadTooLargeError: a path is too long.
        """
        get = environ.get
        paths = f"{get('PATH_INFO')}{get('SCRIPT_NAME')}{get('REQUEST_URI')}{get('RAW_URI')}"
        if len(paths) > PATH_BYTES_MAX:
            for key in _PATH_KEYS:
                check_path(str(get(key, "")).partition("?")[0] if key in _URI_KEYS else str(get(key, "")))
        if ";" not in paths and "%3" not in paths:
            return
        for key in _PATH_KEYS:
            path = environ.get(key)
            if path:
                removed = (
                    self.path_parameters.removed_from_uri
                    if key in _URI_KEYS
                    else self.path_parameters.removed
                )
                environ[key] = removed(path)

    def clean_location(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return response headers without path parameters of declared names in any ``Location``."""
        if not any(len(name) == _LOCATION_CHARACTERS and name.lower() == "location" for name, _ in headers):
            return headers
        removed = self.path_parameters.removed_from_uri
        return [(name, removed(value) if name.lower() == "location" else value) for name, value in headers]

    def admit_cookies_of(self, environ: dict[str, Any], sanitized: SanitizedRequest, user: str) -> None:
        """Add to a cleaned request that passes as ``user`` the cookies that were sealed for this user alone."""
        admitted = sanitized.cookies.of_users.get(user)
        if admitted:
            header = environ.get("HTTP_COOKIE")
            environ["HTTP_COOKIE"] = f"{header}; {admitted}" if header else admitted

    def identified_in_clear(self, environ: Mapping[str, Any], sanitized: SanitizedRequest) -> bool:
        """Return whether the request's cookies in clear would have named a user, if they still counted."""
        asked = {**environ, "HTTP_COOKIE": sanitized.cookies.in_clear}
        return isinstance(self.adapter.identify(asked), FirstFactor)

    def remove_credentials(self, environ: dict[str, Any], sanitized: SanitizedRequest) -> None:
        """Take the user out of a cleaned request: the application sees an anonymous visitor."""
        self._remove_credentials(environ, sanitized.cookies)

    def digest(self, environ: Mapping[str, Any], cookies: CanonicalCookies) -> str | None:
        """The digest of the credentials in a cleaned environ whose cookies are ``cookies``."""
        if self._only_cookies:
            return cookies.digest
        arguments = self._query_reader.read(environ.get("QUERY_STRING", "")).credentials
        return digest_of(
            [
                *(("cookie", name, value) for name, value in cookies.credentials.items()),
                *(("header", key, environ[key]) for key in self._browser_headers if environ.get(key)),
                *(("argument", name, value) for name, value in arguments.items()),
            ]
        )

    def _remove_undeclared(self, environ: dict[str, Any]) -> None:
        new = [key for key in environ if key not in self._harmless]
        check_names(new)
        for key in new:
            if self.undeclared_credentials.is_credential(Where.ENVIRON, key):
                del environ[key]
                told = _HEADER_WITH_UNDERSCORE if key == UNDERSCORES_KEY else key[:_HARMLESS_CHARACTERS_MAX]
                self._log.warning(
                    key,
                    "removed %s from requests, since the adapter does not read it; if it carries tokens of the"
                    " portal's own API, name it in api_credentials",
                    told,
                )
            elif len(key) <= _HARMLESS_CHARACTERS_MAX:
                if len(self._harmless) >= _HARMLESS_NAMES_MAX:
                    self._harmless.clear()
                    self._harmless.update(self._headers)
                self._harmless.add(key)

    def _clean_query(self, environ: dict[str, Any]) -> tuple[str, ...]:
        """Take undeclared doors and doubled credentials out of the query; the names of the doubled ones."""
        doubled: tuple[str, ...] = ()
        query = environ.get("QUERY_STRING")
        if query:
            read = self._query_reader.read(query)
            environ["QUERY_STRING"] = read.query
            doubled = read.doubled
        # Servers keep the target as it was sent, and a rewriting front may have changed the query since.
        for key in _URI_KEYS:
            uri = environ.get(key)
            if uri and "?" in uri:
                path, _, query = uri.partition("?")
                environ[key] = f"{path}?{self._query_reader.read(query).query}"
        return doubled

    def _remove_credentials(self, environ: dict[str, Any], cookies: CanonicalCookies) -> None:
        _write_cookies(environ, cookies.without_credentials if self._reads_cookies else cookies.for_anonymous)
        for key in self._headers:
            environ.pop(key, None)
        if self._arguments:
            self._remove_arguments(environ)

    def _remove_listed(self, environ: dict[str, Any], unproven: Credentials) -> None:
        """Take some credentials out, and leave those that speak for the user or for nobody (Chain)."""
        kept = [
            text
            for text in environ.get("HTTP_COOKIE", "").split("; ")
            if text.partition("=")[0] not in unproven.cookies
        ]
        _write_cookies(environ, "; ".join(kept))
        for key in unproven.headers:
            environ.pop(key, None)
        if unproven.arguments:
            self._remove_arguments(environ)

    def _remove_arguments(self, environ: dict[str, Any]) -> None:
        if environ.get("QUERY_STRING"):
            environ["QUERY_STRING"] = self._query_reader.read(environ["QUERY_STRING"]).without_credentials
        for key in _URI_KEYS:
            path, mark, query = environ.get(key, "").partition("?")
            if mark:
                environ[key] = f"{path}?{self._query_reader.read(query).without_credentials}"


def _write_cookies(environ: dict[str, Any], header: str) -> None:
    if header:
        environ["HTTP_COOKIE"] = header
    else:
        environ.pop("HTTP_COOKIE", None)


def without_own_cookies(
    headers: list[tuple[str, str]], own_cookie_names: Collection[str]
) -> list[tuple[str, str]]:
    """Return the headers without an application's ``Set-Cookie`` for one of our names (D6).

    It is the list itself if there is nothing to take out.
    """
    for name, value in headers:
        if sets_cookie(name) and _stored_name(value) in own_cookie_names:
            break
    else:
        return headers
    return [
        (name, value)
        for name, value in headers
        if not sets_cookie(name) or _stored_name(value) not in own_cookie_names
    ]


def sets_cookie(header_name: str) -> bool:
    """Return True for the name ``Set-Cookie``."""
    # Every header of every response comes by here, and most are told by their length.
    return len(header_name) == _SET_COOKIE_CHARACTERS and header_name.lower() == "set-cookie"


def _stored_name(set_cookie: str) -> str:
    """Return the name under which a browser would send this cookie back; `=NAME=value` comes back as `NAME=value`."""
    pair = set_cookie.partition(";")[0]
    return pair.lstrip("= \t").partition("=")[0].strip(" \t")
