"""The commands and their one way of failing: one line that names what was wrong and what is legal, exit 2."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from wsgi_mfa.cli.accounts import accounts
from wsgi_mfa.cli.api import api
from wsgi_mfa.cli.audit import audit
from wsgi_mfa.cli.check import check
from wsgi_mfa.cli.demo import demo
from wsgi_mfa.cli.forward_auth import forward_auth
from wsgi_mfa.cli.gateway import gateway
from wsgi_mfa.cli.keys import keys
from wsgi_mfa.cli.serve import serve
from wsgi_mfa.cli.store import store
from wsgi_mfa.cli.support import support
from wsgi_mfa.cli.usage import usage_line
from wsgi_mfa.errors import MfaError

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
    try:
        status = root.main(prog_name="wsgi-mfa", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(EXIT_BAD_INPUT)
    except click.UsageError as error:
        _fail(usage_line(error))
    except click.Abort:
        _fail("aborted")
    except (click.ClickException, MfaError) as error:
        _fail(error.format_message() if isinstance(error, click.ClickException) else str(error))
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str) -> NoReturn:
    print(f"wsgi-mfa: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(EXIT_BAD_INPUT)
