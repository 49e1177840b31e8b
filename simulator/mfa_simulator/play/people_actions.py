"""Carries out what people do with tabs, pages and cookies, and with the two halves of a resync."""

from __future__ import annotations

from mfa_simulator.errors import StepError
from mfa_simulator.language.scenario import Step
from mfa_simulator.play.cast import cookies_of, phone_of, use_actor
from mfa_simulator.play.simulated_world import World


def start_resync(world: World, step: Step) -> str:
    return use_actor(world, step).start_resync(phone_of(world, step), typing=step["typing"])


def finish_resync(world: World, step: Step) -> str:
    return use_actor(world, step).finish_resync(phone_of(world, step), typing=step["typing"])


def clear_cookies(world: World, step: Step) -> None:
    world.use_browser(step["browser"]).jar.clear(cookies_of(world, step["which"]))


def keep_page(world: World, step: Step) -> None:
    world.pages[step["as"]] = world.use_browser(step["browser"]).kept_page()


def show_page(world: World, step: Step) -> str:
    page = world.pages.get(step["page"])
    if page is None:
        raise StepError(f"no page was kept as {step['page']}")
    return world.use_browser(step["browser"]).show_kept(page)


ACTIONS = {
    "start_resync": start_resync,
    "finish_resync": finish_resync,
    "clear_cookies": clear_cookies,
    "keep_page": keep_page,
    "show_page": show_page,
}
