"""Carries out the faults of the store, and of workers at its calls."""

from __future__ import annotations

from mfa_simulator.language.scenario import Step
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.store_faults import Halt, SaveFailures


def store_fails(world: World, step: Step) -> None:
    world.store.failures = SaveFailures(
        calls=step["calls"] or 0,
        until=world.time.now() + (step["for"] or 0),
        when=step["when"],
        by=step["by"],
    )


def stale_reads(world: World, step: Step) -> None:
    world.store.stale.calls = step["calls"] or 0
    world.store.stale.until = world.time.now() + (step["for"] or 0)


def slow_store(world: World, step: Step) -> None:
    world.store.span = step["by"]


def stall_worker(world: World, step: Step) -> None:
    world.store.halts.add(Halt(call=step["call"], when=step["when"], span=step["for"]))


def end_worker(world: World, step: Step) -> None:
    world.store.halts.add(Halt(call=step["call"], when=step["when"], span=None))


ACTIONS = {
    "store_fails": store_fails,
    "stale_reads": stale_reads,
    "slow_store": slow_store,
    "stall_worker": stall_worker,
    "end_worker": end_worker,
}
