"""Carries out what programs do, and what their users and the operator do with app passwords."""

from __future__ import annotations

from mfa_simulator.errors import StepError
from mfa_simulator.language.scenario import Step
from mfa_simulator.play.cast import typed_as, use_actor
from mfa_simulator.play.operator_actions import operate
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.program import Program


def make_app_password(world: World, step: Step) -> str:
    _refuse_without_programs(world)
    actor = use_actor(world, step)
    outcome, text = actor.make_app_password(step["program"], path=step["path"], days=step["days"])
    if text is not None:
        name, user = step["program"], world.user_states[step["user"]]
        world.programs[step["user"], name] = Program(name=name, owner=user.spec.name, app_password=text)
    return outcome


def use_app_password(world: World, step: Step) -> str:
    """Have the program ask again and again; the first answer that is no success ends that."""
    program = world.programs.get((step["user"], step["program"]))
    if program is None:
        raise StepError(f"no app password was made for the program {step['program']}")
    outcome, addresses = "error", step["from"]
    password = step["password"] or world.use_user(step["user"]).spec.password
    changed = Program(
        name=program.name,
        owner=program.owner,
        app_password=typed_as(program.app_password, step["typed"]).replace("X", "x"),
    )
    for number in range(step["times"]):
        if number:
            world.time.wait(step["every"])
        outcome = changed.ask(
            world.network,
            world.recorder,
            step["path"],
            password=password,
            address=addresses[number % len(addresses)],
        )
        if outcome != "welcome":
            return outcome
    return outcome


def end_app_password(world: World, step: Step) -> str:
    return use_actor(world, step).end_app_password(step["program"])


def keep_app_passwords(world: World, step: Step) -> str:
    return use_actor(world, step).keep_app_passwords(step["keep"])


def revoke_app_passwords(world: World, step: Step) -> str:
    user: str = step["user"]
    return operate(world, step, user, lambda keeper: keeper.end_app_passwords(user, None), "signed_out")


def _refuse_without_programs(world: World) -> None:
    if not world.scenario.programs:
        raise StepError("the portal of this file takes no app passwords: write `programs: yes` at its top")


ACTIONS = {
    "make_app_password": make_app_password,
    "use_app_password": use_app_password,
    "end_app_password": end_app_password,
    "keep_app_passwords": keep_app_passwords,
    "revoke_app_passwords": revoke_app_passwords,
}
