"""Plays a scenario step by step, and compares what happens with what is expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mfa_simulator.actions import ACTIONS
from mfa_simulator.browser import Browser, Weather
from mfa_simulator.clock import WallClock
from mfa_simulator.errors import StepError
from mfa_simulator.expectation import Found, differences
from mfa_simulator.format.verbs import BY_NAME, REPEATING
from mfa_simulator.network import Exchange
from mfa_simulator.quantities import SECOND
from mfa_simulator.reading import look_at
from mfa_simulator.scenario import Scenario, Step
from mfa_simulator.world import World

ANY_REQUEST = ("visit", "post", "request", "sign_out", "back", "steal_cookie")
CODES = ("code", "recovery_code")
JUDGED = ("wrong_code", "used_code", "signed_in")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One line of a timeline; instants in microseconds of true time, `phone_error` in microseconds."""

    at: int
    into_step: int
    phone_error: int | None
    step: Step
    actor: str
    found: Found
    exchanges: tuple[str, ...]
    failures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """A scenario that was played: its moments, up to the first failure and with those of `finally`."""

    scenario: Scenario
    moments: tuple[Moment, ...]

    @property
    def failed(self) -> bool:
        """Whether any step came to something else than expected."""
        return any(moment.failures for moment in self.moments)


def play(scenario: Scenario, wall: WallClock) -> Play:
    """Play a scenario in a world of its own; nothing of it depends on anything but the file and its seed."""
    world = World(scenario, wall)
    moments: list[Moment] = []
    for step in scenario.steps:
        moments.append(_play_step(world, step))
        if moments[-1].failures:
            break
    moments += [_play_step(world, step) for step in scenario.finally_steps]
    return Play(scenario=scenario, moments=tuple(moments))


def _play_step(world: World, step: Step) -> Moment:
    began_at = world.time.now()
    world.network.exchanges.clear()
    world.store.noted.clear()
    world.remarks.clear()
    browser = world.browser(step["browser"]) if step.arguments.get("browser") else None
    if browser is not None:
        browser.sights.clear()
        browser.weather = Weather(
            base=world.scenario.network, changes=step.network, any_request=step.verb in ANY_REQUEST
        )
    try:
        outcome = ACTIONS[step.verb](world, step)
        found = _found(world, browser, outcome)
        failures = differences(step, found, must=_must(step, browser))
    except StepError as error:
        found, failures = _found(world, browser, None), (str(error),)
    at = _decided_at(world.network.exchanges, began_at)
    period = world.policy.period_seconds * SECOND
    return Moment(
        at=at,
        into_step=at % period,
        phone_error=_phone_error(world, step),
        step=step,
        actor=_actor(step),
        found=found,
        exchanges=tuple(_in_words(exchange) for exchange in world.network.exchanges),
        failures=failures,
    )


def _must(step: Step, browser: Browser | None) -> tuple[str, ...] | None:
    """Give what a step must come to; one that repeats must come to what the verb that it repeats must."""
    if browser is not None and step.verb in REPEATING:
        return browser.must
    must = BY_NAME[step.verb].must
    if browser is not None:
        browser.must = must
    return must


def _found(world: World, browser: Browser | None, outcome: str | None) -> Found:
    exchanges = world.network.exchanges
    sights = browser.sights if browser is not None else []
    last = sights[-1] if sights else None
    told = next((sight for sight in reversed(sights) if sight.outcome == outcome), last)
    since = next((index for index, exchange in enumerate(exchanges) if exchange.about in CODES), 0)
    crashes = [exchange.served.crash for exchange in exchanges if exchange.served and exchange.served.crash]
    return Found(
        outcome=outcome,
        hint=told.hint if told is not None else None,
        recovery_code_shown=any(sight.page.texts.get("recovery-code") for sight in sights),
        app_called=any(
            exchange.served is not None and exchange.served.from_app for exchange in exchanges[since:]
        ),
        retry_after_seconds=told.retry_after_seconds if told is not None else None,
        evaluated=sum(_is_judged(exchange) for exchange in exchanges),
        status=last.response.status if last is not None else None,
        page=last.name if last is not None else None,
        events=tuple(event.kind for event in world.store.noted),
        remarks=(*world.remarks, *crashes),
    )


def _is_judged(exchange: Exchange) -> bool:
    """Whether the server looked at a code: it refused it as such, or led on from there."""
    if (
        exchange.served is None
        or exchange.request.method != "POST"
        or exchange.about in ("saved", "password")
    ):
        return False
    if not exchange.request.path.startswith("/mfa/"):
        return False
    location = (exchange.served.header("Location") or "").partition("?")[0]
    return look_at(exchange.served).outcome in JUDGED or location.endswith(("/continue", "/recovery-code"))


def _decided_at(exchanges: Iterable[Exchange], began_at: int) -> int:
    """A step's moment is that of its deciding request, else of its beginning."""
    return next((exchange.sent_at for exchange in exchanges if exchange.about in (*CODES, "saved")), began_at)


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


def _in_words(exchange: Exchange) -> str:
    reply = exchange.seen.summary if exchange.seen is not None else "no reply"
    if exchange.seen is None and exchange.served is not None:
        reply += f" (the server had answered {exchange.served.summary})"
    return f"{exchange.request.method} {exchange.request.path} {reply}"
