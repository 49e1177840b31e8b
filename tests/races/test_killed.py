"""A process of the gate is killed at random moments; what it leaves is what it told, and at most one change more."""

from __future__ import annotations

import copy
import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import asdict

import pytest

from wsgi_mfa import MemoryStore

DEATHS = 40
ANSWERS_BEFORE_MAX = 16
SECONDS_MORE_MAX = 0.01


class Recorded:
    """A store in memory that begins with ``account`` and remembers each save."""

    def __init__(self, identity, account):
        self._inner = MemoryStore(identity=identity)
        self.saves = []
        if account is not None:
            self._inner.save(account, (), expected=None)

    def save(self, account, events, *, expected):
        won = self._inner.save(account, events, expected=expected)
        if won:
            self.saves.append((account, tuple(events)))
        return won

    def __getattr__(self, name):
        return getattr(self._inner, name)


def killed(nursery, path, knowledge, moments):
    """Live until a random moment; what was told, each an answer that left the process."""
    nursery.stdin.write(json.dumps({"path": str(path), "knowledge": asdict(knowledge)}) + "\n")
    nursery.stdin.flush()
    born, pid = nursery.stdout.readline().split()
    assert born == "born"
    told = [nursery.stdout.readline() for _ in range(moments.randrange(ANSWERS_BEFORE_MAX))]
    time.sleep(moments.uniform(0, SECONDS_MORE_MAX))
    os.kill(int(pid), signal.SIGKILL)
    while not (line := nursery.stdout.readline()).endswith("dead\n"):  # a line may be cut off before it
        told.append(line)
    return [json.loads(line) for line in told]


def found_on(path, gate):
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(gate.sqlite_store(path)) as store:
        return store.load(gate.USER), store.events(limit=100_000)


@pytest.mark.requirement("R16", "R28", "R29", "D25", "D38")
def test_a_killed_gate_leaves_what_it_told_and_at_most_the_change_that_was_under_way(
    gate, life, start, tmp_path
):
    path = tmp_path / "mfa.db"
    nursery, account, events = start("life.py"), None, []
    knowledge, moments, left = life.Knowledge(), random.Random(), Counter()
    for death in range(DEATHS):
        knowledge.life_count = death
        told = killed(nursery, path, knowledge, moments)
        # The same life in memory, as far as it was told, and the request that nobody saw answered.
        record = Recorded(gate.IDENTITY, account)
        twin = life.Life(record, copy.deepcopy(knowledge))
        for answer in told:
            twin.act()
            assert asdict(twin.knows) == answer
        told_count, knowledge = len(record.saves), copy.deepcopy(twin.knows)
        twin.act()
        states = [(account, events)]
        for saved, added in record.saves:
            states.append((saved, [*states[-1][1], *added]))
        account, events = found_on(path, gate)
        assert (account, events) in states[told_count:]
        left["the old account" if (account, events) == states[told_count] else "the new one"] += 1
    print(dict(left), f"{knowledge.next_number} requests, {len(events)} events")  # shown by pytest -rP
