"""The moments of a world that a step can wait for: the end of a lock, and that of a session."""

from __future__ import annotations

from mfa_simulator.errors import StepError
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.play.simulated_world import World
from wsgi_mfa.accounts import Account


def lockout_end(world: World) -> int:
    """Give when the lock of the user named last ends, as an instant of true time."""
    account = _last_account(world)
    ends = [
        failures.locked_since + failures.locked_seconds * SECOND
        for failures in (account.code_failures, account.recovery_failures)
        if failures.locked_since is not None
    ]
    if not ends:
        raise StepError(f"{account.user} is not locked, so there is no lockout_end")
    return _true_time(world, max(ends))


def session_end(world: World) -> int:
    """Give when the session of the browser named last will end if it is not used, as an instant of true time."""
    account = _last_account(world)
    jar = world.browsers[world.last_browser].jar if world.last_browser in world.browsers else None
    now = world.time.now()
    sessions = [item for item in account.sessions if jar is not None and jar.holds(item.id, now=now)]
    if not sessions:
        raise StepError(
            f"the browser {world.last_browser} has no session of {account.user}, so no session_end"
        )
    policy = world.policy
    # Activity is noted once it is a 60th of the idle limit old, and a session never ends early (D23).
    idle_seconds = policy.session_idle_seconds + policy.session_idle_seconds // 60
    ends = (
        sessions[-1].seen_at + idle_seconds * SECOND,
        sessions[-1].verified_at + policy.session_seconds_max * SECOND,
    )
    return _true_time(world, min(ends))


def _last_account(world: World) -> Account:
    account = world.account(world.last_user) if world.last_user is not None else None
    if account is None:
        raise StepError("no user with an account was named before")
    return account


def _true_time(world: World, reading: int) -> int:
    """Turn an instant that the server knows into true time, by its first worker's clock."""
    return reading - world.workers[0].clock.error()
