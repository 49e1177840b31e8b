"""Chooses which scenarios of a run are played: by tag, by a word, with which seeds, and what failed last."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mfa_simulator.language.scenario import Scenario

SEEDS_MAX = 10_000


class SeedRange(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.3
    """A seed, or the seeds from one to another: `7` or `0..99`."""

    name = "A..B"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Read the range."""
        first, dots, last = str(value).partition("..")
        numbers = (first, last) if dots else (first, first)
        if not all(text.isascii() and text.isdigit() for text in numbers):
            self.fail(f"{value} is neither a seed such as 7 nor a range such as 0..99", param, ctx)
        low, high = map(int, numbers)
        if not 0 <= high - low < SEEDS_MAX:
            self.fail(f"{value}: a range goes upward, and holds at most {SEEDS_MAX} seeds", param, ctx)
        return tuple(range(low, high + 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The scenarios that are asked for; an empty value asks for nothing. All that is asked for must fit."""

    tags: tuple[str, ...] = ()
    words: str = ""
    seeds: tuple[int, ...] = ()
    failed: bool = False

    def of(self, scenarios: Sequence[Scenario]) -> list[Scenario]:
        """Give the scenarios that are asked for, each with each of the seeds."""
        found = list(scenarios)
        if self.tags:
            found = [each for each in found if set(self.tags) & set(each.tags)]
        if self.words:
            word = self.words.casefold()
            found = [each for each in found if word in f"{each.file} {each.title} {each.row}".casefold()]
        if self.seeds:
            found = [_with_seed(each, seed) for each in found for seed in self.seeds]
        if self.failed:
            failed = read_failed()
            found = [each for each in found if name_of(each) in failed]
        return found


def _with_seed(scenario: Scenario, seed: int) -> Scenario:
    row = f"{scenario.row}, seed={seed}" if scenario.row else f"seed={seed}"
    return replace(scenario, seed=seed, row=row)


def name_of(scenario: Scenario) -> str:
    """Name a scenario for the next run."""
    return f"{Path(scenario.file).resolve()}\0{scenario.row}"


def _memory() -> Path:
    """Give where the failed scenarios of runs in this folder are noted; nothing is written into the folder itself."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    here = hashlib.sha256(str(Path.cwd()).encode()).hexdigest()[:16]
    return Path(cache) / "mfa-sim" / f"{here}.json"


def read_failed() -> frozenset[str]:
    """Give the names of what failed when files were last played in this folder."""
    try:
        names = json.loads(_memory().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):
        return frozenset()
    return (
        frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list) else frozenset()
    )


def note_failed(played: Iterable[tuple[Scenario, bool]]) -> None:
    """Note which of the scenarios that were played failed; what was not played keeps its note."""
    failed = set(read_failed())
    before = frozenset(failed)
    for scenario, has_failed in played:
        (failed.add if has_failed else failed.discard)(name_of(scenario))
    if failed == before:
        return
    with suppress(OSError, RuntimeError):  # a run does not fail because of a note
        place = _memory()
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(sorted(failed)), encoding="utf-8")
