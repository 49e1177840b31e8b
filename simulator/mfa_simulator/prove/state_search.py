"""The breadth-first search, and the shortest way to what it found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.prove.alphabets import Alphabet
from mfa_simulator.prove.code_actions import verify, wrong
from mfa_simulator.prove.laws import broken_by, noted, same_in_a_lock, states_of_browsers
from mfa_simulator.prove.rulebook import decided, new_key, new_recovery_code, step_at
from mfa_simulator.prove.state import Hand, Notes, State, key_of
from mfa_simulator.prove.wishes import Action, Wish, hands_after
from mfa_simulator.world.clocks import real_now
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Account, Authenticator, RecoveryCode
from wsgi_mfa.rules import Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterExample:
    """The shortest way to a broken law."""

    law: str
    seen: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """The states that were visited at one depth."""

    depth: int
    new_states: int
    states: int
    transitions: int
    seconds: float


@dataclass(kw_only=True, slots=True)
class Proof:
    """The result of a search; `counter_examples` go on from one state, and are empty if no law was broken."""

    alphabet: Alphabet
    states: int = 1
    transitions: int = 0
    counter_examples: list[CounterExample] = field(default_factory=list)

    @property
    def counter_example(self) -> CounterExample | None:
        """The first one, which is as short as any."""
        return next(iter(self.counter_examples), None)


def search(proof: Proof, *, depth: int) -> Iterator[Level]:
    """Try every action in every state up to `depth` commands; and stop where a law is broken."""
    alphabet, began = proof.alphabet, real_now()
    first = first_state(alphabet)
    known: dict[Any, tuple[Any, Action | None]] = {key_of(first, alphabet.policy): (None, None)}
    frontier = [(key_of(first, alphabet.policy), first)]
    for level in range(1, depth + 1):
        found: list[tuple[Any, State]] = []
        for key, state in frontier:
            for action in alphabet.actions:
                after, broken = taken(state, action, alphabet.policy)
                if after is None:
                    continue
                proof.transitions += 1
                if broken is not None:
                    way = (*_way(known, key), action)
                    proof.counter_examples.append(CounterExample(law=broken[0], seen=broken[1], actions=way))
                    continue
                reached = key_of(after, alphabet.policy)
                if reached not in known:
                    known[reached] = key, action
                    found.append((reached, after))
            if proof.counter_examples:
                return
        proof.states = len(known)
        yield Level(
            depth=level,
            new_states=len(found),
            states=len(known),
            transitions=proof.transitions,
            seconds=real_now() - began,
        )
        frontier = found


def _way(known: dict[Any, tuple[Any, Action | None]], key: Any) -> tuple[Action, ...]:  # noqa: ANN401
    way: list[Action] = []
    while True:
        before, action = known[key]
        if action is None:
            return tuple(reversed(way))
        way.append(action)
        key = before


def taken(state: State, action: Action, policy: Policy) -> tuple[State | None, tuple[str, str] | None]:
    """Return the state after an action, and what it broke; no state if the action is not possible."""
    if action.moved is not None:
        moved = action.moved(state, policy)
        if moved is None:
            return None, None
        moved = replace(moved, notes=moved.notes.seen_at(moved.now, policy))
        return moved, _broken_in(moved, policy)
    wish = action.wish(state, policy) if action.wish is not None else None
    if wish is None:
        return None, None
    decision = decided(state.account, wish.command, state.now, policy)
    account = decision.account if decision.account is not None else state.account
    signed_out = wish.kind == "sign_out" and decision.outcome is Outcome.SIGNED_OUT
    session_id = decision.session_id if decision.outcome is Outcome.SIGNED_IN else None
    after = replace(state, account=account)
    broken = next(broken_by(state, wish, decision, after, policy), None)
    after = hands_after(after, wish, session_id, signed_out=signed_out)
    after = noted(state, wish, decision, replace(after, fresh=state.fresh + 1), policy)
    return after, broken or _broken_in(after, policy)


_RIGHT, _WRONG = verify(0), wrong(0)


def _broken_in(state: State, policy: Policy) -> tuple[str, str] | None:
    """Return what is broken in a state, before any further command."""
    broken = next(states_of_browsers(state, policy), None)
    if broken is not None or not state.notes.codes.is_closed(state.now, policy):
        return broken
    # Of a browser that has sent nothing yet, so that neither is the repetition of an earlier request.
    asked = state.with_hand(0, Hand(cookie="a stranger's"))
    wishes = [each.wish(asked, policy) for each in (_RIGHT, _WRONG) if each.wish is not None]
    right, bad = wishes
    return None if right is None or bad is None else next(same_in_a_lock(state, right, bad, policy), None)


def first_state(alphabet: Alphabet) -> State:
    """Return the state in which a search begins: a user with a phone and a stored recovery code, or without any."""
    policy, now = alphabet.policy, alphabet.start + 5 * SECOND
    hands = (Hand(cookie="browser0"), Hand(cookie="browser1"))
    account = Account(user="ann", generation="generation0", address="ann@example.com")
    if not alphabet.enrolled:
        return State(account=account, now=now, hands=hands)
    bound_at = now - 60 * SECOND
    key, code = new_key("key0", policy), new_recovery_code("code0")
    step = step_at(bound_at, policy)
    phone = Authenticator(
        id=key.id,
        sealed_key=key.sealed_key,
        parameters=key.parameters,
        confirmed_at=bound_at,
        last_step=step,
        used_steps=(step,),
    )
    stored = RecoveryCode(id=code.id, sealed_digest=code.sealed_digest, made_at=bound_at, sealed_copy=None)
    return State(
        account=replace(account, authenticator=phone, recovery_code=stored),
        now=now,
        hands=hands,
        written=(code.id,),
        notes=Notes(used=frozenset({(key.id, step)})),
    )


def wishes_of(example: CounterExample, alphabet: Alphabet) -> Iterator[tuple[State, Action, Wish | None]]:
    """Yield each state of a counter-example, the action taken in it, and the wish that it was."""
    state = first_state(alphabet)
    for action in example.actions:
        wish = action.wish(state, alphabet.policy) if action.wish is not None else None
        yield state, action, wish
        after, _ = taken(state, action, alphabet.policy)
        if after is None:
            return
        state = after
