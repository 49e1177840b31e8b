"""A client of the portal itself, without the middleware, for what is tried before users depend on it."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, NamedTuple

from wsgi_mfa.clock import SystemClock
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.request.response_identity import kept_cookies

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
_BODY_BYTES_MAX = 1024 * 1024


class PortalAnswer(NamedTuple):
    """One answer of the portal."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    @property
    def location(self) -> str:
        """The ``Location``; empty where there is none."""
        return next((value for name, value in self.headers if name.lower() == "location"), "")

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that a browser keeps of it, without quotes."""
        kept = kept_cookies(self.headers, now=SystemClock().now())
        return {name: list(places.values())[-1].strip('"') for name, places in kept.items() if places}


class PortalClient:
    """Calls ``application``, the portal, as a server does whose users know it by ``origin``.

    ``setting`` is the name of the setting that the origin comes from.

    :raises ConfigurationError: ``origin`` is no origin.
    """

    def __init__(self, application: WSGIApplication, *, origin: str, setting: str) -> None:
        match = _ORIGIN.fullmatch(origin)
        if match is None:
            raise ConfigurationError(
                f"origin is {origin!r}: legal is a scheme and a host, such as https://portal.example",
                setting=setting,
            )
        self._application = application
        self._origin = origin
        self._scheme, self._host, port = match.groups()
        self._port = port or str(_DEFAULT_PORTS[self._scheme])

    def environ(self, method: str, path: str, *, cookies: Mapping[str, str] | str = "") -> dict[str, Any]:
        """Return the environ of a request for ``path``, which may have a query."""
        path, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": self._host,
            "SERVER_PORT": self._port,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self._origin.partition("://")[2],
            "HTTP_ACCEPT": "text/html",
            "HTTP_REFERER": f"{self._origin}{path}",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self._scheme,
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        header = cookies if isinstance(cookies, str) else cookie_header(cookies)
        return {**environ, "HTTP_COOKIE": header} if header else environ

    def ask(
        self,
        method: str,
        path: str,
        *,
        cookies: Mapping[str, str] | str = "",
        content: tuple[str, bytes] = ("", b""),
        headers: Mapping[str, str] | None = None,
    ) -> PortalAnswer:
        """Send one request; ``content`` is the type and the bytes of a body, ``headers`` are environ keys."""
        environ = {**self.environ(method, path, cookies=cookies), **(headers or {})}
        if method == "POST":
            content_type, body = content
            environ |= {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
            environ["wsgi.input"] = io.BytesIO(body)
        started: list[tuple[str, list[tuple[str, str]]]] = []
        written: list[bytes] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:  # noqa: ANN401  # PEP 3333
            started.append((status, headers))
            return written.append

        iterable: Iterable[bytes] = self._application(environ, start_response)
        try:
            for chunk in iterable:
                written.append(chunk)
                if sum(map(len, written)) > _BODY_BYTES_MAX:
                    break
        finally:
            close = getattr(iterable, "close", None)
            if close is not None:
                close()
        status, answered = started[-1]
        return PortalAnswer(int(status[:3]), answered, b"".join(written).decode("utf-8", "replace"))


def cookie_header(cookies: Mapping[str, str]) -> str:
    """Return the ``Cookie`` header with these cookies."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


class _Forms(HTMLParser):
    """The forms of a page: each the names of its fields, with the values of those that are hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = [{}]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.found.append({})
        elif tag == "input" and given.get("name"):
            is_hidden = (given.get("type") or "").lower() == "hidden"
            self.found[-1][str(given["name"])] = (given.get("value") or "") if is_hidden else None


def hidden_fields(page: str, field: str) -> dict[str, str]:
    """Return the hidden fields of the form that has ``field``; of all forms where a script makes that field."""
    parser = _Forms()
    parser.feed(page)
    parser.close()
    forms = [form for form in parser.found if field in form] or parser.found
    return {name: value for form in forms for name, value in form.items() if value is not None}
