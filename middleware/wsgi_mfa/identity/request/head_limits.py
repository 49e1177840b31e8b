"""Limits of a request's head, past which it is rejected before it is taken apart (RFC 6585 section 5).

Servers limit heads themselves: Apache, nginx and Gunicorn take 8 KiB a header and about a hundred headers. Others
take 256 KiB in all. A client that may send that much could keep a worker busy with little work of its own.
"""

from __future__ import annotations

from collections.abc import Collection

from wsgi_mfa.errors import MfaError

COOKIE_BYTES_MAX = 32 * 1024
#: Browsers hold at most a few hundred for one site.
COOKIES_MAX = 1000
QUERY_BYTES_MAX = 32 * 1024
PATH_BYTES_MAX = 8 * 1024
#: Headers whose names this worker has not met; those that it has are not counted.
NEW_NAMES_MAX = 500
NAME_BYTES_MAX = 256

_HEADER_FIELDS_TOO_LARGE, _URI_TOO_LONG = 431, 414


class HeadTooLargeError(MfaError):
    """A part of a request's head is over its limit; ``status`` says which kind of part."""

    def __init__(self, part: str, *, status: int, limit: str) -> None:
        super().__init__(f"{part}: at most {limit}")
        self.status = status


def check_cookies(header: str) -> None:
    """Reject a ``Cookie`` header that no browser would send.

    :raises HeadTooLargeError: it is one.
    """
    if len(header) > COOKIE_BYTES_MAX:
        raise HeadTooLargeError(
            "the cookies of this site are too long together",
            status=_HEADER_FIELDS_TOO_LARGE,
            limit=f"{COOKIE_BYTES_MAX} bytes",
        )
    if header.count(";") >= COOKIES_MAX:
        raise HeadTooLargeError(
            "this site has too many cookies", status=_HEADER_FIELDS_TOO_LARGE, limit=f"{COOKIES_MAX}"
        )


def check_names(new: Collection[str]) -> None:
    """Reject too many header names that were not met before, or one that is too long.

    :raises HeadTooLargeError: there are.
    """
    if len(new) > NEW_NAMES_MAX and sum(name.startswith("HTTP_") for name in new) > NEW_NAMES_MAX:
        raise HeadTooLargeError(
            "there are too many headers", status=_HEADER_FIELDS_TOO_LARGE, limit=f"{NEW_NAMES_MAX}"
        )
    if max(map(len, new), default=0) > NAME_BYTES_MAX and any(
        len(name) > NAME_BYTES_MAX for name in new if name.startswith("HTTP_")
    ):
        raise HeadTooLargeError(
            "a header has too long a name", status=_HEADER_FIELDS_TOO_LARGE, limit=f"{NAME_BYTES_MAX} bytes"
        )


def check_query(query: str) -> None:
    """Reject a query that is too long.

    :raises HeadTooLargeError: it is.
    """
    if len(query) > QUERY_BYTES_MAX:
        raise HeadTooLargeError(
            "the query is too long", status=_URI_TOO_LONG, limit=f"{QUERY_BYTES_MAX} bytes"
        )


def check_path(path: str) -> None:
    """Reject a path that is too long.

    :raises HeadTooLargeError: it is.
    """
    if len(path) > PATH_BYTES_MAX:
        raise HeadTooLargeError("the path is too long", status=_URI_TOO_LONG, limit=f"{PATH_BYTES_MAX} bytes")
