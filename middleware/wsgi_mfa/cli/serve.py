"""``wsgi-mfa serve``: any importable WSGI application, wrapped by what ``mfa.toml`` says."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from wsgi_mfa.cli import serving
from wsgi_mfa.config import read_configuration
from wsgi_mfa.configured import wrapped
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.settings import imported


@click.command(short_help="Serve your own application with a second factor around it.")
@click.argument("application", metavar="MODULE:APP")
@click.option(
    "--config", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The file mfa.toml."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--threads", type=click.IntRange(1, 256), default=8, show_default=True, help="In each process.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes, by fork."
)
@click.option("--plain-http", is_flag=True, help="Serve our pages without https; for a loopback --host only.")
def serve(
    application: str, config: Path, host: str, port: int, threads: int, workers: int, plain_http: bool
) -> None:
    """Serve the WSGI application MODULE:APP with multi-factor authentication around it.

    Behind a proxy that speaks https, name the header in which it tells so: scheme_from in mfa.toml.
    """
    serving.end_on_signals()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    if plain_http and not serving.is_loopback(host):
        raise ConfigurationError(
            f"--plain-http with --host {host}: legal is a loopback address, such as 127.0.0.1"
        )
    configuration = read_configuration(config)
    served = wrapped(imported(application, setting="MODULE:APP"), configuration, plain_http=plain_http)
    with serving.listening_socket(host, port) as listener:
        scheme = "http" if plain_http else "https, by a proxy in front,"
        click.echo(f"{configuration.issuer}: {scheme} on {serving.in_url(host)}:{port}")
        sys.stdout.flush()
        if workers == 1:
            serving.run(served, listener, threads=threads)
        else:
            serving.run_workers(served, listener, workers=workers, threads=threads)
