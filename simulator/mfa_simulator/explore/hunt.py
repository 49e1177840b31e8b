"""Plays lives for a while, and shrinks what is found in them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mfa_simulator.explore.draw import Deck
from mfa_simulator.explore.findings import Finding, is_same
from mfa_simulator.explore.goals import Goals
from mfa_simulator.explore.life import Life, Stage
from mfa_simulator.explore.plot import Plot, verb_of
from mfa_simulator.explore.shrink import Shrinker
from mfa_simulator.language.format.verbs import TOGETHER
from mfa_simulator.world.clocks import real_now

SHRINK_SECONDS = 10


@dataclass(kw_only=True, slots=True)
class Hunt:
    """The sum of a hunt: lives, steps and requests, which goals were reached, and errors of the simulator's own."""

    seed: int
    lives: int = 0
    steps: int = 0
    requests: int = 0
    goals: Goals = field(default_factory=Goals)
    errors: list[str] = field(default_factory=list)
    again: int = 0

    def count(self, life: Life) -> None:
        """Count a life that was played."""
        self.steps += len(life.moments)
        self.requests += sum(len(moment.deliveries) for moment in life.moments)
        self.goals.note(life.moments, at_once=any(verb_of(step) == TOGETHER for step in life.plot.steps))


def hunt(
    stage: Stage,
    run: Hunt,
    *,
    goes_on: Callable[[int], bool],
    beginning: Plot | None = None,
    shrink_seconds: float = SHRINK_SECONDS,
) -> Iterator[Finding]:
    """Play lives as long as `goes_on` says, and yield each fault once, shrunk.

    `goes_on` gets the number of lives so far. A life that the simulator itself cannot play is noted as an error.
    """
    deck, known = Deck(), set[str]()
    while goes_on(run.lives):
        number, run.lives = run.lives, run.lives + 1
        try:
            life = stage.draw(run.seed, number, deck, beginning=beginning)
        except Exception:  # noqa: BLE001  # one life that cannot be played does not end the others
            run.errors.append(f"life {number} of seed {run.seed}:\n{traceback.format_exc()}")
            continue
        run.count(life)
        if life.trouble is None:
            continue
        if life.trouble.signature in known:
            run.again += 1
            continue
        known.add(life.trouble.signature)
        yield shrunk(stage, life, seconds=shrink_seconds)


def shrunk(stage: Stage, life: Life, *, seconds: float) -> Finding:
    """Return the shortest life that shows the trouble of a life."""
    trouble = life.trouble
    if trouble is None:
        raise ValueError("a life without trouble is as short as it is")
    at_the_end = life.failed_at is None

    def still_fails(plot: Plot) -> bool:
        return is_same(stage.replay(plot, wanted=trouble.signature, to_the_end=at_the_end), trouble)

    if not still_fails(life.plot):
        return Finding(trouble=trouble, plot=life.plot, steps_before=len(life.plot.steps))
    found = Shrinker(still_fails, seconds=seconds).shrink(life.plot, keep_last=not at_the_end)
    return Finding(trouble=trouble, plot=found.plot, steps_before=len(life.plot.steps))


def for_seconds(seconds: float) -> Callable[[int], bool]:
    """Return what says yes for so long."""
    ends_at = real_now() + seconds
    return lambda _: real_now() < ends_at


def so_many(lives: int) -> Callable[[int], bool]:
    """Return what says yes for so many lives."""
    return lambda played: played < lives
