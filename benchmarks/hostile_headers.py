"""What the largest request costs that servers let through: 256 KiB of headers, in shapes that hostile clients choose.

``python benchmarks/hostile_headers.py [FOLDER]``; FOLDER holds another checkout of this repository, such as the commit
before a change, and its middleware then takes turns with this one in the same run. Each shape is sent to an
application with a sign-in of its own, to the middleware's pages, and to forward-auth; the dearest of them is printed,
processor time, the best of its rounds, since whatever disturbs one only adds to it. No two requests are alike, so that
no cache answers.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from harness import heading, line

HERE = Path(__file__).resolve().parent
ROUNDS = 3
#: What waitress reads of a request's head; others stop at 8 to 64 KiB.
HEADER_BYTES = 256 * 1024
MILLISECONDS_MAX = 50.0
WITHIN_LIMITS = ", within limits"

Environ = dict[str, Any]


def _repeated(text: str, room: int) -> str:
    return (text * (room // len(text) + 1))[:room]


def _counted(form: str, room: int, separator: str = "; ") -> str:
    """As many numbered texts as there is room for."""
    length = len(form.format(0)) + len(separator) + 4
    return separator.join(form.format(number) for number in range(10_000, 10_000 + room // length))


def _cookie(text: str) -> Environ:
    return {"HTTP_COOKIE": text}


def _names(form: str, room: int) -> Environ:
    """As many headers as there is room for, each with a name of its own and the value 1."""
    length = len(form.format(0)) - len("HTTP_") + 4 + len(": 1\r\n")
    return {form.format(number): "1" for number in range(10_000, 10_000 + room // length)}


#: For each shape a function from the room that there is to the part of the environ that it fills.
SHAPES: dict[str, Callable[[int], Environ]] = {
    "names: short": lambda n: _names("HTTP_X{}", n),
    "names: ends of credentials' names": lambda n: _names("HTTP_X{}TOKEN", n),
    "names: words of credentials' names": lambda n: _names("HTTP_GUESTJWT{}", n),
    "names: one giant": lambda n: {"HTTP_X" + "A" * n: "1"},
    "names: one giant, almost a credential": lambda n: {"HTTP_" + _repeated("GUEST", n) + "TOKEM": "1"},
    "names: one giant, many words": lambda n: {"HTTP_X_" + _repeated("GUEST_TOKEN_API_", n) + "X": "1"},
    "cookies: small": lambda n: _cookie(_counted("a{}=1", n)),
    "cookies: small, without spaces": lambda n: _cookie(_counted("a{}=1", n, ";")),
    "cookies: the smallest": lambda n: _cookie(_repeated("a=;", n)),
    "cookies: without a name": lambda n: _cookie(_repeated("=a;", n)),
    "cookies: without a value": lambda n: _cookie(_repeated("ab;", n)),
    "cookies: semicolons": lambda n: _cookie(";" * n),
    "cookies: semicolons and spaces": lambda n: _cookie(_repeated("; ", n)),
    "cookies: one giant": lambda n: _cookie("a=" + "b" * n),
    "cookies: one giant name": lambda n: _cookie("a" * n + "=b"),
    "cookies: one giant, quoted": lambda n: _cookie('a="' + "b" * n + '"'),
    "cookies: one giant, quote left open": lambda n: _cookie('a="' + _repeated("\\054", n)),
    "cookies: one giant, escaped": lambda n: _cookie('a="' + _repeated("\\075", n)[: n // 4 * 4] + '"'),
    "cookies: one giant, equals signs": lambda n: _cookie("a=" + _repeated("b=", n)),
    "cookies: one giant, equals signs alone": lambda n: _cookie("a=" + "=" * n),
    "cookies: one giant, pluses": lambda n: _cookie("a=b" + "+" * n + "%3d"),
    "cookies: one giant, names and pluses": lambda n: _cookie("a=" + _repeated("session+", n) + "%3d"),
    "cookies: one giant, names and encoded spaces": lambda n: _cookie("a=" + _repeated("session%20", n)),
    "cookies: one giant, brackets": lambda n: _cookie("a=" + _repeated("session[", n) + "="),
    "cookies: one giant, long brackets": lambda n: _cookie("a=" + _repeated("session[" + "b" * 60, n) + "="),
    "cookies: one giant, percents": lambda n: _cookie("a=" + "%" * n),
    "cookies: one giant, percent-encoded": lambda n: _cookie("a=" + _repeated("%41", n)),
    "cookies: one giant, encoded three times": lambda n: _cookie("a=" + _repeated("%25252541", n)),
    "cookies: one giant, encoded equals signs": lambda n: _cookie("a=" + _repeated("b%3d", n)),
    "cookies: one giant, Unicode escapes": lambda n: _cookie("a=" + _repeated("%u0041", n)),
    "cookies: one giant name, percent-encoded": lambda n: _cookie(_repeated("%41", n // 3 * 3) + "=b"),
    "cookies: one giant name, encoded twice": lambda n: _cookie(_repeated("%2541", n // 5 * 5) + "=b"),
    "cookies: encoded names": lambda n: _cookie(_counted("%61{}=1", n)),
    "cookies: encoded values": lambda n: _cookie(_counted("a{}=%3d%25", n)),
    "cookies: values with names": lambda n: _cookie(_counted("a{}=b=c%3d", n)),
    "cookies: values with 60 names": lambda n: _cookie(_counted("a{}=" + "b=c=d=" * 20, n)),
    "cookies: values with escapes": lambda n: _cookie(_counted('a{}="\\075\\101"', n)),
    "cookies: quoted": lambda n: _cookie(_counted('a{}="b c"', n)),
    "cookies: remember": lambda n: _cookie(_counted("remember{}=1", n)),
    "cookies: __Host-": lambda n: _cookie(_counted("__Host-a{}=1", n)),
    "cookies: the session's, many values": lambda n: _cookie(_counted("session=a{}", n)),
    "cookies: the session's, equal values": lambda n: _cookie(_repeated("session=a;", n)),
    "cookies: the session's, one giant": lambda n: _cookie("session=" + "a" * n),
    "cookies: the session's, giant and compressed": lambda n: _cookie("session=." + "a" * n + ".b.c"),
    "cookies: the session's name, odd spellings": lambda n: _cookie(_counted("sess%69on{}=1", n)),
    "cookies: seals": lambda n: _cookie(_counted(f"session=mfas1.k1.11.{'A' * 22}.A{{}}AA", n)),
    "cookies: seals of other names": lambda n: _cookie(
        _counted(f"a{{}}=mfas1.k1.11.{'A' * 22}.{'A' * 40}", n)
    ),
    "cookies: halves of seals": lambda n: _cookie(_counted(f"a{{}}=mfas1.k1.12.{'A' * 22}.{'A' * 40}", n)),
    "cookies: one giant seal": lambda n: _cookie(f"session=mfas1.k1.11.{'A' * 22}.{'A' * (n // 4 * 4)}"),
    "cookies: ours, many": lambda n: _cookie(_counted("__Host-wsgi_mfa_session_bench=k1.{}", n)),
    "cookies: ours, one giant": lambda n: _cookie("__Host-wsgi_mfa_session_bench=" + _repeated("a.", n)),
    "cookies: known browsers, one giant": lambda n: _cookie(
        "__Host-wsgi_mfa_known_bench=" + _repeated("a" * 22 + ".", n)
    ),
    "cookies: browser, one giant": lambda n: _cookie("__Host-wsgi_mfa_browser_bench=" + _repeated("a.", n)),
    "query: small arguments": lambda n: {"QUERY_STRING": _counted("a{}=1", n, "&")},
    "query: ampersands": lambda n: {"QUERY_STRING": "&" * n},
    "query: encoded names": lambda n: {"QUERY_STRING": _counted("%61{}=1", n, ";")},
    "query: one giant argument": lambda n: {"QUERY_STRING": "a=" + _repeated("%41", n)},
    "query: one giant name": lambda n: {"QUERY_STRING": _repeated("%41", n)},
    "query: in three forms": lambda n: {
        "QUERY_STRING": (text := _counted("a{}=1", n, "&")),
        "REQUEST_URI": f"/?{text}",
        "RAW_URI": f"/?{text}",
    },
    "path: semicolons": lambda n: {"PATH_INFO": "/" + ";" * n, "REQUEST_URI": "/" + ";" * n},
    "path: slashes": lambda n: {"PATH_INFO": "/" * n + ";", "REQUEST_URI": "/" * n + ";"},
    "path: parameters": lambda n: {
        "PATH_INFO": (text := "/" + _counted(";a{}=1", n, "/")),
        "REQUEST_URI": text,
    },
    "path: encoded semicolons": lambda n: {"PATH_INFO": "/a;", "REQUEST_URI": "/" + _repeated("%3ba", n)},
    "path: question marks": lambda n: {"REQUEST_URI": "/" + "?" * n},
    "Host": lambda n: {"HTTP_HOST": "a" * n},
    "Host: dots": lambda n: {"HTTP_HOST": _repeated("a.", n)},
    "Host: brackets": lambda n: {"HTTP_HOST": "[" + ":" * n + "]"},
    "Accept": lambda n: {"HTTP_ACCEPT": _counted("a/b{};q=0.5", n, ",")},
    "Accept: parameters": lambda n: {"HTTP_ACCEPT": "text/html" + _repeated(";a=b", n)},
    "Accept-Language": lambda n: {"HTTP_ACCEPT_LANGUAGE": _counted("en-{};q=0.5", n, ",")},
    "Referer": lambda n: {"HTTP_REFERER": "https://portal.example/" + "a?" * (n // 2)},
    "Origin": lambda n: {"HTTP_ORIGIN": "https://" + "a" * n},
    "User-Agent": lambda n: {"HTTP_USER_AGENT": _repeated("Edge/", n)},
    "Authorization": lambda n: {"HTTP_AUTHORIZATION": "Basic " + "YTph" * (n // 4)},
    "X-Forwarded-For": lambda n: {"HTTP_X_FORWARDED_FOR": _repeated("127.0.0.1,", n) + "127.0.0.1"},
    "X-Forwarded-Proto": lambda n: {"HTTP_X_FORWARDED_PROTO": _repeated("https,", n) + "https"},
    "Forwarded": lambda n: {"HTTP_FORWARDED": _repeated('for=127.0.0.1;proto="https",', n) + "proto=https"},
    "X-Forwarded-Uri": lambda n: {"HTTP_X_FORWARDED_URI": "/?" + _counted("a{}=1", n, "&")},
    "Sec-Fetch-Site": lambda n: {"HTTP_SEC_FETCH_SITE": "a" * n},
    "If-None-Match": lambda n: {"HTTP_IF_NONE_MATCH": _counted('"{}"', n, ",")},
    "Range": lambda n: {"HTTP_RANGE": "bytes=" + _counted("{}-", n, ",")},
    "Content-Type": lambda n: {"CONTENT_TYPE": "multipart/form-data" + _repeated("; a=b", n)},
    "Content-Length": lambda n: {"CONTENT_LENGTH": "1" * n},
}
#: The dearest shapes of all parts at once; past their limits they are no dearer than the first of them.
TOGETHER = (
    "names: words of credentials' names",
    "cookies: one giant name, encoded twice",
    "query: encoded names",
    "path: semicolons",
)
SHAPES["together"] = lambda n: {
    key: value for each in TOGETHER for key, value in SHAPES[each](n // 4).items()
}

#: What the middleware reads of each part; past it a request is rejected before the part is taken apart.
WITHIN = {
    "together": 32 * 1024,
    "cookies": 32 * 1024,
    "query": 32 * 1024,
    "path": 8 * 1024,
    "names": 256 * 1024,
}
NAMES_WITHIN, NAME_BYTES_WITHIN = 490, 250


def _within_limits(shape: str, number: int) -> Environ:
    """Fill a part of a request as far as it is read."""
    part = shape.partition(":")[0]
    if part == "together":
        return {key: value for each in TOGETHER for key, value in _within_limits(each, number).items()}
    if part != "names":
        return SHAPES[shape](WITHIN.get(part, HEADER_BYTES) - 256 - number)
    filled = {
        name[: NAME_BYTES_WITHIN - number % 9]: value for name, value in SHAPES[shape](HEADER_BYTES).items()
    }
    return dict(list(filled.items())[:NAMES_WITHIN])


PATHS = ("/reports", "/mfa/verify", "/mfa/forward-auth")


def wrapped_applications() -> dict[str, Any]:
    """The middleware in the set-ups between which the reading of a request differs most."""
    from wsgi_mfa import FlaskSession, HttpBasic, KeyRing, LoginForm, MfaMiddleware, Policy, RemoteUser

    def application(environ: Environ, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"welcome"]

    def wrapped(identity: Any, **settings: Any) -> Any:
        return MfaMiddleware(
            application,
            issuer="Client Portal",
            identity=identity,
            store="memory://",
            keys=KeyRing([("k1", os.urandom(32))]),
            cookie_label="bench",
            policy=Policy(trusted_peers=("127.0.0.1",)),
            **settings,
        )

    flask = FlaskSession("the secret of a portal in benchmarks", user_key="_user_id")
    form = LoginForm(
        "/sign-in", "username", cookies=["session"], succeeded=["status=302"], failed=["status=200"]
    )
    fields = {"sign_in_fields": ["roundup", "flask-login"]}
    return {
        "FlaskSession": wrapped(flask),
        "LoginForm, fields": wrapped(form, **fields, scheme_from="X-Forwarded-Proto"),
        "RemoteUser": wrapped(RemoteUser(), scheme_from="Forwarded"),
        "HttpBasic": wrapped(HttpBasic(lambda user, password: False)),
        "forward-auth": wrapped(flask, forward_auth=True, seal_credentials=False),
    }


def serve_rounds() -> None:
    """Measure one shape for each line that names it: its dearest set-up and path, and what it took in milliseconds."""
    logging.disable(logging.CRITICAL)
    applications = wrapped_applications()
    base = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "portal.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "portal.example",
        "HTTP_ACCEPT": "text/html",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    places = [
        (name, path)
        for name in applications
        for path in PATHS
        if (name == "forward-auth") == (path == "/mfa/forward-auth")
    ]
    number = 0
    costs: dict[tuple[str, str, str], float] = {}
    for text in map(str.strip, sys.stdin):
        shape, within, _ = text.partition(WITHIN_LIMITS)
        for name, path in places:
            number += 1
            filled = _within_limits(shape, number) if within else SHAPES[shape](HEADER_BYTES - number)
            if path == "/mfa/forward-auth" and "PATH_INFO" in filled:
                continue
            environ = {**base, "PATH_INFO": path, **filled}
            begun = time.process_time()
            for _ in applications[name](environ, lambda *_: None):
                pass
            took = (time.process_time() - begun) * 1000
            key = (text, name, path)
            costs[key] = min(costs.get(key, took), took)
        best = {key: cost for key, cost in costs.items() if key[0] == text}
        dearest = max(best, key=lambda key: best[key])
        print(json.dumps([f"{dearest[1]} {dearest[2]}", best[dearest]]), flush=True)


class Side:
    """One checkout, measured in a process of its own."""

    def __init__(self, root: Path) -> None:
        path = os.pathsep.join([str(root / "middleware"), str(HERE)])
        command = [sys.executable, str(HERE / "hostile_headers.py"), "--rounds"]
        environment = {**os.environ, "PYTHONPATH": path}
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def measure(self, shape: str) -> tuple[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{shape}\n")
        self._process.stdin.flush()
        place, cost = json.loads(self._process.stdout.readline())
        return str(place), float(cost)

    def close(self) -> None:
        self._process.communicate()


def run(others: Iterable[Path]) -> bool:
    """Print all shapes, the dearest first; return whether each is within the limit."""
    sides = {**{str(other): Side(other) for other in others}, "now": Side(HERE.parent)}
    best: dict[str, dict[str, tuple[str, float]]] = {}
    cases = [*SHAPES, *(shape + WITHIN_LIMITS for shape in SHAPES if shape.partition(":")[0] in WITHIN)]
    for _ in range(ROUNDS):
        for shape in cases:
            for name, side in sides.items():
                best.setdefault(shape, {})[name] = side.measure(shape)
    for side in sides.values():
        side.close()
    heading("256 KiB of headers", *(f"ms, {name}"[-13:] for name in sides), "of the limit")
    for shape, costs in sorted(best.items(), key=lambda item: -item[1]["now"][1]):
        line(shape, *(costs[name][1] for name in sides), costs["now"][1] / MILLISECONDS_MAX)
        print(f"    {costs['now'][0]}")
    return all(costs["now"][1] <= MILLISECONDS_MAX for costs in best.values())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rounds"]:
        serve_rounds()
    elif not run(map(Path, sys.argv[1:])):
        sys.exit("a shape takes longer than the limit")
