"""A story told from Python, one step at a time, by the same verbs as in a scenario file.

with Story("A phone is lost", file="test_phones.py") as story:
    story.begin(users={"user1": {"password": "correct horse", "phones": {"pixel": None}}})
    story.enroll(user="user1", browser="laptop", phone="pixel")
    story.wait("1m")
    assert story.sign_in(user="user1", browser="tablet", phone="pixel").outcome == "signed_in"
"""

from __future__ import annotations

import inspect
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mfa_simulator.errors import ScenarioFileError, StoryError
from mfa_simulator.language.document import node_of
from mfa_simulator.language.format.tables import TOP
from mfa_simulator.language.format.verbs import BY_NAME, TOGETHER
from mfa_simulator.language.parser import read_document
from mfa_simulator.language.quantities import EPOCH
from mfa_simulator.language.scenario import Scenario
from mfa_simulator.play.judging import StepOutcome
from mfa_simulator.play.liveness import judge_liveness
from mfa_simulator.play.running import Play, PlayedStep, play_step
from mfa_simulator.play.simulated_world import World
from mfa_simulator.play.timeline import first_failure, timeline
from mfa_simulator.problems import Position, Problems, meant_or_legal
from mfa_simulator.world.clocks import WallClock, frozen_wall_clock
from mfa_simulator.world.portal import PortalFactory, factory_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsgi_mfa.accounts import Account

# What a file says once for all its steps, and a story at its beginning.
BEGINNING = tuple(key for key in TOP if key not in ("scenario", "blocks", "matrix", "steps", "finally"))
# Names that steps give to phones and codes are known to the steps after them.
GIVERS = ("new_phone", "clone_phone", "read_code")
START_OF_A_FILE = Position(line=1, column=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stage:
    scenario: Scenario
    world: World
    wall: WallClock


class Story:
    """A world and the steps that were played in it; every verb of the format is a method.

    A verb that takes one value takes it by position, any other its arguments by name, an underscore behind those
    that Python keeps for itself (`from_`, `as_`, `for_`); `expect` and `network` stand beside them. A step that comes
    to something else than it must raises StoryError, and so does a broken invariant; `expect={}` lets it come to
    anything. Each gives what was found, with `outcome`, `hint`, `status` and the rest. `app` is the portal that it is
    played around: a factory, or `MODULE:FACTORY`.
    """

    def __init__(self, title: str, *, file: str = "story", app: str | PortalFactory | None = None) -> None:
        self._title = title
        self._app = app
        self._file = file
        self._beginning: dict[str, Any] = {}
        self._givers: list[dict[str, Any]] = []
        self._moments: list[PlayedStep] = []
        self._opened = ExitStack()
        self._stage: _Stage | None = None

    def __enter__(self) -> Story:
        """Give the story; nothing happens before it begins."""
        return self

    def __exit__(self, error: object, *_: object) -> None:
        """End the story; if all went well so far, everybody must still find a way in (raises StoryError if not)."""
        with self._opened:
            if error is None and self._moments and not _failed(self._moments[-1]):
                last = self._moments[-1]
                stage = self._begun()
                self._moments[-1] = replace(last, broken=judge_liveness(stage.world, stage.wall))
                self._judge(self._moments[-1:])

    def begin(self, **beginning: Any) -> None:  # noqa: ANN401  # as many types as a file has values
        """Make the world, of what a scenario file has at its top: `users`, `policy`, `start`, `seed`, `workers`, ..."""
        if self._stage is not None:
            raise StoryError("the story has begun: `begin` comes once, and first")
        for key in beginning:
            if key not in BEGINNING:
                raise StoryError(f'begin has no "{key}".{meant_or_legal(key, BEGINNING, what="It takes")}')
        self._beginning = beginning
        scenario = self._read([{"wait": "0s"}], START_OF_A_FILE)
        wall = self._opened.enter_context(frozen_wall_clock(scenario.start))
        world = World(scenario, wall, factory_of(self._app))
        self._opened.enter_context(world.recorder.noting_logs("wsgi_mfa"))
        self._opened.enter_context(world.monitor.reading_logs("wsgi_mfa"))
        self._stage = _Stage(scenario=scenario, world=world, wall=wall)

    @property
    def now(self) -> datetime:
        """The present instant of the story's true time, in UTC."""
        return EPOCH + timedelta(microseconds=self._begun().world.time.now())

    @property
    def timeline(self) -> str:
        """All that happened so far, as `mfa-sim run` prints it."""
        return timeline(self._play())

    def account(self, user: str) -> Account | None:
        """Give what the store holds of a user."""
        return self._begun().world.account(user)

    def _begun(self) -> _Stage:
        if self._stage is None:
            raise StoryError("the story has not begun: call `begin(users=...)` first")
        return self._stage

    def __getattr__(self, name: str) -> Callable[..., StepOutcome]:
        """Give a verb as a function."""
        __tracebackhide__ = True
        if name not in BY_NAME:
            raise AttributeError(f'no verb "{name}".{meant_or_legal(name, BY_NAME, what="The verbs")}')

        def verb(*value: Any, expect: Any = None, network: Any = None, **arguments: Any) -> StepOutcome:  # noqa: ANN401  # as in files
            __tracebackhide__ = True  # a failure is shown where the test asked for the step
            frame = inspect.currentframe()
            caller = frame.f_back if frame is not None else None
            place = Position(line=caller.f_lineno if caller is not None else 1, column=1)
            return self._act(name, value, {"expect": expect, "network": network}, arguments, place)

        return verb

    def __dir__(self) -> list[str]:
        """List the verbs too, for whoever completes names."""
        return [*super().__dir__(), *BY_NAME]

    def _act(
        self,
        name: str,
        value: tuple[Any, ...],
        beside: dict[str, Any],
        arguments: dict[str, Any],
        place: Position,
    ) -> StepOutcome:
        __tracebackhide__ = True
        takes_one = BY_NAME[name].scalar is not None or name in (TOGETHER, "change_policy")
        if len(value) != takes_one or (takes_one and arguments):
            takes = "one value by position" if takes_one else "its arguments by name"
            raise StoryError(f"{name} takes {takes}")
        named = {key.removesuffix("_"): given for key, given in arguments.items()}
        written = {
            name: value[0] if takes_one else named,
            **{key: given for key, given in beside.items() if given is not None},
        }
        world = self._begun().world
        step = self._read([*self._givers, written], place).steps[-1]
        if name in GIVERS:
            self._givers.append(written)
        moments = play_step(world, step)
        self._moments += moments
        self._judge(moments)
        return moments[-1].found

    def _read(self, steps: list[dict[str, Any]], place: Position) -> Scenario:
        __tracebackhide__ = True
        problems = Problems(file=self._file, lines=[])
        root = node_of({"scenario": self._title, **self._beginning, "steps": steps}, place)
        try:
            (scenario,) = read_document(root, problems, is_whole=False)
        except ScenarioFileError as error:
            raise StoryError("\n".join(problem.message for problem in error.problems)) from None
        return scenario

    def _play(self) -> Play:
        return Play(scenario=self._begun().scenario, moments=tuple(self._moments))

    def _judge(self, moments: list[PlayedStep]) -> None:
        __tracebackhide__ = True
        if any(_failed(moment) for moment in moments):
            play = self._play()
            raise StoryError(f"{first_failure(play)[1]}\n{timeline(play)}")


def _failed(moment: PlayedStep) -> bool:
    return bool(moment.failures or moment.broken)
