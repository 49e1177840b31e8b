"""The moves of operators, of the portal and of failing parts, and those of users with tabs and known browsers."""

from __future__ import annotations

from mfa_simulator.explore.draw import Draw
from mfa_simulator.explore.plot import Raw
from mfa_simulator.explore.scene import Scene

PAGE = "kept"


def revoke_sessions(scene: Scene, draw: Draw) -> Raw | None:
    users = _with_account(scene)
    return {"revoke_sessions": {"user": draw.one_of(users)}} if users else None


def remove_account(scene: Scene, draw: Draw) -> Raw | None:
    users = _with_account(scene)
    return {"remove_account": {"user": draw.one_of(users)}} if users else None


def reset_all(scene: Scene, draw: Draw) -> Raw | None:
    return {"reset_all": {}} if _with_account(scene) and draw.one_in(4) else None


def support_invite(scene: Scene, draw: Draw) -> Raw:
    return {"support_invite": _said(scene, draw)}


def support_forget_drift(scene: Scene, draw: Draw) -> Raw:
    return {"support_forget_drift": _said(scene, draw)}


def change_user(scene: Scene, draw: Draw) -> Raw:
    """The portal changes the address or the password of a user."""
    changed = draw.one_of(({"email": "new.name@example.com"}, {"password": "another one"}))
    return {"change_user": {"user": draw.one_of(scene.users), **changed}}


def end_portal_sessions(scene: Scene, draw: Draw) -> Raw | None:  # noqa: ARG001  # all moves have one signature
    return {"end_portal_sessions": {}} if scene.used_browsers() else None


def directory_fails(scene: Scene, draw: Draw) -> Raw:  # noqa: ARG001
    return {"directory_fails": {"for": draw.one_of(("1s", "20s", "10m"))}}


def slow_part(scene: Scene, draw: Draw) -> Raw:  # noqa: ARG001
    """Slow the portal or the store down, or let it be as fast as before."""
    if draw.one_in(2):
        return {"slow_portal": {"by": draw.one_of(("0s", "2s", "29s", "31s"))}}
    return {"slow_store": {"by": draw.one_of(("0s", "200ms", "2s", "6s"))}}


def save_that_lands_later(scene: Scene, draw: Draw) -> Raw:  # noqa: ARG001
    by = draw.boundary("landing", ("1s", "4s", "6s", "40s"))
    return {"store_fails": {"calls": 1 + draw.below(2), "when": "later", "by": by}}


def halt_worker(scene: Scene, draw: Draw) -> Raw:  # noqa: ARG001
    """End the worker that comes to the next call of the store, or let it stall there."""
    found: Raw = {"call": draw.one_of(("load", "save")), "when": draw.one_of(("before", "after"))}
    if draw.one_in(2):
        return {"end_worker": found}
    return {"stall_worker": {**found, "for": draw.boundary("stall", ("2s", "6s", "31s"))}}


def clear_cookies(scene: Scene, draw: Draw) -> Raw | None:
    browser = _used(scene, draw)
    which = draw.one_of(("portal", "session", "known", "remembered", "all"))
    return {"clear_cookies": {"browser": browser, "which": which}} if browser else None


def keep_page(scene: Scene, draw: Draw) -> Raw | None:
    browser = _used(scene, draw)
    if browser is None or (at := scene.browser(browser)) is None or at.page_state is None:
        return None
    return {"keep_page": {"browser": browser, "as": PAGE}}


def show_page(scene: Scene, draw: Draw) -> Raw | None:
    """Show a page that was kept, in the browser that kept it."""
    browser = _used(scene, draw)
    if browser is None or PAGE not in scene.world.pages:
        return None
    return {"show_page": {"browser": browser, "page": PAGE}}


def start_resync(scene: Scene, draw: Draw) -> Raw | None:
    return _resync(scene, draw, "start_resync")


def finish_resync(scene: Scene, draw: Draw) -> Raw | None:
    return _resync(scene, draw, "finish_resync")


def show_unlock_code(scene: Scene, draw: Draw) -> Raw | None:
    ready = [user for user, state in scene.world.user_states.items() if state.unlock_code is not None]
    if not ready:
        return None
    return {"show_unlock_code": {"user": draw.one_of(ready), "browser": draw.one_of(scene.browsers)}}


def forget_browser(scene: Scene, draw: Draw) -> Raw | None:
    ready = [name for name in scene.used_browsers() if scene.user_at(name)]
    return {"forget_browser": {"browser": draw.one_of(ready)}} if ready else None


def copy_known_browser(scene: Scene, draw: Draw) -> Raw | None:
    """A thief who knows the password takes the cookie by which a browser is known."""
    ready = [name for name in scene.used_browsers() if scene.user_at(name)]
    if not ready:
        return None
    source = draw.one_of(ready)
    others = [name for name in scene.browsers if name != source]
    if not others:
        return None
    found = {"user": scene.user_at(source), "browser": draw.one_of(others), "from": source}
    return {"copy_known_browser": found}


def _with_account(scene: Scene) -> list[str]:
    return [user for user in scene.users if scene.is_enrolled(user)]


def _used(scene: Scene, draw: Draw) -> str | None:
    ready = scene.used_browsers()
    return draw.one_of(ready) if ready else None


def _said(scene: Scene, draw: Draw) -> Raw:
    user = draw.one_of(scene.users)
    return {"user": user, "email": scene.address(user), "reason": "asked by telephone"}


def _resync(scene: Scene, draw: Draw, verb: str) -> Raw | None:
    browser = _used(scene, draw)
    user = scene.user_at(browser) if browser is not None else None
    phones = scene.phones(user, with_key=True) if user is not None else []
    if not phones:
        return None
    return {verb: {"user": user, "browser": browser, "phone": draw.one_of(phones).name}}
