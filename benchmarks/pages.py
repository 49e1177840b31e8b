"""What each page of ours costs, with and without the QR code.

Run ``python benchmarks/pages.py``, or all with ``tox run -e benchmarks``.
"""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

import pyotp
from harness import Action, fastest, heading, line, processor_time, side_by_side
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from wsgi_mfa import KeyRing, MfaMiddleware, RemoteUser

BROWSER_COOKIE, SESSION_COOKIE = "__Host-wsgi_mfa_browser_bench", "__Host-wsgi_mfa_session_bench"
ROUNDS = 60
CALLS = 10
PAGES = {
    "enroll": "enroll, with the QR code",
    "enroll/manual": "enroll/manual",
    "recovery-code": "recovery-code, saved as shown",
    "verify": "verify",
    "methods": "methods",
    "recover": "recover",
    "resync": "resync",
    "help": "help",
}


class Visitor:
    """A user's browser at a middleware with a store of its own."""

    def __init__(self, path: Path) -> None:
        self._middleware = MfaMiddleware(
            _never_called,
            issuer="Client Portal",
            identity=RemoteUser(),
            store=f"sqlite:///{path}",
            keys=KeyRing([("k1", os.urandom(32))]),
            support_contact="support@example.com",
            cookie_label="bench",
        )
        self._client = Client(self._middleware)
        self._asked = {
            "base_url": "https://portal.example",
            "environ_overrides": {"REMOTE_USER": "user1@example.com", "REMOTE_ADDR": "192.0.2.1"},
            "headers": {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        }

    def begins_to_enroll(self) -> Visitor:
        self._client.get("/mfa/enroll", **self._asked)
        return self

    def enrolls(self) -> Visitor:
        asked = {**self._asked, "headers": {"Accept": "application/json"}}
        key = self._client.get("/mfa/enroll", **asked).json["key"].replace(" ", "")
        self._client.post("/mfa/enroll", json={"code": pyotp.TOTP(key).now()}, **asked)
        return self

    def comes_back(self) -> Visitor:
        """With the recovery code saved, and in no session."""
        asked = {**self._asked, "headers": {"Accept": "application/json"}}
        self._client.post("/mfa/recovery-code", json={"saved": True}, **asked)
        self._client.delete_cookie(SESSION_COOKIE, domain="portal.example")
        return self

    def looks_at(self, page: str) -> tuple[int, Action]:
        """The status of a page, and the asking for it."""
        cookies = {
            name: cookie.value
            for name in (BROWSER_COOKIE, SESSION_COOKIE)
            if (cookie := self._client.get_cookie(name, domain="portal.example")) is not None
        }
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        asked = {**self._asked, "headers": {**self._asked["headers"], "Cookie": header}}
        environ = EnvironBuilder(f"/mfa/{page}", **asked).get_environ()

        def ask() -> str:
            body, status, _ = run_wsgi_app(self._middleware, environ.copy(), buffered=True)
            assert list(body)
            return status

        return int(ask()[:3]), ask


def _never_called(environ: object, start_response: object) -> list[bytes]:
    raise AssertionError("only pages of ours are asked for")


def run(folder: Path) -> None:
    visitors = (
        Visitor(folder / "new.db").begins_to_enroll(),
        Visitor(folder / "enrolled.db").enrolls(),
        Visitor(folder / "back.db").enrolls().comes_back(),
    )
    cases: dict[str, Action] = {}
    for page, label in PAGES.items():
        statuses = []
        for visitor in visitors:
            status, ask = visitor.looks_at(page)
            statuses.append(status)
            if status == 200:
                cases.setdefault(label, ask)
        assert label in cases, f"{page} answers {statuses}"
    costs = fastest(side_by_side(cases, rounds=ROUNDS, calls=CALLS, clock=processor_time))
    heading("one page", "us")
    for label, cost in costs.items():
        line(label, cost)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as temporary:
        run(Path(temporary))
