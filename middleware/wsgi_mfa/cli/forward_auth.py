"""``wsgi-mfa forward-auth``: our pages, and the answers to a proxy that asks before each request (D8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from wsgi_mfa.cli.serve import ServerOptions, serve_wrapped, server_options
from wsgi_mfa.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_NOTHING = (
    b"There is no portal here: the proxy leads to it. Only our own pages and forward-auth are served.\n"
)


@click.command(
    "forward-auth", short_help="Answer a proxy (nginx, Caddy, Traefik) whether a request may pass."
)
@server_options
def forward_auth(listening: ServerOptions) -> None:
    """Serve our pages and forward-auth for a portal that stands behind a proxy of its own."""
    if not listening.configuration.forward_auth:
        raise ConfigurationError(
            "forward_auth is false: set forward_auth = true in mfa.toml", setting="forward_auth"
        )
    serve_wrapped(_no_portal, listening)


def _no_portal(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_NOTHING)))]
    start_response("404 Not Found", headers)
    return [_NOTHING]
