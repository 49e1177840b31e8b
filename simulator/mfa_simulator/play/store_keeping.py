"""Carries out what an operator does to the store as a whole, and to the names of accounts."""

from __future__ import annotations

from collections.abc import Callable

from mfa_simulator.errors import StepError
from mfa_simulator.language.scenario import Step
from mfa_simulator.play.operator_actions import at_the_console
from mfa_simulator.play.simulated_world import World
from wsgi_mfa import MfaError
from wsgi_mfa.errors import AccountError
from wsgi_mfa.operations import AccountKeeper, SpellingKeeper, StoreKeeper


def rename_account(world: World, step: Step) -> str:
    new = world.user_states[step["user"]].spec.name

    def rename() -> None:
        service = world.middleware().service
        AccountKeeper(service, agent=step["agent"], reason=step["reason"]).rename(step["from"], new)

    return _kept(world, new, rename, "renamed")


def settle_spelling(world: World, step: Step) -> str:
    spelling = world.user_states[step["user"]].spec.name

    def settle() -> None:
        service = world.middleware().service
        keeper = SpellingKeeper(service, agent=step["agent"], reason=step["reason"])
        keeper.apart(spelling) if step["apart"] else keeper.same(spelling)

    return _kept(world, spelling, settle, "settled")


def backup_store(world: World, step: Step) -> None:
    world.backups[step["as"]] = world.store.backup()


def restore_store(world: World, step: Step) -> None:
    backup = world.backups.get(step["backup"])
    if backup is None:
        raise StepError(f"no copy of the store is kept as {step['backup']}: backup_store makes one")
    world.store.restore(backup)
    world.monitor.store_restored(world.store.accounts())


def close_store(world: World, step: Step) -> str:  # noqa: ARG001  # it takes nothing
    return _kept(world, "", lambda: _keeper(world).close(), "closed")


def open_store(world: World, step: Step) -> str:  # noqa: ARG001
    return _kept(world, "", lambda: _keeper(world).open(), "opened")


def fence_store(world: World, step: Step) -> str:  # noqa: ARG001
    return _kept(world, "", lambda: _keeper(world).fence(), "fenced")


def _keeper(world: World) -> StoreKeeper:
    return StoreKeeper(world.middleware().service)


def _kept(world: World, user: str, act: Callable[[], object], outcome: str) -> str:
    """Do something at the console, under watch; what the middleware does not do is refused."""
    with at_the_console(world, user):
        try:
            act()
        except MfaError as error:
            world.recorder.current.remark(f"{type(error).__name__}: {error}")
            return "refused" if isinstance(error, AccountError) else "error"
    return outcome


ACTIONS = {
    "rename_account": rename_account,
    "settle_spelling": settle_spelling,
    "backup_store": backup_store,
    "restore_store": restore_store,
    "close_store": close_store,
    "open_store": open_store,
    "fence_store": fence_store,
}
