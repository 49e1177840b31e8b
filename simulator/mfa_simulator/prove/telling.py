"""A counter-example as a scenario file, which plays the same against the whole middleware."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mfa_simulator.explore.plot import Plot, text_of, verb_of
from mfa_simulator.language.format.verbs import BY_NAME
from mfa_simulator.prove.alphabets import Alphabet
from mfa_simulator.prove.code_actions import typed_in
from mfa_simulator.prove.laws import LAWS
from mfa_simulator.prove.state_search import CounterExample
from mfa_simulator.prove.wishes import PHONES, SHIFTED, STRANGER, USER, Raw, Telling
from wsgi_mfa import Policy

#: One minute before the search begins: the user's phone is bound then.
BEGINS = "2025-12-31T23:59:05Z"
_SECONDS = {-2: "-60s", -1: "-30s", 1: "30s"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """The text of a scenario file, and the actions of it that no verb of the format tells."""

    text: str
    untold: tuple[str, ...]


def told(example: CounterExample, alphabet: Alphabet) -> Told:
    """Return a counter-example as a scenario file."""
    telling = Telling()
    steps = _prelude(example, alphabet)
    for action in example.actions:
        steps += [_expecting_nothing(step) for step in action.told(telling)]
    if example.law == "lock":  # seen when another browser types a right code
        steps += map(_expecting_nothing, (telling.read(telling.phone), *typed_in(STRANGER, telling.last)))
    words = [f"{number}. {action.name}" for number, action in enumerate(example.actions, start=1)]
    title = " ".join(re.sub(r"[^A-Za-z0-9 ,.()/_+-]+", " ", f"{example.law} {example.seen}").split())
    text = text_of(
        Plot(top=_top(alphabet), steps=tuple(steps)),
        title=title[:140],
        comments=(
            f"Found by mfa-sim prove, alphabet {alphabet.name}. The law: {LAWS[example.law]}.",
            f"{example.law}: {example.seen}",
            *words,
        ),
    )
    return Told(text=text, untold=tuple(telling.untold))


def _top(alphabet: Alphabet) -> dict[str, Any]:
    standard, policy = Policy(), {}
    for name in Policy.names():
        value = getattr(alphabet.policy, name)
        if value != getattr(standard, name):
            policy[name] = value
    user = {"password": "correct horse", "email": "ann@example.com", "phones": dict.fromkeys(PHONES)}
    return {"tags": ["found"], "start": BEGINS, "policy": policy, "users": {USER: user}}


def _prelude(example: CounterExample, alphabet: Alphabet) -> list[Raw]:
    """Return the steps to where the search begins; copies of the phone only where they are looked at."""
    if not alphabet.enrolled:
        return [{"wait": "60s"}]
    enroll: Raw = {"enroll": {"user": USER, "browser": "desktop", "phone": PHONES[0], "typing": "0s"}}
    steps = [_expecting_nothing(enroll)]
    probe = Telling()
    read = {
        step["read_code"]["phone"] for a in example.actions for step in a.told(probe) if "read_code" in step
    }
    for shift, name in SHIFTED.items():
        if name in read:
            steps.append({"clone_phone": {"user": USER, "phone": PHONES[0], "as": name}})
            steps.append({"set_clock": {"phone": name, "offset": _SECONDS[shift]}})
    return [*steps, {"wait": "60s"}]


def _expecting_nothing(step: Raw) -> Raw:
    return {**step, "expect": {}} if BY_NAME[verb_of(step)].answers else step
