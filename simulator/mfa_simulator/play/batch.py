"""Plays many scenarios, in this process or in several, and gives what came of them in the order of the files."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache

from mfa_simulator.language.scenario import START, Scenario
from mfa_simulator.play.determinism import first_difference
from mfa_simulator.play.running import Play, play
from mfa_simulator.world.clocks import WallClock, frozen_wall_clock
from mfa_simulator.world.portal import REFERENCE_PORTAL, PortalFactory, imported_factory

CHUNK_MAX = 8
COLLECT_AFTER = (50_000, 20, 20)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOptions:
    """How scenarios are played: around which portal (`MODULE:FACTORY`), up to which line, and whether twice each."""

    app: str | None = None
    until: int | None = None
    twice: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchResult:
    """What came of one scenario; `difference` is empty unless it was played twice and was not the same."""

    play: Play
    difference: tuple[str, ...] = ()


class _Player:
    """One freeze of the time that the process sees, and the portal that was imported in it.

    In it, because what an application binds at its import (a default argument, a factory of a field) stays bound.
    """

    def __init__(self, order: BatchOptions) -> None:
        self._order = order
        self._opened = ExitStack()
        self._opened.enter_context(_seldom_collected())
        self._wall: WallClock = self._opened.enter_context(frozen_wall_clock(START))
        self._factory: PortalFactory = REFERENCE_PORTAL
        if order.app is not None:
            try:
                self._factory = imported_factory(order.app)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Give real time back."""
        self._opened.close()

    def result(self, scenario: Scenario) -> BatchResult:
        """Play one scenario as ordered."""
        first = play(scenario, self._wall, factory=self._factory, until=self._order.until)
        if not self._order.twice:
            return BatchResult(play=first)
        second = play(scenario, self._wall, factory=self._factory, until=self._order.until)
        return BatchResult(play=first, difference=first_difference(first, second))


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Look for garbage in cycles less often: what was imported is none, and a story leaves little of it."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def results(scenarios: Sequence[Scenario], order: BatchOptions, *, jobs: int = 1) -> Iterator[BatchResult]:
    """Play scenarios and give each result as soon as those before it are there.

    Raises PortalError when the portal cannot be made.
    """
    if not scenarios:
        return
    if min(jobs, len(scenarios)) > 1:
        yield from _in_processes(scenarios, order, min(jobs, len(scenarios)))
        return
    player = _Player(order)
    try:
        yield from map(player.result, scenarios)
    finally:
        player.close()


def _in_processes(scenarios: Sequence[Scenario], order: BatchOptions, jobs: int) -> Iterator[BatchResult]:
    # Spawned everywhere: a fork would copy locks and threads of whatever was imported so far.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_leave_interrupts_to_the_parent)
    chunk = max(1, min(CHUNK_MAX, len(scenarios) // (4 * jobs)))
    chunks = [scenarios[begin : begin + chunk] for begin in range(0, len(scenarios), chunk)]
    try:
        for found in pool.map(_play_in_worker, chunks, [order] * len(chunks)):
            yield from found
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# One in each worker process: its time is frozen when the first scenarios come, and stays so.
_player_in_worker = cache(_Player)


def _play_in_worker(scenarios: Sequence[Scenario], order: BatchOptions) -> list[BatchResult]:
    return [_player_in_worker(order).result(scenario) for scenario in scenarios]
