"""A client of one wrapped portal, without a package: a browser, or a program that keeps no cookies."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import threading
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode, urlsplit

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
HOST = "portal.example"


@dataclass(repr=False)
class Answer:
    """One answer, as a server has seen it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    url: str

    def __repr__(self) -> str:
        return f"{self.url}: {self.status} {self.headers} {self.text[:300]!r}"

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The word of a problem document; "" for any other answer."""
        kind = self.header("Content-Type") or ""
        return self.json["type"].removeprefix("urn:wsgi-mfa:") if kind == "application/problem+json" else ""

    def header(self, name: str) -> str | None:
        return next((value for other, value in self.headers if other.lower() == name.lower()), None)


@dataclass
class Client:
    """Sends requests to ``application`` in process, and keeps cookies as a browser does.

    ``headers`` go with every request, ``script_name`` is where the portal is mounted.
    """

    application: Any
    script_name: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    address: str = "192.0.2.1"

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        cookie: str | None = None,
        stream: SlowBody | None = None,
    ) -> Answer:
        """One request; ``cookie`` is its ``Cookie`` header in the place of the kept ones, ``stream`` a slow body."""
        target = urlsplit(url)
        path = unquote_to_bytes(target.path).decode("latin-1")
        if not path.startswith(self.script_name):
            raise ValueError(f"{path} is not below {self.script_name}")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": self.script_name,
            "PATH_INFO": path[len(self.script_name) :],
            "QUERY_STRING": target.query,
            "SERVER_NAME": HOST,
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.address,
            "HTTP_HOST": HOST,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body) if stream is None else stream,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if body or method in ("POST", "PUT"):
            environ["CONTENT_LENGTH"] = str(len(body))
        if stream is not None:
            environ["CONTENT_LENGTH"] = str(len(stream.data))
        for name, value in {**self.headers, **(headers or {})}.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        sent = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if cookie is not None:
            sent = cookie
        if sent:
            environ["HTTP_COOKIE"] = sent
        answer = _served(self.application, environ, url)
        if cookie is None:
            self._keep(answer)
        return answer

    def get(self, url: str, **settings: Any) -> Answer:
        """GET as a person does."""
        return self.request("GET", url, headers={**NAVIGATION, **settings.pop("headers", {})}, **settings)

    def post(self, url: str, fields: dict[str, str], **settings: Any) -> Answer:
        """POST a form as a person does."""
        headers = {
            **NAVIGATION,
            "Origin": f"https://{HOST}",
            "Referer": f"https://{HOST}{url}",
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
            **settings.pop("headers", {}),
        }
        return self.request("POST", url, headers=headers, body=urlencode(fields).encode(), **settings)

    def upload(self, url: str, fields: list[tuple[str, str]], file: tuple[str, str, bytes]) -> Answer:
        """POST a form with a file as a person does; ``file`` is the field's name, the file's, and what is in it.

        The file stands before a field ``__end__`` where there is one, as forms that nest their fields want it.
        """
        mark = "-----------------------------73645736457364"
        parts = [(f'name="{name}"', value.encode()) for name, value in fields]
        at = next((n for n, (name, _) in enumerate(fields) if name == "__end__"), len(parts))
        parts.insert(at, (f'name="{file[0]}"; filename="{file[1]}"', file[2]))
        body = b"".join(
            f"--{mark}\r\nContent-Disposition: form-data; {words}\r\n\r\n".encode() + data + b"\r\n"
            for words, data in parts
        )
        headers = {
            **NAVIGATION,
            "Origin": f"https://{HOST}",
            "Referer": f"https://{HOST}{url}",
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": f"multipart/form-data; boundary={mark}",
        }
        return self.request("POST", url, headers=headers, body=body + f"--{mark}--\r\n".encode())

    def json(self, url: str, members: dict[str, Any] | None = None) -> Answer:
        """Ask as a program, or tell with ``members``."""
        headers = {"Accept": "application/json"}
        if members is None:
            return self.request("GET", url, headers=headers)
        body = json.dumps(members).encode()
        return self.request("POST", url, headers={**headers, "Content-Type": "application/json"}, body=body)

    def _keep(self, answer: Answer) -> None:
        for name, text in answer.headers:
            if name.lower() != "set-cookie":
                continue
            pair, *attributes = text.split(";")
            cookie, _, value = (part.strip() for part in pair.partition("="))
            if _is_removed(attributes):
                self.cookies.pop(cookie, None)
            else:
                self.cookies[cookie] = value


@dataclass(eq=False)
class SlowBody:
    """A body whose second half comes when it is let go on."""

    data: bytes
    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    at: int = 0

    def read(self, size: int = -1) -> bytes:
        end = len(self.data) if size < 0 else min(len(self.data), self.at + size)
        if end > len(self.data) // 2:
            self.begun.set()
            self.go_on.wait(8)
        chunk, self.at = self.data[self.at : end], end
        return chunk

    def readline(self, size: int = -1) -> bytes:
        return self.read(size)


LARGE = hashlib.sha256(b"64 MiB").digest() * (2 * 1024 * 1024)


def of_64_mib() -> dict[str, Any]:
    """The body and headers of an upload of exactly 64 MiB."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Origin": f"https://{HOST}",
        "Sec-Fetch-Site": "same-origin",
    }
    return {"body": LARGE, "headers": headers}


def digest_sent(answer: Answer) -> bool:
    """Whether the portal answers with the SHA-256 of these 64 MiB."""
    return answer.text.strip() == hashlib.sha256(LARGE).hexdigest()


def _is_removed(attributes: list[str]) -> bool:
    given = {name.strip().lower(): value.strip() for name, _, value in (a.partition("=") for a in attributes)}
    if "max-age" in given:
        return int(given["max-age"]) <= 0
    try:
        return "expires" in given and parsedate_to_datetime(given["expires"]).year < 2020
    except ValueError:
        return False


def _served(application: Any, environ: dict[str, Any], url: str) -> Answer:
    """Answer one request as a server does."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    body: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((status, list(headers)))
        return body.append

    iterable = application(environ, start_response)
    try:
        body.extend(iterable)
    finally:
        close = getattr(iterable, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    return Answer(int(status[:3]), headers, b"".join(body), url)


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        kind = (given.get("type") or "text").lower()
        if tag == "input" and given.get("name") and kind in ("hidden", "text"):
            self.found.setdefault(str(given["name"]), given.get("value") or "")


def fields_of(answer: Answer) -> dict[str, str]:
    """The hidden and text fields of all forms of a page, with their values."""
    parser = _Fields()
    parser.feed(answer.text)
    return parser.found
