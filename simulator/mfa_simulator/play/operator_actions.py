"""Carries out what the support desk and the operator do at a console, and the desk in a browser."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from mfa_simulator.errors import DirectoryDownError
from mfa_simulator.invariants.monitor import SupportDeskMonitor
from mfa_simulator.language.scenario import Step
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.support_agent import SupportAgent
from wsgi_mfa import MfaError
from wsgi_mfa.operations import AccountKeeper
from wsgi_mfa.support import Done, SupportDesk, SupportResult


def support_reset(world: World, step: Step) -> str:
    if step["browser"] is not None:
        return _ask_in_the_browser(world, step, "reset")

    def ask(desk: SupportDesk) -> SupportResult:
        return desk.reset(_name(world, step), email=step["email"], reason=step["reason"], agent=step["agent"])

    return _ask_the_desk(world, step, ask)


def support_unlock(world: World, step: Step) -> str:
    if step["browser"] is not None:
        return _ask_in_the_browser(world, step, "unlock")

    def ask(desk: SupportDesk) -> SupportResult:
        return desk.unlock(
            _name(world, step),
            email=step["email"],
            reason=step["reason"],
            agent=step["agent"],
            clock=step["clock"],
        )

    return _ask_the_desk(world, step, ask)


def at_the_console(world: World, user: str) -> AbstractContextManager[SupportDeskMonitor]:
    """Watch what is done beside the first worker, by its clock; to all accounts with an empty name."""
    now = world.workers[0].clock.now()
    return world.monitor.at_the_desk(user, at=world.time.now(), now=now, policy=world.policy)


def _name(world: World, step: Step) -> str:
    """Return the name that the user of a step has at the portal."""
    return world.use_user(step["user"]).spec.name


def _ask_in_the_browser(world: World, step: Step, action: str) -> str:
    agent, user_state = (
        SupportAgent(world.use_browser(step["browser"]), world.recorder),
        world.use_user(step["user"]),
    )
    world.time.wait(step["delay"])
    return agent.call(action, user_state, email=step["email"], reason=step["reason"])


def _ask_the_desk(world: World, step: Step, ask: Callable[[SupportDesk], SupportResult]) -> str:
    user_state = world.use_user(step["user"])
    world.time.wait(step["delay"])
    with at_the_console(world, _name(world, step)) as watched:
        try:
            result = ask(world.desk())
        except (MfaError, DirectoryDownError) as error:
            world.recorder.current.remark(f"{type(error).__name__}: {error}")
            return "error"
        outcome = result.outcome.value
        enrollment_code = result.enrollment_code if isinstance(result, Done) else None
        unlock_code = result.unlock_code if isinstance(result, Done) else None
        watched.answered(outcome, enrollment_code or unlock_code)
    world.recorder.current.remark(result.message)
    if enrollment_code is not None:
        user_state.enrollment_code = enrollment_code
    if unlock_code is not None:
        user_state.unlock_code = unlock_code
    return outcome


def support_forget_drift(world: World, step: Step) -> str:
    def ask(desk: SupportDesk) -> SupportResult:
        return desk.forget_drift(
            _name(world, step), email=step["email"], reason=step["reason"], agent=step["agent"]
        )

    return _ask_the_desk(world, step, ask)


def support_invite(world: World, step: Step) -> str:
    def ask(desk: SupportDesk) -> SupportResult:
        return desk.invite(
            _name(world, step), email=step["email"], reason=step["reason"], agent=step["agent"]
        )

    return _ask_the_desk(world, step, ask)


def revoke_sessions(world: World, step: Step) -> str:
    user = _name(world, step)
    return operate(world, step, user, lambda keeper: keeper.end_sessions(user, None), "signed_out")


def remove_account(world: World, step: Step) -> str:
    user = _name(world, step)
    return operate(world, step, user, lambda keeper: keeper.remove(user), "reset")


def reset_all(world: World, step: Step) -> str:
    return operate(world, step, "", lambda keeper: keeper.reset_all(), "reset")


def operate(world: World, step: Step, user: str, act: Callable[[AccountKeeper], object], outcome: str) -> str:
    """Do something at the console of the first worker, under watch."""
    keeper = AccountKeeper(
        world.middleware().service, agent=step["agent"], reason=step.arguments.get("reason") or ""
    )
    with at_the_console(world, user):
        try:
            act(keeper)
        except MfaError as error:
            world.recorder.current.remark(f"{type(error).__name__}: {error}")
            return "error"
    return outcome


ACTIONS = {
    "support_reset": support_reset,
    "support_unlock": support_unlock,
    "support_forget_drift": support_forget_drift,
    "support_invite": support_invite,
    "revoke_sessions": revoke_sessions,
    "remove_account": remove_account,
    "reset_all": reset_all,
}
