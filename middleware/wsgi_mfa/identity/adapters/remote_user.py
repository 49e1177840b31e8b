"""The user that the server, or a middleware outside of this one, has put into ``REMOTE_USER``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from wsgi_mfa.identity.adapter import Adapter, AdapterTraits, Credentials, FirstFactor, Identification
from wsgi_mfa.identity.request.wsgi_text import decoded


class RemoteUser:
    """Trusts ``environ["REMOTE_USER"]`` and nothing else.

    ``anonymous_cookies`` names the cookies that a request without a user may keep; all others are taken out of
    it, because nothing here could tell whom they stand for (D5). ``aliases`` says that the server accepts a user
    under more than one spelling or by e-mail address too; then ``directory=`` has to map all of them to one
    person, since each alias would be a fresh account, and a fresh account may enroll (D1).

    A request header named ``Remote-User`` arrives as ``HTTP_REMOTE_USER``; anybody can send it, and it is taken
    out of every request (R56).
    """

    credentials = Credentials(headers=("REMOTE_USER",))

    def __init__(self, *, anonymous_cookies: tuple[str, ...] | list[str] = (), aliases: bool = False) -> None:
        self.traits = AdapterTraits(
            user_changes_in_response=False,
            anonymous_cookies=tuple(anonymous_cookies),
            aliases=aliases,
        )

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        user = environ.get("REMOTE_USER")
        if not user:
            return None
        return _first_factor(user)

    def selftest(self) -> list[str]:
        return in_process_environment("REMOTE_USER")

    def store_selftest(self) -> list[str]:
        return []


def in_process_environment(key: str) -> list[str]:
    """The problem of a process whose own environment holds ``key``; none where it does not."""
    user = os.environ.get(key)
    if not user:
        return []
    problem = (
        f"unset {key} ({user!r}) in the environment of this process: servers such as wsgiref copy the"
        " environment into every request, and everybody would be signed in by it"
    )
    return [problem]


@lru_cache(maxsize=1024)
def _first_factor(user: str) -> FirstFactor:
    return FirstFactor(user=decoded(user))


if TYPE_CHECKING:
    _: Adapter = RemoteUser()
