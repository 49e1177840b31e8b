"""What sealed cookies cost on a request that passes, beside the same in clear, and beside another checkout.

``python benchmarks/sealing.py [FOLDER]``; FOLDER holds another checkout of this repository, such as the commit before a
change, and its middleware then takes turns with this one in the same run. Each side is a process of its own, since one
process cannot hold two copies of a package; processor time is compared, and each prints its ratio to the first case.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness import fastest, heading, line, microseconds, processor_time

CASES = ("passed", "the same cookie set again", "another cookie set")
ROUNDS = 200
CALLS = 40
HERE = Path(__file__).resolve().parent


def serve_rounds() -> None:
    """Measure one round of a case for each line that names it; what is measured is imported here."""
    from request import SECRET, application, case, environ_of, flask_cookie, ours

    from wsgi_mfa import FlaskSession

    logging.disable(logging.ERROR)
    settings = {"seal_credentials": False} if "BENCHMARK_IN_CLEAR" in os.environ else {}
    path = Path(sys.argv[2]) / f"{os.getpid()}.db"
    identity = FlaskSession(SECRET, user_key="_user_id")
    wrapped, environ = ours(path, identity, {"session": flask_cookie()}, **settings)
    setting = {**environ, "PATH_INFO": "/sign-in", "benchmark.cookies": {"cart": "3"}}
    sent: list[tuple[str, str]] = []
    list(wrapped(setting.copy(), lambda status, headers, *_: sent.extend(headers)))
    cart = next(text for name, text in sent if name == "Set-Cookie").partition(";")[0]
    again = {**setting, "HTTP_COOKIE": f"{setting['HTTP_COOKIE']}; {cart}"}
    cases = {
        CASES[0]: case(wrapped, environ),
        CASES[1]: case(wrapped, again),
        CASES[2]: case(wrapped, setting),
        "bare": case(application, environ_of({})),
    }
    for name in map(str.strip, sys.stdin):
        print(microseconds(cases[name], calls=CALLS, clock=processor_time), flush=True)


class Side:
    """One checkout, measured in a process of its own; ``clear`` switches sealing off where there is any."""

    def __init__(self, name: str, folder: Path, root: Path, *, clear: bool = False) -> None:
        self.name = name
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "middleware"), str(HERE)])}
        if clear:
            environment["BENCHMARK_IN_CLEAR"] = "1"
        command = [sys.executable, str(HERE / "sealing.py"), "--rounds", str(folder)]
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


def run(folder: Path, others: Iterable[Path]) -> None:
    root = HERE.parent
    sides = [Side(str(other), folder, other) for other in others]
    sides += [Side("in clear", folder, root, clear=True), Side("sealed", folder, root)]
    costs: dict[str, Any] = {}
    for _ in range(ROUNDS):
        for case in CASES:
            for side in sides:
                costs.setdefault(f"{case}: {side.name}", []).append(side.measure(case))
    bare = min(sides[-1].measure("bare") for _ in range(ROUNDS))
    best = fastest(costs)
    heading("one request, FlaskSession", "us", "over bare", "ratio", "more us")
    for case in CASES:
        first = best[f"{case}: {sides[0].name}"]
        for side in sides:
            cost = best[f"{case}: {side.name}"]
            line(f"{case}: {side.name}"[:45], cost, cost - bare, cost / first, cost - first)
    for side in sides:
        side.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rounds"]:
        serve_rounds()
    else:
        with tempfile.TemporaryDirectory() as temporary:
            run(Path(temporary), map(Path, sys.argv[1:]))
