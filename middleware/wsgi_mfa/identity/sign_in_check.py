"""A bad and a good sign-in at the portal itself, and each other way by which it takes the session that it gave.

For any adapter that reads cookies. What the adapter sees after each sign-in says whether its settings are right; the
other ways say what has to be declared or closed before users depend on it.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from wsgi_mfa.core.usernames import UserNames
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, Adapter, FirstFactor
from wsgi_mfa.identity.adapters.chain import parts_of
from wsgi_mfa.identity.observed_login.binding import ObservedLogin
from wsgi_mfa.identity.observed_login.login_body import URLENCODED, written
from wsgi_mfa.identity.observed_login.other_names import folds_alike, other_names
from wsgi_mfa.identity.observed_login.portal_client import PortalAnswer, PortalClient, hidden_fields
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, declared_cookies
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SETTING = "sign_in"
#: Arguments of adapters that say nothing about how the portal writes its sessions.
_OF_OTHER_USE = frozenset(("clock", "aliases", "secure", "anonymous_cookies"))


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """The sign-in of a user without any rights, and ``page``, which the portal shows to signed-in users alone.

    ``path`` is where the form is and where it is sent, with the user in ``user_field`` and the password in
    ``password_field``; ``fields`` are what else has to be filled in. ``origin`` is the portal's own address.
    """

    path: str
    page: str
    user: str
    password: str = field(repr=False)
    user_field: str = "username"
    password_field: str = "password"  # noqa: S105 - a field's name
    fields: Mapping[str, str] = field(default_factory=dict)
    media_type: str = URLENCODED
    origin: str = "https://localhost"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInReport:
    """The result: ``problems`` have to be changed, ``notes`` are worth knowing."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]


def _settings_of(adapter: Adapter) -> str:
    """Return the names of the settings by which an adapter reads sessions."""
    names = [name for part in parts_of(adapter) for name in signature(type(part)).parameters]
    return ", ".join(dict.fromkeys(name for name in names if name not in _OF_OTHER_USE)) or "its settings"


class _Kept(logging.Handler):
    """Keeps the messages of warnings."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message of one record."""
        self._kept.append(record.getMessage())


@contextmanager
def _logged(kept: list[str]) -> Iterator[None]:
    """Add to ``kept`` what is logged meanwhile: adapters tell there, and not their callers, why they let no user in."""
    logger, handler = logging.getLogger("wsgi_mfa"), _Kept(kept)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class SignInCheck:
    """Plays ``sign_in`` at ``application``, the portal without the middleware, and asks ``adapter`` about it.

    ``extra_undeclared`` are the further credentials that settings take out of requests, and ``user_names`` says how
    spellings are taken.
    """

    def __init__(
        self,
        application: WSGIApplication,
        adapter: Adapter,
        sign_in: SignIn,
        *,
        extra_undeclared: Sequence[UndeclaredCredential] = (),
        user_names: UserNames = UserNames.FOLDED,
    ) -> None:
        self._client = PortalClient(application, origin=sign_in.origin, setting=f"{SETTING}.origin")
        self._adapter = adapter
        self._sign_in = sign_in
        self._user_names = user_names
        self._declared = declared_cookies(adapter)
        self._sanitizer = RequestSanitizer(adapter, own_cookie_names=(), extra_undeclared=extra_undeclared)
        if not self._declared:
            raise ConfigurationError(
                f"{SETTING}: {type(adapter).__name__} reads no cookie: legal is an adapter of the portal's session",
                setting=SETTING,
            )

    def run(self) -> SignInReport:
        """Play both sign-ins and try the other ways.

        :raises ConfigurationError: the portal does not answer, or ``page`` is shown to visitors.
        """
        try:
            self._visitor = self._client.ask("GET", self._sign_in.page)
            if self._visitor.status == 200:
                raise ConfigurationError(
                    f"{SETTING}.page is {self._sign_in.page!r}, which visitors are shown too (status 200): legal is a"
                    " page for signed-in users alone",
                    setting=f"{SETTING}.page",
                )
            _, wrong = self._signed_in(SystemEntropy().token_bytes(12).hex())
            answer, right = self._signed_in(self._sign_in.password)
        except ConfigurationError:
            raise
        except Exception as error:
            raise ConfigurationError(f"{SETTING}: the portal failed: {error!r}", setting=SETTING) from error
        if not self._is_let_in(self._client.ask("GET", self._sign_in.page, cookies=right)):
            return SignInReport(problems=(self._not_signed_in(answer),), notes=())
        problems = [*self._of_adapter(wrong, right), *self._of_other_cookies(right)]
        found = [*self._ways(right), *self._of_spellings(right)]
        problems += [text for text, is_closed in found if not is_closed]
        return SignInReport(
            problems=tuple(problems), notes=tuple(text for text, is_closed in found if is_closed)
        )

    def _of_spellings(self, cookies: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
        """Yield each other name by which the portal signs the user in, and whether that makes no new user of it."""
        user = self._user_in(cookies)
        for name in other_names(self._sign_in.user) if user is not None else ():
            _, other_cookies = self._signed_in(self._sign_in.password, name)
            if not self._is_let_in(self._client.ask("GET", self._sign_in.page, cookies=other_cookies)):
                continue
            other = self._user_in(other_cookies)
            told = f"the portal signs {self._sign_in.user!r} in by {name!r} too"
            if other in (user, None):
                continue
            if folds_alike(str(other), str(user)):
                exact = self._user_names is UserNames.EXACT
                yield (
                    f'{told}, and the adapter sees {other!r}: user_names = "exact" makes two users of it',
                    not exact,
                )
            else:
                yield f"{told}, and the adapter sees another user {other!r}: give directory=", False

    def _user_in(self, cookies: Mapping[str, str]) -> str | None:
        environ = self._client.environ("GET", self._sign_in.page, cookies=cookies)
        try:
            found = self._sanitizer.clean(environ).identification
        except AdapterUnavailableError:
            return None
        return found.user if isinstance(found, FirstFactor) else None

    def _signed_in(self, password: str, user: str | None = None) -> tuple[PortalAnswer, dict[str, str]]:
        """Return the answer to a sign-in, and the cookies of the browser after it."""
        sign_in = self._sign_in
        shown = self._client.ask("GET", sign_in.path)
        form = {**hidden_fields(shown.body, sign_in.user_field), **sign_in.fields}
        form |= {sign_in.user_field: user or sign_in.user, sign_in.password_field: password}
        content = written(form, sign_in.media_type)
        answer = self._client.ask("POST", sign_in.path, cookies=shown.cookies, content=content)
        return answer, {**shown.cookies, **answer.cookies}

    def _is_let_in(self, answer: PortalAnswer) -> bool:
        return answer.status == 200 and self._visitor.status != 200

    def _not_signed_in(self, answer: PortalAnswer) -> str:
        return (
            f"the sign-in of {self._sign_in.user!r} was answered with status {answer.status}"
            f"{f' and Location {answer.location}' if answer.location else ''}, and does not open {self._sign_in.page}:"
            f" are path, user_field, password_field, fields and the password in [{SETTING}] right?"
        )

    def _of_adapter(self, wrong: Mapping[str, str], right: Mapping[str, str]) -> Iterator[str]:
        """Yield what the adapter takes for another thing than it is."""
        if any(isinstance(part, ObservedLogin) for part in parts_of(self._adapter)):
            return  # these are told of sign-ins by the portal's answers, which their own rehearsal plays
        causes: list[str] = []  # a cause is logged once, perhaps after the wrong password already
        for what, cookies in (("wrong", wrong), ("right", right)):
            environ = self._client.environ("GET", self._sign_in.page, cookies=cookies)
            try:
                with _logged(causes):
                    found = self._sanitizer.clean(environ).identification
            except AdapterUnavailableError as error:
                yield f"after the {what} password: {error} (its settings are {_settings_of(self._adapter)})"
                continue
            if what == "wrong" and isinstance(found, FirstFactor):
                yield f"a wrong password signs in {found.user!r} for the adapter"
            elif what == "right" and found is UNRESOLVED:
                logged = "".join(f" The log says: {cause}" for cause in causes)
                yield (
                    "the session after a sign-in proves nothing to the adapter: are"
                    f" {_settings_of(self._adapter)} the portal's?{logged}"
                )
            elif what == "right" and not isinstance(found, FirstFactor):
                present = ", ".join(sorted(cookies))
                yield (
                    "the adapter sees a visitor after a sign-in, so that no code would be asked for: is the cookie's"
                    f" name right (the browser has {present}), and the others of {_settings_of(self._adapter)}?"
                )

    def _of_other_cookies(self, cookies: Mapping[str, str]) -> Iterator[str]:
        """Yield the undeclared cookies that sign in by themselves."""
        for name, value in cookies.items():
            if name in self._declared:
                continue
            environ = self._client.environ("GET", self._sign_in.page, cookies={name: value})
            self._sanitizer.clean(environ)
            if "HTTP_COOKIE" not in environ:
                continue  # known as a credential, and removed
            if self._is_let_in(self._client.ask("GET", self._sign_in.page, cookies={name: value})):
                yield (
                    f"the cookie {name!r} signs users in by itself, and the adapter does not declare it: take one that"
                    f' does, or undeclared_credentials = ["cookie {name}"]'
                )

    def _ways(self, cookies: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
        """Yield each other way in that the portal takes, and whether the middleware closes it."""
        for name in self._declared:
            if name in cookies:
                yield from self._ways_of(name, cookies[name])
        page, sign_in = self._sign_in.page, self._sign_in
        typed = {sign_in.user_field: sign_in.user, sign_in.password_field: sign_in.password, **sign_in.fields}
        basic = b64encode(f"{sign_in.user}:{sign_in.password}".encode()).decode("ascii")
        if self._is_let_in(self._client.ask("GET", page, headers={"HTTP_AUTHORIZATION": f"Basic {basic}"})):
            yield "the portal takes HTTP Basic too: it is removed", True
        if self._is_let_in(self._client.ask("GET", f"{page}?{urlencode(typed)}")):
            yield "the portal takes name and password from the query of any page", False
        content = written(typed, sign_in.media_type)
        if page != sign_in.path and self._is_let_in(self._client.ask("POST", page, content=content)):
            yield f"the portal takes the sign-in form at {page} too, and carries that request out", False

    def _ways_of(self, name: str, value: str) -> Iterator[tuple[str, bool]]:
        """Yield the ways in which the portal takes the cookie ``name`` elsewhere."""
        page, client = self._sign_in.page, self._client
        query = f"{quote(name)}={quote(value)}"
        if self._is_let_in(client.ask("GET", f"{page}?{query}")):
            yield self._judged_way("argument", name, self._without_query(query))
        for spelt in dict.fromkeys((name, name.lower())):
            if self._is_let_in(client.ask("GET", f"{page};{spelt}={value}")):
                yield f"the portal takes the path parameter ;{spelt}=: it is removed", True
        header = f"X-{name.replace('_', '-')}".title()
        key = "HTTP_" + header.upper().replace("-", "_")
        if self._is_let_in(client.ask("GET", page, headers={key: value})):
            environ: dict[str, Any] = {key: value}
            self._sanitizer.clean(environ)
            yield self._judged_way("header", header, key not in environ)
        content = (URLENCODED, urlencode({name: value}).encode())
        if self._is_let_in(client.ask("POST", page, content=content)):
            yield f"the portal takes {name!r} from a form's body: close the path, or change the portal", False
        hidden = f'{name}x="; {name}={value}; y="'
        if self._is_let_in(client.ask("GET", page, cookies=hidden)):
            yield f"the portal finds {name!r} inside another cookie: a sealed one is of no use there", True

    def _without_query(self, query: str) -> bool:
        environ: dict[str, Any] = {"QUERY_STRING": query}
        self._sanitizer.clean(environ)
        return not environ["QUERY_STRING"]

    @staticmethod
    def _judged_way(kind: str, name: str, is_closed: bool) -> tuple[str, bool]:
        if is_closed:
            return f"the portal takes its session by the {kind} {name} too: it is removed", True
        return (
            f'the portal takes its session by the {kind} {name} too: set also_by = ["{kind} {name}"]',
            False,
        )
