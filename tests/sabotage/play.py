"""Plays the catalogue with one module of the middleware changed, up to the first scenario that fails."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from breaks import SCENARIOS, SUFFIX, Break

OURS = ("wsgi_mfa", "mfa_simulator")


@dataclass(frozen=True, kw_only=True, slots=True)
class Catch:
    """What noticed the break: the scenario, its row, the line of the step, and what was found there."""

    story: str
    row: str
    line: int
    what: str

    def __str__(self) -> str:
        row = f" [{self.row}]" if self.row else ""
        return f"{self.story}{SUFFIX}:{self.line}{row}: {self.what}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What came of playing; ``caught`` None means that all ``played`` scenarios passed."""

    caught: Catch | None
    played: int


class _Changed(SourceFileLoader):
    """Loads a module from another text than its file holds."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.path, "exec", dont_inherit=True)


class Finder(MetaPathFinder):
    """Finds the changed module before anybody finds the good one."""

    def __init__(self, broken: Break, package: Path) -> None:
        self._module = broken.full_name
        self._path = str(broken.path(package))
        self._text = broken.applied(package)

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        loader = _Changed(fullname, self._path, self._text)
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)


def warm_up() -> None:
    """Import all that others have written, once for all processes to come, and nothing of ours."""
    import legacy_portals  # noqa: F401
    import mfa_simulator.language.parser
    import mfa_simulator.play.running  # noqa: F401

    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]


def verdict(broken: Break | None, package: Path) -> Verdict:
    """Play the catalogue in this process, which must have imported nothing of ours before."""
    if broken is not None:
        sys.meta_path.insert(0, Finder(broken, package))
    from mfa_simulator.play.running import play
    from mfa_simulator.world.clocks import frozen_wall_clock

    if broken is not None and broken.full_name not in sys.modules:
        raise RuntimeError(f"nothing imports {broken.full_name}, so that breaking it breaks nothing")
    played = 0
    for path, scenario in _scenarios(broken.likely if broken is not None else ()):
        with frozen_wall_clock(scenario.start) as wall:
            found = _first_failure(play(scenario, wall))
        played += 1
        if found is not None:
            line, what = found
            story = path.relative_to(SCENARIOS).as_posix().removesuffix(SUFFIX)
            return Verdict(caught=Catch(story=story, row=scenario.row, line=line, what=what), played=played)
    return Verdict(caught=None, played=played)


def _scenarios(first: tuple[str, ...]) -> Iterator[tuple[Path, Any]]:
    """All rows of all files, the likely ones first; each file is read when its turn comes."""
    from mfa_simulator.language.parser import read_file

    ahead = [SCENARIOS / f"{story}{SUFFIX}" for story in first]
    for path in dict.fromkeys([*ahead, *sorted(SCENARIOS.rglob(f"*{SUFFIX}"))]):
        for scenario in read_file(path):
            yield path, scenario


def _first_failure(played: Any) -> tuple[int, str] | None:
    """The line of the first step that was not as it should be, and why."""
    for moment in played.moments:
        line = moment.step.position.line
        for broken in moment.broken:
            return line, f"invariant {broken.invariant}: {broken.seen}"
        if moment.failures:
            return line, f"expectation: {'; '.join(moment.failures)}"
    return None
