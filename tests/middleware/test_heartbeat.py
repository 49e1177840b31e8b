"""What a worker tells of itself: which keys it knows, and when."""

from __future__ import annotations

import os
import socket

import pytest

from wsgi_mfa.core.instants import DAY, SECOND
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.heartbeat import READ_SECONDS, REPORT_SECONDS, Heartbeat
from wsgi_mfa.keys.ring import KeyRing

OLD, NEW = ("k1", bytes(range(32))), ("k2", bytes(range(1, 33)))


class Source:
    """Keys that are another ring when a test says so."""

    def __init__(self):
        self.ring = self.next = KeyRing([OLD])
        self.reads = 0

    def reread(self):
        self.reads += 1
        changed = self.next is not self.ring
        self.ring = self.next
        return changed


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def heartbeat(memory_store, source):
    return Heartbeat(store=memory_store, keys=source)


def due(heartbeat, now):
    return not heartbeat.since <= now < heartbeat.until


@pytest.mark.requirement("D29")
def test_the_first_request_reports_the_keys(heartbeat, memory_store, clock):
    assert due(heartbeat, clock.now())
    heartbeat.beat(clock.now())
    (report,) = memory_store.workers()
    assert report.key_ids == ("k1",)
    assert report.at == clock.now()
    assert report.worker_id.startswith(f"{socket.gethostname()}/{os.getpid()}.")


@pytest.mark.requirement("D29")
def test_a_worker_reads_its_keys_once_a_second_and_reports_once_a_minute(
    heartbeat, source, memory_store, clock
):
    reports = set()
    for _ in range(2 * REPORT_SECONDS * 4):
        if due(heartbeat, clock.now()):
            heartbeat.beat(clock.now())
        reports.add(memory_store.workers()[0].at)
        clock.wait(0.25)
    assert source.reads == 2 * REPORT_SECONDS // READ_SECONDS
    assert len(reports) == 2


@pytest.mark.requirement("D29")
def test_other_keys_are_reported_at_once(heartbeat, source, memory_store, clock):
    heartbeat.beat(clock.now())
    source.next = KeyRing([NEW, OLD])
    clock.wait(READ_SECONDS)
    assert due(heartbeat, clock.now())
    heartbeat.beat(clock.now())
    (report,) = memory_store.workers()
    assert (report.key_ids, report.at) == (("k2", "k1"), clock.now())


@pytest.mark.requirement("D22", "D29")
def test_a_clock_that_steps_back_does_not_silence_a_worker(heartbeat, memory_store, clock):
    heartbeat.beat(clock.now())
    clock.wait(-3600)
    assert due(heartbeat, clock.now())
    heartbeat.beat(clock.now())
    assert memory_store.workers()[0].at == clock.now()


@pytest.mark.requirement("D32")
def test_a_forked_process_is_a_worker_of_its_own(heartbeat, memory_store, clock, monkeypatch):
    heartbeat.beat(clock.now())
    monkeypatch.setattr(os, "getpid", lambda: 1)
    heartbeat.beat(clock.now())
    assert len(memory_store.workers()) == 2


def test_two_middlewares_of_one_process_are_told_apart(memory_store, source, clock):
    for _ in range(2):
        Heartbeat(store=memory_store, keys=source).beat(clock.now())
    assert len(memory_store.workers()) == 2


def test_workers_of_long_ago_are_forgotten(memory_store, source, clock):
    Heartbeat(store=memory_store, keys=source).beat(clock.now() - DAY - SECOND)
    Heartbeat(store=memory_store, keys=source).beat(clock.now())
    assert [each.at for each in memory_store.workers()] == [clock.now()]


@pytest.mark.requirement("D29")
@pytest.mark.parametrize("error", [StoreUnavailableError("down"), RuntimeError("broken")])
def test_a_report_that_fails_is_logged_and_tried_again_a_minute_later(source, clock, caplog, error):
    class Down:
        calls = 0

        def report_worker(self, report, *, forget_before):
            self.calls += 1
            raise error

    store = Down()
    heartbeat = Heartbeat(store=store, keys=source)
    for _ in range(REPORT_SECONDS + 1):
        heartbeat.beat(clock.now())
        clock.wait(1)
    assert store.calls == 2
    assert "the keys of this worker could not be reported" in caplog.text
