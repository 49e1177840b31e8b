"""Measuring side by side: the rounds of all cases alternate, so that a slow moment meets each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Action = Callable[[], object]


def microseconds(action: Action, *, calls: int) -> float:
    """The mean cost of one call."""
    begun = time.perf_counter()
    for _ in range(calls):
        action()
    return (time.perf_counter() - begun) / calls * 1e6


def side_by_side(cases: Mapping[str, Action], *, rounds: int, calls: int) -> dict[str, list[float]]:
    """The cost of a call of each case, in microseconds, in each of ``rounds`` rounds of ``calls`` calls."""
    costs: dict[str, list[float]] = {name: [] for name in cases}
    for action in cases.values():
        microseconds(action, calls=calls)  # fills caches, opens connections
    for _ in range(rounds):
        for name, action in cases.items():
            costs[name].append(microseconds(action, calls=calls))
    return costs


def fastest(costs: Mapping[str, list[float]]) -> dict[str, float]:
    """Each case's best round: what else the machine does only ever adds to a cost that is the processor's alone."""
    return {name: min(each) for name, each in costs.items()}


def heading(label: str, *columns: str) -> None:
    print(f"{label:<44}" + "".join(f"{column:>14}" for column in columns))


def line(label: str, *values: float | str) -> None:
    print(
        f"{label:<44}"
        + "".join(f"{value:>14.2f}" if isinstance(value, float) else f"{value:>14}" for value in values)
    )
