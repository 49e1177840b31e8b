"""One layout for all scenario files: indentation and spaces; no word, no comment and no order changes.

Blocks are indented by two, lists below their key too; one space follows a colon, a comma and a dash; braces and
brackets have none inside; a comment stands with the line that it is before, or two spaces or more behind its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from mfa_simulator.errors import ScenarioFileError, SimulatorError
from mfa_simulator.language import document
from mfa_simulator.language.document import Token, tokens_of
from mfa_simulator.problems import Problems

OPENING, CLOSING = ("{", "["), ("}", "]")


def formatted(text: str, *, file: str) -> str:
    """Give the text in the layout; raises ScenarioFileError for one that is not readable as YAML."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    problems = Problems(file=file, lines=text.splitlines())
    if document.compose(text, problems) is None or problems.found:
        raise ScenarioFileError(problems.in_order())
    laid_out = _Layout(text).lines()
    new = "\n".join(laid_out).strip("\n") + "\n"
    if not document.say_the_same(new, text):
        raise SimulatorError(f"{file}: this file cannot be formatted without a change to what it says")
    return new


@dataclass(kw_only=True, slots=True)
class _Level:
    """A block: at which column it stands, and at which it shall."""

    column: int
    target: int
    is_list: bool


class _Layout:
    """Goes through the lines; what begins a line of its own in a block is put at its level, the rest moves with it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._tokens: dict[int, list[Token]] = {}
        self._inside: set[int] = set()  # lines that go on with what another line began
        self._kept: set[int] = set()  # among them those in a text that goes over lines
        depth = 0
        for token in tokens_of(text):
            self._tokens.setdefault(token.line, []).append(token)
            if depth and token.line not in self._inside and self._tokens[token.line][0] is token:
                self._inside.add(token.line)
            depth += (token.kind in OPENING) - (token.kind in CLOSING)
            if token.last_line > token.line:
                self._keep(token)
        self._levels: list[_Level] = []

    def _keep(self, token: Token) -> None:
        """Note the lines of a text that goes over several; a block's text ends before what follows it."""
        last = token.last_line if self._text[token.end - 1] != "\n" else token.last_line - 1
        lines = range(token.line + 1, last + 1)
        self._inside.update(lines)
        self._kept.update(lines)

    def lines(self) -> list[str]:
        """Give the lines laid out; of several empty ones in a row one is left."""
        done: list[str] = []
        waiting: list[int] = []  # comments that stand where the next line stands
        shift = 0
        for number, line in enumerate(self._lines):
            if number in self._kept:
                done.append(_shifted(line, shift))
            elif not line.strip():
                done += [] if waiting or not done or not done[-1] else [""]
                waiting += [number] if waiting else []
            elif number not in self._tokens:
                waiting.append(number)
            elif number in self._inside:
                done += [_shifted(self._lines[comment].rstrip(), shift) for comment in waiting]
                waiting.clear()
                done.append(_shifted(" " * _indent(line) + self._spaced(number), shift))
            else:
                column = self._tokens[number][0].column
                # A comment that stands deeper than the next line belongs to the block that ended before it.
                deep = [place for place, old in enumerate(waiting) if _indent(self._lines[old]) > column]
                behind = deep[-1] + 1 if deep else 0
                done += self._comments(waiting[:behind])
                target = self._level(number)
                done += self._comments(waiting[behind:], target)
                waiting.clear()
                shift = target - column
                done.append(" " * target + self._spaced(number))
        return done + self._comments(waiting)

    def _comments(self, numbers: list[int], target: int | None = None) -> list[str]:
        """Give comments at a column, or, where there is none to follow, at that of the block that they stood in."""
        found: list[str] = []
        for number in numbers:
            line = self._lines[number]
            at = self._target_at(_indent(line)) if target is None else target
            if line.strip() or (found and found[-1]):
                found.append(" " * at + line.strip() if line.strip() else "")
        return found

    def _target_at(self, column: int) -> int:
        """Give where the innermost block shall stand that stood at a column or before it."""
        fitting = [level for level in self._levels if level.column <= column]
        exact = [level for level in fitting if level.column == column]
        return (exact or fitting[-1:] or [_Level(column=0, target=0, is_list=False)])[0].target

    def _level(self, number: int) -> int:
        """Find the level of a line, and those that it opens; give the column at which it shall stand."""
        tokens = self._tokens[number]
        target = self._enter(tokens[0])
        for before, token in pairwise(tokens):
            if before.kind != "-":
                break
            self._levels.append(
                _Level(column=token.column, target=self._levels[-1].target + 2, is_list=token.kind == "-")
            )
        return target

    def _enter(self, token: Token) -> int:
        is_list = token.kind == "-"
        while self._levels and self._levels[-1].column > token.column:
            self._levels.pop()
        if self._levels and self._levels[-1].column == token.column:
            if self._levels[-1].is_list and not is_list:
                self._levels.pop()  # the list stood at its key's own column
            if self._levels[-1].is_list == is_list:
                return self._levels[-1].target
        target = self._levels[-1].target + 2 if self._levels else 0
        self._levels.append(_Level(column=token.column, target=target, is_list=is_list))
        return target

    def _spaced(self, number: int) -> str:
        """Give the words of a line with one space where there is one, and its comment behind them."""
        tokens, begin = self._tokens[number], self._starts[number]
        end = begin + len(self._lines[number])
        text = ""
        before: Token | None = None
        for token in tokens:
            text += _gap(before, token) + self._text[token.start : min(token.end, end)]
            before = token
        rest = self._text[min(tokens[-1].end, end) : end]
        comment = rest.strip()
        space = max(len(rest) - len(rest.lstrip()), 2)
        return (text + " " * space + comment if comment else text).rstrip()


def _gap(before: Token | None, token: Token) -> str:
    if before is None or before.kind in OPENING:
        return ""
    if token.kind in (",", ":", *CLOSING):
        return " " if before.kind == ":" else ""  # nothing stands there, as in {pixel: , spare: }
    return " "


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _shifted(line: str, shift: int) -> str:
    if not line.strip():
        return line
    return " " * shift + line if shift > 0 else line[min(-shift, _indent(line)) :]
