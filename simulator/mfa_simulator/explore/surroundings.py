"""The moves that no user at a page makes: time passes, clocks are set, phones are lost, the server fails."""

from __future__ import annotations

from mfa_simulator.explore.draw import Draw
from mfa_simulator.explore.plot import Raw
from mfa_simulator.explore.scene import Scene


def next_code(scene: Scene, draw: Draw) -> Raw:  # noqa: ARG001  # all moves have one signature
    """Wait for the next code."""
    return {"wait_until": draw.boundary("step", ["step+1s", "step+0s", "step-1s", "step+29s"])}


def wait_for_a_limit(scene: Scene, draw: Draw) -> Raw:
    """Wait up to one of the limits of the policy, a second less, or a second more."""
    policy = scene.world.policy
    limits = {
        "answer": 5,
        "period": policy.period_seconds,
        "retry": policy.retry_seconds,
        "first_code": 90,
        "shown": 300,
        "step_up": policy.step_up_seconds,
        "enrollment": policy.enrollment_seconds_max,
        "idle": policy.session_idle_seconds,
        "grain": policy.session_idle_seconds + policy.session_idle_seconds // 60,
        "session": policy.session_seconds_max,
        "hour": 3600,
        "day": 86_400,
        "remembered": policy.remembered_browser_days * 86_400,
        "budget": policy.failures_rolling_days * 86_400,
        "reset": 7 * 86_400,
        "month": 30 * 86_400,
    }
    name = draw.boundary("limit", list(limits))
    seconds = limits[name] + draw.boundary(f"limit {name}", [0, -1, 1])
    return {"wait": f"{max(1, seconds)}s"}


def wait_for_a_lock(scene: Scene, draw: Draw) -> Raw | None:
    """Wait until a lock ends, or to a second before."""
    locks = [seconds for user in scene.users if (seconds := scene.lock_seconds(user)) is not None]
    if not locks:
        return None
    return {"wait": f"{max(1, draw.one_of(locks) + draw.boundary('lock', [0, -1, 1]))}s"}


def set_phone_clock(scene: Scene, draw: Draw) -> Raw | None:
    phones = [phone for user in scene.users for phone in scene.phones(user)]
    if not phones:
        return None
    spans = ["-30s", "30s", "-31s", "60s", "-60s", "90s", "-5m", "5m", "-10m", "1h", "-1h", "0s"]
    phone = draw.one_of(phones).name
    if draw.one_in(5):
        return {"set_clock": {"phone": phone, "drift_ppm": draw.one_of(("50", "-50", "500"))}}
    return {"set_clock": {"phone": phone, "offset": draw.boundary("phone clock", spans)}}


def set_server_clock(scene: Scene, draw: Draw) -> Raw:
    skew = scene.world.policy.clock_skew_seconds_max
    spans = [f"{sign}{seconds}s" for seconds in (skew, skew + 1, 30, 5, 3600) for sign in ("-", "")]
    found: Raw = {"offset": draw.boundary("server clock", [*spans, "0s", "-1d", "1d"])}
    if len(scene.world.workers) > 1:
        found["worker"] = 1 + draw.below(len(scene.world.workers))
    return {"server_clock": found}


def restart(scene: Scene, draw: Draw) -> Raw:  # noqa: ARG001
    return {"restart": {}}


def rotate_keys(scene: Scene, draw: Draw) -> Raw | None:  # noqa: ARG001
    return {"rotate_keys": {}} if len(scene.world.key_texts) < 4 else None


def store_fails(scene: Scene, draw: Draw) -> Raw:  # noqa: ARG001
    found: Raw = {"calls": 1 + draw.below(3)} if draw.below(3) else {"for": draw.one_of(("1s", "20s"))}
    return {"store_fails": {**found, "when": draw.one_of(("before", "after"))}}


def change_policy(scene: Scene, draw: Draw) -> Raw:  # noqa: ARG001
    """The operator changes one setting that people have got used to."""
    name, value = draw.boundary(
        "changed setting",
        [
            ("digits", 8),
            ("steps_back", 0),
            ("free_tries", 1),
            ("remembered_browser_days", 0),
            ("session_idle_seconds", 60),
            ("enrollment", "closed"),
            ("algorithm", "SHA256"),
            ("period_seconds", 60),
        ],
    )
    return {"change_policy": {name: value}}


def new_phone(scene: Scene, draw: Draw) -> Raw | None:
    user = draw.one_of(scene.users)
    missing = [name for name in scene.spare_phones if all(p.name != name for p in scene.world.phones())]
    return {"new_phone": {"user": user, "phone": draw.one_of(missing)}} if missing else None


def lose_phone(scene: Scene, draw: Draw) -> Raw | None:
    phones = [phone for user in scene.users for phone in scene.phones(user, with_key=True)]
    if not phones:
        return None
    phone = draw.one_of(phones)
    return {"lose_phone": {"user": phone.owner, "phone": phone.name}}


def clone_phone(scene: Scene, draw: Draw) -> Raw | None:
    phones = [phone for user in scene.users for phone in scene.phones(user, with_key=True)]
    taken = {phone.name for phone in scene.world.phones()}
    if not phones or "clone" in taken:
        return None
    phone = draw.one_of(phones)
    return {"clone_phone": {"user": phone.owner, "phone": phone.name, "as": "clone"}}
