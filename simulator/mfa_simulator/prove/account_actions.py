"""The other actions: enrollment, recovery codes that are stored or replaced, the support desk, and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.prove.code_actions import made_up_code, wrong_code
from mfa_simulator.prove.rulebook import code_of, key_bytes, new_key, new_recovery_code, step_at
from mfa_simulator.prove.state import State
from mfa_simulator.prove.wishes import (
    BROWSERS,
    PHONES,
    USER,
    Action,
    Raw,
    Telling,
    Wish,
    at_browser,
    origin_of,
)
from wsgi_mfa import Policy
from wsgi_mfa.rules import (
    AcknowledgeRecoveryCode,
    BeginEnrollment,
    Command,
    ConfirmEnrollment,
    ReplaceRecoveryCode,
    ResetBySupport,
    SignOut,
    UnlockBySupport,
)

AGENT = "an agent"


def _simple(
    name: str, hand: int, kind: str, make: Callable[[State], Command | None], told: list[Raw]
) -> Action:
    def wish(state: State, policy: Policy) -> Wish | None:  # noqa: ARG001
        command = make(state)
        return None if command is None else Wish(name=name, kind=kind, command=command, hand=hand)

    return Action(name=name, wish=wish, told=lambda _: told)


def acknowledge(hand: int) -> Action:
    """Return the action to tick that the recovery code is stored."""

    def make(state: State) -> Command | None:
        if state.hands[hand].session is None:
            return None
        return AcknowledgeRecoveryCode(origin=origin_of(state, hand), recovery_code_id=None)

    told: list[Raw] = [{"save_recovery_code": {"browser": BROWSERS[hand], "user": USER}}]
    return _simple(
        f"{BROWSERS[hand]} ticks that the recovery code is stored", hand, "acknowledge", make, told
    )


def replace_code(hand: int) -> Action:
    """Return the action to ask for another recovery code."""

    def make(state: State) -> Command | None:
        if state.hands[hand].session is None:
            return None
        return ReplaceRecoveryCode(
            origin=origin_of(state, hand), recovery_code=new_recovery_code(f"r{state.fresh}")
        )

    name = f"{BROWSERS[hand]} asks for another recovery code"
    action = _simple(name, hand, "replace", make, [])

    def told(telling: Telling) -> list[Raw]:
        telling.untold.append(name)  # no verb does it
        return [{"visit": {"browser": BROWSERS[hand], "path": "/mfa/account"}}]

    return replace(action, told=told)


def sign_out(hand: int) -> Action:
    """Return the action to sign out."""

    def make(state: State) -> Command | None:
        if state.hands[hand].session is None:
            return None
        return SignOut(origin=origin_of(state, hand))

    told: list[Raw] = [{"sign_out": {"browser": BROWSERS[hand], "user": USER}}]
    return _simple(f"{BROWSERS[hand]} signs out", hand, "sign_out", make, told)


def begin(hand: int, *, restart: bool = False) -> Action:
    """Return the action to ask for a key to scan."""

    def wish(state: State, policy: Policy) -> Wish | None:
        key = new_key(f"k{state.fresh}", policy)
        command = BeginEnrollment(origin=origin_of(state, hand), key=key, restart=restart)
        return Wish(name=name, kind="begin", command=command, hand=hand)

    name = f"{BROWSERS[hand]} asks for {'another' if restart else 'a'} key"
    told: list[Raw] = [{"start_enrollment": {**at_browser(hand), "phone": PHONES[1 + hand]}}]
    return Action(name=name, wish=wish, told=lambda _: told)


def confirm(hand: int, *, right: bool = True, by: int | None = None) -> Action:
    """Return the action to type a code of the pending key; with `by` of the one that another browser was shown."""
    whose = "" if by is None else f" of the key that {BROWSERS[by]} was shown"
    name = f"{BROWSERS[hand]} types a {'' if right else 'wrong '}code{whose} to confirm it"

    def wish(state: State, policy: Policy) -> Wish | None:
        mine = state.account.pending_of(state.hands[hand].cookie, None)
        shown = mine if by is None else state.account.pending_of(state.hands[by].cookie, None)
        if mine is None or shown is None:
            return None
        step = step_at(state.now, policy)
        text = code_of(shown.id, step, policy.digits) if right else wrong_code(shown.id, state.now, policy)
        command = ConfirmEnrollment(
            origin=origin_of(state, hand),
            pending_id=None,
            code=text,
            key=key_bytes(mine.id),
            fingerprint=f"{shown.id}@{step}" if right else f"wrong#{state.fresh}",
            session_id=f"s{state.fresh}",
            generation=f"g{state.fresh}",
            recovery_code=new_recovery_code(f"r{state.fresh}"),
        )
        key_id, at = (shown.id, step) if right else (None, None)
        return Wish(name=name, kind="confirm", command=command, hand=hand, key_id=key_id, step=at)

    def told(telling: Telling) -> list[Raw]:
        if not right:
            return [{"enter_code": {**at_browser(hand), "code": made_up_code(telling)}}]
        phone = PHONES[1 + (hand if by is None else by)]
        read = telling.read(phone)
        if by is not None:
            return [read, {"enter_code": {**at_browser(hand), "code": telling.last}}]
        telling.phone = phone
        return [read, {"confirm_enrollment": {**at_browser(hand), "phone": phone}}]

    return Action(name=name, wish=wish, told=told)


def reset() -> Action:
    """Return the action of the support desk to reset the account."""

    def wish(state: State, policy: Policy) -> Wish | None:  # noqa: ARG001
        command = ResetBySupport(
            agent=AGENT, reason="lost phone", generation=f"g{state.fresh}", enrollment_code=None
        )
        # The caller was on the line, and no one has guessed: no code is needed.
        command = replace(command, enrollment_code=f"e{state.fresh}")
        return Wish(name="the desk resets the account", kind="reset", command=command)

    said = {"user": USER, "email": "ann@example.com", "reason": "lost phone"}
    return Action(name="the desk resets the account", wish=wish, told=lambda _: [{"support_reset": said}])


def unlock(*, clock: bool = False) -> Action:
    """Return the action of the support desk to unlock the account."""
    name = f"the desk unlocks the account{' and mends its clock' if clock else ''}"

    def wish(state: State, policy: Policy) -> Wish | None:  # noqa: ARG001
        return Wish(
            name=name,
            kind="unlock",
            command=UnlockBySupport(agent=AGENT, reason="asked", unlock_code="u0", clock=clock),
        )

    said = {"user": USER, "email": "ann@example.com", "reason": "asked"}
    return Action(name=name, wish=wish, told=lambda _: [{"support_unlock": said}])


def wait(seconds: int) -> Action:
    """Return the action that time passes."""

    def moved(state: State, policy: Policy) -> State:  # noqa: ARG001
        return replace(state, now=state.now + seconds * SECOND)

    return Action(name=f"{seconds} s pass", moved=moved, told=lambda _: [{"wait": f"{seconds}s"}])


def wait_for_the_lock(*, less: int = 0) -> Action:
    """Return the action to wait until the longest lock is over, or almost."""
    name = "the lock ends" if not less else f"{less} s of the lock are left"

    def moved(state: State, policy: Policy) -> State | None:  # noqa: ARG001
        failures = (state.account.code_failures, state.account.recovery_failures)
        ends = [f.locked_since + f.locked_seconds * SECOND for f in failures if f.locked_since is not None]
        at = max(ends, default=state.now) - less * SECOND
        return replace(state, now=at) if at > state.now else None

    return Action(
        name=name, moved=moved, told=lambda _: [{"wait_until": f"lockout_end{f'-{less}s' if less else ''}"}]
    )


def step_clock(seconds: int) -> Action:
    """Return the action that the server's clock is set back, or ahead."""
    name = f"the server's clock steps by {seconds} s"

    def moved(state: State, policy: Policy) -> State:  # noqa: ARG001
        return replace(state, now=state.now + seconds * SECOND)

    return Action(name=name, moved=moved, told=lambda _: [{"server_clock": {"jump": f"{seconds}s"}}])
