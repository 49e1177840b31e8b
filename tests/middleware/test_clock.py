from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from wsgi_mfa.clock import Clock, SystemClock

if TYPE_CHECKING:
    _: Clock = SystemClock()


def test_now_is_in_microseconds_since_1970(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123_456_789)
    assert SystemClock().now() == 1_700_000_000_123_456


def test_time_is_looked_up_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    instants = iter([5_000, 3_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(instants))
    assert (clock.now(), clock.now()) == (5, 3)


def test_sleep_waits_by_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    SystemClock().sleep(0.25)
    assert waited == [0.25]
