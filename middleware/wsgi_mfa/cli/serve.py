"""``wsgi-mfa serve`` and its like: an application, wrapped by what ``mfa.toml`` says, behind one socket."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wsgi_mfa.cli import server
from wsgi_mfa.cli.log_format import log_with_time
from wsgi_mfa.configuration.build import wrapped
from wsgi_mfa.configuration.setting_types import imported_application, is_factory
from wsgi_mfa.configuration.toml_file import Configuration, read_configuration
from wsgi_mfa.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerOptions:
    """How a command serves: its configuration, the address, and how many take part."""

    configuration: Configuration
    host: str
    port: int
    threads: int
    workers: int
    plain_http: bool


def server_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that all commands share that serve, as the argument ``listening``."""

    @click.option(
        "--config", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The file mfa.toml."
    )
    @click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
    @click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
    @click.option(
        "--threads", type=click.IntRange(1, 256), default=8, show_default=True, help="In each process."
    )
    @click.option(
        "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes, by fork."
    )
    @click.option(
        "--plain-http", is_flag=True, help="Serve our pages without https; for a loopback --host only."
    )
    @wraps(command)
    def listening(
        *, config: Path, host: str, port: int, threads: int, workers: int, plain_http: bool, **options: object
    ) -> None:
        server.end_on_signals()
        log_with_time()
        if plain_http and not server.is_loopback(host):
            raise ConfigurationError(
                f"--plain-http with --host {host}: legal is a loopback address, such as 127.0.0.1"
            )
        command(
            listening=ServerOptions(
                configuration=read_configuration(config),
                host=host,
                port=port,
                threads=threads,
                workers=workers,
                plain_http=plain_http,
            ),
            **options,
        )

    return listening


@click.command(short_help="Serve your own application with a second factor around it.")
@click.argument("application", metavar="MODULE:APP")
@server_options
def serve(application: str, listening: ServerOptions) -> None:
    """Serve the WSGI application MODULE:APP with multi-factor authentication around it.

    For a factory give 'MODULE:APP()': each worker makes an application of its own.

    Behind a proxy that speaks https, name the header in which it tells so: scheme_from in mfa.toml.
    """
    if listening.workers > 1 and is_factory(application):
        serve_wrapped(MadeInWorker(application), listening)
    else:
        serve_wrapped(imported_application(application, setting="MODULE:APP"), listening)


class MadeInWorker:
    """The application of a factory, made once in each worker, after the fork."""

    def __init__(self, reference: str) -> None:
        self._reference = reference
        self._made: dict[int, WSGIApplication] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        process = os.getpid()
        application = self._made.get(process)
        if application is None:
            with self._lock:
                application = self._made.get(process)
                if application is None:
                    application = imported_application(self._reference, setting="MODULE:APP")
                    self._made = {process: application}
        return application(environ, start_response)


def serve_wrapped(application: WSGIApplication, listening: ServerOptions) -> None:
    """Serve ``application`` with the middleware around it, until SIGINT or SIGTERM."""
    configuration = listening.configuration
    served = wrapped(application, configuration, plain_http=listening.plain_http)
    with server.listening_socket(listening.host, listening.port) as listener:
        scheme = "http" if listening.plain_http else "https, by a proxy in front,"
        click.echo(f"{configuration.issuer}: {scheme} on {server.in_url(listening.host)}:{listening.port}")
        sys.stdout.flush()
        if listening.workers == 1:
            server.run(served, listener, threads=listening.threads)
        else:
            server.run_workers(served, listener, workers=listening.workers, threads=listening.threads)
