"""Fills in what steps came to, in the text of a file; comments and layout stay.

What is expected and did not happen is put right, `expect: {}` gets what is worth telling, and a step without `expect`
gets one when it came to something else than its verb must.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.language import document
from mfa_simulator.language.document import Mapping, Node, Scalar
from mfa_simulator.language.document import Sequence as List
from mfa_simulator.language.format.verbs import BY_NAME, TOGETHER
from mfa_simulator.language.parser import parse
from mfa_simulator.language.scenario import Scenario, Step
from mfa_simulator.play.judging import StepOutcome, called_word, differences
from mfa_simulator.play.running import Play
from mfa_simulator.problems import Position, Problems

Outcomes: TypeAlias = "tuple[str, ...] | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """The new text of a file, how many steps were filled in, and what could not be (with its line)."""

    text: str
    filled: int
    left: tuple[tuple[int, str], ...]


@dataclass(kw_only=True, slots=True)
class _Seen:
    """All that one step of a file came to: a block is played where it is used, a matrix in each row."""

    step: Step
    found: list[tuple[StepOutcome, Outcomes]] = field(default_factory=list)
    unplayable: list[str] = field(default_factory=list)


def updated(text: str, scenarios: Sequence[Scenario], plays: Sequence[Play], *, file: str = "") -> Update:
    """Give the text with what happened filled in; where a file could not be read any more afterwards, nothing is.

    `scenarios` are what the text was read as, one for each row, and `plays` the same ones unfolded to their ends.
    """
    root = document.compose(text, Problems(file="", lines=[]))
    nodes = dict(_step_nodes(root)) if root is not None else {}
    seen = {step.position: _Seen(step=step) for scenario in scenarios for step in scenario.every_step()}
    for play in plays:
        for moment in play.moments:
            entry = seen[moment.step.position]
            if moment.unplayable:
                entry.unplayable += moment.failures
            elif entry.step.verb != TOGETHER:
                entry.found.append((moment.found, moment.must))
    edits: list[tuple[int, int, str]] = []
    left: list[tuple[int, str]] = [
        (place.line, reason) for place, entry in seen.items() for reason in dict.fromkeys(entry.unplayable)
    ]
    filled = 0
    newline = "\r\n" if "\r\n" in text else "\n"
    for place, entry in seen.items():
        wanted, conflicts = _wanted(entry.step, entry.found)
        left += [(place.line, reason) for reason in conflicts]
        if wanted and place in nodes:
            edits += _edits(text, nodes[place], wanted, newline)
            filled += 1
    left += [(play.crash.line, play.crash.words) for play in plays if play.crash is not None]
    new_text = text
    for start, end, new in sorted(edits, reverse=True):
        new_text = new_text[:start] + new + new_text[end:]
    try:
        parse(new_text, file=file)
    except ScenarioFileError as error:
        # What happened has no word in the format, or not in this place: a file that cannot be read helps nobody.
        left += [(problem.position.line, problem.message) for problem in error.problems]
        return Update(text=text, filled=0, left=tuple(sorted(left)))
    return Update(text=new_text, filled=filled, left=tuple(sorted(left)))


def _step_nodes(node: Node) -> Iterator[tuple[Position, Mapping]]:
    """Give every mapping that has a verb, by the place of the verb, wherever it stands."""
    if isinstance(node, Mapping):
        for name, value in node:
            if name.text in BY_NAME:
                yield name.position, node
            yield from _step_nodes(value)
    elif isinstance(node, List):
        for item in node.items:
            yield from _step_nodes(item)


def _wanted(step: Step, found: Sequence[tuple[StepOutcome, Outcomes]]) -> tuple[dict[str, str], list[str]]:
    """Give what `expect` must say instead, by key, and what cannot be said; nothing when it need not change."""
    names = list(
        dict.fromkeys(
            difference.partition(":")[0]
            for one, must in found
            for difference in differences(step, one, must=must)
        )
    )
    if step.expect is not None and not step.expect.is_empty:
        return _agreed(names, [one for one, _ in found])
    if not found or (step.expect is None and not names):
        return {}, []
    # What is worth telling of a step, where all that it came to agree.
    told = [name for name in ("hint", "recovery_code") if {_value(name, one) for one, _ in found} - {"none"}]
    agreed, _ = _agreed(["outcome", *told], [one for one, _ in found])
    return agreed, []


def _agreed(names: Sequence[str], found: Sequence[StepOutcome]) -> tuple[dict[str, str], list[str]]:
    """Put together what a step came to in several places: of outcomes any will do, all else must agree."""
    agreed, conflicts = {}, []
    for name in names:
        values = list(dict.fromkeys(_value(name, one) for one in found))
        if "" in values:
            conflicts.append(f"{name}: there was none, which cannot be expected")
        elif len(values) == 1:
            agreed[name] = values[0]
        elif name == "outcome":
            agreed[name] = f"[{', '.join(values)}]"
        else:
            conflicts.append(f"{name}: {' and '.join(values)}, in different places or rows")
    return agreed, conflicts


def _value(name: str, found: StepOutcome) -> str:
    """Give what happened as a file writes it, or an empty text for what it has no word for."""
    values = {
        "outcome": found.outcome,
        "hint": found.hint or "none",
        "recovery_code": "new" if found.recovery_code_shown else "none",
        "app_called": called_word(found, "yes"),
        "retry_after": None if found.retry_after_seconds is None else f"{found.retry_after_seconds}s",
        "evaluated": found.evaluated,
        "status": found.status,
        "page": found.page,
        "events": f"[{', '.join(dict.fromkeys(found.events))}]",
    }
    value = values.get(name)  # words of a page cannot be filled in
    return "" if value is None else str(value)


def _edits(text: str, step: Mapping, wanted: dict[str, str], newline: str) -> Iterator[tuple[int, int, str]]:
    """Give what to put where: from which character to which one, and the new text."""
    expect = step.get("expect")
    written = ", ".join(f"{name}: {value}" for name, value in wanted.items())
    if expect is None:
        yield _added(text, step, f"expect: {{{written}}}", newline)
    elif not isinstance(expect, Mapping) or not expect.entries:
        yield expect.start, expect.end, f"{{{written}}}"
    else:
        new = []
        for name, value in wanted.items():
            node = expect.get(name)
            if node is not None:
                yield node.start, _end(text, node), value
            else:
                new.append(f"{name}: {value}")
        if new and expect.flow:
            at = _end(text, expect.entries[-1][1])
            yield at, at, "".join(f", {entry}" for entry in new)
        else:
            for entry in new:
                yield _added(text, expect, entry, newline)


def _added(text: str, mapping: Mapping, entry: str, newline: str) -> tuple[int, int, str]:
    """Add an entry behind the last one of a mapping, in the mapping's own way."""
    last: Node = mapping.entries[-1][1]
    end = _end(text, last)
    if mapping.flow:
        return end, end, f", {entry}"
    line_end = text.find("\n", end)
    at = len(text) if line_end < 0 else line_end - (text[line_end - 1] == "\r")
    column = mapping.entries[0][0].position.column
    return at, at, f"{newline}{' ' * (column - 1)}{entry}"


def _end(text: str, node: Node) -> int:
    """Give where a value ends: what follows a block is not part of it."""
    while not isinstance(node, Scalar) and not node.flow:
        node = node.entries[-1][1] if isinstance(node, Mapping) else node.items[-1]
    return len(text[: node.end].rstrip()) if node.end > node.start else node.end
