"""The portal's session cookie where settings miss it: under another name, or with a path that leaves us out.

Each is seen in a response that signs a user in, and logged once for each name with what to change.
"""

from __future__ import annotations

import logging

from wsgi_mfa.errors import AdapterUnavailableError, AmbiguousCredentialError
from wsgi_mfa.identity.adapter import Adapter, FirstFactor
from wsgi_mfa.identity.request.response_identity import kept_cookies
from wsgi_mfa.identity.request.sanitizer import declared_cookies
from wsgi_mfa.web.request import WebRequest

logger = logging.getLogger("wsgi_mfa")

Headers = list[tuple[str, str]]

_NAMES_MAX = 64


class SessionCookieCheck:
    """Looks at the cookies that one portal sets."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._declared = declared_cookies(adapter)
        self._known = frozenset((*self._declared, *adapter.traits.own_cookies))
        self._logged: set[str] = set()

    def look_at_path(self, request: WebRequest, headers: Headers) -> None:
        """Look at the cookies of a response that signs a user in: browsers must send them to our pages."""
        for name, places in kept_cookies(headers, now=request.now).items():
            paths = [_path_of(path, request) for _, path in places]
            is_sent_here = any(_covers(path, f"{request.mount}/verify") for path in paths)
            if name in self._declared and paths and not is_sent_here:
                self._log(name, _problem(name, paths[0], request))

    def without_misnamed(self, request: WebRequest, headers: Headers) -> Headers:
        """Return the headers for a visitor without a cookie that is the session of a user under another name.

        To the adapter such a user is a visitor, and would be asked for no code.
        """
        if not self._declared:
            return headers
        misnamed = [
            name
            for name, places in kept_cookies(headers, now=request.now).items()
            if name not in self._known and any(self._is_session(request, value) for value in places.values())
        ]
        for name in misnamed:
            self._log(
                name,
                f"the portal sets the cookie {name!r}, which is the session of a user, and the adapter reads"
                f" {', '.join(map(repr, self._declared))}: it is not sent to the client. Let the setting cookie of the"
                f" adapter be {name!r}",
            )
        if not misnamed:
            return headers
        return [pair for pair in headers if not _sets(pair, misnamed)]

    def _is_session(self, request: WebRequest, value: str) -> bool:
        bare = value.strip('"')
        for name in self._declared if bare and ";" not in bare else ():
            try:
                found = self._adapter.identify({**request.environ, "HTTP_COOKIE": f"{name}={bare}"})
            except (AdapterUnavailableError, AmbiguousCredentialError):
                continue
            if isinstance(found, FirstFactor):
                return True
        return False

    def _log(self, name: str, message: str) -> None:
        if name not in self._logged and len(self._logged) < _NAMES_MAX:
            self._logged.add(name)
            logger.error("%s", message)


def _sets(header: tuple[str, str], names: list[str]) -> bool:
    return header[0].lower() == "set-cookie" and header[1].partition("=")[0].strip() in names


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
