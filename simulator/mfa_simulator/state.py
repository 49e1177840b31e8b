"""How everything stands at a moment of a story: the users, their phones, the browsers and the server."""

from __future__ import annotations

from collections.abc import Iterator

from mfa_simulator.browser import Browser
from mfa_simulator.invariants.call import in_words
from mfa_simulator.phone import Phone
from mfa_simulator.quantities import SECOND, clock_text, duration_text
from mfa_simulator.user_state import Resident
from mfa_simulator.world import World


def state_of(world: World) -> Iterator[str]:
    """Tell the state of a world, a line for each user, phone, browser and worker."""
    now, period = world.time.now(), world.policy.period_seconds * SECOND
    step, into = divmod(now, period)
    yield f"  state at {clock_text(now)}, {into / SECOND:.3f}s into step {step}"
    for resident in world.residents.values():
        yield f"    user {resident.spec.name}: {_user(world, resident)}"
    for phone in world.phones():
        yield f"    phone {phone.owner}/{phone.name}: {_phone(phone)}"
    for browser in world.browsers.values():
        yield f"    browser {browser.name}: {_browser(browser, now)}"
    for number, worker in enumerate(world.workers, start=1):
        yield f"    worker {number}: shows {clock_text(worker.clock.now())}, {_ahead(worker.clock.error())}"


def _user(world: World, resident: Resident) -> str:
    parts = [in_words(world.account(resident.spec.name))]
    if resident.recovery_codes:
        parts.append(f"wrote down last {resident.recovery_codes[-1]}")
    if resident.enrollment_code is not None:
        parts.append(f"was given the enrollment code {resident.enrollment_code}")
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
    sight, parts = browser.sight, []
    if sight is None:
        parts.append("no page")
    elif sight.response.status == 0:
        parts.append("no reply")
    else:
        page = f"page {sight.name}, " if sight.name is not None else ""
        parts.append(f"{page}status {sight.response.status}, {sight.outcome or 'no outcome'}")
    parts.append(f"used by {browser.user}" if browser.user is not None else "nobody signed in")
    parts.append("cookies " + (", ".join(browser.jar.names(now=now)) or "none"))
    return "; ".join(parts)
