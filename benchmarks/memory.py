"""How much a worker grows by 100,000 anonymous requests that fill whatever a client can choose the contents of.

``python benchmarks/memory.py [REQUESTS]``. The requests go to one process, in turns between the kinds below, each as
long as servers let through and no two alike. What is printed is the resident memory of the process, after a warm-up in
which each kind was sent a few times, so that code and templates are loaded.
"""

from __future__ import annotations

import gc
import io
import itertools
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from harness import heading, line

REQUESTS = 100_000
GROWTH_MIB_MAX = 20.0
WARM_UP = 400

Environ = dict[str, Any]


def _padding(number: int, length: int) -> str:
    return f"{number:09d}" + "a" * length


#: For each kind the part of the environ that its request number ``n`` has.
KINDS: dict[str, Callable[[int], Environ]] = {
    "a header's name": lambda n: {f"HTTP_X_{_padding(n, 120)}": "1"},
    "a header's long name": lambda n: {f"HTTP_X_{_padding(n, 60_000)}": "1"},
    "a credential in a long header's name": lambda n: {f"HTTP_{_padding(n, 200)}_API_KEY": "1"},
    "many header names": lambda n: {f"HTTP_X_{n}_{each}": "1" for each in range(400)},
    "a cookie": lambda n: {"HTTP_COOKIE": f"a={_padding(n, 16_000)}"},
    "a cookie at the limit": lambda n: {"HTTP_COOKIE": f"a={_padding(n, 32_000)}"},
    "a cookie past the limit": lambda n: {"HTTP_COOKIE": f"a={_padding(n, 60_000)}"},
    "a short cookie": lambda n: {"HTTP_COOKIE": f"a={n}"},
    "many cookies": lambda n: {"HTTP_COOKIE": ";".join(f"a{n}{each}=1" for each in range(900))},
    "many of our session cookies": lambda n: {
        "HTTP_COOKIE": ";".join(f"__Host-wsgi_mfa_session_{n}{each}=1" for each in range(600))
    },
    "the portal's cookie, forged": lambda n: {"HTTP_COOKIE": f"session={_padding(n, 8_000)}"},
    "the portal's cookie, twice": lambda n: {"HTTP_COOKIE": f"session={n}; session={_padding(n, 8_000)}"},
    "a forged seal": lambda n: {"HTTP_COOKIE": f"session=mfas1.k1.11.{'A' * 22}.{n:012d}{'A' * 4_000}"},
    "our browser cookie": lambda n: {"HTTP_COOKIE": f"__Host-wsgi_mfa_browser_bench={_padding(n, 8_000)}"},
    "our session cookie": lambda n: {"HTTP_COOKIE": f"__Host-wsgi_mfa_session_bench={_padding(n, 8_000)}"},
    "our known cookie": lambda n: {"HTTP_COOKIE": f"__Host-wsgi_mfa_known_bench={_padding(n, 8_000)}"},
    "a query": lambda n: {
        "QUERY_STRING": f"a={_padding(n, 16_000)}",
        "REQUEST_URI": f"/?a={_padding(n, 16_000)}",
    },
    "names in a query": lambda n: {"QUERY_STRING": "&".join(f"a{n}{each}=1" for each in range(900))},
    "a script name": lambda n: {
        "SCRIPT_NAME": f"/{_padding(n, 2_000)}",
        "HTTP_COOKIE": f"a={_padding(n, 8_000)}",
    },
    "a path": lambda n: {"PATH_INFO": f"/{_padding(n, 6_000)}"},
    "a path of ours": lambda n: {"PATH_INFO": f"/mfa/{_padding(n, 6_000)}"},
    "a Host": lambda n: {"HTTP_HOST": _padding(n, 60_000)},
    "an Origin": lambda n: {"HTTP_ORIGIN": "https://" + _padding(n, 60_000), "REQUEST_METHOD": "POST"},
    "a Referer": lambda n: {"HTTP_REFERER": "https://portal.example/" + _padding(n, 60_000)},
    "an address": lambda n: {"REMOTE_ADDR": f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"},
    "X-Forwarded-For": lambda n: {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": _padding(n, 30_000)},
    "X-Forwarded-Proto": lambda n: {"wsgi.url_scheme": "http", "HTTP_X_FORWARDED_PROTO": _padding(n, 60_000)},
    "Basic": lambda n: {"HTTP_AUTHORIZATION": f"Basic {_padding(n, 30_000)}"},
    "a wrong sign-in": lambda n: _form("/sign-in", f"username={_padding(n, 4_000)}&password=x"),
    "sign-in fields elsewhere": lambda n: _form(f"/{n}", f"username={n}&password={_padding(n, 4_000)}"),
    "a sealed cookie of a visitor": lambda n: {"PATH_INFO": "/cart", "HTTP_COOKIE": f"b={n}"},
    "a sign-in's label of a visitor": lambda n: {"PATH_INFO": "/sign-in", "HTTP_COOKIE": f"b={n}"},
}


def _form(path: str, text: str) -> Environ:
    body = text.encode()
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


def application(environ: Environ, start_response: Any) -> Iterable[bytes]:
    """A portal that gives each visitor a session, and knows no password."""
    headers = [("Content-Type", "text/plain")]
    if environ["PATH_INFO"] in ("/cart", "/sign-in"):
        headers.append(
            ("Set-Cookie", f"session=visitor{os.urandom(12).hex()}; Path=/; HttpOnly; Max-Age=86400")
        )
    start_response("200 OK", headers)
    return [b"welcome"]


def wrapped_applications(folder: Path) -> dict[str, Any]:
    from wsgi_mfa import FlaskSession, HttpBasic, KeyRing, LoginForm, MfaMiddleware, Policy, RemoteUser

    def wrapped(identity: Any, **settings: Any) -> Any:
        return MfaMiddleware(
            application,
            issuer="Client Portal",
            identity=identity,
            store=f"sqlite:///{folder / os.urandom(6).hex()}.db",
            keys=KeyRing([("k1", os.urandom(32))]),
            policy=Policy(trusted_peers=("127.0.0.1",)),
            **settings,
        )

    form = LoginForm(
        "/sign-in", "username", cookies=["session"], succeeded=["status=302"], failed=["status=200"]
    )
    flask = FlaskSession("the secret of a portal in benchmarks", user_key="_user_id")
    return {
        "FlaskSession": wrapped(flask, cookie_label="bench"),
        "FlaskSession, many roots": wrapped(flask, scheme_from="X-Forwarded-Proto"),
        "LoginForm": wrapped(form, cookie_label="bench", sign_in_fields=["flask-login"]),
        "RemoteUser": wrapped(RemoteUser(), url="https://portal.example"),
        "HttpBasic": wrapped(HttpBasic(lambda user, password: False), cookie_label="bench"),
    }


def resident_mib() -> float:
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def run(folder: Path, requests: int) -> bool:
    """Send the requests; return whether the process has grown by no more than the limit."""
    applications = list(wrapped_applications(folder).values())
    base: Environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/reports",
        "QUERY_STRING": "",
        "SERVER_NAME": "portal.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": "portal.example",
        "HTTP_ACCEPT": "text/html",
        "wsgi.input": io.BytesIO(),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    turns = itertools.cycle(itertools.product(KINDS.values(), applications))

    def send(number: int) -> None:
        kind, wrapped = next(turns)
        for _ in wrapped({**base, **kind(number)}, lambda *_: None):
            pass

    for number in range(WARM_UP):
        send(number)
    begun = resident_mib()
    heading("anonymous requests", "MiB", "grown by")
    line("0, after a warm-up", begun, 0.0)
    for number in range(1, requests + 1):
        send(WARM_UP + number)
        if number % max(requests // 5, 1) == 0:
            line(f"{number:,}", resident_mib(), resident_mib() - begun)
    return resident_mib() - begun <= GROWTH_MIB_MAX


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as temporary:
        if not run(Path(temporary), int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS):
            sys.exit(f"the process has grown by more than {GROWTH_MIB_MAX} MiB")
