"""Finds who acts in a step: the user at a browser, the phone, and how a code is read."""

from __future__ import annotations

from collections.abc import Callable

from mfa_simulator.errors import StepError
from mfa_simulator.language.scenario import Step
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.phone import Phone
from mfa_simulator.world.user_actor import UserActor

# A user who reads 0 and 1 on a phone's display may type these.
LOOK_ALIKES = str.maketrans({"0": "O", "1": "l"})


def use_actor(world: World, step: Step) -> UserActor:
    """Put the user of a step at the browser of the step; later steps that name none mean these two."""
    browser = world.use_browser(step["browser"])
    user = step.arguments.get("user") or browser.user or world.last_user
    if user is None:
        raise StepError(f"no user has used the browser {browser.name} yet: name the user")
    user_state = world.use_user(user)
    user_state.browser = browser.name
    return UserActor(world, browser, user_state)


def phone_of(world: World, step: Step) -> Phone:
    """Give the phone of a step, or the one that its user has."""
    user = step.arguments.get("user") or world.last_user
    if step.arguments.get("phone") is None:
        if user is None:
            raise StepError("no user was named before: name the phone")
        return world.first_phone(user)
    return world.phone(step["phone"], user)


def reader(world: World, step: Step) -> Callable[[], str]:
    """Give how the code of a step is read: from a phone, from a note, or as written in the file."""
    if step.arguments.get("code") is not None:
        code: str = step["code"]
        return lambda: world.codes.get(code, code)
    return phone_of(world, step).code


def cookies_of(world: World, which: str) -> Callable[[str], bool]:
    """Give which names of cookies a word of the format means."""
    portal = world.portal.cookie
    ours = {"session": "wsgi_mfa_session", "known": "wsgi_mfa_known", "remembered": "wsgi_mfa_browser"}

    def is_meant(name: str) -> bool:
        # The label of an observed login goes with the portal's cookie, which is worth nothing without it.
        is_portals = (name == portal or "wsgi_mfa_login" in name) and which in ("portal", "session")
        return which == "all" or is_portals or (which in ours and ours[which] in name)

    return is_meant


def typed_as(text: str, manner: str) -> str:
    """Give a code as a user types it: with a space in the middle, with look-alikes, or with a slip at its end."""
    if manner == "spaced":
        half = len(text) // 2
        return f"{text[:half]} {text[half:]}"
    if manner == "look_alikes":
        return text.translate(LOOK_ALIKES)
    if manner == "slip":
        last = text[-1:]
        return text[:-1] + (str((int(last) + 1) % 10) if last.isdigit() else "X" if last != "X" else "Y")
    return text
