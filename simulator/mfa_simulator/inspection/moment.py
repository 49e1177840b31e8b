"""A story that is played up to one of its lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mfa_simulator.errors import StepError
from mfa_simulator.language.scenario import Scenario, Step
from mfa_simulator.play.running import PlayedStep, play_step
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.clocks import WallClock
from mfa_simulator.world.portal import REFERENCE_PORTAL, PortalFactory
from wsgi_mfa.accounts import Account


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryMoment:
    """The world after the step of a line; `before` has the accounts before that step, and `played` what came of it."""

    world: World
    step: Step
    before: Mapping[str, Account]
    played: tuple[PlayedStep, ...]


def step_at(scenario: Scenario, line: int) -> int:
    """Return the number of the last step that begins at or above a line.

    Raises StepError if every step begins below it.
    """
    above = [number for number, step in enumerate(scenario.steps) if step.position.line <= line]
    if not above:
        first = min((step.position.line for step in scenario.steps), default=0)
        raise StepError(f"the first step of {scenario.file} begins at line {first}")
    return max(above, key=lambda number: (scenario.steps[number].position.line, number))


@contextmanager
def story_at(
    scenario: Scenario, line: int, wall: WallClock, *, factory: PortalFactory = REFERENCE_PORTAL
) -> Iterator[StoryMoment]:
    """Play a scenario up to the step of a line, whatever comes of its steps."""
    last = step_at(scenario, line)
    world = World(scenario, wall, factory)
    before: Mapping[str, Account] = {}
    played: list[PlayedStep] = []
    with world.recorder.noting_logs("wsgi_mfa"), world.monitor.reading_logs("wsgi_mfa"):
        for step in scenario.steps[: last + 1]:
            before = dict(world.monitor.ledger.accounts)
            played = play_step(world, step)
        yield StoryMoment(world=world, step=scenario.steps[last], before=before, played=tuple(played))
