"""The moves of a life: each is possible at some moments, and gives the step that it would be then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from mfa_simulator.explore.draw import Draw
from mfa_simulator.explore.plot import Raw
from mfa_simulator.explore.scene import Scene
from mfa_simulator.language.format.further_verbs import BY

#: A move returns the step that it would make now, or None if it is not possible.
Move: TypeAlias = "Callable[[Scene, Draw], Raw | None]"
THIEF = "thief"
PROGRAMS = ("calendar", "uploads", "reader")


def _user(scene: Scene, draw: Draw) -> str:
    return draw.one_of(scene.users)


def _browser(scene: Scene, draw: Draw) -> str:
    return draw.one_of(scene.browsers)


def _enrolled(scene: Scene, draw: Draw) -> str | None:
    users = [user for user in scene.users if scene.is_enrolled(user)]
    return draw.one_of(users) if users else None


def _phone(scene: Scene, draw: Draw, user: str) -> str | None:
    phones = scene.phones(user)
    return draw.one_of(phones).name if phones else None


def _reads(scene: Scene, draw: Draw, user: str) -> Raw | None:
    """Return the source of a code: a phone with a key, now and then one that was noted down before."""
    phones = scene.phones(user, with_key=True)
    if scene.codes and (not phones or draw.one_in(3)):
        return {"code": draw.one_of(scene.codes)}
    return {"phone": draw.one_of(phones).name} if phones else None


def enroll(scene: Scene, draw: Draw) -> Raw | None:
    user = _user(scene, draw)
    phone = _phone(scene, draw, user)
    if phone is None or (scene.is_enrolled(user) and not draw.one_in(4)):
        return None
    found: Raw = {"user": user, "browser": _browser(scene, draw), "phone": phone}
    if draw.one_in(6):
        found["save"] = False
    if draw.one_in(8):
        found["manual"] = True
    return {"enroll": found}


def start_enrollment(scene: Scene, draw: Draw) -> Raw | None:
    user = _user(scene, draw)
    phone = _phone(scene, draw, user)
    if phone is None:
        return None
    return {"start_enrollment": {"user": user, "browser": _browser(scene, draw), "phone": phone}}


def confirm_enrollment(scene: Scene, draw: Draw) -> Raw | None:
    ready = [name for name in scene.used_browsers() if (at := scene.browser(name)) and at.key is not None]
    if not ready:
        return None
    browser = draw.one_of(ready)
    user = scene.user_at(browser)
    phones = scene.phones(user, with_key=True) if user is not None else []
    if user is None or not phones:
        return None
    return {"confirm_enrollment": {"user": user, "browser": browser, "phone": draw.one_of(phones).name}}


def confirm_by_a_noted_code(scene: Scene, draw: Draw) -> Raw | None:
    """Type a code into whatever page asks for one, the page of an enrollment too."""
    return _code_into_the_page(scene, draw, among=scene.codes)


def type_anything(scene: Scene, draw: Draw) -> Raw | None:
    """Type digits that are hardly a code."""
    return _code_into_the_page(scene, draw, among=[f"{draw.below(10**6):06d}", f"{draw.below(10**8):08d}"])


def _code_into_the_page(scene: Scene, draw: Draw, *, among: list[str]) -> Raw | None:
    ready = [name for name in scene.used_browsers() if scene.shows(name, "code")]
    if not ready or not among:
        return None
    browser = draw.one_of(ready)
    user = scene.user_at(browser)
    return {"enter_code": {"user": user, "browser": browser, "code": draw.one_of(among)}} if user else None


def password(scene: Scene, draw: Draw) -> Raw:
    found: Raw = {"user": _user(scene, draw), "browser": _browser(scene, draw)}
    if draw.one_in(6):
        found["wrong"] = True
    return {"password": found}


def sign_in(scene: Scene, draw: Draw) -> Raw | None:
    user = _enrolled(scene, draw)
    how = _reads(scene, draw, user) if user is not None else None
    if user is None or how is None:
        return None
    found = {"user": user, "browser": _browser(scene, draw), **how}
    if scene.world.policy.remembered_browser_days and draw.one_in(2):
        found["remember"] = True
    if draw.one_in(4):
        found["typing"] = draw.boundary("typing", ["0s", "29s", "31s", "59s"])
    return {"sign_in": found}


def enter_code(scene: Scene, draw: Draw) -> Raw | None:
    ready = [name for name in scene.used_browsers() if scene.shows(name, "code") and scene.user_at(name)]
    if not ready:
        return None
    browser = draw.one_of(ready)
    user = scene.user_at(browser)
    how = _reads(scene, draw, user) if user is not None else None
    return {"enter_code": {"user": user, "browser": browser, **how}} if how is not None else None


def read_code(scene: Scene, draw: Draw) -> Raw | None:
    phones = [phone for user in scene.users for phone in scene.phones(user, with_key=True)]
    if not phones or len(scene.codes) > 8:
        return None
    name = f"code{len(scene.codes) + 1}"
    scene.codes.append(name)
    return {"read_code": {"phone": draw.one_of(phones).name, "as": name}}


def recover(scene: Scene, draw: Draw) -> Raw | None:
    users = [user for user, user_state in scene.world.user_states.items() if user_state.recovery_codes]
    if not users:
        return None
    user = draw.one_of(users)
    found: Raw = {"user": user, "browser": _browser(scene, draw)}
    if len(scene.world.user_states[user].recovery_codes) > 1 and draw.one_in(2):
        found["code"] = "previous"
    if draw.one_in(5):
        found["save"] = False
    return {"recover": found}


def save_recovery_code(scene: Scene, draw: Draw) -> Raw | None:
    ready = [name for name in scene.used_browsers() if scene.shows(name, "saved") and scene.user_at(name)]
    return {"save_recovery_code": {"browser": draw.one_of(ready)}} if ready else None


def resync(scene: Scene, draw: Draw) -> Raw | None:
    user = _enrolled(scene, draw)
    phones = scene.phones(user, with_key=True) if user is not None else []
    if user is None or not phones:
        return None
    return {"resync": {"browser": _browser(scene, draw), "user": user, "phone": draw.one_of(phones).name}}


def sign_out(scene: Scene, draw: Draw) -> Raw | None:
    ready = [name for name in scene.used_browsers() if scene.user_at(name)]
    return {"sign_out": {"browser": draw.one_of(ready)}} if ready else None


def visit(scene: Scene, draw: Draw) -> Raw:
    paths = ["/", "/", "/mfa/account", "/mfa/enroll", "/mfa/verify", "/mfa/recovery-code", "/mfa/recover"]
    return {"visit": {"browser": _browser(scene, draw), "path": draw.boundary("path", paths)}}


def look_at_the_account(scene: Scene, draw: Draw) -> Raw | None:
    """Open a page of ours from which an account is changed."""
    ready = [name for name in scene.used_browsers() if scene.user_at(name)]
    pages = ("/mfa/account", "/mfa/recovery-code", "/mfa/enroll", "/mfa/methods", "/mfa/help")
    return {"visit": {"browser": draw.one_of(ready), "path": draw.one_of(pages)}} if ready else None


def press(scene: Scene, draw: Draw) -> Raw | None:
    """Press a button of the page that is shown, which asks for nothing to be typed."""
    ready = [(name, form) for name in scene.used_browsers() for form in scene.forms(name)]
    if not ready:
        return None
    browser, form = draw.one_of(ready)
    return {"post": {"browser": browser, "path": form.action, "data": dict(form.filled({}))}}


def post(scene: Scene, draw: Draw) -> Raw:
    return {"post": {"browser": _browser(scene, draw), "path": "/", "data": {"text": "hello"}}}


def retry(scene: Scene, draw: Draw) -> Raw | None:
    ready = [name for name in scene.used_browsers() if scene.can_repeat(name) and scene.user_at(name)]
    return {draw.one_of(("retry", "double_click")): {"browser": draw.one_of(ready)}} if ready else None


def back(scene: Scene, draw: Draw) -> Raw | None:
    ready = [name for name in scene.used_browsers() if (at := scene.browser(name)) and at.can_go_back]
    return {"back": {"browser": draw.one_of(ready)}} if ready else None


def close_browser(scene: Scene, draw: Draw) -> Raw | None:
    ready = scene.used_browsers()
    return {"close_browser": {"browser": draw.one_of(ready)}} if ready else None


def postpone(scene: Scene, draw: Draw) -> Raw | None:
    if scene.world.policy.required_from == "always":
        return None
    return {"postpone": {"user": _user(scene, draw), "browser": _browser(scene, draw)}}


def support_reset(scene: Scene, draw: Draw) -> Raw | None:
    return _desk(scene, draw, "support_reset")


def support_unlock(scene: Scene, draw: Draw) -> Raw | None:
    return _desk(scene, draw, "support_unlock")


def _desk(scene: Scene, draw: Draw, verb: str) -> Raw | None:
    user = _user(scene, draw)
    email = scene.address(user if not draw.one_in(8) else _user(scene, draw))
    found: Raw = {"user": user, "email": email, "reason": "asked by telephone"}
    if draw.one_in(3):
        found["agent"] = draw.one_of(("first agent", "second agent"))
    return {verb: found}


def desk_in_browser(scene: Scene, draw: Draw) -> Raw | None:
    """Ask the desk over HTTP, by the user who is signed in there."""
    ready = [name for name in scene.used_browsers() if scene.user_at(name)]
    if not ready:
        return None
    user = _user(scene, draw)
    verb = draw.one_of(("support_reset", "support_unlock"))
    said = {"user": user, "email": scene.address(user), "reason": "asked by telephone"}
    return {verb: {**said, "browser": draw.one_of(ready)}}


def guess(scene: Scene, draw: Draw) -> Raw | None:
    user = _enrolled(scene, draw)
    if user is None:
        return None
    policy = scene.world.policy
    limits = [policy.free_tries, policy.free_tries - 1, policy.free_tries + 1, 1, 2]
    if policy.failures_max <= 20:
        limits += [policy.failures_max, policy.failures_max + 1]
    found: Raw = {"user": user, "browser": _browser(scene, draw)}
    found["times"] = max(1, draw.boundary("guesses", limits))
    if scene.codes and draw.one_in(3):
        found["among"] = draw.one_of(scene.codes)
    if draw.one_in(4):
        found["every"] = draw.one_of(("1s", "6s", "31s"))
    elif draw.one_in(4):
        found["parallel"] = 2
    return {"guess": found}


def replay_code(scene: Scene, draw: Draw) -> Raw | None:
    sources = [name for name in scene.used_browsers() if (at := scene.browser(name)) and at.last_code]
    user = _enrolled(scene, draw)
    if user is None or not sources:
        return None
    found = {"user": user, "browser": _browser(scene, draw), "from": draw.one_of(sources)}
    return {draw.one_of(("replay_code", "phish_relay")): found}


def steal_cookie(scene: Scene, draw: Draw) -> Raw | None:
    sources = [name for name in scene.used_browsers() if name != THIEF]
    if THIEF not in scene.browsers or not sources:
        return None
    found: Raw = {"user": _user(scene, draw), "browser": THIEF, "from": draw.one_of(sources)}
    known = scene.knows_cookie_of(found["from"])
    return {"steal_cookie": {**found, "by": draw.boundary("stolen by", BY)} if known else found}


def stuff_recovery(scene: Scene, draw: Draw) -> Raw | None:
    user = _enrolled(scene, draw)
    if user is None:
        return None
    times = draw.boundary("stuffed", [1, scene.world.policy.free_tries, scene.world.policy.free_tries + 1])
    return {"stuff_recovery": {"user": user, "browser": _browser(scene, draw), "times": times}}


def make_app_password(scene: Scene, draw: Draw) -> Raw | None:
    """Make an app password where a user is signed in, for one of three programs."""
    ready = [name for name in scene.used_browsers() if scene.user_at(name)]
    if not ready or not scene.world.scenario.programs:
        return None
    browser = draw.one_of(ready)
    found: Raw = {"user": scene.user_at(browser), "browser": browser, "program": draw.one_of(PROGRAMS)}
    if draw.one_in(2):
        found["path"] = "/calendars"
    if draw.one_in(4):
        found["days"] = 1
    return {"make_app_password": found}


def use_app_password(scene: Scene, draw: Draw) -> Raw | None:
    """Have a program ask, now and then for another path or with something mistyped."""
    if not scene.world.programs:
        return None
    user, program = draw.one_of(sorted(scene.world.programs))
    found: Raw = {"user": user, "program": program}
    if draw.one_in(3):
        found["path"] = draw.one_of(("/", "/calendars/ann", "/calendars/../orders", "/orders"))
    if draw.one_in(6):
        found["typed"] = "slip"
    if draw.one_in(6):
        found |= {"password": "a wrong one"}
    if draw.one_in(8):
        found |= {"times": 21, "every": "1s"}
    return {"use_app_password": found}


def end_app_password(scene: Scene, draw: Draw) -> Raw | None:
    ready = [(user, name) for user, name in scene.world.programs if scene.used_browsers()]
    if not ready:
        return None
    user, program = draw.one_of(sorted(ready))
    if draw.one_in(3):
        return {"revoke_app_passwords": {"user": user}}
    browser = draw.one_of(scene.used_browsers())
    return {"end_app_password": {"user": user, "browser": browser, "program": program}}


def keep_app_passwords(scene: Scene, draw: Draw) -> Raw | None:
    """Answer which app passwords to keep, also where nothing is asked."""
    ready = [name for name in scene.used_browsers() if scene.user_at(name)]
    if not ready or not scene.world.programs:
        return None
    kept = draw.some_of(PROGRAMS, least=0, most=2)
    return {"keep_app_passwords": {"browser": draw.one_of(ready), "keep": list(kept)}}


def answer_by_json(scene: Scene, draw: Draw) -> Raw | None:
    """Ask one of the pages as a program does, or send it a code that was noted down."""
    ready = scene.used_browsers()
    if not ready:
        return None
    accept = {"Accept": "application/json"}
    page = draw.one_of(("verify", "enroll", "recovery-code", "account", "resync", "recover"))
    found = {"browser": draw.one_of(ready), "method": "GET", "path": f"/mfa/{page}", "headers": accept}
    if page in ("verify", "enroll", "resync") and draw.one_in(2):
        found |= {"method": "POST", "headers": {**accept, "Content-Type": "application/json"}}
        found["body"] = f'{{"code": "{draw.below(10**6):06d}"}}'
    return {"request": found}
