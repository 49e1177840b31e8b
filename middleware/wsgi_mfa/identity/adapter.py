"""What an identity adapter is: it says who has passed the portal's own sign-in, and by which credentials.

An adapter declares every cookie, header and query argument by which the wrapped application accepts a user. All
that it does not declare, and that is known to carry a user, is taken out of the request
(:mod:`wsgi_mfa.identity.request.undeclared`). Adapters read the request after it was cleaned
(:mod:`wsgi_mfa.identity.request.sanitizer`), so that they and the application read the same user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol

from wsgi_mfa.core.usernames import UserNames
from wsgi_mfa.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstFactor:
    """Somebody is signed in at the portal.

    ``user`` is the portal's id, not yet canonical. ``login`` is a fingerprint of this one sign-in, which ends
    with it, or None where the mechanism has none: the second factor is then bound to our own cookie and the
    user alone. ``unproven`` are credentials beside this user's that prove nothing, and are taken out.

    ``changing`` says that ``user`` is an id which the portal replaces, such as at a change of the password, so that
    only a directory knows who it is: by itself it would be a new user's, who may set up a phone (D1).

    ``code`` is what came behind the password as a code from the authenticator, and is judged like one that was
    typed. ``replaced`` are environ keys with what the application is to read there in its place.
    """

    user: str
    login: str | None = None
    unproven: Credentials | None = None
    changing: bool = False
    code: str | None = field(default=None, repr=False)
    replaced: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Anonymous:
    """Nobody is signed in, and the credentials ``unproven`` prove nothing; the other ones may stay."""

    unproven: Credentials


class Unresolved(Enum):
    """The type of :data:`UNRESOLVED`."""

    UNRESOLVED = "unresolved"


UNRESOLVED: Final = Unresolved.UNRESOLVED
"""A credential is there and proves nothing: a bad signature, an unknown session. It is not "nobody"."""

CHANGING_IDS: Final = (
    "the portal signs users in by an id that changes with the password (Flask-Security's fs_uniquifier), and each new"
    " one would be a new user's: give directory=, which says which person it is"
)

Identification = FirstFactor | Anonymous | Unresolved | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    r"""Everything by which the application accepts a user.

    ``cookies`` are cookie names, ``headers`` environ keys (``HTTP_X_USER``, ``REMOTE_USER``), ``arguments``
    names in the query. ``commas`` says that a cookie's value may hold commas: adapter and application then find
    such a value in double quotes, each comma written ``\054``, and any other value as it is.
    """

    cookies: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    commas: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterTraits:
    """The fixed properties of an adapter, by which the middleware decides which of its checks apply.

    ``user_changes_in_response``: a response of the application can sign a user in or out, so each one is watched.

    ``anonymous_cookies``: for an adapter that reads no cookie, the cookies that a request without a user may keep
    (D5). None says that the adapter reads cookies itself.

    ``aliases``: one user is accepted under several names, so that a directory is needed (D1).

    ``changing_ids``: the portal replaces the ids of its users, so that a directory is needed (D1).

    ``renews_sessions``: each sign-in gets a new session id, and each sign-in and sign-out sets a cookie. Forward-auth
    needs it (D8), and a response without a cookie then changes no user (D3).

    ``www_authenticate``: the ``WWW-Authenticate`` header that asks a program for its credentials; None for an
    adapter that takes none.

    ``takes_app_passwords``: a program may send an app password in the place of a code.

    ``cookies_alone``: the application takes the declared cookies from the ``Cookie`` header and from nowhere else.
    Otherwise query arguments and path parameters of their names are removed from requests (D39).

    ``own_cookies``: those of the declared cookies that the middleware itself sets. They are never sealed (D39).

    ``sign_in_fields``: sets of field names by which the portal signs users in, each ``NAME`` or ``NAME=TEXT``.
    ``sign_in_user_fields`` are those with the user, and ``sign_in_paths`` the paths that they belong to (D40).

    ``signs_in_anywhere``: the portal takes these fields at every URL, so that they are watched for every client (D40).

    ``keeps_session_id``: the portal may keep the session id over a sign-in, and the operator has to say what of
    that.

    ``user_names``: how spellings of one name are taken unless the setting of that name says otherwise. ``exact`` is
    for an adapter that reads the portal's own id of the user, and ``ask`` for names as users type them (D44).

    :raises ConfigurationError: a trait has a value of another type; the message names it and what is legal.
    :raises TypeError: there is no such trait.
    """

    user_changes_in_response: bool
    anonymous_cookies: tuple[str, ...] | None = None
    aliases: bool = False
    changing_ids: bool = False
    renews_sessions: bool = False
    www_authenticate: str | None = None
    takes_app_passwords: bool = False
    cookies_alone: bool = False
    own_cookies: tuple[str, ...] = ()
    sign_in_fields: tuple[tuple[str, ...], ...] = ()
    sign_in_user_fields: tuple[str, ...] = ()
    sign_in_paths: tuple[str, ...] = ()
    signs_in_anywhere: bool = False
    keeps_session_id: bool = False
    user_names: UserNames = UserNames.ASK

    def __post_init__(self) -> None:
        for name in (
            "user_changes_in_response",
            "aliases",
            "changing_ids",
            "renews_sessions",
            "takes_app_passwords",
            "cookies_alone",
            "signs_in_anywhere",
            "keeps_session_id",
        ):
            if not isinstance(getattr(self, name), bool):
                raise _illegal_trait(name, getattr(self, name), "True and False")
        if self.user_names not in (UserNames.EXACT, UserNames.ASK):
            raise _illegal_trait("user_names", self.user_names, "UserNames.EXACT and UserNames.ASK")
        cookies = self.anonymous_cookies
        if cookies is not None and not _are_names(cookies):
            raise _illegal_trait("anonymous_cookies", cookies, "a tuple of cookie names, and None")
        if not _are_names(self.own_cookies):
            raise _illegal_trait("own_cookies", self.own_cookies, "tuples of cookie names")
        if not (
            isinstance(self.sign_in_fields, tuple)
            and all(each and _are_names(each) for each in self.sign_in_fields)
        ):
            raise _illegal_trait("sign_in_fields", self.sign_in_fields, "tuples of tuples of names")
        for name in ("sign_in_user_fields", "sign_in_paths"):
            if not _are_names(getattr(self, name)):
                raise _illegal_trait(name, getattr(self, name), "tuples of texts")
        header = self.www_authenticate
        if header is not None and not (isinstance(header, str) and header.isascii() and header.isprintable()):
            raise _illegal_trait("www_authenticate", header, "a header's value in printable ASCII, and None")


def _are_names(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(name, str) and name for name in value)


def _illegal_trait(name: str, value: object, legal: str) -> ConfigurationError:
    return ConfigurationError(f"AdapterTraits: {name} is {value!r}: legal are {legal}", setting="identity")


class Adapter(Protocol):
    """Tells who passed the first factor."""

    @property
    def credentials(self) -> Credentials:
        """What the application accepts a user by."""
        ...

    @property
    def traits(self) -> AdapterTraits:
        """The fixed properties of this adapter."""
        ...

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        """Who is signed in, nobody (None), or :data:`UNRESOLVED`, by a cleaned WSGI environ.

        Never reads ``wsgi.input`` and changes nothing.

        :raises AdapterUnavailableError: the adapter cannot ask at present; the request is answered 503 (D7).
        :raises AmbiguousCredentialError: a credential names two users at once; the request is answered 400 (R57).
        """
        ...

    def selftest(self) -> list[str]:
        """Return the problems of the configuration, each saying what to change; leave nothing open."""
        ...

    def store_selftest(self) -> list[str]:
        """Return the problems that asking the portal's session store shows; empty for an adapter without a store."""
        ...


_MEMBERS = ("credentials", "traits", "identify", "selftest", "store_selftest")


def refuse_incomplete(adapter: Adapter) -> None:
    """Refuse an object that is not a whole adapter: a missing trait would switch a check off.

    :raises ConfigurationError: a member is missing, or ``traits`` is not an :class:`AdapterTraits`.
    """
    missing = [name for name in _MEMBERS if not hasattr(adapter, name)]
    if missing:
        raise ConfigurationError(
            f"identity: {_name_of(adapter)} lacks {', '.join(missing)}: legal is an adapter, an object with"
            f" {', '.join(_MEMBERS)}",
            setting="identity",
        )
    if not isinstance(adapter.traits, AdapterTraits):
        raise ConfigurationError(
            f"identity: {_name_of(adapter)}.traits is {adapter.traits!r}: legal is"
            " AdapterTraits(user_changes_in_response=...)",
            setting="identity",
        )


def _name_of(adapter: object) -> str:
    return f"the class {adapter.__name__}" if isinstance(adapter, type) else type(adapter).__name__


def problems_of(adapter: Adapter, *, has_directory: bool, ask_store: bool = False) -> list[str]:
    """Return what keeps ``adapter`` from being used as it is set up; empty when nothing does.

    With ``ask_store`` the adapter tries its portal's session store too. A server does not do so at its start: what
    the store opens then could outlive a fork (D32).

    :raises ConfigurationError: ``adapter`` is not a whole adapter.
    """
    refuse_incomplete(adapter)
    problems = adapter.selftest()
    if ask_store and not problems:
        problems += adapter.store_selftest()
    if adapter.traits.aliases and not has_directory:
        problems.append("aliases are accepted, so directory= must say which person each of them is")
    if adapter.traits.changing_ids and not has_directory:
        problems.append(CHANGING_IDS)
    return problems
