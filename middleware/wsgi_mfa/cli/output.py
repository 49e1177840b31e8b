"""How commands speak: words, numbers and instants on a terminal."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text


def console() -> Console:
    return Console(highlight=False, soft_wrap=False)


def plain(text: str) -> Text:
    """What others have written, with no power over the terminal and no meaning as markup (R83)."""
    return Text("".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text))


def counted(count: int, noun: str) -> str:
    """Such as ``1 account`` and ``2 accounts``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Two columns without a frame, the second one wrapped at its words."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(label, plain(value))
    return table


#: ``--agent``, which every command has that changes an account.
agent_option = click.option(
    "--agent", default=lambda: f"console:{getpass.getuser()}", help="Who acts, for the record."
)


def ask(question: str) -> None:
    """Go on only after a yes, where somebody sits at a terminal; a script has decided already.

    :raises click.Abort: no.
    """
    if sys.stdin.isatty():
        click.confirm(question, abort=True)
