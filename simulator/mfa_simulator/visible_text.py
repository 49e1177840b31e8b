"""Text from elsewhere, made fit for a terminal and for a build log: one line, every control character visible."""

from __future__ import annotations

import unicodedata

# What moves a cursor, changes a colour, or turns the order of letters around.
_CONTROLS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Joiners belong to names and emoji (RFC 8265 lets some scripts need them), and show as what they join.
_HARMLESS = {"\u200c", "\u200d"}
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# A line that begins so is a command to GitHub's runner, which skips blanks before it; the second form counts anywhere.
_COMMAND, _OLD_COMMAND = "::", "##["


def visible(text: str) -> str:
    """Return the text as one line in which nothing acts on what shows it; printable text stays as it is."""
    if not text.isprintable():
        text = "".join(map(_shown, text))
    return _without_commands(text)


def visible_source(line: str) -> str:
    """Return a line of a file as `visible` does, its letters in the columns where they stand."""
    return _without_commands("".join(" " if letter == "\t" else _replaced(letter) for letter in line))


def visible_lines(text: str) -> str:
    """Return text of several lines with each line visible."""
    return "\n".join(map(visible, text.split("\n")))


def _without_commands(text: str) -> str:
    text = text.replace(_OLD_COMMAND, "#_[") if _OLD_COMMAND in text else text
    begin = text.lstrip()
    return text[: len(text) - len(begin)] + "_" + begin[1:] if begin.startswith(_COMMAND) else text


def _is_control(letter: str) -> bool:
    return letter not in _HARMLESS and unicodedata.category(letter) in _CONTROLS


def _shown(letter: str) -> str:
    if not _is_control(letter):
        return letter
    code = ord(letter)
    return _SHORT.get(letter) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _replaced(letter: str) -> str:
    return "\N{REPLACEMENT CHARACTER}" if _is_control(letter) else letter
