"""The gate as racers see it: the middleware over one store, and browsers that speak JSON to it.

Tests get this module as the fixture ``gate``; ``rival.py`` is another process that imports it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsgi_mfa import KeyRing, MfaMiddleware, RemoteUser, SqliteStore
from wsgi_mfa.stores.protocol import StoreIdentity

USER = "alice@example.com"
PERIOD_SECONDS = 30
SECOND = 1_000_000
#: 2026-03-02T09:00:00Z, where a step begins.
START = 1_772_442_000 * SECOND
IDENTITY = StoreIdentity(store_id="0123456789abcdef" * 2, made_at=START)


@dataclass
class StandingClock:
    """All racers act at one instant, however slow the machine; who sleeps lets others run, and no more."""

    instant: int = START

    def now(self) -> int:
        return self.instant

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.02))


@dataclass
class Answer:
    """Status and JSON members of one answer, and the cookies that its browser has afterwards."""

    status: int
    members: dict[str, Any]
    cookies: dict[str, str]

    @property
    def outcome(self) -> str:
        return str(self.members.get("outcome") or self.members["type"].removeprefix("urn:wsgi-mfa:"))

    @property
    def session(self) -> str | None:
        return self.cookies.get("__Host-wsgi_mfa_session_portal")


@dataclass
class Browser:
    """A client whose user has passed the first factor (REMOTE_USER)."""

    middleware: Any
    address: str = "192.0.2.1"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Answer:
        return self._send("GET", path, b"")

    def post(self, path: str, members: dict[str, Any]) -> Answer:
        return self._send("POST", path, json.dumps(members).encode())

    def _send(self, method: str, path: str, body: bytes) -> Answer:
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "portal.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.address,
            "REMOTE_USER": USER,
            "HTTP_HOST": "portal.example",
            "HTTP_ACCEPT": "application/json",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": self.middleware.service.store.shared_between_processes,
        }
        if self.cookies:
            environ["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        started: list[Any] = []
        chunks = self.middleware(environ, lambda *response: started.extend(response))
        members = json.loads(b"".join(chunks) or b"{}")
        for name, value in started[1]:
            if name == "Set-Cookie":
                self.cookies.update([value.partition(";")[0].split("=", 1)])
        return Answer(int(started[0][:3]), members, dict(self.cookies))


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """What must not be reached without a second factor."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"outcome": "welcome", "user": environ["wsgi_mfa.user"]}).encode()]


def sqlite_store(path: Path | str) -> SqliteStore:
    return SqliteStore(path, create=True, new_identity=IDENTITY)


def gate_over(store: Any, clock: StandingClock) -> MfaMiddleware:
    """The middleware of one process; all of them have one key ring."""
    return MfaMiddleware(
        application,
        issuer="Client Portal",
        identity=RemoteUser(),
        store=store,
        keys=KeyRing([("k1", bytes(range(32)))]),
        clock=clock,
        cookie_label="portal",
    )


def code_of(key: bytes, instant: int) -> str:
    """What a phone shows, written from RFC 4226 alone."""
    counter = instant // (PERIOD_SECONDS * SECOND)
    digest = hmac.digest(key, counter.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFF_FFFF) % 1_000_000:06d}"


def wrong_codes(key: bytes, instant: int, count: int) -> list[str]:
    """So many different codes that no step of the next or the last half hour gives."""
    near = {code_of(key, instant + steps * PERIOD_SECONDS * SECOND) for steps in range(-60, 61)}
    return [text for text in (f"{number:06d}" for number in range(count + 200)) if text not in near][:count]


def enroll(middleware: MfaMiddleware, clock: StandingClock) -> tuple[bytes, str]:
    """Bind a phone and store the recovery code, both given back; then the next step begins."""
    browser = Browser(middleware)
    spelt = browser.get("/mfa/enroll").members["key"].replace(" ", "")
    key = base64.b32decode(spelt + "=" * (-len(spelt) % 8))
    assert browser.post("/mfa/enroll", {"code": code_of(key, clock.instant)}).status == 200
    recovery_code = browser.get("/mfa/recovery-code").members["recovery_code"]
    assert browser.post("/mfa/recovery-code", {"saved": True}).outcome == "signed_in"
    clock.instant += PERIOD_SECONDS * SECOND
    return key, recovery_code


def post_at_once(posts: list[tuple[Browser, str, dict[str, Any]]]) -> list[Answer]:
    """Each browser posts in a thread of its own, and all begin when the last one is ready."""
    barrier = threading.Barrier(len(posts))

    def post(browser: Browser, path: str, members: dict[str, Any]) -> Answer:
        barrier.wait(60)
        return browser.post(path, members)

    with ThreadPoolExecutor(len(posts)) as pool:
        return [found.result() for found in [pool.submit(post, *one) for one in posts]]
