"""How everything stands at a moment of a story: the users, their phones, the browsers and the server."""

from __future__ import annotations

from collections.abc import Iterator

from mfa_simulator.invariants.call import account_text
from mfa_simulator.language.quantities import SECOND, clock_text, duration_text
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.browser import Browser
from mfa_simulator.world.phone import Phone
from mfa_simulator.world.user_state import UserState


def describe_world(world: World) -> Iterator[str]:
    """Tell the state of a world, a line for each user, phone, browser and worker."""
    now, period = world.time.now(), world.policy.period_seconds * SECOND
    step, into = divmod(now, period)
    yield f"  state at {clock_text(now)}, {into / SECOND:.3f}s into step {step}"
    for user_state in world.user_states.values():
        yield f"    user {user_state.spec.name}: {_user(world, user_state)}"
    for phone in world.phones():
        yield f"    phone {phone.owner}/{phone.name}: {_phone(phone)}"
    for browser in world.browsers.values():
        yield f"    browser {browser.name}: {_browser(browser, now)}"
    for number, worker in enumerate(world.workers, start=1):
        yield f"    worker {number}: shows {clock_text(worker.clock.now())}, {_ahead(worker.clock.error())}"


def _user(world: World, user_state: UserState) -> str:
    parts = [account_text(world.account(user_state.spec.name))]
    if user_state.recovery_codes:
        parts.append(f"wrote down last {user_state.recovery_codes[-1]}")
    if user_state.enrollment_code is not None:
        parts.append(f"was given the enrollment code {user_state.enrollment_code}")
    return "; ".join(parts)


def _phone(phone: Phone) -> str:
    clock = f"shows {clock_text(phone.clock.now())}, {_ahead(phone.clock.error())}"
    if not phone.has_key:
        return f"{clock}; no key"
    left = phone.code_follows_at(phone.step()) - (phone.clock.now() - phone.clock.error())
    return (
        f"{clock}; code {phone.code()} of step {phone.step()}, for {duration_text(left // 1000 * 1000)} more"
    )


def _ahead(error: int) -> str:
    if error == 0:
        return "right"
    return f"{duration_text(abs(error) // 1000 * 1000)} {'fast' if error > 0 else 'slow'}"


def _browser(browser: Browser, now: int) -> str:
    page_state, parts = browser.page_state, []
    if page_state is None:
        parts.append("no page")
    elif page_state.response.status == 0:
        parts.append("no reply")
    else:
        page = f"page {page_state.name}, " if page_state.name is not None else ""
        parts.append(f"{page}status {page_state.response.status}, {page_state.outcome or 'no outcome'}")
    parts.append(f"used by {browser.user}" if browser.user is not None else "nobody signed in")
    parts.append("cookies " + (", ".join(browser.jar.names(now=now)) or "none"))
    return "; ".join(parts)
