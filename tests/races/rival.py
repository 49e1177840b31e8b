"""Another process before the gate over one SQLite file, run by the tests as ``rival.py``.

For each line of JSON on its standard input it makes ready its browsers, says ``ready``, waits for one more line,
lets all of them post at once and prints their answers as one line.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import asdict

import gate


def run(job: dict) -> None:
    with closing(gate.sqlite_store(job["store"])) as store:
        middleware = gate.gate_over(store, gate.StandingClock(job["instant"]))
        posts = [
            (gate.Browser(middleware, address, cookies), path, members)
            for address, cookies, path, members in job["posts"]
        ]
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps([asdict(answer) for answer in gate.post_at_once(posts)]), flush=True)


if __name__ == "__main__":
    for line in sys.stdin:
        run(json.loads(line))
