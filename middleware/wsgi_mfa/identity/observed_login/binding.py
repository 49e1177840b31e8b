"""Logins that are seen from outside, in the answers of a portal whose cookies cannot be read.

The cookies by which the portal knows its users are paired with one of ours, the label: it says, signed, which user
signed in and that it was by these very cookies. Portal cookies without a label of theirs are taken out of the
request. So whoever signs in by a way that was not watched is a visitor at the next request.

A visitor's cookies, which forms need for their tokens, get a label too; it lets them pass to the
sign-in page alone, since a session on the server could have been signed in elsewhere under the same name.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, AdapterTraits, Credentials, FirstFactor, Identification
from wsgi_mfa.identity.request.cookie_header import value_in
from wsgi_mfa.identity.request.credential_digest import digest_of

logger = logging.getLogger("wsgi_mfa")

Headers = list[tuple[str, str]]

_LABEL = re.compile(r"([uv])\.([A-Za-z0-9_-]*)\.([0-9a-f]{32})\.(.+)", re.ASCII)
_PATH = re.compile(r"/[^?#]*")


class UnrecognizedSignInError(Exception):
    """An answer to a sign-in was neither the one of a right password nor that of a wrong one (D9)."""


class ObservedLogin(ABC):
    """An adapter that labels the portal's ``cookies``; what a sign-in is, its subclasses know.

    ``paths`` are those at which people sign in. A request to one of ``sign_out`` paths, and an answer that takes the
    cookies away, ends the login. Any other cookie of an answer that signs somebody in is kept back, unless
    ``harmless_cookies`` names it. ``secure`` is False over plain http alone. The middleware binds the adapter to its
    keys, and puts what labels the answers around the portal.
    """

    def __init__(
        self,
        *,
        paths: Sequence[str],
        cookies: Sequence[str],
        sign_out: Sequence[str] = (),
        secure: bool = True,
        aliases: bool = False,
        harmless_cookies: Sequence[str] = (),
    ) -> None:
        name = type(self).__name__
        for setting, given in (("path", paths), ("sign_out", sign_out)):
            if isinstance(given, str) or not all(_PATH.fullmatch(path) for path in given):
                raise ConfigurationError(
                    f"{name}: {setting} is {given!r}: legal are paths below the portal's root, such as /sign-in",
                    setting=setting,
                )
        if isinstance(cookies, str) or not cookies or not paths:
            raise ConfigurationError(
                f"{name}: cookies is {cookies!r}: legal is a list of the cookies by which the portal knows its users",
                setting="cookies",
            )
        self.paths = frozenset(paths)
        self.sign_out_paths = frozenset(sign_out)
        self.cookies = tuple(cookies)
        self._known_cookies = frozenset((*cookies, *harmless_cookies))
        self._told: set[str] = set()
        self.secure = secure
        self._aliases = aliases
        self._name_label_cookie("")
        self._sign: Callable[[bytes], str] | None = None
        self._check: Callable[[bytes, str], bool] | None = None

    def bind(
        self, *, sign: Callable[[bytes], str], check: Callable[[bytes, str], bool], label: str = ""
    ) -> None:
        """Sign labels by these functions from now on; ``label`` is that of the portal's cookies (D49)."""
        self._sign, self._check = sign, check
        self._name_label_cookie(label)

    def _name_label_cookie(self, label: str) -> None:
        name = f"wsgi_mfa_login_{label}" if label else "wsgi_mfa_login"
        self.label_cookie = f"__Host-{name}" if self.secure else name
        self.credentials = Credentials(cookies=(*self.cookies, self.label_cookie))
        self.traits = AdapterTraits(
            user_changes_in_response=True, aliases=self._aliases, own_cookies=(self.label_cookie,)
        )

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        header = environ.get("HTTP_COOKIE", "")
        digest = self.digest(header)
        label = value_in(header, self.label_cookie)
        if digest is None and label is None:
            return None
        read = None if digest is None or label is None else self._read(label, digest)
        if read is None:
            return UNRESOLVED
        if isinstance(read, FirstFactor):
            return read
        return None if environ.get("PATH_INFO", "") in self.paths else UNRESOLVED

    @abstractmethod
    def signs_in(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request is one by which people sign in."""

    @abstractmethod
    def user_in(
        self, typed: str | None, status: int, headers: Headers, kept_cookies: Sequence[str]
    ) -> str | None:
        """The user whom an answer to a sign-in has signed in, or None where the password was wrong.

        ``typed`` is what the form had in the adapter's field, if it has one.

        :raises UnrecognizedSignInError: the answer is neither.
        """

    @property
    def field(self) -> str | None:
        """The form's field that names the user, where it is needed."""
        return None

    @property
    def media_types(self) -> tuple[str, ...]:
        """The media types in which that form may be sent."""
        return ()

    @property
    def stripped_header(self) -> str | None:
        """A header of the portal that no client may see, in lower case."""
        return None

    def undeclared(self, cookies: Iterable[str]) -> list[str]:
        """Those of ``cookies`` that may be a way in, for all that the settings say; told of once."""
        found = [name for name in cookies if name not in self._known_cookies]
        for name in found:
            if name not in self._told:
                self._told.add(name)
                logger.error("%s", self.undeclared_problem(name))
        return found

    def undeclared_problem(self, cookie: str) -> str:
        """What to do about a cookie that a sign-in sets and that nobody has named."""
        return (
            f"{type(self).__name__}: a sign-in sets the cookie {cookie!r} too, which is kept back: name it in"
            " cookies, if the portal knows its users by it, else in harmless_cookies"
        )

    def digest(self, cookie_header: str) -> str | None:
        """What names the portal's cookies in a canonical header; None where there are none."""
        return digest_of(
            ("cookie", name, value)
            for name in self.cookies
            if (value := value_in(cookie_header, name)) is not None
        )

    def label(self, cookie_header: str, user: str | None, *, login: str | None = None) -> str | None:
        """The label of these cookies: for a user, or for a visitor (None); None where there is nothing to label."""
        digest = self.digest(cookie_header)
        if digest is None or self._sign is None:
            return None
        nonce = login or SystemEntropy().token_bytes(16).hex()
        kind, name = ("v", "") if user is None else ("u", user)
        text = base64.urlsafe_b64encode(name.encode("utf-8", "surrogatepass")).rstrip(b"=").decode("ascii")
        return f"{kind}.{text}.{nonce}.{self._sign(_message(kind, text, nonce, digest))}"

    def _read(self, label: str, digest: str) -> FirstFactor | str | None:
        """The user in a label, "" for a visitor's; None for one that is not ours or not of these cookies."""
        match = _LABEL.fullmatch(label)
        if match is None or self._check is None:
            return None
        kind, text, nonce, signature = match.groups()
        if not self._check(_message(kind, text, nonce, digest), signature):
            return None
        if kind == "v":
            return ""
        try:
            user = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "surrogatepass")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return FirstFactor(user=user, login=nonce)


def _message(kind: str, text: str, nonce: str, digest: str) -> bytes:
    return f"{kind}.{text}.{nonce}.{digest}".encode("ascii")
