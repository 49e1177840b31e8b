"""Places to race in: threads before one store in memory or on SQLite, and processes before one SQLite file."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wsgi_mfa import MemoryStore

HERE = Path(__file__).resolve().parent
PROCESSES = 8


@pytest.fixture(scope="session")
def gate():
    """The module ``gate.py``, which other processes import as well."""
    spec = importlib.util.spec_from_file_location("races_gate", HERE / "gate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="session")
def life(gate):
    """The module ``life.py``, which a process to be killed runs as well."""
    sys.modules["gate"] = gate  # by this name its process finds it
    spec = importlib.util.spec_from_file_location("races_life", HERE / "life.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name], sys.modules["gate"]


@pytest.fixture(scope="session")
def start():
    """``start("rival.py", *arguments)``: that script in a process of its own, which ends with the tests."""
    processes = []

    def run(script: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(HERE / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def rivals(start):
    """Processes that race in one place after the other."""
    return [start("rival.py") for _ in range(PROCESSES)]


@dataclass
class CommandContext:
    """A store with one enrolled user, and a way to send many requests to it at once."""

    gate: Any
    store: Any
    rivals: list[subprocess.Popen[str]]

    def __post_init__(self) -> None:
        self.clock = self.gate.StandingClock()
        self.middleware = self.gate.gate_over(self.store, self.clock)
        self.key, self.recovery_code = self.gate.enroll(self.middleware, self.clock)
        self.events_before = len(self.store.events(limit=1000))

    @property
    def code(self) -> str:
        return self.gate.code_of(self.key, self.clock.instant)

    @property
    def account(self) -> Any:
        return self.store.load(self.gate.USER)

    def browsers(self, count: int) -> list[Any]:
        """So many browsers at the page that asks for the code, each from an address of its own."""
        made = [self.gate.Browser(self.middleware, f"192.0.2.{number}") for number in range(count)]
        for browser in made:
            assert browser.get("/mfa/verify").outcome == "must_verify"
        return made

    def post_at_once(self, posts: list[tuple[Any, str, dict[str, Any]]]) -> list[Any]:
        """The answers in the order of the posts, which are dealt out to the processes where there are any."""
        if not self.rivals:
            return self.gate.post_at_once(posts)
        hands = [posts[number :: len(self.rivals)] for number in range(len(self.rivals))]
        for rival, hand in zip(self.rivals, hands, strict=True):
            sent = [(browser.address, browser.cookies, path, members) for browser, path, members in hand]
            job = {"store": str(self.store.path), "instant": self.clock.instant, "posts": sent}
            self._say(rival, json.dumps(job))
        for rival in self.rivals:
            assert rival.stdout.readline() == "ready\n"
        for rival in self.rivals:
            self._say(rival, "go")
        answers: list[Any] = [None] * len(posts)
        for number, rival in enumerate(self.rivals):
            found = json.loads(rival.stdout.readline())
            answers[number :: len(self.rivals)] = [self.gate.Answer(**fields) for fields in found]
        for (browser, _, _), answer in zip(posts, answers, strict=True):
            browser.cookies = answer.cookies
        return answers

    def happened(self) -> Counter[str]:
        """The kinds of the events since the user enrolled."""
        return Counter(event.kind for event in self.store.events(limit=1000)[self.events_before :])

    @staticmethod
    def _say(rival: subprocess.Popen[str], line: str) -> None:
        rival.stdin.write(line + "\n")
        rival.stdin.flush()


@pytest.fixture(params=["memory, threads", "sqlite, threads", "sqlite, processes"])
def place(request, gate, tmp_path):
    """Where the race is."""
    if request.param.startswith("memory"):
        yield CommandContext(gate, MemoryStore(identity=gate.IDENTITY), [])
        return
    rivals = request.getfixturevalue("rivals") if request.param.endswith("processes") else []
    with closing(gate.sqlite_store(tmp_path / "mfa.db")) as store:
        yield CommandContext(gate, store, rivals)
