"""The world of a story as a WSGI application on this machine: go on by hand from one of its lines."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from mfa_simulator.language.scenario import NetworkSpec
from mfa_simulator.play.simulated_world import World
from mfa_simulator.play.world_description import describe_world
from mfa_simulator.world.browser import Browser
from mfa_simulator.world.http import HOST, ORIGIN, REASON_PHRASES, Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: Our own pages beside the portal: who to be, and how everything is.
DESK = "/.mfa-sim"
BODY_BYTES_MAX = 1_000_000
_MAPPED = ("host", "origin", "referer")
_PAGE = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The world of the story</title>
<h1>The world of the story</h1>
<p>Be one of its browsers, with its cookies, and go on at the portal:</p>
<ul>{browsers}</ul>
<p>Time goes on by itself from the moment of the line. Load this page again for the codes of this moment.</p>
<pre>{state}</pre>
"""


class OpenedWorld:
    """Serves a world; `elapsed` gives the microseconds since it was opened, by which its time goes on."""

    def __init__(self, world: World, *, origin: str, elapsed: Callable[[], int]) -> None:
        self._world = world
        self._origin = origin
        self._elapsed = elapsed
        self._opened_at = world.time.now()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request of a real browser."""
        self._go_on()
        path = environ.get("PATH_INFO", "/")
        is_ours = path == DESK or path.startswith(f"{DESK}/")
        response = self._desk(path) if is_ours else self._portal(environ)
        status = f"{response.status} {REASON_PHRASES.get(response.status, 'Unknown')}"
        start_response(status, list(response.headers))
        return [response.body]

    def _go_on(self) -> None:
        at = self._opened_at + self._elapsed()
        if at > self._world.time.now():
            self._world.time.wait_until(at)

    def _portal(self, environ: WSGIEnvironment) -> Response:
        """Hand the request to the story's server, as if it had come to the story's own address."""
        with self._world.recorder.recording():
            response = self._world.network.send(self._request_of(environ), NetworkSpec())
        headers = tuple(
            (name, value.replace(ORIGIN, self._origin) if name.lower() == "location" else value)
            for name, value in response.headers
        )
        return Response(status=response.status, headers=headers, body=response.body)

    def _request_of(self, environ: WSGIEnvironment) -> Request:
        host = self._origin.partition("://")[2]
        headers = []
        for key, value in environ.items():
            if key.startswith("HTTP_") or key == "CONTENT_TYPE":
                name = key.removeprefix("HTTP_").replace("_", "-").title()
                if name.lower() in _MAPPED:
                    value = value.replace(host, ORIGIN.partition("://")[2])
                headers.append((name, str(value)))
        query = environ.get("QUERY_STRING", "")
        url = ORIGIN + quote(environ.get("PATH_INFO", "/").encode("latin-1")) + (f"?{query}" if query else "")
        length = environ.get("CONTENT_LENGTH") or "0"
        size = min(int(length), BODY_BYTES_MAX) if length.isdigit() else 0
        body = environ["wsgi.input"].read(size) if size else b""
        return Request(method=environ["REQUEST_METHOD"], url=url, headers=tuple(headers), body=body)

    def _desk(self, path: str) -> Response:
        name = unquote(path.removeprefix(f"{DESK}/as/")) if path.startswith(f"{DESK}/as/") else None
        browser = self._world.browsers.get(name) if name is not None else None
        if browser is not None:
            return Response(status=303, headers=(("Location", "/"), *self._cookies_of(browser)))
        if name is not None:
            return Response(status=404, headers=_TEXT, body=b"The story has no such browser.\n")
        state = "\n".join(describe_world(self._world))
        items = "".join(
            f'<li><a href="{DESK}/as/{quote(each)}">{html.escape(each)}</a></li>'
            for each in self._world.browsers
        )
        page = _PAGE.format(browsers=items, state=html.escape(state))
        return Response(status=200, headers=_HTML, body=page.encode())

    def _cookies_of(self, browser: Browser) -> Iterator[tuple[str, str]]:
        header = browser.jar.header("/", now=self._world.time.now()) or ""
        for pair in filter(None, header.split("; ")):
            yield "Set-Cookie", f"{pair}; Path=/; HttpOnly; SameSite=Lax"


_HTML = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"))
_TEXT = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"))
LOOPBACK = HOST
