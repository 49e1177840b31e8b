"""The first of two sign-in pages of an observed login: the user name comes before the password."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from wsgi_mfa.errors import StoreError
from wsgi_mfa.identity.observed_login.binding import ObservedLogin, UnrecognizedSignInError
from wsgi_mfa.identity.observed_login.login_body import URLENCODED, is_absent
from wsgi_mfa.identity.observed_login.typed_names import TypedNames
from wsgi_mfa.web.cookies import expire_cookie

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger("wsgi_mfa")


class FirstPage:
    """The page of ``adapter`` at which the name is typed; ``names`` keeps it until the password comes."""

    def __init__(self, adapter: ObservedLogin, names: TypedNames) -> None:
        self._adapter = adapter
        self._names = names

    def is_naming(self, environ: WSGIEnvironment) -> bool:
        """Return whether a request may tell the portal a user name, for a password that comes later."""
        if not self._adapter.is_first_page(environ):
            return False
        query = str(environ.get("QUERY_STRING") or "")
        is_plain = is_absent(
            b"", URLENCODED, query, field=self._adapter.field or "", media_types=(URLENCODED,)
        )
        return environ.get("REQUEST_METHOD") not in ("GET", "HEAD") or not is_plain

    def is_only_name(self, cookies: str, typed: str | None) -> bool:
        """Keep the name before the portal sees it; return whether it is the first one with these cookies."""
        digest = self._adapter.digest(cookies)
        try:
            return digest is None or self._names.note(digest, typed)
        except StoreError:
            logger.exception("a user name was not passed on, since it could not be saved")
            return False

    def begin_again(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Lead back to the first page without the portal's cookies, so that the portal forgets the name."""
        adapter = self._adapter
        location = quote(
            str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", "")), encoding="latin-1"
        )
        names = (*adapter.cookies, adapter.label_cookie)
        expired = [expire_cookie(name, secure=adapter.secure) for name in names]
        start_response(
            "303 See Other",
            [("Location", location), ("Content-Type", "text/plain"), ("Content-Length", "0"), *expired],
        )
        return []

    def follow(self, before: str, after: str, *, typed: str | None, naming: bool) -> None:
        """Keep the typed name for the cookies that the browser has after a response.

        :raises UnrecognizedSignInError: another name was typed with these cookies.
        :raises StoreError: it could not be saved.
        """
        digest, digest_before = self._adapter.digest(after), self._adapter.digest(before)
        if digest is None or digest == digest_before:
            return
        if naming and not self._names.note(digest, typed):
            raise UnrecognizedSignInError("another user name was typed with the cookies of this response")
        if not naming and digest_before is not None:
            self._names.carry(digest_before, digest)

    def name_with(self, cookies: str) -> str | None:
        """Return the one name that was typed with these cookies."""
        digest = self._adapter.digest(cookies)
        return None if digest is None else self._names.find(digest)
