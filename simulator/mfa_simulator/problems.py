"""What is wrong in a scenario file, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from mfa_simulator.visible_text import visible, visible_source

#: So many problems of one file are told; what is wrong beyond that is mostly one slip in many places.
PROBLEMS_MAX = 100

# Every rule of the format that a file can break, by the name that stands at the end of a problem.
RULES = {
    "unreadable-file": "The file exists and is UTF-8.",
    "yaml": "The file is one YAML document without tags, of bounded size and depth.",
    "never-works": "A step can work in its place: what it needs was done before it.",
    "duplicate-key": "A key stands once in its mapping.",
    "unknown-key": "Only the keys of the format stand in a file.",
    "missing-key": "What is required is there.",
    "unknown-verb": "A step's verb is one of the format's.",
    "one-verb": "A step has exactly one verb, and beside it only `expect` and `network` where the verb takes them.",
    "one-of": "Of arguments that exclude one another there is exactly one.",
    "unknown-name": "Users, phones, workers, blocks and invariants are named as the file or the format has them.",
    "wrong-shape": "A mapping, a list or a text stands where one is needed.",
    "wrong-value": "A value is one of those that are legal in its place.",
    "duration": "A duration is a number with its unit, and goes forward where time itself passes.",
    "policy": "A setting is within the bounds that the middleware's `Policy` enforces.",
    "impossible-expectation": "What is expected of a verb is something that it can come to.",
    "matrix": "A matrix has lists of values for places of the file, and leaves some rows.",
}


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Position:
    """A place in a file, both numbers counted from one."""

    line: int
    column: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that a scenario file says and must not say; `rule` is the one of `RULES` that it breaks."""

    file: str
    position: Position
    message: str
    rule: str
    source_line: str = ""

    def __str__(self) -> str:
        """Give `file:line:col: message [rule]`."""
        place = f"{self.file}:{self.position.line}:{self.position.column}"
        return visible(f"{place}: {self.message} [{self.rule}]")

    @property
    def picture(self) -> str:
        """The line of the file with a caret below the place."""
        return f"    {visible_source(self.source_line)}\n    {' ' * (self.position.column - 1)}^"


@dataclass(kw_only=True, slots=True)
class Problems:
    """Collects all problems of one file, so that its author sees them at once."""

    file: str
    lines: list[str]
    found: list[Problem] = field(default_factory=list)
    _noted: set[tuple[Position, str]] = field(default_factory=set, init=False)

    def add(self, position: Position, message: str, rule: str) -> None:
        """Note a problem at a place; the same one is noted once, however often an alias repeats it."""
        if (position, message) in self._noted:
            return
        self._noted.add((position, message))
        if len(self.found) > PROBLEMS_MAX:
            return
        if len(self.found) == PROBLEMS_MAX:
            message = f"{PROBLEMS_MAX} problems before this one; the rest of the file is not told"
        inside = 0 < position.line <= len(self.lines)
        source_line = self.lines[position.line - 1] if inside else ""
        problem = Problem(
            file=self.file, position=position, message=message, rule=rule, source_line=source_line
        )
        self.found.append(problem)

    def in_order(self) -> list[Problem]:
        """Give the problems from the top of the file to its end."""
        return sorted(self.found, key=lambda problem: problem.position)


def did_you_mean(word: str, legal: Iterable[str]) -> str:
    """Give ` Did you mean "..."?` for a word that is close to a legal one, else nothing."""
    close = difflib.get_close_matches(word, sorted(legal), n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""


def meant_or_legal(word: str, legal: Iterable[str], *, what: str) -> str:
    """Give the legal word that is close to `word`, or else all of them, for tables too long to be shown each time."""
    return did_you_mean(word, legal) or f" {what} are: {', '.join(legal)}"


def one_of(legal: Iterable[str]) -> str:
    """Give `one of a, b, c`, in the order given."""
    return "one of " + ", ".join(legal)
