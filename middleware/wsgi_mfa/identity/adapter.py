"""What an identity adapter is: it says who has passed the portal's own sign-in, and by which carriers.

An adapter declares every cookie, header and query argument by which the wrapped application accepts a user. All
that it does not declare, and that is known to carry a user, is taken out of the request
(:mod:`wsgi_mfa.identity.doors`). Adapters read the request after it was cleaned
(:mod:`wsgi_mfa.identity.clean`), so that they and the application read the same user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstFactor:
    """Somebody is signed in at the portal.

    ``user`` is the portal's id, not yet canonical. ``login`` is a fingerprint of this one sign-in, which ends
    with it, or None where the mechanism has none: the second factor is then bound to our own cookie and the
    user alone. ``unproven`` are carriers beside this user's that prove nothing, and are taken out.

    ``changing`` says that ``user`` is an id which the portal replaces, such as at a change of the password, so that
    only a directory knows who it is: by itself it would be a new user's, who may set up a phone (D1).

    ``code`` is what came behind the password as a code from the authenticator, and is judged like one that was
    typed. ``replaced`` are environ keys with what the application is to read there in its place.
    """

    user: str
    login: str | None = None
    unproven: Carriers | None = None
    changing: bool = False
    code: str | None = field(default=None, repr=False)
    replaced: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Nobody:
    """Nobody is signed in, and the carriers ``unproven`` prove nothing; the other ones may stay."""

    unproven: Carriers


class Unresolved(Enum):
    """The type of :data:`UNRESOLVED`."""

    UNRESOLVED = "unresolved"


UNRESOLVED: Final = Unresolved.UNRESOLVED
"""A carrier is there and proves nothing: a bad signature, an unknown session. It is not "nobody"."""

CHANGING_IDS: Final = (
    "the portal signs users in by an id that changes with the password (Flask-Security's fs_uniquifier), and each new"
    " one would be a new user's: give directory=, which says which person it is (D1)"
)

Identification = FirstFactor | Nobody | Unresolved | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Carriers:
    """Everything by which the application accepts a user.

    ``cookies`` are cookie names, ``headers`` environ keys (``HTTP_X_USER``, ``REMOTE_USER``), ``arguments``
    names in the query. ``commas`` says that a cookie's value may hold commas: adapter and application then find
    such a value in double quotes, each comma written ``\\054``, and any other value as it is.
    """

    cookies: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    commas: bool = False


class Adapter(Protocol):
    """Tells who passed the first factor."""

    @property
    def carriers(self) -> Carriers:
        """What the application accepts a user by."""
        ...

    @property
    def anonymous_cookies(self) -> tuple[str, ...] | None:
        """For an adapter that reads no cookie: the cookies that a request without a user may keep (D5).

        None says that the adapter reads cookies itself.
        """
        ...

    @property
    def user_changes_in_response(self) -> bool:
        """Whether a response of the application can sign somebody in or out."""
        ...

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        """Who is signed in, nobody (None), or :data:`UNRESOLVED`, by a cleaned WSGI environ.

        Never reads ``wsgi.input`` and changes nothing.

        Raises:
            AdapterUnavailableError: the adapter cannot ask at present; the request is answered 503 (D7).
            AmbiguousCarrierError: a carrier names two users at once; the request is answered 400 (R57).
        """
        ...

    def selftest(self) -> list[str]:
        """What is wrong with the configuration, each entry saying what to change; empty when all is well."""
        ...


def problems_of(adapter: Adapter, *, has_directory: bool, asking: bool = False) -> list[str]:
    """What keeps ``adapter`` from being used as it is set up; empty when nothing does.

    An adapter whose attribute ``aliases`` is true accepts a user under several names, and needs a directory (D1).
    With ``asking`` an adapter that has a method ``problems_in_asking`` is told to try its portal's store. A server
    does not do so at its start: what the store opens then could outlive a fork (D32).
    """
    problems = adapter.selftest()
    if asking and not problems:
        ask = getattr(adapter, "problems_in_asking", None)
        problems += ask() if ask is not None else []
    if getattr(adapter, "aliases", False) and not has_directory:
        problems.append("aliases are accepted, so directory= must say which person each of them is (D1)")
    if getattr(adapter, "changing_ids", False) and not has_directory:
        problems.append(CHANGING_IDS)
    return problems
