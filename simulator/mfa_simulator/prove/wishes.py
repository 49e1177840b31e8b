"""The wishes of the search, and how each wish is told in a scenario file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from mfa_simulator.prove.state import Hand, State
from wsgi_mfa import Policy
from wsgi_mfa.rules import Command, Origin

USER = "ann"
BROWSERS, STRANGER = ("laptop", "tablet", "kiosk"), 2
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
    """The state of a scenario file that is being told: codes that were read, the last one, the phone in use."""

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


def at_browser(hand: int) -> dict[str, Any]:
    """Return the arguments of a step that say who types at which browser, at once."""
    return {"user": USER, "browser": BROWSERS[hand], "typing": "0s"}


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
