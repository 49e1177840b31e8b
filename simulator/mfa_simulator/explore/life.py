"""Plays lives: one that is drawn step by step, and one that is written down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.explore.crashes import CrashLog, noting_crashes
from mfa_simulator.explore.draw import Deck, Draw
from mfa_simulator.explore.plot import Plot, Raw, node_of_step, scenario_of, verb_of
from mfa_simulator.explore.scene import Scene
from mfa_simulator.explore.swarm import Swarm, drawn
from mfa_simulator.language.format.kinds import Reading
from mfa_simulator.language.format.verbs import BY_NAME, TOGETHER
from mfa_simulator.language.scenario import Step
from mfa_simulator.language.steps import ALONE, StepReader
from mfa_simulator.play.liveness import judge_liveness
from mfa_simulator.play.running import PlayedStep, play_step
from mfa_simulator.play.simulated_world import World
from mfa_simulator.problems import Problems
from mfa_simulator.world.clocks import WallClock
from mfa_simulator.world.entropy import SeededEntropy
from mfa_simulator.world.portal import REFERENCE_PORTAL, PortalFactory

CRASH, EXPECTATION = "crash", "expectation"
_VARIABLE = re.compile(r"\b[0-9a-f]{6}\b|[0-9]+")
_PRELUDE = {"wait": "0s"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """One thing that must not happen: the invariant, `crash` or `expectation`, its words, and its user."""

    invariant: str
    seen: str
    user: str

    @property
    def signature(self) -> str:
        """The words that two findings of one fault have in common: all but numbers and ids."""
        return f"{self.invariant}: {_VARIABLE.sub('N', self.seen)}"

    @property
    def is_expectation(self) -> bool:
        """True if a step came to something else than its file expects."""
        return self.invariant == EXPECTATION


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """A life that was played: what it came to, and how many of its steps were played until then.

    `plot` has the steps that could be played. `moments` holds one for each step, several for steps at the same time.
    `failed_at` is the number of the step that showed the trouble, None if the end did.
    """

    plot: Plot
    moments: tuple[PlayedStep, ...]
    trouble: Trouble | None
    failed_at: int | None = None


class Stage:
    """The surroundings of lives: the portal's factory and the time that the process sees."""

    def __init__(self, wall: WallClock, factory: PortalFactory = REFERENCE_PORTAL) -> None:
        self.wall = wall
        self.factory = factory

    def replay(self, plot: Plot, *, wanted: str | None = None, to_the_end: bool = True) -> Life:
        """Play a plot up to its first trouble; steps that cannot be played are left out of what is given back.

        With `wanted` only trouble of that signature counts. `to_the_end` also judges whether users get in afterwards.
        """
        return self._played(plot, wanted, to_the_end=to_the_end, expecting=False)

    def judged(self, plot: Plot, *, wanted: str | None = None, to_the_end: bool = True) -> Life:
        """Play a plot as `replay` does; that a step comes to something else than expected is trouble too."""
        return self._played(plot, wanted, to_the_end=to_the_end, expecting=True)

    def _played(self, plot: Plot, wanted: str | None, *, to_the_end: bool, expecting: bool) -> Life:
        scenario = scenario_of(plot)
        player = _LifePlayer(World(scenario, self.wall, self.factory), self.wall, expecting=expecting)
        with player.watched():
            for number, (raw, step) in enumerate(zip(plot.steps, scenario.steps, strict=True)):
                trouble = player.play(raw, step)
                if trouble is not None and wanted in (None, trouble.signature):
                    return player.life(plot, trouble, failed_at=number)
            trouble = player.end() if to_the_end else None
        return player.life(plot, trouble if wanted in (None, trouble and trouble.signature) else None)

    def draw(self, seed: int, number: int, deck: Deck, *, beginning: Plot | None = None) -> Life:
        """Draw and play the life of a number; `beginning` are steps that it goes on from."""
        draw = Draw(SeededEntropy(seed, f"life {number}"), deck)
        swarm = drawn(draw, number)
        top = beginning.top if beginning is not None else swarm.top
        first = beginning.steps if beginning is not None else ()
        scenario = scenario_of(Plot(top=top, steps=first or ({**_PRELUDE},)))
        world = World(scenario, self.wall, self.factory)
        player = _LifePlayer(world, self.wall)
        plot = Plot(top=top)
        with player.watched():
            for raw, step in zip(first, scenario.steps, strict=False):
                trouble = player.play(raw, step)
                if trouble is not None:
                    return player.life(plot, trouble, failed_at=len(player.played) - 1)
            trouble = _LifeWriter(player, swarm, draw, top).write()
            if trouble is not None:
                return player.life(plot, trouble, failed_at=len(player.played) - 1)
            return player.life(plot, player.end())


class _LifePlayer:
    """Plays the steps of one life in its world, and notes what came of them."""

    def __init__(self, world: World, wall: WallClock, *, expecting: bool = False) -> None:
        self.world = world
        self.played: list[Raw] = []
        self._wall = wall
        self._expecting = expecting
        self._moments: list[PlayedStep] = []
        self._crashes = CrashLog()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Read the log meanwhile, as the invariants do."""
        with noting_crashes() as self._crashes, self._reading_logs():
            yield

    @contextmanager
    def _reading_logs(self) -> Iterator[None]:
        with self.world.recorder.noting_logs("wsgi_mfa"), self.world.monitor.reading_logs("wsgi_mfa"):
            yield

    def play(self, raw: Raw, step: Step) -> Trouble | None:
        """Play a step; return what was wrong, or None."""
        moments = play_step(self.world, step)
        if not any(moment.unplayable for moment in moments):
            self.played.append(raw)
            self._moments += moments
        for seen in self._crashes.taken():
            return Trouble(invariant=CRASH, seen=seen, user=moments[-1].actor)
        return next(iter(_troubles(moments, expecting=self._expecting)), None)

    def end(self) -> Trouble | None:
        """Judge the end of the life: who may get in does."""
        for broken in judge_liveness(self.world, self._wall):
            return Trouble(invariant=broken.invariant, seen=broken.seen, user=broken.user)
        return None

    def life(self, plot: Plot, trouble: Trouble | None, *, failed_at: int | None = None) -> Life:
        """Return the life as it was played so far."""
        played = Plot(top=plot.top, steps=tuple(self.played))
        return Life(plot=played, moments=tuple(self._moments), trouble=trouble, failed_at=failed_at)


class _LifeWriter:
    """Draws the steps of one life, each from what is possible at that moment."""

    def __init__(self, player: _LifePlayer, swarm: Swarm, draw: Draw, top: Any) -> None:  # noqa: ANN401  # as in a file
        self._player = player
        self._swarm = swarm
        self._draw = draw
        self._scene = Scene(player.world, browsers=swarm.browsers, spare_phones=("second",))
        problems = Problems(file="life", lines=[])
        world = player.world
        names = {phone.name for phone in world.phones()} | {"second", "clone"}
        self._reading = Reading(
            problems=problems,
            users=frozenset(world.user_states),
            phones=frozenset(names),
            codes=frozenset(f"code{number}" for number in range(1, 20)),
            workers=len(world.workers),
        )
        self._reader = StepReader(self._reading, {}, dict(top.get("policy", {})))

    def write(self) -> Trouble | None:
        """Draw and play steps until there is trouble, or enough of them."""
        for number in range(2, self._swarm.steps_max + 2):
            raw = self._together() if self._swarm.together and self._draw.one_in(6) else self._step()
            if raw is None:
                continue
            steps = self._reader.read((node_of_step(raw, number),))
            if self._reading.problems.found or not steps:
                raise ScenarioFileError(self._reading.problems.in_order())
            trouble = self._player.play(raw, steps[0])
            if trouble is not None:
                return trouble
        return None

    def _step(self) -> Raw | None:
        for _ in range(4):
            raw = self._draw.one_of(self._swarm.moves)(self._scene, self._draw)
            if raw is not None:
                return self._with_fault(raw)
        return None

    def _with_fault(self, raw: Raw) -> Raw:
        if not self._swarm.faults or not BY_NAME[verb_of(raw)].sends or not self._draw.one_in(3):
            return raw
        return {**raw, "network": dict(self._draw.one_of(self._swarm.faults))}

    def _together(self) -> Raw | None:
        """Return two or three steps at the same time; some verbs must act alone."""
        found = [raw for raw in (self._step() for _ in range(3)) if raw is not None and _may_share(raw)]
        return {TOGETHER: found} if len(found) > 1 else None


def _may_share(raw: Raw) -> bool:
    verb = verb_of(raw)
    return verb not in ALONE and verb != TOGETHER and "parallel" not in (raw[verb] or {})


def _troubles(moments: Sequence[PlayedStep], *, expecting: bool) -> Iterator[Trouble]:
    for moment in moments:
        for broken in moment.broken:
            yield Trouble(invariant=broken.invariant, seen=broken.seen, user=broken.user)
        for delivery in moment.deliveries:
            if delivery.response.crash is not None:
                path = delivery.request.path
                yield Trouble(
                    invariant=CRASH, seen=f"{path} ended in {delivery.response.crash}", user=moment.actor
                )
        for failure in moment.failures if expecting else ():
            seen = f"{moment.step.verb} came to something else than expected: {failure}"
            yield Trouble(invariant=EXPECTATION, seen=seen, user=moment.actor)
