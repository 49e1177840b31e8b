"""Workers are killed at random moments while users sign in: what was told is durable, and nothing is half done."""

from __future__ import annotations

import http.client
import importlib.util
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wsgi_mfa import KeyFile, SqliteStore
from wsgi_mfa.audit import hash_chain
from wsgi_mfa.configuration.build import new_identity

SECONDS_MIN = 12
SECONDS_MAX = 30  # on a slow machine most workers are killed before they serve anybody
SECONDS_BETWEEN_DEATHS = (0.2, 1.2)
CUT_OFF_MIN = 3
WORKERS = 2


@dataclass
class Life:
    """One user, whose every request is sent again as it was until it is answered."""

    user: Any
    browser: Any
    recovery_code: str = ""
    used_code: str = ""
    cycles: int = 0
    cut_off: int = 0

    def ask(self, method: str, path: str, **members: object) -> Any:
        answer = None
        while answer is None:
            answer = self._asked(method, path, members)
        return answer

    def _asked(self, method: str, path: str, members: dict[str, object]) -> Any:
        with suppress(OSError, http.client.HTTPException):
            answer = self.browser.as_program(method, path, **members)
            if not (answer.cut and method == "GET"):  # of a change the status has told enough
                return answer
        self.cut_off += 1
        return None

    def begin(self) -> None:
        self.browser.enroll(self.user)
        assert self.ask("POST", "/mfa/recovery-code", action="replace").status == 200
        self.write_down()

    def write_down(self) -> None:
        shown = self.ask("GET", "/mfa/recovery-code").json
        self.used_code, self.recovery_code = self.recovery_code, shown["recovery_code"]
        assert self.ask("POST", "/mfa/recovery-code", saved=True).status == 200

    def live(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            answer = self.ask("POST", "/mfa/recover", recovery_code=self.recovery_code)
            # The old account took the code, or the new one knows the request again; a third would refuse it.
            assert answer.status == 200, answer.body
            self.cycles += 1
            self.write_down()
            assert self.ask("GET", "/reports").status == 200


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_workers(master: int, is_over: Callable[[], bool]) -> int:
    """Kill one worker after the other; the master starts others. How many died."""
    deaths, moments = 0, random.Random()
    while not is_over():
        time.sleep(moments.uniform(*SECONDS_BETWEEN_DEATHS))
        workers = children_of(master)
        if workers:
            with suppress(ProcessLookupError):
                os.kill(moments.choice(workers), signal.SIGKILL)
                deaths += 1
    return deaths


@pytest.mark.skipif(importlib.util.find_spec("gunicorn") is None, reason="the package gunicorn is missing")
@pytest.mark.requirement("R28", "R29", "D10", "D25", "D38")
def test_killed_workers_lose_nothing_that_was_told_and_leave_no_half_change(
    place, launch, new_port, browser_at, users
):
    folder, port = place(), new_port()
    command = [sys.executable, "-m", "gunicorn", f"-w{WORKERS}", f"-b127.0.0.1:{port}"]
    server = launch([*command, "application:application"], port, folder)
    lives = [Life(user, browser_at(port)) for user in users[:4]]
    for life in lives:
        life.begin()
    begun = time.monotonic()

    def is_over() -> bool:
        seconds = time.monotonic() - begun
        enough = seconds > SECONDS_MIN and sum(life.cut_off for life in lives) >= CUT_OFF_MIN
        return enough or seconds > SECONDS_MAX

    with ThreadPoolExecutor(len(lives) + 1) as pool:
        dying = pool.submit(kill_workers, server.pid, is_over)
        for living in [pool.submit(life.live, is_over) for life in lives]:
            living.result()
        deaths = dying.result()
    with closing(sqlite3.connect(folder / "mfa.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(SqliteStore(folder / "mfa.db", create=False, new_identity=new_identity())) as store:
        # Each account holds the number and link of its latest event: no event without its change, nor the other way.
        assert hash_chain.verify(store, KeyFile(folder / "keys").ring).problems == ()
        for life in lives:
            happened = Counter(event.kind for event in store.events(life.user.name, limit=100_000))
            assert happened["recovery_code.used"] == life.cycles
            assert happened["recovery_code.saved"] == life.cycles + 2
    for life in lives:
        assert life.ask("POST", "/mfa/recover", recovery_code=life.used_code).status == 422
        assert life.ask("POST", "/mfa/recover", recovery_code=life.recovery_code).status == 200
    cycles, cut_off = sum(life.cycles for life in lives), sum(life.cut_off for life in lives)
    print(f"{deaths} deaths, {cycles} recoveries, {cut_off} requests cut off")  # shown by pytest -rP
    assert deaths > SECONDS_MIN / 2
    assert cut_off > 0
