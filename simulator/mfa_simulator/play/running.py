"""Plays a scenario step by step, and compares what happens with what is expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from mfa_simulator.errors import PortalError, StepError
from mfa_simulator.invariants.ledger import Violation
from mfa_simulator.language.format.verbs import BY_NAME, TOGETHER
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.language.scenario import Scenario, Step
from mfa_simulator.play.actions import ACTIONS
from mfa_simulator.play.crash import Crash, crash_of
from mfa_simulator.play.judging import StepOutcome, differences
from mfa_simulator.play.liveness import judge_liveness
from mfa_simulator.play.server_facts import server_facts
from mfa_simulator.play.simulated_world import World
from mfa_simulator.play.watchdog import StandstillError, Watchdog
from mfa_simulator.play.world_description import describe_world
from mfa_simulator.world.browser import Browser
from mfa_simulator.world.clocks import WallClock
from mfa_simulator.world.network_conditions import DECIDING, NetworkConditions
from mfa_simulator.world.portal import REFERENCE_PORTAL, PortalFactory
from mfa_simulator.world.recorder import Delivery, Exchange, StepRecord
from wsgi_mfa import Event, Policy
from wsgi_mfa.accounts import Account

# Which form field the deciding request of a verb is about, where it is no code and no tick box; () is any request.
DECIDES: dict[str, tuple[str, ...]] = {
    "password": ("password",),
    "start_enrollment": ("password", "enrollment_code"),
    **dict.fromkeys(("password_elsewhere", "slow_upload"), ()),
    **dict.fromkeys(("visit", "post", "request", "sign_out", "back", "steal_cookie", "forget_browser"), ()),
    **dict.fromkeys(("make_app_password", "end_app_password", "keep_app_passwords"), ()),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayedStep:
    """One line of a timeline; instants in microseconds of true time, `phone_error` in microseconds.

    `at` is when its deciding request was sent; `must` holds the outcomes one of which it had to come to if nothing was
    expected; `accounts` and `policy` are as they stood at its end. `why` says what the server looked at, of a step that
    failed. Of very many exchanges some are left out, and `between` is a digest of these.
    """

    at: int
    into_step: int
    phone_error: int | None
    step: Step
    actor: str
    found: StepOutcome
    exchanges: tuple[Exchange, ...]
    failures: tuple[str, ...]
    began_at: int
    ended_at: int
    policy: Policy
    accounts: Mapping[str, Account]
    must: tuple[str, ...] | None = None
    events: tuple[Event, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    broken: tuple[Violation, ...] = ()
    unplayable: bool = False
    why: tuple[str, ...] = ()
    left_out: int = 0
    between: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """A scenario that was played: its moments, up to the first failure and with those of `finally`.

    `state` tells how everything stood where the play was to stop, and `crash` what ended it unexpectedly.
    """

    scenario: Scenario
    moments: tuple[PlayedStep, ...]
    state: tuple[str, ...] = ()
    crash: Crash | None = None

    @property
    def failed(self) -> bool:
        """Whether any step came to something else than expected, broke an invariant, or could not be played."""
        return self.crash is not None or self.broken or any(moment.failures for moment in self.moments)

    @property
    def broken(self) -> bool:
        """Whether an invariant was broken."""
        return any(moment.broken for moment in self.moments)


def play(
    scenario: Scenario,
    wall: WallClock,
    *,
    factory: PortalFactory = REFERENCE_PORTAL,
    until: int | None = None,
    timeout_seconds: float | None = None,
) -> Play:
    """Play a scenario in a world of its own; nothing of it depends on anything but the file and its seed.

    With `until` it stops after the first step that begins at that line, or that fails, and tells how everything stands
    there; the end of the story is not looked at. Whatever is raised meanwhile becomes the play's `crash`, and so does
    a request that makes no progress for `timeout_seconds` of real time.
    """
    watchdog = Watchdog(timeout_seconds)
    with watchdog.watching():
        try:
            world = World(scenario, wall, factory)
        except (Exception, StandstillError) as error:  # noqa: BLE001  # a story of its own, whatever is raised
            return Play(scenario=scenario, moments=(), crash=crash_of(error, line=scenario.line))
        world.on_progress = watchdog.progress
        return _Telling(world, wall, until).play()


class _Telling:
    """One story as it is told: the moments so far, and the line of the step that is played now."""

    def __init__(self, world: World, wall: WallClock, until: int | None) -> None:
        self._world = world
        self._wall = wall
        self._until = until
        self._moments: list[PlayedStep] = []
        self._line = world.scenario.line
        self._crash: Crash | None = None

    def play(self) -> Play:
        """Play all steps, those of `finally` after a failure too."""
        world, scenario = self._world, self._world.scenario
        with world.recorder.noting_logs("wsgi_mfa"), world.monitor.reading_logs("wsgi_mfa"):
            for step in scenario.steps:
                failed = not self._plays(step)
                if self._until is not None and (failed or step.position.line == self._until):
                    return self._played(state=tuple(describe_world(world)))
                if failed:
                    break
            for step in scenario.finally_steps:
                self._plays(step)
            if self._crash is None and not any(moment.failures or moment.broken for moment in self._moments):
                self._guarded(self._judge_the_end)
        return self._played()

    def _played(self, state: tuple[str, ...] = ()) -> Play:
        scenario = self._world.scenario
        return Play(scenario=scenario, moments=tuple(self._moments), state=state, crash=self._crash)

    def _plays(self, step: Step) -> bool:
        """Play one step; whether it went as expected."""
        self._line = step.position.line
        count = len(self._moments)
        self._guarded(lambda: self._moments.extend(play_step(self._world, step)))
        new = self._moments[count:]
        return bool(new) and not (new[-1].failures or new[-1].broken)

    def _judge_the_end(self) -> None:
        broken = judge_liveness(self._world, self._wall)
        self._moments[-1:] = [replace(last, broken=broken) for last in self._moments[-1:]]

    def _guarded(self, act: Callable[[], object]) -> None:
        """Do something; the first exception that nobody expected is the crash of the story."""
        try:
            act()
        except (Exception, StandstillError) as error:  # noqa: BLE001  # other stories go on, whatever is raised
            self._crash = self._crash or crash_of(error, line=self._line)


def play_unjudged(
    scenario: Scenario,
    wall: WallClock,
    *,
    factory: PortalFactory = REFERENCE_PORTAL,
    timeout_seconds: float | None = None,
) -> Play:
    """Play every step of a scenario whatever comes of it; only what cannot be played at all is told."""
    watchdog = Watchdog(timeout_seconds)
    with watchdog.watching():
        try:
            world = World(scenario, wall, factory)
        except PortalError:
            raise
        except (Exception, StandstillError) as error:  # noqa: BLE001  # as in a play that is judged
            return Play(scenario=scenario, moments=(), crash=crash_of(error, line=scenario.line))
        world.on_progress = watchdog.progress
        return play_unjudged_in(world)


def play_unjudged_in(world: World) -> Play:
    """Play every step of a world's scenario in it, whatever comes of them, up to one that raises something."""
    scenario, moments = world.scenario, list[PlayedStep]()
    crash = None
    with world.recorder.noting_logs("wsgi_mfa"):
        for step in (*scenario.steps, *scenario.finally_steps):
            try:
                moments += play_step(world, _unjudged(step))
            except (Exception, StandstillError) as error:  # noqa: BLE001, PERF203  # told, and the end of this story
                crash = crash_of(error, line=step.position.line)
                break
    told = (
        replace(moment, failures=moment.failures if moment.unplayable else (), broken=())
        for moment in moments
    )
    return Play(scenario=scenario, moments=tuple(told), crash=crash)


def _unjudged(step: Step) -> Step:
    return replace(step, expect=None, steps=tuple(_unjudged(inner) for inner in step.steps))


def play_step(world: World, step: Step) -> list[PlayedStep]:
    """Play one step, in a record of its own; steps at the same time give a moment each."""
    if step.verb == TOGETHER:
        return _play_together(world, step)
    with world.recorder.recording() as record:
        return [_play_verb(world, step, record)]


def _play_together(world: World, step: Step) -> list[PlayedStep]:
    """Play steps at the same time; those that share a browser use a window of it each."""
    moments: list[PlayedStep] = []
    used: set[str] = set()
    tasks = []
    for inner in step.steps:
        name = inner.arguments.get("browser")
        tab = world.use_browser(name).new_tab() if name in used else None
        used |= {name} if name else set()
        tasks.append(partial(_play_member, world, inner, tab, moments))
    # A late request of an earlier step may arrive while no one of these acts, and is recorded as well.
    with world.recorder.recording():
        world.scheduler.run(tasks)
    order = {inner.position: index for index, inner in enumerate(step.steps)}
    moments.sort(key=lambda moment: (bool(moment.failures or moment.broken), order[moment.step.position]))
    return moments


def _play_member(world: World, step: Step, tab: Browser | None, moments: list[PlayedStep]) -> None:
    with world.recorder.recording() as record, world.in_tab(tab):
        moments.append(_play_verb(world, step, record))


def _play_verb(world: World, step: Step, record: StepRecord) -> PlayedStep:
    began_at = world.time.now()
    browser = world.use_browser(step["browser"]) if step.arguments.get("browser") else None
    if browser is not None:
        about = DECIDES.get(step.verb, DECIDING)
        browser.network_conditions = NetworkConditions(
            base=world.scenario.network, changes=step.network, about=about
        )
    record.must, unplayable = BY_NAME[step.verb].must, False
    reads = step.expect is not None and bool(step.expect.shows or step.expect.hides)
    try:
        outcome = ACTIONS[step.verb](world, step) or None
        found = _found(record, outcome, reads=reads)
        failures = differences(step, found, must=record.must)
    except StepError as error:
        found, failures, unplayable = _found(record, None, reads=reads), (str(error),), True
    if browser is not None and "request" in step.network and not browser.network_conditions.spent:
        failures = (*failures, f"network: no request of this step is {step.network['request']}")
    world.note_drifts(step.position.line)
    broken = world.monitor.take_violations()
    # The caller of the desk waits, and then it acts.
    at = _decided_at(record.exchanges, began_at + step.arguments.get("delay", 0))
    return PlayedStep(
        at=at,
        into_step=at % (world.policy.period_seconds * SECOND),
        phone_error=_phone_error(world, step),
        step=step,
        actor=_actor(step),
        found=found,
        exchanges=tuple(record.exchanges),
        failures=failures,
        began_at=began_at,
        ended_at=world.time.now(),
        policy=world.policy,
        accounts=dict(world.monitor.ledger.accounts),
        must=record.must,
        events=tuple(record.events),
        deliveries=tuple(record.deliveries),
        broken=broken,
        unplayable=unplayable,
        why=tuple(server_facts(world, step, record)) if failures or broken else (),
        left_out=record.exchanges.left_out,
        between=record.between,
    )


def _found(record: StepRecord, outcome: str | None, *, reads: bool) -> StepOutcome:
    page_states = record.page_states
    last = page_states[-1] if page_states else None
    told = next((page_state for page_state in reversed(page_states) if page_state.outcome == outcome), last)
    return StepOutcome(
        outcome=outcome,
        hint=told.hint if told is not None else None,
        recovery_code_shown=record.recovery_code_shown,
        app_called=record.app_called,
        as_user=record.as_user,
        retry_after_seconds=told.retry_after_seconds if told is not None else None,
        evaluated=record.evaluated,
        status=last.response.status if last is not None else None,
        page=last.name if last is not None else None,
        words=last.page.words if reads and last is not None else "",
        events=record.event_kinds,
        remarks=(*record.remarks, *record.crashes),
    )


def _decided_at(exchanges: Iterable[Exchange], began_at: int) -> int:
    """A step's moment is that of its deciding request, else the one given."""
    return next((exchange.sent_at for exchange in exchanges if exchange.about in DECIDING), began_at)


def _phone_error(world: World, step: Step) -> int | None:
    if step.arguments.get("phone") is None:
        return None
    try:
        return world.phone(step["phone"], step.arguments.get("user")).clock.error()
    except StepError:
        return None


def _actor(step: Step) -> str:
    names = (step.arguments.get("user"), step.arguments.get("browser"), step.arguments.get("phone"))
    return "/".join(name for name in names if name)
