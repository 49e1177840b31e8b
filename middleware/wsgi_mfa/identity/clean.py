"""Cleans a request before anybody reads who it comes from, and asks the adapter.

The environ is changed in place, because the very same dictionary must reach the application (R67).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, Adapter, Carriers, FirstFactor, Identification
from wsgi_mfa.identity.cookies import CanonicalCookies, CookieReader
from wsgi_mfa.identity.digest import digest_of
from wsgi_mfa.identity.doors import Door, DoorTable, Where
from wsgi_mfa.identity.query import QueryReader

# Clients invent header names, so the names that were judged harmless are forgotten when they are too many.
_HARMLESS_NAMES_MAX = 4096

_URI_KEYS = ("REQUEST_URI", "RAW_URI")


@dataclass(slots=True)
class Cleaned:
    """What the cleaning of one request found; not frozen, since one is made on every request (D24).

    ``cookies`` is what its ``Cookie`` header said and ``own_cookies`` those of the middleware in it. ``doubled``
    names the carriers that were dropped because they had two different values. ``carriers_digest`` names the
    carriers that were there, SHA-256 in hex; it is None when none was there that a browser could change.
    """

    identification: Identification
    cookies: CanonicalCookies
    doubled: tuple[str, ...]
    carriers_digest: str | None

    @property
    def own_cookies(self) -> Mapping[str, str]:
        return self.cookies.own


class RequestCleaner:
    """Cleans the requests of one portal by what its adapter declares."""

    def __init__(
        self, adapter: Adapter, *, own_cookie_names: Iterable[str], extra_doors: Iterable[Door] = ()
    ) -> None:
        """``own_cookie_names`` are the middleware's cookies, ``extra_doors`` what settings add to the table.

        Raises:
            ConfigurationError: the adapter declares a cookie that is not a legal name or is one of ours.
        """
        own = tuple(own_cookie_names)
        clash = set(own) & {*adapter.carriers.cookies, *(adapter.traits.anonymous_cookies or ())}
        if clash:
            raise ConfigurationError(
                f"the cookie {min(clash)!r} belongs to the middleware: the portal's needs another name",
                setting="identity",
            )
        self.adapter = adapter
        self.doors = DoorTable(extra_doors)
        self.own_cookie_names = own
        self._headers = adapter.carriers.headers
        # A value that the server sets is no carrier that a browser could change.
        self._browser_headers = tuple(key for key in self._headers if key.startswith("HTTP_"))
        self._arguments = adapter.carriers.arguments
        self._only_cookies = not self._browser_headers and not self._arguments
        self._reads_cookies = adapter.traits.anonymous_cookies is None
        self._query_reader = QueryReader(carriers=self._arguments, doors=self.doors)
        self._harmless: set[object] = set(self._headers)
        self.cookie_reader = CookieReader(
            carriers=adapter.carriers.cookies,
            own=own,
            doors=self.doors,
            anonymous=adapter.traits.anonymous_cookies,
            commas=adapter.carriers.commas,
        )

    def clean(self, environ: dict[str, Any]) -> Cleaned:
        """Change ``environ`` into what adapter and application may read, and identify the user by it.

        With :data:`~wsgi_mfa.identity.adapter.UNRESOLVED` the carriers are taken out at once.

        Raises:
            AdapterUnavailableError: the adapter cannot ask at present (D7).
            AmbiguousCarrierError: a carrier names two users at once (R57).
        """
        if not self._harmless.issuperset(environ):
            self._remove_doors(environ)
        raw = environ.get("HTTP_COOKIE", "")
        cookies = self.cookie_reader.read(raw)
        if cookies.header != raw:
            _write_cookies(environ, cookies.header)
        doubled = cookies.doubled
        if environ.get("QUERY_STRING") or "REQUEST_URI" in environ or "RAW_URI" in environ:
            doubled += self._clean_query(environ)
        identification = self.adapter.identify(environ)
        digest = cookies.digest if self._only_cookies else self.digest(environ, cookies)
        if identification is UNRESOLVED:
            self._take_carriers_out(environ, cookies)
        else:
            if identification is not None and identification.unproven is not None:
                self._take_out(environ, identification.unproven)
            if isinstance(identification, FirstFactor):
                if identification.replaced:
                    environ.update(identification.replaced)
            elif not self._reads_cookies:
                # D5: the adapter vouches for no cookie, so without a user none may speak for one.
                _write_cookies(environ, cookies.for_nobody)
        return Cleaned(identification, cookies, doubled, digest)

    def strip_carriers(self, environ: dict[str, Any], cleaned: Cleaned) -> None:
        """Take the user out of a cleaned request: the application sees an anonymous visitor."""
        self._take_carriers_out(environ, cleaned.cookies)

    def digest(self, environ: Mapping[str, Any], cookies: CanonicalCookies) -> str | None:
        """The digest of the carriers in a cleaned environ whose cookies are ``cookies``."""
        if self._only_cookies:
            return cookies.digest
        arguments = self._query_reader.read(environ.get("QUERY_STRING", "")).carriers
        return digest_of(
            [
                *(("cookie", name, value) for name, value in cookies.carriers.items()),
                *(("header", key, environ[key]) for key in self._browser_headers if environ.get(key)),
                *(("argument", name, value) for name, value in arguments.items()),
            ]
        )

    def _remove_doors(self, environ: dict[str, Any]) -> None:
        for key in [key for key in environ if key not in self._harmless]:
            if self.doors.leads_in(Where.ENVIRON, key):
                del environ[key]
            else:
                if len(self._harmless) >= _HARMLESS_NAMES_MAX:
                    self._harmless = set(self._headers)
                self._harmless.add(key)

    def _clean_query(self, environ: dict[str, Any]) -> tuple[str, ...]:
        """Take undeclared doors and doubled carriers out of the query; the names of the doubled ones."""
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

    def _take_carriers_out(self, environ: dict[str, Any], cookies: CanonicalCookies) -> None:
        _write_cookies(environ, cookies.without_carriers if self._reads_cookies else cookies.for_nobody)
        for key in self._headers:
            environ.pop(key, None)
        if self._arguments:
            self._take_arguments_out(environ)

    def _take_out(self, environ: dict[str, Any], unproven: Carriers) -> None:
        """Take some carriers out, and leave those that speak for the user or for nobody (Chain)."""
        kept = [
            text
            for text in environ.get("HTTP_COOKIE", "").split("; ")
            if text.partition("=")[0] not in unproven.cookies
        ]
        _write_cookies(environ, "; ".join(kept))
        for key in unproven.headers:
            environ.pop(key, None)
        if unproven.arguments:
            self._take_arguments_out(environ)

    def _take_arguments_out(self, environ: dict[str, Any]) -> None:
        if environ.get("QUERY_STRING"):
            environ["QUERY_STRING"] = self._query_reader.read(environ["QUERY_STRING"]).without_carriers
        for key in _URI_KEYS:
            path, mark, query = environ.get(key, "").partition("?")
            if mark:
                environ[key] = f"{path}?{self._query_reader.read(query).without_carriers}"


def _write_cookies(environ: dict[str, Any], header: str) -> None:
    if header:
        environ["HTTP_COOKIE"] = header
    else:
        environ.pop("HTTP_COOKIE", None)
