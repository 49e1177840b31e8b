"""How commands speak: words, numbers and instants on a terminal."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

#: A table in a pipe or a file has lines as long as they are: programs read them.
_UNBOUNDED_COLUMNS = 10_000


def console() -> Console:
    is_bounded = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if is_bounded else _UNBOUNDED_COLUMNS
    return Console(highlight=False, soft_wrap=False, width=width)


def escape_what_a_console_cannot_show() -> None:
    """Write letters that the encoding of a console lacks as escapes, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def shown(text: str) -> str:
    """Return a text with its control characters as escapes, so that it has no power over the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def plain(text: str) -> Text:
    """What others have written, with no power over the terminal and no meaning as markup (R83)."""
    return Text(shown(text))


def print_json(value: object) -> None:
    """Print one JSON document, in ASCII."""
    click.echo(json.dumps(value, indent=2))


#: ``--json``, which every command has that prints data.
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


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


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal that work goes on, with the time that it has taken; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(what, total=None)
        yield


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
