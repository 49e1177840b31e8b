"""Draws what a life is made of: each takes some of the moves, some of the faults and some odd settings, never all.

A life that could do everything does everything seldom. One with six moves reaches the tenth wrong code, or the third
recovery code, which a life with forty never would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mfa_simulator.explore import moves, operators, surroundings, ways_around
from mfa_simulator.explore.draw import Draw
from mfa_simulator.explore.moves import Move
from mfa_simulator.language.scenario import AGENTS

BASIC = (moves.enroll, moves.sign_in, surroundings.next_code)
#: Each theme has the moves that belong together; a life takes one or two of them, and some moves of all.
THEMES: dict[str, tuple[Move, ...]] = {
    "codes": (moves.sign_in, moves.read_code, moves.replay_code, moves.enter_code, moves.password),
    "locks": (moves.guess, surroundings.wait_for_a_lock, moves.support_unlock, moves.type_anything),
    "recovery": (moves.recover, moves.save_recovery_code, moves.stuff_recovery, moves.retry),
    "desk": (moves.support_reset, moves.support_unlock, moves.desk_in_browser, surroundings.lose_phone),
    "enrollment": (
        moves.start_enrollment,
        moves.confirm_enrollment,
        moves.confirm_by_a_noted_code,
        moves.read_code,
        surroundings.new_phone,
        moves.back,
    ),
    "sessions": (
        moves.visit,
        moves.post,
        moves.sign_out,
        moves.close_browser,
        surroundings.wait_for_a_limit,
        moves.steal_cookie,
    ),
    "clocks": (
        surroundings.set_phone_clock,
        surroundings.set_server_clock,
        moves.resync,
        surroundings.wait_for_a_limit,
    ),
    "server": (
        surroundings.restart,
        surroundings.rotate_keys,
        surroundings.store_fails,
        surroundings.change_policy,
        moves.retry,
    ),
    "programs": (moves.answer_by_json, moves.password, moves.type_anything),
    "app passwords": (
        moves.make_app_password,
        moves.use_app_password,
        moves.end_app_password,
        moves.keep_app_passwords,
        moves.recover,
        moves.support_reset,
        surroundings.wait_for_a_limit,
    ),
    "thieves": (moves.steal_cookie, moves.replay_code, surroundings.clone_phone, moves.guess),
    "ways around": (
        ways_around.password_elsewhere,
        ways_around.slow_upload,
        ways_around.keep_cookies,
        ways_around.restore_cookies,
        ways_around.clear_cookies,
        moves.steal_cookie,
        moves.password,
        moves.sign_out,
    ),
    "rollout": (moves.postpone, moves.password, moves.visit),
    "account": (moves.look_at_the_account, moves.press, moves.sign_out, surroundings.wait_for_a_limit),
    "operators": (
        operators.revoke_sessions,
        operators.remove_account,
        operators.reset_all,
        operators.support_invite,
        operators.support_forget_drift,
        operators.change_user,
        moves.password,
    ),
    "parts": (
        operators.save_that_lands_later,
        operators.halt_worker,
        operators.slow_part,
        operators.directory_fails,
        operators.end_portal_sessions,
        moves.retry,
    ),
    "tabs": (
        operators.clear_cookies,
        operators.keep_page,
        operators.show_page,
        operators.start_resync,
        operators.finish_resync,
        moves.press,
    ),
    "known": (
        operators.show_unlock_code,
        operators.forget_browser,
        operators.copy_known_browser,
        moves.support_unlock,
        moves.guess,
    ),
}
EVERY = tuple(dict.fromkeys(move for theme in THEMES.values() for move in theme))
#: Settings at and near their bounds. A life takes a few.
SETTINGS: dict[str, tuple[Any, ...]] = {
    "steps_back": (0, 2),
    "steps_ahead": (0, 2),
    "drift_steps_max": (0, 2),
    "resync_steps_max": (20, 1),
    "digits": (8, 7),
    "algorithm": ("SHA256", "SHA512"),
    "period_seconds": (60,),
    "free_tries": (1, 2, 10),
    "backoff_seconds_min": (1, 60),
    "backoff_seconds_max": (30, 120),
    "failures_max": (3, 6),
    "failures_rolling_max": (4, 7),
    "failures_rolling_days": (1, 2),
    "enrollment_seconds_max": (30, 60),
    "session_idle_seconds": (60, 600),
    "session_seconds_max": (60, 3600),
    "sessions_max": (1, 2),
    "retry_seconds": (0, 120),
    "step_up_seconds": (30, 3600),
    "clock_skew_seconds_max": (0, 600),
    "remembered_browser_days": (1, 30),
    "reset_agents": (2,),
    "enrollment": ("invited", "closed"),
    "required_from": ("never", "2026-01-02T00:00:00Z"),
    "reminder_seconds": (0, 3600),
    "hint_steps_max": (0, 40),
    "agent_changes_max": (1,),
    "agent_lookups_max": (2,),
}
#: A setting that a theme needs in order to be seen at all.
NEEDED: dict[str, tuple[str, ...]] = {
    "rollout": ("required_from",),
    "locks": ("failures_max", "failures_rolling_max"),
    "sessions": ("remembered_browser_days",),
    "account": ("remembered_browser_days",),
}
FAULTS: tuple[Mapping[str, Any], ...] = (
    {"lose": "response"},
    {"lose": "request"},
    {"duplicate": True},
    {"cut": True},
    {"latency": "29s"},
    {"latency": "31s"},
    {"latency": "2s"},
)
BROWSERS = ("laptop", "tablet", moves.THIEF)
STEPS_LEAST, STEPS_MOST = 6, 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Swarm:
    """The parts that one life is made of."""

    theme: str
    moves: tuple[Move, ...]
    faults: tuple[Mapping[str, Any], ...]
    browsers: tuple[str, ...]
    top: Mapping[str, Any]
    steps_max: int
    together: bool


def drawn(draw: Draw, number: int) -> Swarm:
    """Draw the swarm of the life of this number: the themes take turns, and everything else is chance."""
    names = list(THEMES)
    theme = names[number % len(names)]
    chosen = [*BASIC, *THEMES[theme]]
    if number >= len(names) and draw.one_in(2):
        chosen += THEMES[draw.one_of(names)]
    if draw.one_in(2):
        chosen += draw.some_of(EVERY, least=1, most=4)
    # The first round has no faults and no odd settings: what is simple is found simply.
    first = number < len(names)
    faults = draw.some_of(FAULTS, least=0, most=2) if not first and draw.one_in(3) else []
    return Swarm(
        theme=theme,
        moves=tuple(dict.fromkeys(chosen)),
        faults=tuple(faults),
        browsers=tuple(draw.some_of(BROWSERS, least=2, most=3)),
        top=_top(draw, number, theme, first=first),
        steps_max=STEPS_LEAST + draw.below(STEPS_MOST - STEPS_LEAST + 1),
        together=not first and draw.one_in(5),
    )


def _top(draw: Draw, number: int, theme: str, *, first: bool) -> dict[str, Any]:
    top: dict[str, Any] = {"seed": draw.below(1000)}
    policy = _settings(draw, theme, first=first)
    if policy:
        top["policy"] = policy
    # A portal that keeps its session id is served by one process (D42).
    if theme == "ways around" and draw.below(5):
        top["portal"] = draw.boundary("portal", ways_around.PORTALS)
    elif not first and draw.one_in(6):
        top["workers"] = 2
    if theme == "app passwords" or (not first and draw.one_in(6)):
        top["programs"] = True
    top["users"] = _users(draw, theme)
    if number % 7 == 6:
        top["start"] = draw.boundary("start", ("2026-01-01T23:59:50Z", "2028-02-29T12:00:15Z"))
    return top


def _settings(draw: Draw, theme: str, *, first: bool) -> dict[str, Any]:
    names = [draw.one_of(NEEDED[theme])] if theme in NEEDED and draw.below(3) else []
    if not first and draw.one_in(2):
        names += draw.some_of(list(SETTINGS), least=1, most=3)
    policy = {name: draw.boundary(f"policy {name}", SETTINGS[name]) for name in dict.fromkeys(names)}
    if policy.get("backoff_seconds_min", 30) > policy.get("backoff_seconds_max", 3600):
        del policy["backoff_seconds_min"]
    return policy


def _users(draw: Draw, theme: str) -> dict[str, Any]:
    ann = {"password": "correct horse", "email": "ann@example.com", "phones": _phones(draw, "pixel", "spare")}
    users: dict[str, Any] = {"ann": ann}
    if theme == "desk" or draw.one_in(3):
        phones = _phones(draw, "nokia")
        users["bob"] = {"password": "battery staple", "email": "bob@example.com", "phones": phones}
    if theme == "desk" and draw.one_in(2):
        users["bob"]["groups"] = [AGENTS]
    return users


def _phones(draw: Draw, *names: str) -> dict[str, Any]:
    offsets: Sequence[str | None] = (None, None, None, "-30s", "30s", "-29s", "45s")
    return {name: None if (off := draw.one_of(offsets)) is None else {"offset": off} for name in names}
