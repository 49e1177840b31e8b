"""The actions that type a code or a recovery code: right, wrong, used before, of another step, or once more."""

from __future__ import annotations

from dataclasses import replace

from mfa_simulator.prove.rulebook import code_of, key_bytes, new_recovery_code, recovery_digest, step_at
from mfa_simulator.prove.state import State
from mfa_simulator.prove.wishes import (
    BROWSERS,
    SHIFTED,
    USER,
    Action,
    Raw,
    Telling,
    Wish,
    at_browser,
    origin_of,
)
from wsgi_mfa import Policy
from wsgi_mfa.rules import SignInByRecoveryCode, VerifyCode


def _present(state: State, policy: Policy, *, shift: int = 0) -> tuple[str, int] | None:
    phone = state.account.authenticator
    return None if phone is None else (phone.id, step_at(state.now, policy) + shift)


def _typed(
    state: State, policy: Policy, hand: int, name: str, code: tuple[str, int] | None, *, lost: bool = False
) -> Wish:
    """Return the wish to sign in with a code; None means one that belongs to no step."""
    phone = state.account.authenticator
    text = f"{0:0{policy.digits}d}" if code is None else code_of(*code, policy.digits)
    if code is None and phone is not None:
        text = wrong_code(phone.id, state.now, policy)
    command = VerifyCode(
        origin=origin_of(state, hand),
        code=text,
        key=None if phone is None else key_bytes(phone.id),
        fingerprint=f"wrong#{state.fresh}" if code is None else f"{code[0]}@{code[1]}",
        session_id=f"s{state.fresh}",
    )
    key_id, step = code or (None, None)
    return Wish(
        name=name, kind="verify", command=command, hand=hand, key_id=key_id, step=step, reply_lost=lost
    )


def wrong_code(key_id: str, now: int, policy: Policy) -> str:
    """Return digits that are no code of any step near."""
    here = step_at(now, policy)
    near = {code_of(key_id, step, policy.digits) for step in range(here - 25, here + 12)}
    return next(text for number in range(99) if (text := f"{number:0{policy.digits}d}") not in near)


def verify(hand: int, *, shift: int = 0, lost: bool = False) -> Action:
    """Return the action to type the code that a phone shows, `shift` steps off."""
    off = {0: "", -1: " of a step ago", 1: " of the next step"}.get(shift, f" {shift:+d} steps off")
    name = f"{BROWSERS[hand]} types the code{off}{', and the reply is lost' if lost else ''}"

    def wish(state: State, policy: Policy) -> Wish | None:
        code = _present(state, policy, shift=shift)
        return None if code is None else _typed(state, policy, hand, name, code, lost=lost)

    def told(telling: Telling) -> list[Raw]:
        read = telling.read(SHIFTED.get(shift, telling.phone))
        return [read, *typed_in(hand, telling.last, lost=lost)]

    return Action(name=name, wish=wish, told=told)


def typed_in(hand: int, code: str | None, *, lost: bool = False) -> list[Raw]:
    """Return the steps that type a code into the page for it, also in a browser that is signed in."""
    browser = BROWSERS[hand]
    step: Raw = {"enter_code": {**at_browser(hand), "code": code}}
    if lost:
        step["network"] = {"lose": "response", "client_timeout": "0s"}
    return [
        {"password": {"user": USER, "browser": browser}},
        {"visit": {"browser": browser, "path": "/mfa/verify"}},
        step,
    ]


def replay(hand: int) -> Action:
    """Return the action to type the code that was typed last."""
    name = f"{BROWSERS[hand]} types the last code again"

    def wish(state: State, policy: Policy) -> Wish | None:
        return None if state.noted is None else _typed(state, policy, hand, name, state.noted)

    return Action(name=name, wish=wish, told=lambda telling: typed_in(hand, telling.last))


def wrong(hand: int) -> Action:
    """Return the action to type a wrong code."""
    name = f"{BROWSERS[hand]} types a wrong code"

    def wish(state: State, policy: Policy) -> Wish | None:
        wished = _typed(state, policy, hand, name, None)
        return None if state.account.authenticator is None else wished

    return Action(
        name=name,
        wish=wish,
        told=lambda telling: typed_in(hand, made_up_code(telling)),
    )


def made_up_code(telling: Telling) -> str:
    """Return digits that were not typed before, and that hardly are a code."""
    telling.number += 1
    return f"{telling.number:08d}"


def again(hand: int) -> Action:
    """Return the action to send the last request once more, as it was."""
    name = f"{BROWSERS[hand]} sends its last request again"

    def wish(state: State, policy: Policy) -> Wish | None:  # noqa: ARG001  # all wishes have one signature
        sent: Wish | None = state.hands[hand].sent
        if sent is None:
            return None
        phone = state.account.authenticator
        command = sent.command
        if isinstance(command, VerifyCode):
            key = None if phone is None else key_bytes(phone.id)
            command = replace(command, key=key, session_id=f"s{state.fresh}")
        elif isinstance(command, SignInByRecoveryCode):
            code = state.account.recovery_code
            command = replace(
                command,
                opened=None if code is None else recovery_digest(code.id),
                session_id=f"s{state.fresh}",
                recovery_code=new_recovery_code(f"r{state.fresh}"),
            )
        return replace(sent, name=name, command=command, reply_lost=False)

    return Action(name=name, wish=wish, told=lambda _: [{"retry": {"browser": BROWSERS[hand]}}])


def recover(hand: int, *, which: str = "current") -> Action:
    """Return the action to type a recovery code: the current one, the one before, or a wrong one."""
    name = f"{BROWSERS[hand]} types the {which} recovery code"

    def wish(state: State, policy: Policy) -> Wish | None:  # noqa: ARG001
        code = state.account.recovery_code
        back = {"current": 1, "previous": 2}.get(which)
        if code is None or (back is not None and len(state.written) < back):
            return None
        text = f"W{state.fresh}" if back is None else state.written[-back]
        command = SignInByRecoveryCode(
            origin=origin_of(state, hand),
            code=text,
            opened=recovery_digest(code.id),
            fingerprint=f"recovery#{text}",
            session_id=f"s{state.fresh}",
            recovery_code=new_recovery_code(f"r{state.fresh}"),
        )
        return Wish(name=name, kind="recover", command=command, hand=hand, recovery=text)

    def told(telling: Telling) -> list[Raw]:
        code = made_up_code(telling) * 3 if which == "wrong" else which
        return [{"recover": {**at_browser(hand), "code": code, "save": False}}]

    return Action(name=name, wish=wish, told=told)
