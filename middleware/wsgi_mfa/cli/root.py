"""What was wrong with a command line, in one line that says what is legal."""

from __future__ import annotations

import sys
from importlib.resources import files
from typing import NoReturn

import click

from wsgi_mfa.cli.accounts import accounts
from wsgi_mfa.cli.audit import audit
from wsgi_mfa.cli.check import check
from wsgi_mfa.cli.demo import demo
from wsgi_mfa.cli.forward_auth import forward_auth
from wsgi_mfa.cli.gateway import gateway
from wsgi_mfa.cli.keys import keys
from wsgi_mfa.cli.output import escape_what_a_console_cannot_show, shown
from wsgi_mfa.cli.serve import serve
from wsgi_mfa.cli.store import store
from wsgi_mfa.cli.support import support
from wsgi_mfa.errors import MfaError


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
        return _range(kind) if isinstance(kind, click.IntRange) else ""
    if isinstance(context.command, click.Group):
        return ", ".join(context.command.list_commands(context))
    return ""


def _range(kind: click.IntRange) -> str:
    return f"{kind.min} and more" if kind.max is None else f"{kind.min} to {kind.max}"


@click.command(short_help="Print the JSON interface as an OpenAPI document.")
def api() -> None:
    """Print the OpenAPI document (3.1, YAML) of the URLs below the mount path."""
    document = files("wsgi_mfa.web") / "openapi.yaml"
    click.echo(document.read_text(encoding="utf-8"), nl=False)


EXIT_BAD_INPUT = 2


HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=HELP_OPTIONS)
@click.version_option(package_name="wsgi-mfa", prog_name="wsgi-mfa")
def root() -> None:
    """Multi-factor authentication around any WSGI application."""


def _add(group: click.Group, *commands: click.Command) -> None:
    """Add commands that know both help options by themselves, whoever asks them first."""
    for command in commands:
        command.context_settings = {**command.context_settings, **HELP_OPTIONS}
        group.add_command(command)
        if isinstance(command, click.Group):
            _add(command, *command.commands.values())


_add(root, demo, serve, gateway, forward_auth, check, support, accounts, audit, keys, store, api)


def main() -> NoReturn:
    """Run the command; every failure that has a cause ends in one line on standard error."""
    escape_what_a_console_cannot_show()
    try:
        status = root.main(prog_name="wsgi-mfa", standalone_mode=False)
    except click.UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # of Click 8.2 and later; earlier ones print the help
            click.echo(error.format_message())
            sys.exit(EXIT_BAD_INPUT)
        _fail(usage_line(error))
    except click.Abort:
        _fail("aborted")
    except (click.ClickException, MfaError) as error:
        _fail(error.format_message() if isinstance(error, click.ClickException) else str(error))
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str) -> NoReturn:
    print(f"wsgi-mfa: {shown(' '.join(message.split()))}", file=sys.stderr)
    sys.exit(EXIT_BAD_INPUT)
