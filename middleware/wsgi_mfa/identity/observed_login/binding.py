"""Logins that are seen from outside, in the responses of a portal whose cookies cannot be read.

The cookies by which the portal knows its users are bound to the user who signed in with them, in a row of the store
(:mod:`wsgi_mfa.identity.observed_login.bindings`), and to one of our cookies, the label, which names that sign-in.
Portal cookies without a binding or its label are taken out of the request. So a user who signs in by a way that was
not watched is a visitor at the next request, and a label from before a sign-in is worth nothing after it.

A visitor's cookies, which forms need for their tokens, get a signed label; it lets them pass to the
sign-in page alone, since a session on the server could have been signed in elsewhere under the same name.
"""

from __future__ import annotations

import hmac
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, AdapterTraits, Credentials, FirstFactor, Identification
from wsgi_mfa.identity.request.cookie_header import value_in
from wsgi_mfa.identity.request.credential_digest import digest_of
from wsgi_mfa.identity.sign_in_fields.names import comparable_path

logger = logging.getLogger("wsgi_mfa")

Headers = list[tuple[str, str]]
#: A user, None after the end of the binding, and the login that names the label.
Bound = tuple[str | None, str]

_VISITOR = re.compile(r"v\.([0-9]{1,12})\.(.+)", re.ASCII)
_PATH = re.compile(r"/[^?#]*")

#: So long a visitor may have the sign-in form open.
VISITOR_SECONDS = 12 * 60 * 60


class UnrecognizedSignInError(Exception):
    """An answer to a sign-in was neither the one of a right password nor that of a wrong one (D9)."""


class ObservedLogin(ABC):
    """An adapter that binds the portal's ``cookies`` to users; what a sign-in is, its subclasses know.

    ``paths`` are those at which people sign in. A request to one of ``sign_out`` paths, and an answer that takes the
    cookies away, ends the login. Any other cookie of an answer that signs somebody in is kept back, unless
    ``harmless_cookies`` names it. A response that gives the cookies other values ends the login too, unless
    ``renews_in_responses`` says that the portal does so of itself. ``secure`` is False over plain http
    alone. The middleware binds the adapter to its keys and store, and puts what watches responses around the portal.
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
        user_field: str | None = None,
        renews_in_responses: bool = False,
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
        self.paths = tuple(sorted(paths))
        self._paths = frozenset(map(comparable_path, paths))
        self._sign_out_paths = frozenset(map(comparable_path, sign_out))
        self.cookies = tuple(cookies)
        self._known_cookies = frozenset((*cookies, *harmless_cookies))
        self._told: set[str] = set()
        self.secure = secure
        self._aliases, self._user_field, self._paths_given = aliases, user_field, tuple(paths)
        self._name_label_cookie("")
        self.renews_in_responses = renews_in_responses
        self._find: Callable[[str], Bound | None] | None = None
        self._is_too_old: Callable[[int], bool] | None = None
        self._now: Callable[[], int] | None = None
        self._sign: Callable[[bytes], str] | None = None
        self._check: Callable[[bytes, str], bool] | None = None

    def bind(
        self,
        *,
        sign: Callable[[bytes], str],
        check: Callable[[bytes, str], bool],
        find: Callable[[str], Bound | None],
        is_too_old: Callable[[int], bool],
        now: Callable[[], int],
        label: str = "",
    ) -> None:
        """Sign visitors' labels by these functions from now on, and find what credentials are bound to.

        ``find`` returns the user and the login that a credential is bound to, the user being None after the end, and
        None where it was never bound. ``is_too_old`` says that labels of an instant do not count any more.
        ``label`` is that of the portal's cookies (D49).
        """
        self._sign, self._check, self._find, self._is_too_old, self._now = sign, check, find, is_too_old, now
        self._name_label_cookie(label)

    def _name_label_cookie(self, label: str) -> None:
        name = f"wsgi_mfa_login_{label}" if label else "wsgi_mfa_login"
        self.label_cookie = f"__Host-{name}" if self.secure else name
        self.credentials = Credentials(cookies=(*self.cookies, self.label_cookie))
        self.traits = AdapterTraits(
            user_changes_in_response=True,
            aliases=self._aliases,
            own_cookies=(self.label_cookie,),
            sign_in_paths=self._paths_given,
            sign_in_user_fields=() if self._user_field is None else (self._user_field,),
        )

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        header = environ.get("HTTP_COOKIE", "")
        digest = self.digest(header)
        label = value_in(header, self.label_cookie)
        if digest is None and label is None:
            return None
        if digest is None or label is None or self._find is None:
            return UNRESOLVED
        bound = self._find(digest)
        if bound is None:
            is_visitor = self.is_sign_in_path(environ) and self._is_visitors(label, digest)
            return None if is_visitor else UNRESOLVED
        user, login = bound
        # D41: the label of a visitor, or of an earlier sign-in, is worth nothing once the credential is bound.
        expected = self.user_label(login).encode("ascii")
        if user is None or not hmac.compare_digest(label.encode("ascii", "replace"), expected):
            return UNRESOLVED
        return FirstFactor(user=user, login=login)

    def is_sign_in_path(self, environ: Mapping[str, Any]) -> bool:
        """Return whether a request is for a page at which users sign in."""
        return comparable_path(str(environ.get("PATH_INFO", ""))) in self._paths

    def is_sign_out_path(self, path: str) -> bool:
        """Return whether ``path`` is one by which the portal signs users out."""
        return comparable_path(path) in self._sign_out_paths

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
    def has_first_page(self) -> bool:
        """Whether the user name is typed on a page of its own."""
        return False

    def is_first_page(self, environ: Mapping[str, Any]) -> bool:  # noqa: ARG002 - subclasses read it
        """Return whether a request is for that page."""
        return False

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

    def user_label(self, login: str) -> str:
        """Return the label that goes with the binding of this login."""
        return f"u.{login}"

    def visitor_label(self, cookie_header: str, *, now: int) -> str | None:
        """Return the label of a visitor with these cookies; None where there is nothing to label."""
        digest = self.digest(cookie_header)
        if digest is None or self._sign is None or self._find is None or self._find(digest) is not None:
            return None
        issued = str(now // SECOND)
        return f"v.{issued}.{self._sign(_message(issued, digest))}"

    def _is_visitors(self, label: str, digest: str) -> bool:
        """Return whether a label was made for a visitor with these cookies, and not too long ago."""
        match = _VISITOR.fullmatch(label)
        if match is None or self._check is None or self._is_too_old is None or self._now is None:
            return False
        issued, signature = match.groups()
        if not self._check(_message(issued, digest), signature):
            return False
        issued_at = int(issued) * SECOND
        return self._now() - issued_at < VISITOR_SECONDS * SECOND and not self._is_too_old(issued_at)


def _message(issued: str, digest: str) -> bytes:
    return f"v.{issued}.{digest}".encode("ascii")
