"""Session cookies with a ``Path`` that leaves our pages out: each sign-in would end where it began."""

from __future__ import annotations

import logging
from collections.abc import Collection

from wsgi_mfa.identity.request.response_identity import kept_cookies
from wsgi_mfa.web.request import WebRequest

logger = logging.getLogger("wsgi_mfa")

Headers = list[tuple[str, str]]


class CookiePathCheck:
    """Looks at the cookies of held sign-ins, and logs once for each name what to change."""

    def __init__(self, declared: Collection[str]) -> None:
        self._declared = frozenset(declared)
        self._logged: set[str] = set()

    def look(self, request: WebRequest, headers: Headers) -> None:
        """Look at the cookies of a response that signs a user in."""
        for name, places in kept_cookies(headers, now=request.now).items():
            paths = [_path_of(path, request) for _, path in places]
            if name not in self._declared or name in self._logged or not paths:
                continue
            if not any(_covers(path, f"{request.mount}/verify") for path in paths):
                self._logged.add(name)
                logger.error("%s", _problem(name, paths[0], request))


def _path_of(path: str, request: WebRequest) -> str:
    """Return the path of a cookie, by default the folder of what was asked for (RFC 6265 section 5.1.4)."""
    if path.startswith("/"):
        return path
    asked = request.root[:-1] + str(request.environ.get("PATH_INFO", ""))
    return asked.rpartition("/")[0] or "/"


def _covers(path: str, asked: str) -> bool:
    """Return whether browsers send a cookie of ``path`` with a request for ``asked`` (RFC 6265 section 5.1.4)."""
    return asked == path or asked.startswith(path if path.endswith("/") else f"{path}/")


def _problem(name: str, path: str, request: WebRequest) -> str:
    root, last = request.root[:-1], request.site.mount_path.rpartition("/")[2]
    below = path.rstrip("/").removeprefix(root)
    works = f'set mount_path = "{below}/{last}"' if _covers(root or "/", path) else "give it another Path"
    return (
        f"the portal sets the cookie {name!r} with the path {path}, so that browsers do not send it to"
        f" {request.mount}, and each sign-in ends where it began: {works}"
    )
