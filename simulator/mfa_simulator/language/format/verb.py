"""One verb of a step: its keys, and the outcomes that it may have."""

from __future__ import annotations

from dataclasses import dataclass

from mfa_simulator.language.format.kinds import Key, Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How the keys of a verb depend on one another: exactly one of them is there."""

    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verb:
    """One verb; `scalar` is the kind of its value when it takes one value and no mapping.

    `must` holds the outcomes one of which a step without `expect` must reach, None when there is no such rule.
    `answers` holds the outcomes that can be expected of it; it is empty for a verb that sends nothing.
    """

    name: str
    about: str
    keys: tuple[Key, ...] = ()
    scalar: Kind | None = None
    must: tuple[str, ...] | None = None
    answers: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def sends(self) -> bool:
        """Say if it sends requests, which a network can touch; the support desk sits beside the server."""
        return bool(self.answers) and not self.name.startswith("support_")
