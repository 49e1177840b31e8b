"""What can be wished of an account, by whom, and how each wish would be told in a scenario file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.prove.rulebook import (
    code_of,
    key_bytes,
    new_key,
    new_recovery_code,
    recovery_digest,
    step_at,
)
from mfa_simulator.prove.state import Hand, State
from wsgi_mfa.rules import (
    AcknowledgeRecoveryCode,
    BeginEnrollment,
    Command,
    ConfirmEnrollment,
    Origin,
    Policy,
    ReplaceRecoveryCode,
    ResetBySupport,
    SignInByRecoveryCode,
    SignOut,
    UnlockBySupport,
    VerifyCode,
)

USER, AGENT = "ann", "an agent"
BROWSERS = ("laptop", "tablet")
#: The phone that is bound when a search begins, its copies whose clocks are off, and one for each browser.
PHONES, SHIFTED = ("pixel", "first", "second"), {-2: "slower", -1: "slow", 1: "fast"}
Raw: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One command with what an onlooker knows of it.

    `kind` is the family of the command; `steps` are the steps to which the typed code belongs, of the key `key_id`.
    `recovery` is the recovery code that was typed. `reply_lost` leaves the browser as it was.
    """

    name: str
    kind: str
    command: Command
    hand: int | None = None
    key_id: str | None = None
    step: int | None = None
    recovery: str | None = None
    reply_lost: bool = False

    def typed_key(self, names: Any) -> tuple[Any, ...]:  # noqa: ANN401  # names of a state
        """Return what was typed, as a state's key tells it."""
        step = None if self.step is None else names.step(self.step)
        return names.known(self.key_id), step, names.known(self.recovery)


@dataclass(kw_only=True, slots=True)
class Telling:
    """What a scenario file has told so far: how many codes were read, the one typed last, and the phone in use."""

    number: int = 0
    last: str | None = None
    phone: str = PHONES[0]
    untold: list[str] = field(default_factory=list)

    def read(self, phone: str) -> Raw:
        """Return the step that reads a code, which is the last one from then on."""
        self.number += 1
        self.last = f"code{self.number}"
        return {"read_code": {"phone": phone, "as": self.last}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """A way on from a state: to a wish, or to a later or earlier moment; `told` are its steps in a scenario file."""

    name: str
    wish: Callable[[State, Policy], Wish | None] | None = None
    moved: Callable[[State, Policy], State | None] | None = None
    told: Callable[[Telling], list[Raw]] = field(default=lambda _: [])


def origin_of(state: State, hand: int) -> Origin:
    """Return who asks: this browser, which gets another cookie with a success."""
    held = state.hands[hand]
    return Origin(browser=held.cookie, next_browser=f"b{state.fresh}", session_id=held.session)


def _present(state: State, policy: Policy, *, shift: int = 0) -> tuple[str, int] | None:
    phone = state.account.authenticator
    return None if phone is None else (phone.id, step_at(state.now, policy) + shift)


def _typed(
    state: State, policy: Policy, hand: int, name: str, code: tuple[str, int] | None, *, lost: bool = False
) -> Wish:
    """Return the wish to sign in with a code; None stands for one that belongs to no step."""
    phone = state.account.authenticator
    text = f"{0:0{policy.digits}d}" if code is None else code_of(*code, policy.digits)
    if code is None and phone is not None:
        text = _wrong_code(phone.id, state.now, policy)
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


def _wrong_code(key_id: str, now: int, policy: Policy) -> str:
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
        step: Raw = {"sign_in": {**_at(hand), "code": telling.last}}
        return [read, _lost(step) if lost else step]

    return Action(name=name, wish=wish, told=told)


def _lost(step: Raw) -> Raw:
    return {**step, "network": {"lose": "response", "client_timeout": "0s"}}


def _at(hand: int) -> dict[str, Any]:
    return {"user": USER, "browser": BROWSERS[hand], "typing": "0s"}


def replay(hand: int) -> Action:
    """Return the action to type the code that was typed last."""
    name = f"{BROWSERS[hand]} types the last code again"

    def wish(state: State, policy: Policy) -> Wish | None:
        return None if state.noted is None else _typed(state, policy, hand, name, state.noted)

    return Action(
        name=name, wish=wish, told=lambda telling: [{"sign_in": {**_at(hand), "code": telling.last}}]
    )


def wrong(hand: int) -> Action:
    """Return the action to type a wrong code."""
    name = f"{BROWSERS[hand]} types a wrong code"

    def wish(state: State, policy: Policy) -> Wish | None:
        wished = _typed(state, policy, hand, name, None)
        return None if state.account.authenticator is None else wished

    return Action(
        name=name,
        wish=wish,
        told=lambda telling: [{"sign_in": {**_at(hand), "code": _made_up(telling)}}],
    )


def _made_up(telling: Telling) -> str:
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
        code = _made_up(telling) * 3 if which == "wrong" else which
        return [{"recover": {**_at(hand), "code": code, "save": False}}]

    return Action(name=name, wish=wish, told=told)


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
    told: list[Raw] = [{"start_enrollment": {**_at(hand), "phone": PHONES[1 + hand]}}]
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
        text = code_of(shown.id, step, policy.digits) if right else _wrong_code(shown.id, state.now, policy)
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
            return [{"enter_code": {**_at(hand), "code": _made_up(telling)}}]
        phone = PHONES[1 + (hand if by is None else by)]
        read = telling.read(phone)
        if by is not None:
            return [read, {"enter_code": {**_at(hand), "code": telling.last}}]
        telling.phone = phone
        return [read, {"confirm_enrollment": {**_at(hand), "phone": phone}}]

    return Action(name=name, wish=wish, told=told)


def reset() -> Action:
    """Return the action of the support desk to reset the account."""

    def wish(state: State, policy: Policy) -> Wish | None:  # noqa: ARG001
        command = ResetBySupport(
            agent=AGENT, reason="lost phone", generation=f"g{state.fresh}", enrollment_code=None
        )
        # The caller was on the line, and nobody has guessed: no code is needed.
        command = replace(command, enrollment_code=f"e{state.fresh}")
        return Wish(name="the desk resets the account", kind="reset", command=command)

    said = {"user": USER, "email": "ann@example.com", "reason": "lost phone"}
    return Action(name="the desk resets the account", wish=wish, told=lambda _: [{"support_reset": said}])


def unlock(*, clock: bool = False) -> Action:
    """Return the action of the support desk to unlock the account."""
    name = f"the desk unlocks the account{' and mends its clock' if clock else ''}"

    def wish(state: State, policy: Policy) -> Wish | None:  # noqa: ARG001
        return Wish(
            name=name, kind="unlock", command=UnlockBySupport(agent=AGENT, reason="asked", clock=clock)
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


def hands_after(state: State, wish: Wish, session_id: str | None, *, signed_out: bool) -> State:
    """Return the state in which the browser of a wish has what its reply gave to it."""
    if wish.hand is None:
        return state
    hand = replace(state.hands[wish.hand], sent=wish if wish.kind in ("verify", "recover") else None)
    if wish.kind not in ("verify", "recover"):
        hand = replace(hand, sent=state.hands[wish.hand].sent)
    if session_id is not None and not wish.reply_lost:
        hand = Hand(cookie=f"b{state.fresh}", session=session_id, sent=hand.sent)
    if signed_out:
        hand = replace(hand, session=None)
    return state.with_hand(wish.hand, hand)
