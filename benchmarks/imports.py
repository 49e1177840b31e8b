"""What an import costs a fresh interpreter, beside an interpreter that imports nothing.

Run ``python benchmarks/imports.py``, or all with ``tox run -e benchmarks``.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from harness import heading, line

ROUNDS = 15
STATEMENTS = (
    "pass",
    "import sqlite3, json, logging",
    "import werkzeug",
    "import wsgi_mfa",
    "import webob, beaker.middleware",
    "import django.core.handlers.wsgi",
)


def processor_seconds(statement: str) -> float:
    """The time of the processor that an interpreter spends on ``statement``, its start and its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with_bytecode = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run([sys.executable, "-c", statement], check=True, env=with_bytecode)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run() -> None:
    for statement in STATEMENTS:
        processor_seconds(statement)  # writes bytecode where there is none
    costs: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(ROUNDS):
        for statement, each in costs.items():
            each.append(processor_seconds(statement))
    start = min(costs["pass"])
    heading("a fresh interpreter", "ms", "of an empty one")
    for statement, each in costs.items():
        line(statement, min(each) * 1000, min(each) / start)


if __name__ == "__main__":
    run()
