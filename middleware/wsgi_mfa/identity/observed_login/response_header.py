"""A portal that was taught one thing: to name the user in a header of its answer to a sign-in (R61)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.observed_login.binding import Headers, ObservedLogin, UnrecognizedSignInError
from wsgi_mfa.identity.request.wsgi_text import decoded

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*", re.ASCII)
_SECRET_CHARACTERS_MIN = 16


class ResponseHeader(ObservedLogin):
    """Takes the user from ``header`` in the answer to a ``method`` request at ``path`` with one of ``statuses``.

    Such an answer without the header is one to a wrong password. The header is taken out of every answer, and in any
    other one it means nothing. With ``secret`` its value is ``USER;SIGNATURE``, the signature being the HMAC-SHA-256
    of the user under the secret in hex, so that a page that echoes what clients send can name nobody.

    ``cookies``, ``sign_out`` and the rest are those of :class:`~wsgi_mfa.identity.observed_login.login_form.LoginForm`.
    """

    def __init__(
        self,
        header: str,
        *,
        path: str | Sequence[str],
        cookies: Sequence[str],
        statuses: Sequence[int] = (200, 302, 303),
        method: str = "POST",
        secret: str | None = None,
        sign_out: Sequence[str] = (),
        secure: bool = True,
        aliases: bool = False,
        harmless_cookies: Sequence[str] = (),
        renews_in_responses: bool = False,
    ) -> None:
        """Check the settings.

        :raises ConfigurationError: a setting has no legal value; the message names both.
        """
        super().__init__(
            paths=(path,) if isinstance(path, str) else path,
            cookies=cookies,
            sign_out=sign_out,
            secure=secure,
            aliases=aliases,
            harmless_cookies=harmless_cookies,
            renews_in_responses=renews_in_responses,
        )
        if _NAME.fullmatch(header) is None:
            raise ConfigurationError(
                f"ResponseHeader: header is {header!r}: legal is a name such as X-Signed-In-User",
                setting="header",
            )
        if secret is not None and len(secret) < _SECRET_CHARACTERS_MIN:
            raise ConfigurationError(
                f"ResponseHeader: secret must have at least {_SECRET_CHARACTERS_MIN} characters, and be the portal's",
                setting="secret",
            )
        self._header = header.lower()
        self._statuses = frozenset(statuses)
        self._method = method.upper()
        self._secret = None if secret is None else secret.encode()

    @property
    def stripped_header(self) -> str:
        return self._header

    def signs_in(self, environ: Mapping[str, Any]) -> bool:
        return environ.get("REQUEST_METHOD") == self._method and self.is_sign_in_path(environ)

    def user_in(
        self,
        typed: str | None,  # noqa: ARG002 - this adapter reads no form
        status: int,
        headers: Headers,
        kept_cookies: Sequence[str],  # noqa: ARG002 - the header says it
    ) -> str | None:
        values = [value for name, value in headers if name.lower() == self._header]
        if not values:
            return None
        if status not in self._statuses or len(values) > 1 or not values[0]:
            raise UnrecognizedSignInError(
                f"{len(values)} headers {self._header} in an answer of status {status}"
            )
        if self._secret is None:
            return decoded(values[0])
        user, _, signature = values[0].rpartition(";")
        expected = hmac.new(self._secret, user.encode("latin-1", "replace"), hashlib.sha256).hexdigest()
        if not user or not hmac.compare_digest(expected.encode(), signature.encode("latin-1", "replace")):
            raise UnrecognizedSignInError(f"the header {self._header} has no good signature")
        return decoded(user)

    def selftest(self) -> list[str]:
        return []

    def store_selftest(self) -> list[str]:
        return []


if TYPE_CHECKING:
    _: Adapter = ResponseHeader("", path="", cookies=())
