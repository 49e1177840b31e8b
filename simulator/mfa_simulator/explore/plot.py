"""A life as a scenario file has it: plain values, which can be written, read again, and made shorter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mfa_simulator.language.document import node_of
from mfa_simulator.language.format.verbs import TOGETHER
from mfa_simulator.language.parser import parse
from mfa_simulator.language.scenario import Scenario
from mfa_simulator.problems import Position

Raw: TypeAlias = "dict[str, Any]"
#: What a plain YAML text may look like here; everything else is quoted.
_PLAIN = re.compile(r"(?:[A-Za-z/]|[+-](?=[A-Za-z0-9]))[A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9][0-9_.eE+-]*", re.ASCII)
_WORDS = {"yes", "no", "true", "false", "on", "off", "null", "none", "y", "n"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """The top of a scenario file without its title, and its steps."""

    top: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Raw, ...] = ()


def verb_of(step: Raw) -> str:
    """Return the verb of a step."""
    return next(iter(step))


def inner_steps(step: Raw) -> Iterator[Raw]:
    """Yield the step, or those that happen at the same time in it."""
    if verb_of(step) == TOGETHER:
        yield from step[TOGETHER]
    else:
        yield step


def scenario_of(plot: Plot, *, file: str = "life", title: str = "A life") -> Scenario:
    """Return the scenario of a plot, read from the text that would be written.

    Raises ScenarioFileError if it does not follow the format.
    """
    (scenario,) = parse(text_of(plot, title=title), file=file)
    return scenario


def text_of(plot: Plot, *, title: str, comments: tuple[str, ...] = ()) -> str:
    """Return the text of a scenario file."""
    lines = [*(f"# {comment}" for comment in comments), f"scenario: {written(title)}"]
    for key, value in plot.top.items():
        if isinstance(value, Mapping) and key == "users":
            lines.append(f"{key}:")
            lines += [f"  {written(name)}: {written(inner)}" for name, inner in value.items()]
        else:
            lines.append(f"{key}: {written(value)}")
    lines.append("steps:")
    for step in plot.steps:
        lines += _step_lines(step, indent="  ")
    return "\n".join(lines) + "\n"


def _step_lines(step: Raw, *, indent: str) -> list[str]:
    verb, value = next(iter(step.items()))
    if verb == TOGETHER:
        inner = [line for one in value for line in _step_lines(one, indent=indent + "    ")]
        return [f"{indent}- {verb}:", *inner]
    others = {key: other for key, other in step.items() if key != verb}
    return [
        f"{indent}- {verb}:{'' if value is None else ' ' + written(value)}",
        *(f"{indent}  {key}: {written(other)}" for key, other in others.items()),
    ]


def written(value: object) -> str:
    """Return a value as YAML in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(_entry(key, inner) for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    is_plain = _PLAIN.fullmatch(text) and not _NUMBER.fullmatch(text) and text.lower() not in _WORDS
    return text if is_plain and text else "'" + text.replace("'", "''") + "'"


def _entry(key: object, value: object) -> str:
    return f"{written(key)}: " if value is None else f"{written(key)}: {written(value)}"


def position_of(number: int) -> Position:
    """Return the place of the step of this number in a life that is in no file."""
    return Position(line=number, column=1)


def node_of_step(step: Raw, number: int) -> Any:  # noqa: ANN401  # a node of a document
    """Return a step as a node of a document."""
    return node_of(step, position_of(number))
