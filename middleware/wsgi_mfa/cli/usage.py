"""What was wrong with a command line, in one line that says what is legal."""

from __future__ import annotations

import click


def usage_line(error: click.UsageError) -> str:
    """The one line for a command that was not understood."""
    context = error.ctx
    if context is None:
        return error.format_message()
    legal = _legal(error, context)
    message = error.format_message().rstrip(".")
    return f"{message}{f'; legal: {legal}' if legal else ''} (see {context.command_path} --help)"


def _legal(error: click.UsageError, context: click.Context) -> str:
    if isinstance(error, click.NoSuchOption):
        return ", ".join(
            option for each in context.command.params for option in each.opts if option[0] == "-"
        )
    if isinstance(error, click.BadParameter):
        kind = error.param.type if error.param is not None else None
        return f"{kind.min} to {kind.max}" if isinstance(kind, click.IntRange) else ""
    if isinstance(context.command, click.Group):
        return ", ".join(context.command.list_commands(context))
    return ""
