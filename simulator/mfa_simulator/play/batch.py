"""Plays many scenarios, in this process or in several, and gives what came of them in the order of the files."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache

from mfa_simulator.errors import PortalError
from mfa_simulator.language.scenario import START, Scenario
from mfa_simulator.play.crash import Crash
from mfa_simulator.play.determinism import first_difference
from mfa_simulator.play.running import Play, play
from mfa_simulator.world.clocks import WallClock, frozen_wall_clock, real_now
from mfa_simulator.world.portal import REFERENCE_PORTAL, PortalFactory, imported_factory

CHUNK_MAX = 8
COLLECT_AFTER = (50_000, 20, 20)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOptions:
    """How scenarios are played: around which portal (`MODULE:FACTORY`), up to which line, and whether twice each.

    After `timeout_seconds` of real time without progress a story ends; None is for ever.
    """

    app: str | None = None
    until: int | None = None
    twice: bool = False
    timeout_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchResult:
    """What came of one scenario; `difference` is empty unless it was played twice and was not the same.

    `seconds` is how long it took, in real time.
    """

    play: Play
    difference: tuple[str, ...] = ()
    seconds: float = 0.0


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
        began = real_now()
        first = self._play(scenario)
        difference: tuple[str, ...] = ()
        if self._order.twice:
            difference = first_difference(first, self._play(scenario))
        return BatchResult(play=first, difference=difference, seconds=max(0.0, real_now() - began))

    def _play(self, scenario: Scenario) -> Play:
        order = self._order
        return play(
            scenario,
            self._wall,
            factory=self._factory,
            until=order.until,
            timeout_seconds=order.timeout_seconds,
        )


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


def results(
    scenarios: Sequence[Scenario], order: BatchOptions, *, jobs: int = 1
) -> Generator[BatchResult, None, None]:
    """Play scenarios and give each result as soon as those before it are there.

    Raises PortalError when the portal cannot be made for the very first one; for a later one it is the crash of that
    story alone.
    """
    if not scenarios:
        return
    jobs = min(jobs, len(scenarios))
    found = _in_processes(scenarios, order, jobs) if jobs > 1 else _in_this_process(scenarios, order)
    # Closed at once, also when the rest is not asked for: as long as it is open, time is frozen.
    with closing(found):
        for number, result in enumerate(found):
            crash = result.play.crash
            if number == 0 and crash is not None and crash.is_portal:
                raise PortalError(crash.message)
            yield result


def _in_this_process(
    scenarios: Sequence[Scenario], order: BatchOptions
) -> Generator[BatchResult, None, None]:
    player = _Player(order)
    try:
        yield from map(player.result, scenarios)
    finally:
        player.close()


def _in_processes(
    scenarios: Sequence[Scenario], order: BatchOptions, jobs: int
) -> Generator[BatchResult, None, None]:
    # Spawned everywhere: a fork would copy locks and threads of whatever was imported so far.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_leave_interrupts_to_the_parent)
    chunk = max(1, min(CHUNK_MAX, len(scenarios) // (4 * jobs)))
    chunks = [scenarios[begin : begin + chunk] for begin in range(0, len(scenarios), chunk)]
    try:
        futures = [pool.submit(_play_in_worker, chunk, order) for chunk in chunks]
        for future, stories in zip(futures, chunks, strict=True):
            try:
                yield from future.result()
            except BrokenProcessPool:  # noqa: PERF203  # one story took its process down, and all that waited for it
                for scenario in stories:
                    yield _alone(scenario, order)
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(scenario: Scenario, order: BatchOptions) -> BatchResult:
    """Play one scenario in a process of its own, which may end as it likes."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_leave_interrupts_to_the_parent) as pool:
        try:
            (result,) = pool.submit(_play_in_worker, [scenario], order).result()
        except BrokenProcessPool:
            crash = Crash(
                line=scenario.line, message="the process that played this story ended in the middle of it"
            )
            return BatchResult(play=Play(scenario=scenario, moments=(), crash=crash))
    return result


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# One in each worker process: its time is frozen when the first scenarios come, and stays so.
_player_in_worker = cache(_Player)


def _play_in_worker(scenarios: Sequence[Scenario], order: BatchOptions) -> list[BatchResult]:
    return [_player_in_worker(order).result(scenario) for scenario in scenarios]
