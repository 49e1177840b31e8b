"""The moves of those who know a password and look for a way around the sign-in page."""

from __future__ import annotations

from mfa_simulator.explore.draw import Draw
from mfa_simulator.explore.plot import Raw
from mfa_simulator.explore.scene import Scene
from mfa_simulator.language.format.further_verbs import FORMS

#: What a portal may do that opens a way; a life takes one.
PORTALS: tuple[Raw, ...] = (
    {"kind": "looked_up", "keeps_session_id": True},
    {"kind": "observed", "keeps_session_id": True},
    {"kind": "looked_up", "stays_signed_in": True},
    {"kind": "observed", "stays_signed_in": True},
    {"kind": "looked_up", "signs_in_anywhere": True},
    {"kind": "observed", "signs_in_anywhere": True},
    {"kind": "looked_up", "keeps_session_id": True, "signs_in_anywhere": True, "stays_signed_in": True},
)
_KEPT_MAX = 4


def password_elsewhere(scene: Scene, draw: Draw) -> Raw:
    found: Raw = {"user": draw.one_of(scene.users), "browser": draw.one_of(scene.browsers)}
    found["path"] = draw.boundary("elsewhere", ("/profile", "/sign-in", "/"))
    found["as"] = draw.boundary("sent as", FORMS)
    return {"password_elsewhere": found}


def slow_upload(scene: Scene, draw: Draw) -> Raw:
    found: Raw = {"user": draw.one_of(scene.users), "browser": draw.one_of(scene.browsers)}
    return {"slow_upload": {**found, "path": draw.boundary("slow path", ("/profile", "/sign-in"))}}


def keep_cookies(scene: Scene, draw: Draw) -> Raw | None:
    ready, number = scene.used_browsers(), len(scene.world.kept_cookies) + 1
    if not ready or number > _KEPT_MAX:
        return None
    return {"keep_cookies": {"browser": draw.one_of(ready), "as": f"kept{number}"}}


def restore_cookies(scene: Scene, draw: Draw) -> Raw | None:
    kept = list(scene.world.kept_cookies)
    if not kept:
        return None
    return {"restore_cookies": {"browser": draw.one_of(scene.browsers), "cookies": draw.one_of(kept)}}


def clear_cookies(scene: Scene, draw: Draw) -> Raw | None:
    ready = scene.used_browsers()
    which = draw.one_of(("portal", "session", "known", "all"))
    return {"clear_cookies": {"browser": draw.one_of(ready), "which": which}} if ready else None
