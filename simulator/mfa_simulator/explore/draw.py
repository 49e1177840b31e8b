"""Chance for lives: boundary values come first, each once, and then whatever chance gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mfa_simulator.world.entropy import SeededEntropy

T = TypeVar("T")


@dataclass(kw_only=True, slots=True)
class Deck:
    """Which boundary values have been played, over all lives of a run."""

    played: dict[str, int] = field(default_factory=dict)

    def next_of(self, name: str) -> int:
        """Return how often a value of this name was drawn before, and count one more."""
        number = self.played.get(name, 0)
        self.played[name] = number + 1
        return number


class Draw:
    """The chance of one life."""

    def __init__(self, entropy: SeededEntropy, deck: Deck) -> None:
        self._entropy = entropy
        self._deck = deck

    def below(self, limit: int) -> int:
        """Return a whole number from 0 up to, and without, `limit`."""
        return self._entropy.below(limit)

    def one_in(self, count: int) -> bool:
        """Return True once in `count` times."""
        return self._entropy.below(count) == 0

    def one_of(self, choices: Sequence[T]) -> T:
        """Return one of some values."""
        return choices[self._entropy.below(len(choices))]

    def boundary(self, name: str, values: Sequence[T]) -> T:
        """Return one of the boundary values of an argument: each of them once over the run, then any of them."""
        number = self._deck.next_of(name)
        return values[number] if number < len(values) else self.one_of(values)

    def some_of(self, choices: Sequence[T], *, least: int, most: int) -> list[T]:
        """Return a random selection, in the order given."""
        count = min(len(choices), least + self._entropy.below(most - least + 1))
        left = list(range(len(choices)))
        chosen = {left.pop(self._entropy.below(len(left))) for _ in range(count)}
        return [choice for index, choice in enumerate(choices) if index in chosen]
