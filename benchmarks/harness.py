"""Measuring side by side: the rounds of all cases alternate, so that a slow moment meets each of them.

Figures are meant to be compared within one run. What else a machine does at the time changes microseconds by a
factor; it hardly changes ratios, and those of processor time the least.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Action = Callable[[], object]
Clock = Callable[[], float]
Costs = dict[str, list[float]]

#: For work of the processor alone: what others do meanwhile is not counted. Waiting for a disk is not, either.
processor_time: Clock = time.process_time


def microseconds(action: Action, *, calls: int, clock: Clock = time.perf_counter) -> float:
    """The mean cost of one call."""
    begun = clock()
    for _ in range(calls):
        action()
    return (clock() - begun) / calls * 1e6


def side_by_side(
    cases: Mapping[str, Action], *, rounds: int, calls: int, clock: Clock = time.perf_counter
) -> Costs:
    """The cost of a call of each case, in microseconds, in each of ``rounds`` rounds of ``calls`` calls."""
    for action in cases.values():
        microseconds(action, calls=calls, clock=clock)  # fills caches and opens connections
    costs: Costs = {name: [] for name in cases}
    for _ in range(rounds):
        for name, action in cases.items():
            costs[name].append(microseconds(action, calls=calls, clock=clock))
    return costs


def fastest(costs: Costs) -> dict[str, float]:
    """Each case's best round, for work of the processor alone: whatever disturbs it only adds to it."""
    return {name: min(each) for name, each in costs.items()}


def heading(*columns: str) -> None:
    print(f"{columns[0]:<46}" + "".join(f"{column:>14}" for column in columns[1:]))


def line(label: str, *values: float | str) -> None:
    texts = (value if isinstance(value, str) else f"{value:.2f}" for value in values)
    print(f"{label:<46}" + "".join(f"{text:>14}" for text in texts))
