"""The folder of findings: each is a scenario file that fails as long as the fault is there, and passes afterwards."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.explore.life import CRASH, Life, Stage, Trouble
from mfa_simulator.explore.plot import Plot, Raw, text_of, verb_of
from mfa_simulator.language.format.outcomes import PAGES
from mfa_simulator.language.format.verbs import BY_NAME, TOGETHER
from mfa_simulator.language.parser import read_file
from mfa_simulator.play.running import play

SUFFIX = ".mfa.yaml"
#: What the first line of a finding begins with; other files of the folder are left alone.
MARK = "Found by mfa-sim"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One fault with the shortest life that shows it; `file` is where it was written."""

    trouble: Trouble
    plot: Plot
    steps_before: int
    file: Path | None = None


def text_of_finding(trouble: Trouble, plot: Plot, *, found_by: str) -> str:
    """Return the scenario file of a finding: what is expected of its steps is that no invariant breaks."""
    steps = [_expecting_nothing(step) for step in plot.steps]
    if trouble.invariant == CRASH:
        steps[-1:] = [_expecting_no_error(step) for step in steps[-1:]]
    seen = re.sub(r"[\x00-\x1f\x7f]+", " ", trouble.seen)
    comments = (f"{MARK} {found_by}. It fails while the fault is there.", f"{trouble.invariant}: {seen}")
    return text_of(
        Plot(top={"tags": ["found"], **plot.top}, steps=tuple(steps)),
        title=_title(trouble),
        comments=comments,
    )


def _title(trouble: Trouble) -> str:
    words = re.sub(r"[^A-Za-z0-9 ,.()/_-]+", " ", trouble.seen)
    return " ".join(f"{trouble.invariant} {words}".split())[:140]


def _expecting_nothing(step: Raw) -> Raw:
    if verb_of(step) == TOGETHER:
        return {TOGETHER: [_expecting_nothing(inner) for inner in step[TOGETHER]]}
    if not BY_NAME[verb_of(step)].answers:
        return step
    return {**{key: value for key, value in step.items() if key != "expect"}, "expect": {}}


def _expecting_no_error(step: Raw) -> Raw:
    if verb_of(step) == TOGETHER:
        return {TOGETHER: [_expecting_no_error(inner) for inner in step[TOGETHER]]}
    if "expect" not in step:
        return step
    answers = BY_NAME[verb_of(step)].answers
    return {**step, "expect": {"outcome": [outcome for outcome in (answers or PAGES) if outcome != "error"]}}


def name_of(trouble: Trouble) -> str:
    """Return the name of a finding's file: the same fault has the same name."""
    digest = hashlib.sha256(trouble.signature.encode()).hexdigest()[:8]
    return f"{trouble.invariant}-{digest}{SUFFIX}"


def write(folder: Path, finding: Finding, *, found_by: str) -> Path:
    """Write a finding into the folder; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name_of(finding.trouble)
    text = text_of_finding(finding.trouble, finding.plot, found_by=found_by)
    file.write_text(text, encoding="utf-8")
    return file


def fails(file: Path, stage: Stage) -> bool:
    """Return whether a scenario file fails, or cannot be read any more."""
    try:
        scenarios = read_file(file)
    except ScenarioFileError:
        return True
    return any(play(scenario, stage.wall, factory=stage.factory).failed for scenario in scenarios)


def remove_mended(folder: Path, stage: Stage) -> Sequence[Path]:
    """Remove the findings of a folder that pass; return their files. Nothing else in the folder is touched."""
    found = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    mended = [file for file in found if _is_finding(file) and not fails(file, stage)]
    for file in mended:
        file.unlink()
    return mended


def _is_finding(file: Path) -> bool:
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.readline().startswith(f"# {MARK} ")


def is_same(life: Life, trouble: Trouble) -> bool:
    """Return whether a life came to the same trouble."""
    return life.trouble is not None and life.trouble.signature == trouble.signature
