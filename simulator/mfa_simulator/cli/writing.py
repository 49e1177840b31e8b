"""`mfa-sim new` and `mfa-sim fmt`: scenario files are begun, and laid out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mfa_simulator.cli import exit_codes
from mfa_simulator.cli.files import SUFFIX, files_in


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new(file: Path) -> None:
    """Write a scenario file FILE with comments to begin with; it passes, and nothing that exists is overwritten."""
    if not file.name.endswith(SUFFIX):
        raise click.UsageError(f"{file}: the name of a scenario file ends in {SUFFIX}")
    from mfa_simulator.language.template import template

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(template(file.name.removesuffix(SUFFIX)))
    except FileExistsError as error:
        raise click.UsageError(f"{file} exists already") from error
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from error
    click.echo(f"wrote {file}; play it with: mfa-sim run {file}")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Change nothing; end with 1 when a file is not laid out.")
def fmt(paths: tuple[Path, ...], *, check: bool) -> None:
    """Lay out the scenario files PATHS: indentation and spaces, no word, no comment and no order.

    Ends with 0, with 1 when --check finds a file that is not laid out, or with 2 for a file that cannot be read.
    """
    files = files_in(paths)
    try:
        from mfa_simulator.errors import SimulatorError
        from mfa_simulator.language.layout import formatted
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    changed = bad_files = 0
    for file in files:
        try:
            text = file.read_bytes().decode("utf-8")
            laid_out = formatted(text, file=str(file))
        except (OSError, UnicodeDecodeError, SimulatorError) as error:
            bad_files += 1
            click.echo(str(error) if isinstance(error, SimulatorError) else f"{file}: {error}", err=True)
            continue
        if laid_out != text:
            changed += 1
            click.echo(f"{'would lay out' if check else 'laid out'}  {file}")
            if not check:
                file.write_bytes(laid_out.encode("utf-8"))
    click.echo(
        f"{len(files) - changed - bad_files} as they should be, {changed} {'not' if check else 'laid out'}"
    )
    sys.exit(
        exit_codes.BAD_FILE if bad_files else exit_codes.FAILED if changed and check else exit_codes.PASSED
    )
