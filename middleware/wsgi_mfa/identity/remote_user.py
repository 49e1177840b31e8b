"""The user that the server, or a middleware outside of this one, has put into ``REMOTE_USER``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from wsgi_mfa.identity.adapter import Adapter, Carriers, FirstFactor, Identification


class RemoteUser:
    """Trusts ``environ["REMOTE_USER"]`` and nothing else.

    ``anonymous_cookies`` names the cookies that a request without a user may keep; all others are taken out of
    it, because nothing here could tell whom they stand for (D5).

    A request header named ``Remote-User`` arrives as ``HTTP_REMOTE_USER``; anybody can send it, and it is taken
    out of every request (R56).
    """

    carriers = Carriers(headers=("REMOTE_USER",))
    user_changes_in_response = False

    def __init__(self, *, anonymous_cookies: tuple[str, ...] | list[str] = ()) -> None:
        self._anonymous_cookies = tuple(anonymous_cookies)

    @property
    def anonymous_cookies(self) -> tuple[str, ...]:
        return self._anonymous_cookies

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        user = environ.get("REMOTE_USER")
        if not user:
            return None
        return _first_factor(user)

    def selftest(self) -> list[str]:
        user = os.environ.get("REMOTE_USER")
        if not user:
            return []
        problem = (
            f"unset REMOTE_USER ({user!r}) in the environment of this process: servers such as wsgiref copy the"
            " environment into every request, and everybody would be signed in by it"
        )
        return [problem]


@lru_cache(maxsize=1024)
def _first_factor(user: str) -> FirstFactor:
    return FirstFactor(user=_decoded(user))


def _decoded(user: str) -> str:
    """The name behind PEP 3333's text, in which each character is one byte of what the server was given.

    Servers and password files of today write UTF-8. Bytes that are not UTF-8 come from an older one and are
    latin-1, as the text already says.
    """
    if user.isascii():
        return user
    try:
        return user.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return user


if TYPE_CHECKING:
    _: Adapter = RemoteUser()
