"""``wsgi-mfa api``: the JSON interface, for whoever writes a client of it."""

from __future__ import annotations

from importlib.resources import files

import click


@click.command(short_help="Print the JSON interface as an OpenAPI document.")
def api() -> None:
    """Print the OpenAPI document (3.1, YAML) of the URLs below the mount path."""
    document = files("wsgi_mfa.web") / "openapi.yaml"
    click.echo(document.read_text(encoding="utf-8"), nl=False)
