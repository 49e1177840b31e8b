"""What the reader of bodies adds to a visitor's upload of 10 MiB, which is looked into for sign-in fields.

``python benchmarks/uploads.py [FOLDER]``; FOLDER holds another checkout of this repository, whose reader then takes
turns with this one. The application takes the upload as applications do: a form by Werkzeug, anything else in pieces
of 64 KiB, and hashes the file. In the first column nothing is watched, so that no body is read before it. Times are of
the processor, the best of the rounds. The limit is for uploads by a form. Other bodies cannot be taken apart, and are
searched for the names of the fields.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness import heading, line

HERE = Path(__file__).resolve().parent
ROUNDS = 12
SIZE = 10 * 1024 * 1024
RATIO_MAX = 1.5
BOUNDARY = b"----WebKitFormBoundaryAbCdEf0123"

Environ = dict[str, Any]


def _multipart(content: bytes) -> bytes:
    head = b'Content-Disposition: form-data; name="note"\r\n\r\nmine\r\n'
    file_head = (
        b'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: image/png\r\n\r\n'
    )
    mark = b"--" + BOUNDARY
    return mark + b"\r\n" + head + mark + b"\r\n" + file_head + content + b"\r\n" + mark + b"--\r\n"


def uploads() -> dict[str, tuple[bytes, str]]:
    """Uploads of the kinds that browsers and programs send, with their types."""
    noise = os.urandom(SIZE)
    text = (b"a line of a text file that somebody keeps, with a % and a \\ in it\n" * (SIZE // 60))[:SIZE]
    multipart = f"multipart/form-data; boundary={BOUNDARY.decode()}"
    form = b"text=" + b"a+word+and+%C3%A4nother+one+" * (7 * 1024 * 1024 // 28)
    rows = json.dumps([{"id": number, "label": "a row"} for number in range(150_000)]).encode()
    return {
        "file, multipart": (_multipart(noise), multipart),
        "file of dashes and line ends, multipart": (_multipart(b"\r\n--" * (SIZE // 4)), multipart),
        "text file, multipart": (_multipart(text), multipart),
        "file by itself": (noise, "application/octet-stream"),
        "text file by itself": (text, "text/plain"),
        "form of 7 MiB": (form, "application/x-www-form-urlencoded"),
        "JSON of 5 MiB": (rows, "application/json"),
    }


def _content(body: bytes) -> bytes:
    """What the application stores of a body."""
    if not body.startswith(b"--" + BOUNDARY):
        return body
    begin = body.index(b"image/png\r\n\r\n") + len(b"image/png\r\n\r\n")
    return body[begin : begin + SIZE]


def _as_server_gives_it(body: bytes, *, spooled: bool) -> Any:
    """A body in a file, as waitress has it when the application is called, or as a stream from the client."""
    if not spooled:
        return io.BufferedReader(io.BytesIO(body))
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is handed on
    file.write(body)
    file.seek(0)
    return file


def serve_rounds() -> None:
    """Send one upload for each line that names it, watched or not; what it took in milliseconds."""
    from werkzeug.formparser import parse_form_data

    from wsgi_mfa import FlaskSession, KeyRing, MfaMiddleware

    logging.disable(logging.CRITICAL)

    def application(environ: Environ, start_response: Any) -> Iterable[bytes]:
        if environ["CONTENT_TYPE"].startswith("multipart/"):
            _, _, files = parse_form_data(environ)
            stream, left = files["file"].stream, SIZE
        else:
            stream, left = environ["wsgi.input"], int(environ["CONTENT_LENGTH"])
        digest = hashlib.sha256()
        while left and (piece := stream.read(min(left, 64 * 1024))):
            digest.update(piece)
            left -= len(piece)
        application.digest = digest.digest()  # type: ignore[attr-defined]
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"stored"]

    def wrapped(**settings: Any) -> Any:
        return MfaMiddleware(
            application,
            issuer="Client Portal",
            identity=FlaskSession("the secret of a portal in benchmarks", user_key="_user_id"),
            store="memory://",
            keys=KeyRing([("k1", os.urandom(32))]),
            cookie_label="bench",
            **settings,
        )

    sides = {
        "unwatched": wrapped(),
        "watched": wrapped(sign_in_fields=["roundup", "flask-login"], sign_in_paths=["/sign-in"]),
    }
    bodies = uploads()
    digests = {name: hashlib.sha256(_content(body)).digest() for name, (body, _) in bodies.items()}
    for text in map(str.strip, sys.stdin):
        side, server, name = text.split(" ", 2)
        spooled = server == "spooled"
        body, kind = bodies[name]
        environ: Environ = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/upload",
            "QUERY_STRING": "",
            "SERVER_NAME": "portal.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "HTTP_HOST": "portal.example",
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": _as_server_gives_it(body, spooled=spooled),
            "wsgi.url_scheme": "https",
            "wsgi.multiprocess": False,
        }
        statuses: list[str] = []
        begun = time.process_time()
        list(sides[side](environ, lambda status, *_, into=statuses: into.append(status)))
        took = (time.process_time() - begun) * 1000
        assert statuses == ["200 OK"], (text, statuses)
        assert application.digest == digests[name], text  # type: ignore[attr-defined]
        print(took, flush=True)


class Side:
    """One checkout, measured in a process of its own."""

    def __init__(self, root: Path) -> None:
        path = os.pathsep.join([str(root / "middleware"), str(HERE)])
        command = [sys.executable, str(HERE / "uploads.py"), "--rounds"]
        environment = {**os.environ, "PYTHONPATH": path}
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def measure(self, case: str) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{case}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def run(others: Iterable[Path]) -> bool:
    """Print all uploads; return whether each is within the limit."""
    sides = {**{str(other): Side(other) for other in others}, "now": Side(HERE.parent)}
    best: dict[tuple[str, str, str], float] = {}
    names = [f"{server} {name}" for server in ("spooled", "streamed") for name in uploads()]
    for _ in range(ROUNDS):
        for name in names:
            for side, process in sides.items():
                for watched in ("unwatched", "watched"):
                    took = process.measure(f"{watched} {name}")
                    key = (side, watched, name)
                    best[key] = min(best.get(key, took), took)
    for process in sides.values():
        process.close()
    heading("a visitor's upload", "ms, unwatched", "ms, watched", "ratio")
    worst = 0.0
    for side in sides:
        for name in names:
            plain, watched = best[side, "unwatched", name], best[side, "watched", name]
            line(f"{name}: {side}"[-45:], plain, watched, watched / plain)
            if side == "now" and "multipart" in name:
                worst = max(worst, watched / plain)
    return worst <= RATIO_MAX


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rounds"]:
        serve_rounds()
    elif not run(map(Path, sys.argv[1:])):
        sys.exit("an upload takes longer than the limit")
