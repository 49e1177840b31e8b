"""The alphabets: which actions a search tries, by theme, and the state that it begins in."""

from __future__ import annotations

from dataclasses import dataclass

from mfa_simulator.language.scenario import START
from mfa_simulator.prove.account_actions import (
    acknowledge,
    begin,
    confirm,
    replace_code,
    reset,
    sign_out,
    step_clock,
    unlock,
    wait,
    wait_for_the_lock,
)
from mfa_simulator.prove.code_actions import again, recover, replay, verify, wrong
from mfa_simulator.prove.wishes import Action
from wsgi_mfa import Policy

#: Small budgets, so that few commands reach their ends; eight digits, so that no two codes are the same by chance.
POLICY = Policy(
    digits=8,
    free_tries=2,
    failures_max=4,
    failures_rolling_max=5,
    failures_rolling_days=2,
    hint_steps_max=3,
    resync_steps_max=3,
    sessions_max=2,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Alphabet:
    """The actions of a theme; `enrolled` says whether the user has a phone when the search begins."""

    name: str
    about: str
    actions: tuple[Action, ...]
    enrolled: bool = True
    policy: Policy = POLICY
    start: int = START


ALPHABETS = {
    each.name: each
    for each in (
        Alphabet(
            name="everyday",
            about="codes, recovery codes, locks, the desk and time, in two browsers",
            actions=(
                verify(0),
                verify(1),
                replay(0),
                replay(1),
                wrong(1),
                recover(1),
                recover(1, which="previous"),
                recover(1, which="wrong"),
                acknowledge(1),
                sign_out(0),
                begin(0),
                confirm(0),
                reset(),
                unlock(),
                wait(30),
                wait_for_the_lock(),
                step_clock(-60),
            ),
        ),
        Alphabet(
            name="codes",
            about="codes of all steps near, lost replies, requests sent again, and clocks that step",
            actions=(
                verify(0),
                verify(1),
                verify(0, shift=-1),
                verify(0, shift=1),
                verify(1, shift=-2),
                verify(0, lost=True),
                again(0),
                again(1),
                replay(0),
                replay(1),
                wrong(0),
                sign_out(0),
                unlock(clock=True),
                wait(30),
                wait(60),
                step_clock(-60),
                step_clock(-3600),
            ),
        ),
        Alphabet(
            name="locks",
            about="wrong codes of both kinds, waits, unlocks, and clocks that step",
            actions=(
                verify(0),
                wrong(0),
                wrong(1),
                recover(0),
                recover(1, which="wrong"),
                unlock(),
                reset(),
                begin(0),
                confirm(0),
                confirm(0, right=False),
                wait(30),
                wait_for_the_lock(),
                wait_for_the_lock(less=1),
                wait(86_400),
                step_clock(-3600),
            ),
        ),
        Alphabet(
            name="recovery",
            about="recovery codes: used, replaced, stored, lost on the way",
            actions=(
                recover(0),
                recover(1),
                recover(1, which="previous"),
                recover(1, which="wrong"),
                again(0),
                again(1),
                acknowledge(0),
                acknowledge(1),
                replace_code(0),
                verify(0),
                verify(1),
                sign_out(0),
                reset(),
                wait(30),
                wait(301),
                wait(31 * 86_400),
            ),
        ),
        Alphabet(
            name="enrollment",
            about="a user without a phone: keys shown to two browsers, confirmed in time or not",
            enrolled=False,
            actions=(
                begin(0),
                begin(1),
                begin(0, restart=True),
                confirm(0),
                confirm(1),
                confirm(0, right=False),
                confirm(1, by=0),
                replay(0),
                replay(1),
                verify(0),
                acknowledge(0),
                reset(),
                wait(30),
                wait(599),
                wait(601),
                step_clock(-3600),
            ),
        ),
    )
}
