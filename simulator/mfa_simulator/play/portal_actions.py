"""Carries out what changes at the portal, in its directory, and in how fast portal and store are."""

from __future__ import annotations

from mfa_simulator.language.scenario import Step
from mfa_simulator.play.simulated_world import World


def change_user(world: World, step: Step) -> None:
    given = {name: step[name] for name in ("email", "password", "groups") if step[name] is not None}
    world.change_user(step["user"], given)


def directory_fails(world: World, step: Step) -> None:
    world.directory.down_until = world.time.now() + step["for"]


def slow_portal(world: World, step: Step) -> None:
    world.portal_span = step["by"]


def slow_store(world: World, step: Step) -> None:
    world.store.span = step["by"]


ACTIONS = {
    "change_user": change_user,
    "directory_fails": directory_fails,
    "slow_portal": slow_portal,
    "slow_store": slow_store,
}
