"""Names that steps give and use: codes that were read, and browsers."""

from __future__ import annotations

import re

from mfa_simulator.language.document import Node, Scalar
from mfa_simulator.language.format.kinds import TEXT_SCHEMA, Kind, Reading, UnreadableError, text_of
from mfa_simulator.problems import did_you_mean

# No code looks so: codes are digits, and recovery codes groups of capitals.
_WORD = re.compile(r"[a-z][a-z0-9_]*")


def code_kind(*words: str) -> Kind:
    """Make a kind of a code as text, the name of one that a step reads, or one of some words.

    A plain word that is no such name is a slip of the pen; in quotes it is what a user types.
    """

    def read(node: Node, reading: Reading) -> str:
        text = text_of(node, "a code, or the name of one")
        is_plain = isinstance(node, Scalar) and node.plain
        if text in reading.codes or text in words or not _WORD.fullmatch(text):
            return text
        meant = did_you_mean(text, [*reading.codes, *words])
        if not is_plain and not meant:
            return text
        names = ", ".join([*words, *sorted(reading.codes)]) or "none"
        raise UnreadableError(
            node.position,
            f'no code is read as "{text}" in this file; there is: {names}.{meant}'
            " Write a text in quotes if a user shall type it as it is.",
            "unknown-name",
        )

    return Kind(name="TEXT", read=read, schema=TEXT_SCHEMA)


def _browser(node: Node, _: Reading) -> str:
    text = text_of(node, "the name of a browser")
    name, slash, tab = text.partition("/")
    if not text.isprintable() or not name or (slash and not tab) or "/" in tab:
        raise UnreadableError(
            node.position,
            f'"{text}" is not the name of a browser: write it in printable letters, and a tab of it as BROWSER/TAB',
            "wrong-value",
        )
    return text


BROWSER = Kind(name="BROWSER", read=_browser, schema=TEXT_SCHEMA)
CODE = code_kind()
RECOVERY_CODE = code_kind("current", "previous")
