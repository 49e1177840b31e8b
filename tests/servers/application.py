"""What every server serves: the reference portal and some probes beside it, with the middleware around both.

Servers load this file by its path. ``MFA_TEST_FOLDER`` names the folder with the store and its keys.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

from legacy_portals import DEMO_USERS, make_portal
from wsgi_mfa import FlaskSession, KeyFile, MfaMiddleware, Policy

FOLDER = Path(os.environ["MFA_TEST_FOLDER"])
SECRET = "the secret of a portal behind servers"
PATIENCE_SECONDS = 10
CHUNK_BYTES = 65536

portal = make_portal(DEMO_USERS, SECRET, secure_cookie=True)


def tell_environ(environ, start_response):
    """The environ as the application finds it."""
    told = {key: value for key, value in environ.items() if isinstance(value, str | int | bool)}
    return as_json(start_response, {**told, "process": os.getpid()})


def tell_body(environ, start_response):
    """Size and hash of the body, read as carefully as an application can that runs under any server."""
    body, left = environ["wsgi.input"], environ.get("CONTENT_LENGTH")
    digest, size = hashlib.sha256(), 0
    if left or environ.get("wsgi.input_terminated"):
        left = int(left) if left else None
        while chunk := body.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left)):
            digest.update(chunk)
            size += len(chunk)
            left = None if left is None else left - len(chunk)
    return as_json(start_response, {"size": size, "sha256": digest.hexdigest()})


def two_chunks(environ, start_response):
    """One chunk at once, and another one when somebody has seen it."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"first\n"
    until = time.monotonic() + PATIENCE_SECONDS
    while not (FOLDER / "seen").exists() and time.monotonic() < until:
        time.sleep(0.02)
    yield b"second, because the first was seen\n" if (FOLDER / "seen").exists() else b"nobody saw it\n"


class Endless:
    """A body without an end, which notes each time that it is closed."""

    def __init__(self) -> None:
        self._name = os.urandom(8).hex()

    def __iter__(self):
        return self

    def __next__(self):
        time.sleep(0.005)
        return b"x" * CHUNK_BYTES

    def close(self) -> None:
        with (FOLDER / "closed" / self._name).open("a") as file:
            file.write("closed\n")


def endless(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Endless()


def as_json(start_response, value):
    body = json.dumps(value).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


PROBES = {
    "/probe/environ": tell_environ,
    "/probe/body": tell_body,
    "/probe/two-chunks": two_chunks,
    "/probe/endless": endless,
}


def portal_and_probes(environ, start_response):
    # Whoever gets as far as this file leaves a trace, whatever the answer looks like.
    with (FOLDER / "called").open("a") as file:
        file.write(f"{environ.get('wsgi_mfa.user', '-')} {environ.get('PATH_INFO')}\n")
    return PROBES.get(environ["PATH_INFO"], portal)(environ, start_response)


application = MfaMiddleware(
    portal_and_probes,
    issuer="Client Portal",
    identity=FlaskSession(SECRET, user_key="_user_id"),
    store=f"sqlite:///{FOLDER}/mfa.db",
    keys=KeyFile(FOLDER / "keys"),
    policy=Policy(exempt_paths=("/static",)),
    scheme_from="X-Forwarded-Proto",
)
