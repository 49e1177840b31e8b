"""Makes a life that failed shorter: first steps go, by halves, then what is at the top, then arguments.

What is left is needed: without any one of its steps the fault does not show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.explore.plot import Plot, Raw, text_of, verb_of
from mfa_simulator.language.format.verbs import TOGETHER
from mfa_simulator.world.clocks import processor_seconds

#: Arguments that a step can do without, and those for which there is something simpler.
OPTIONAL = ("save", "manual", "typing", "remember", "agent", "every", "parallel", "among", "wrong", "worker")
WAITS, SPANS = ("wait", "wait_until"), ("31s", "1m", "5m", "2h")
#: A life of more steps is looked through for guesses that could be one step.
LONG = 6

#: Tells whether a plot still fails in the same way.
Fails = Callable[[Plot], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shrunk:
    """A shorter plot; `origins` are the numbers that its steps had before, `tried` how many plots were played."""

    plot: Plot
    origins: tuple[int, ...]
    tried: int


class Shrinker:
    """Shrinks one plot; `seconds` of processor time bound how long it goes on."""

    def __init__(self, fails: Fails, *, seconds: float) -> None:
        self._fails = fails
        self._ends_at = processor_seconds() + seconds
        self._known: dict[str, bool] = {}
        self.tried = 0

    def shrink(self, plot: Plot, *, keep_last: bool = True) -> Shrunk:
        """Return the shortest plot that was found to fail; with `keep_last` its last step is what fails."""
        origins = tuple(range(len(plot.steps)))
        last = len(plot.steps) - 1 if keep_last and plot.steps else None
        if len(plot.steps) > LONG:
            plot, origins = self._guessed_at_once(plot, origins, least=len(plot.steps) - 3)
        while True:
            before = plot
            plot, origins = self._fewer_steps(plot, origins, last)
            plot, origins = self._joined(plot, origins)
            if len(plot.steps) > LONG:
                plot, origins = self._guessed_at_once(plot, origins)
            plot = self._simpler(plot, _simpler_tops(plot), lambda smaller: _simpler_tops(smaller))
            plot = self._simpler(plot, _simpler_steps(plot), lambda smaller: _simpler_steps(smaller))
            if plot == before or self._is_late():
                return Shrunk(plot=plot, origins=origins, tried=self.tried)

    def _fewer_steps(
        self, plot: Plot, origins: tuple[int, ...], last: int | None
    ) -> tuple[Plot, tuple[int, ...]]:
        """Leave out runs of steps, half of them at first and single ones at last."""
        size = max(1, len(plot.steps) // 2)
        while True:
            begin = 0
            changed = False
            while begin < len(plot.steps):
                cut = range(begin, min(begin + size, len(plot.steps)))
                kept = [
                    index for index in range(len(plot.steps)) if index not in cut or origins[index] == last
                ]
                smaller = replace(plot, steps=tuple(plot.steps[index] for index in kept))
                if len(kept) < len(plot.steps) and kept and self._still_fails(smaller):
                    plot, origins, changed = smaller, tuple(origins[index] for index in kept), True
                else:
                    begin += size
                if self._is_late():
                    return plot, origins
            if size > 1:
                size //= 2
            elif not changed:
                return plot, origins

    def _guessed_at_once(
        self, plot: Plot, origins: tuple[int, ...], *, least: int = 2
    ) -> tuple[Plot, tuple[int, ...]]:
        """Put one step that guesses in the place of `least` or more that came to a wrong code each."""
        count = len(plot.steps)
        for size in range(count - 2, least - 1, -1):
            for begin in range(count - 1 - size):
                for guess in _guesses_for(plot.steps[begin : begin + size]):
                    steps = (*plot.steps[:begin], guess, *plot.steps[begin + size :])
                    smaller = replace(plot, steps=steps)
                    if self._still_fails(smaller):
                        return smaller, (*origins[: begin + 1], *origins[begin + size :])
                    if self._is_late():
                        return plot, origins
        return plot, origins

    def _joined(self, plot: Plot, origins: tuple[int, ...]) -> tuple[Plot, tuple[int, ...]]:
        """Put one wait in the place of several, and settings that change at the top."""
        while not self._is_late():
            found = next((each for each in _joined_steps(plot) if self._still_fails(each[1])), None)
            if found is None:
                break
            gone, plot = found
            origins = (*origins[:gone], *origins[gone + 1 :])
        return plot, origins

    def _simpler(
        self, plot: Plot, candidates: Iterator[Plot], again: Callable[[Plot], Iterator[Plot]]
    ) -> Plot:
        """Take the first simpler plot that fails, and go on from it."""
        while not self._is_late():
            found = next((smaller for smaller in candidates if self._still_fails(smaller)), None)
            if found is None:
                return plot
            plot, candidates = found, again(found)
        return plot

    def _still_fails(self, plot: Plot) -> bool:
        text = text_of(plot, title="a life")
        if text not in self._known:
            if self._is_late():
                return False
            self.tried += 1
            try:
                self._known[text] = self._fails(plot)
            except ScenarioFileError:
                self._known[text] = False  # a step names what is no longer there
        return self._known[text]

    def _is_late(self) -> bool:
        return processor_seconds() >= self._ends_at


def _simpler_tops(plot: Plot) -> Iterator[Plot]:
    """Yield plots with less at the top: fewer settings, users and phones, one worker, the default start."""
    top = dict(plot.top)
    for key in ("policy", "workers", "start", "network", "about", "tags"):
        if key in top:
            yield replace(plot, top={name: value for name, value in top.items() if name != key})
    if top.get("seed", 0) != 0:
        yield replace(plot, top={name: value for name, value in top.items() if name != "seed"})
    policy = top.get("policy") or {}
    if len(policy) > 1:
        for name in policy:
            yield replace(plot, top={**top, "policy": _without(policy, name)})
    users: Mapping[str, Any] = top.get("users") or {}
    for user in users:
        if len(users) > 1:
            yield replace(plot, top={**top, "users": _without(users, user)})
    for user, told in users.items():
        for smaller in _simpler_users(told):
            yield replace(plot, top={**top, "users": {**users, user: smaller}})


def _simpler_users(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    phones = told.get("phones") or {}
    for phone, clock in phones.items():
        if len(phones) > 1:
            yield {**told, "phones": _without(phones, phone)}
        if clock:
            yield {**told, "phones": {**phones, phone: None}}
    if "groups" in told:
        yield _without(told, "groups")


def _simpler_steps(plot: Plot) -> Iterator[Plot]:
    """Yield plots in which one step, or one browser in all of them, is simpler."""
    for index, step in enumerate(plot.steps):
        for smaller in _simpler_step(step):
            steps = (*plot.steps[:index], smaller, *plot.steps[index + 1 :])
            yield replace(plot, steps=steps)
    used = list(dict.fromkeys(_browsers_of(plot.steps)))
    for name in used[1:]:
        yield replace(plot, steps=tuple(_renamed(step, name, used[0]) for step in plot.steps))


def _simpler_step(step: Raw) -> Iterator[Raw]:
    verb = verb_of(step)
    if verb == TOGETHER:
        yield from step[verb]
        for index in range(len(step[verb])):
            if len(step[verb]) > 2:
                yield {verb: [*step[verb][:index], *step[verb][index + 1 :]]}
        return
    if "network" in step:
        yield _without(step, "network")
    arguments = step[verb]
    if isinstance(arguments, Mapping):
        for name in OPTIONAL:
            if name in arguments:
                yield {**step, verb: _without(arguments, name)}
        times = int(arguments.get("times", 1))
        for fewer in sorted({1, times // 2, times - 1}):
            if 0 < fewer < times:
                yield {**step, verb: {**arguments, "times": fewer}}


def _joined_steps(plot: Plot) -> Iterator[tuple[int, Plot]]:
    """Yield plots of one step less, with its number: two waits that are one, or settings that hold from the start."""
    steps = plot.steps
    for index, step in enumerate(steps[:-1]):
        before, after = steps[:index], steps[index + 1 :]
        if verb_of(step) == "change_policy":
            policy = {**(plot.top.get("policy") or {}), **step["change_policy"]}
            yield index, Plot(top={**plot.top, "policy": policy}, steps=(*before, *after))
        if verb_of(step) in WAITS and verb_of(after[0]) in WAITS:
            for span in SPANS:
                yield index, replace(plot, steps=(*before, {"wait": span}, *after[1:]))


def _guesses_for(steps: Sequence[Raw]) -> Iterator[Raw]:
    """Yield steps of guesses that may do what some steps did: by the same user in the same browser."""
    values = [step[verb_of(step)] for step in steps if verb_of(step) != TOGETHER]
    users = [value["user"] for value in values if isinstance(value, Mapping) and "user" in value]
    browsers = list(dict.fromkeys(_browsers_of(steps)))
    for browser in browsers[:2] if users else ():
        for times in sorted({len(steps), 5, 10}):
            yield {"guess": {"user": users[0], "browser": browser, "times": times}}


def _without(mapping: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key != name}


def _browsers_of(steps: Sequence[Raw]) -> Iterator[str]:
    for step in steps:
        value = step[verb_of(step)]
        if verb_of(step) == TOGETHER:
            yield from _browsers_of(value)
        elif isinstance(value, Mapping):
            yield from (value[key] for key in ("browser", "from") if key in value)


def _renamed(step: Raw, old: str, new: str) -> Raw:
    verb = verb_of(step)
    if verb == TOGETHER:
        return {verb: [_renamed(inner, old, new) for inner in step[verb]]}
    value = step[verb]
    if not isinstance(value, Mapping):
        return step
    changed = {
        key: new if key in ("browser", "from") and name == old else name for key, name in value.items()
    }
    return {**step, verb: changed}
