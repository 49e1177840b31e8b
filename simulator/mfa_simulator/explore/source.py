"""Scenario files as plots: to go on from, and to make shorter."""

from __future__ import annotations

from collections.abc import Mapping as Settings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.explore.findings import text_of_finding
from mfa_simulator.explore.life import Life, Stage, Trouble
from mfa_simulator.explore.plot import Plot, Raw, text_of, verb_of, written
from mfa_simulator.explore.shrink import Shrinker
from mfa_simulator.language import document, matrix
from mfa_simulator.language.document import Mapping, Node, Scalar, Sequence
from mfa_simulator.language.format.verbs import TOGETHER
from mfa_simulator.language.parser import read_file
from mfa_simulator.language.steps import USE
from mfa_simulator.problems import Problems

#: The keys of a file that a plot has in its own way.
_OWN = ("scenario", "blocks", "matrix", "steps", "finally")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A scenario file, or one row of it, as a plot; `lines` are those of its steps, `title` is its own."""

    plot: Plot
    lines: tuple[int, ...]
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShrunkFile:
    """A shorter file that fails alike, and which steps of the file matter, by line."""

    text: str
    trouble: Trouble
    lines: tuple[tuple[int, str], ...]
    steps_before: int


def plot_of_file(file: Path) -> Source:
    """Return the plot of a scenario file; of a matrix it is the first row.

    Raises ScenarioFileError if the file is bad.
    """
    return sources_of(file)[0]


def sources_of(file: Path) -> list[Source]:
    """Return a plot for each row of a scenario file; raises ScenarioFileError if the file is bad."""
    read_file(file)
    text = file.read_bytes().decode("utf-8-sig")
    problems = Problems(file=str(file), lines=text.splitlines())
    root = document.compose(text, problems)
    if not isinstance(root, Mapping):
        raise ScenarioFileError(problems.in_order())
    return [_source(row) for _, row in matrix.rows(root, problems)]


def _source(root: Mapping) -> Source:
    top = {key.text: _raw(value) for key, value in root if key.text not in _OWN}
    blocks = root.get("blocks")
    steps = [
        item
        for key in ("steps", "finally")
        if isinstance(found := root.get(key), Sequence)
        for item in _unfolded(found.items, blocks)
    ]
    title = root.get("scenario")
    return Source(
        plot=Plot(top=top, steps=tuple(_step(node) for node in steps)),
        lines=tuple(node.position.line for node in steps),
        title=title.text if isinstance(title, Scalar) else "",
    )


def _unfolded(items: tuple[Node, ...], blocks: Node | None) -> list[Mapping]:
    """Return steps with those of their blocks in place."""
    steps: list[Mapping] = []
    for item in items:
        used = item.get(USE) if isinstance(item, Mapping) else None
        block = blocks.get(used.text) if isinstance(used, Scalar) and isinstance(blocks, Mapping) else None
        if isinstance(block, Sequence):
            steps += _unfolded(block.items, blocks)
        elif isinstance(item, Mapping):
            steps.append(item)
    return steps


def _step(node: Mapping) -> Raw:
    """Return a step as plain values, its verb first."""
    raw: Raw = _raw(node)
    verb = next(key for key in raw if key not in ("expect", "network"))
    value = raw.pop(verb)
    if verb == TOGETHER and isinstance(found := node.get(verb), Sequence):
        value = [_step(inner) for inner in found.items if isinstance(inner, Mapping)]
    return {verb: value, **raw}


def _raw(node: Node | None) -> Any:  # noqa: ANN401  # whatever a document is made of
    if isinstance(node, Mapping):
        return {key.text: _raw(value) for key, value in node}
    if isinstance(node, Sequence):
        return [_raw(item) for item in node.items]
    return None if node is None or node.is_nothing else node.text


def shrunk_file(file: Path, stage: Stage, *, seconds: float) -> ShrunkFile | None:
    """Shrink the first row of a file that fails; return None if none does. Raises ScenarioFileError for a bad file."""
    for source in sources_of(file):
        life = stage.judged(source.plot)
        if life.trouble is not None:
            return _shrunk(source, life, life.trouble, stage, seconds)
    return None


def _shrunk(source: Source, life: Life, trouble: Trouble, stage: Stage, seconds: float) -> ShrunkFile:
    wanted = trouble.signature
    at_the_end = life.failed_at is None
    count = len(source.plot.steps) if life.failed_at is None else life.failed_at + 1

    def still_fails(plot: Plot) -> bool:
        found = stage.judged(plot, wanted=wanted, to_the_end=at_the_end).trouble
        return found is not None and found.signature == wanted

    begun = Plot(top=source.plot.top, steps=source.plot.steps[:count])
    found = Shrinker(still_fails, seconds=seconds).shrink(begun, keep_last=not at_the_end)
    lines = tuple((source.lines[origin], words_of(begun.steps[origin])) for origin in found.origins)
    return ShrunkFile(
        text=_text(source, trouble, found.plot), trouble=trouble, lines=lines, steps_before=len(source.lines)
    )


def _text(source: Source, trouble: Trouble, plot: Plot) -> str:
    if trouble.is_expectation:
        return text_of(plot, title=source.title)
    return text_of_finding(trouble, plot, found_by="shrink")


def words_of(step: Raw) -> str:
    """Return a step in one line, as a file has it."""
    verb = verb_of(step)
    value = step[verb]
    if isinstance(value, Settings):
        value = {key: inner for key, inner in value.items() if inner is not None}
    return verb if value in (None, {}) else f"{verb}: {written(value)}"
