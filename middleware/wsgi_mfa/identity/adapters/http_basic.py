"""HTTP Basic: every request carries a name and a password, which are checked before anything else (R62, RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wsgi_mfa.clock import Clock, SystemClock
from wsgi_mfa.core.app_passwords import APP_PASSWORD
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.usernames import UserNames
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import (
    UNRESOLVED,
    Adapter,
    AdapterTraits,
    Credentials,
    FirstFactor,
    Identification,
)
from wsgi_mfa.identity.adapters.htpasswd import HtpasswdFile

#: Whether a name and a password belong together: true or the user's id, else false or None.
PasswordChecker = Callable[[str, str], "str | bool | None"]

REMEMBERED_SECONDS = 60  # so long a changed password goes on to count
_CACHED_MAX = 1024
_KEY_BYTES = 32
_HEADER = re.compile(r"[Bb]asic +([A-Za-z0-9+/]+={0,2})", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REALM = re.compile(r"[ !#-\[\]-~]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Checked:
    first_factor: FirstFactor
    until: int


class HttpBasic:
    """Check ``Authorization: Basic`` by ``checker(name, password)``.

    ``checker``, such as an :class:`~wsgi_mfa.identity.adapters.htpasswd.HtpasswdFile`, answers True, or
    the user's id as text, for a right password, and False or None for a wrong one; it raises where it cannot ask.
    A right answer is remembered for a minute; a wrong one never is. Credentials that are not right are taken
    out of the request before anything is said about codes.

    A client without a browser, such as one of WebDAV, CalDAV or pip, appends an app password or a code to the
    password: if the password ends in ``code_digits`` digits or in an app password, what is before it is checked, and
    then the whole password if that is wrong. The code is judged like one that was typed, and the application gets the
    password alone. One sign-in lasts as long as any
    session, for the client at that address that goes on to send the very same password and code.

    The lines of a password file are users of their own, however alike they are spelt. With any other checker another
    spelling of a name is asked about (D44).

    With ``app_passwords=False`` only codes are taken. ``realm`` is what clients show when they ask for the
    password. ``aliases`` and ``anonymous_cookies`` are those of
    :class:`~wsgi_mfa.identity.adapters.remote_user.RemoteUser`.
    """

    credentials = Credentials(headers=("HTTP_AUTHORIZATION",))

    def __init__(
        self,
        checker: PasswordChecker,
        *,
        realm: str = "Password, then the code from your app",
        code_digits: int = 6,
        anonymous_cookies: Sequence[str] = (),
        aliases: bool = False,
        app_passwords: bool = True,
        clock: Clock | None = None,
    ) -> None:
        """Check the settings.

        :raises ConfigurationError: a setting has no legal value; the message names both.
        """
        if not callable(checker):
            raise ConfigurationError(
                "HttpBasic: checker must be callable as checker(name, password)", setting="checker"
            )
        if _REALM.fullmatch(realm) is None:
            raise ConfigurationError(
                f"HttpBasic: realm is {realm!r}: legal are 1 to 64 printable ASCII characters without a quote or"
                " a backslash",
                setting="realm",
            )
        if not 6 <= code_digits <= 8:
            raise ConfigurationError(
                f"HttpBasic: code_digits is {code_digits}: legal is 6 to 8, as in the policy",
                setting="code_digits",
            )
        self._checker = checker
        self._code = re.compile(rf"(.+)([0-9]{{{code_digits}}})", re.ASCII | re.DOTALL)
        self._app_password = re.compile(rf"(.+)({APP_PASSWORD})", re.ASCII | re.DOTALL)
        self.traits = AdapterTraits(
            user_changes_in_response=False,
            anonymous_cookies=tuple(anonymous_cookies),
            aliases=aliases,
            takes_app_passwords=app_passwords,
            user_names=UserNames.EXACT if isinstance(checker, HtpasswdFile) else UserNames.ASK,
            www_authenticate=f'Basic realm="{realm}", charset="UTF-8"',
        )
        self._clock = clock or SystemClock()
        self._cache_key = SystemEntropy().token_bytes(_KEY_BYTES)
        self._checked: dict[bytes, _Checked] = {}

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        header = environ.get("HTTP_AUTHORIZATION")
        if not header:
            return None
        name = hmac.digest(self._cache_key, str(header).encode("utf-8", "surrogatepass"), "sha256")
        now = self._clock.now()
        known = self._checked.get(name)
        if known is not None and known.until - REMEMBERED_SECONDS * SECOND <= now < known.until:
            return known.first_factor
        self._checked.pop(name, None)
        credentials = _credentials_in(str(header))
        first_factor = None if credentials is None else self._first_factor(*credentials)
        if first_factor is None:
            return UNRESOLVED
        if len(self._checked) >= _CACHED_MAX:
            self._checked.clear()
        self._checked[name] = _Checked(first_factor=first_factor, until=now + REMEMBERED_SECONDS * SECOND)
        return first_factor

    def selftest(self) -> list[str]:
        test = getattr(self._checker, "selftest", None)
        problems = list(test()) if test is not None else []
        if problems:
            return problems
        made_up = SystemEntropy().token_bytes(12).hex()
        try:
            if self._user_of(made_up, made_up) is not None:
                return [
                    "HttpBasic: checker accepts a name and a password that were made up: it must check them"
                ]
        except AdapterUnavailableError as error:
            return [str(error)]
        return []

    def store_selftest(self) -> list[str]:
        return []

    def _first_factor(self, name: str, password: str) -> FirstFactor | None:
        form = self._app_password.fullmatch(password) if self.traits.takes_app_passwords else None
        appended = form or self._code.fullmatch(password)
        user = None if appended is None else self._user_of(name, appended[1])
        if appended is None or user is None:
            # A password of its own may end in digits too.
            user = self._user_of(name, password)
            return None if user is None else FirstFactor(user=user)
        plain = base64.b64encode(f"{name}:{appended[1]}".encode()).decode("ascii")
        return FirstFactor(user=user, code=appended[2], replaced=(("HTTP_AUTHORIZATION", f"Basic {plain}"),))

    def _user_of(self, name: str, password: str) -> str | None:
        try:
            answer = self._checker(name, password)
        except AdapterUnavailableError:
            raise
        except Exception as error:
            raise AdapterUnavailableError(f"HttpBasic: the checker failed: {error!r}") from error
        if isinstance(answer, str):
            return answer or None
        return name if answer is True else None


def _credentials_in(header: str) -> tuple[str, str] | None:
    """Name and password, where the header has its one spelling; servers join two headers with a comma."""
    match = _HEADER.fullmatch(header)
    if match is None:
        return None
    try:
        data = base64.b64decode(match[1], validate=True)
    except binascii.Error:
        return None
    if base64.b64encode(data).decode("ascii") != match[1]:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    name, colon, password = text.partition(":")
    if not colon or not name or not password or _CONTROL.search(text) is not None:
        return None
    return name, password


if TYPE_CHECKING:
    _: Adapter = HttpBasic(lambda *_: None)
