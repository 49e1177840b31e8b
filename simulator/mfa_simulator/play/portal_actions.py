"""Carries out what changes at the portal, in its directory, and how fast it is."""

from __future__ import annotations

from mfa_simulator.language.scenario import Step
from mfa_simulator.play.simulated_world import World


def change_user(world: World, step: Step) -> None:
    given = {name: step[name] for name in ("name", "email", "password", "groups") if step[name] is not None}
    world.change_user(step["user"], given)


def delete_user(world: World, step: Step) -> None:
    world.delete_user(step["user"])


def end_portal_sessions(world: World, step: Step) -> None:  # noqa: ARG001  # it takes nothing
    world.end_portal_sessions()


def directory_fails(world: World, step: Step) -> None:
    world.directory.down_until = world.time.now() + step["for"]


def slow_portal(world: World, step: Step) -> None:
    world.portal_span = step["by"]


ACTIONS = {
    "change_user": change_user,
    "delete_user": delete_user,
    "end_portal_sessions": end_portal_sessions,
    "directory_fails": directory_fails,
    "slow_portal": slow_portal,
}
