"""``wsgi-mfa gateway``: a portal of any kind behind us, by a reverse proxy with the middleware around it."""

from __future__ import annotations

import click

from wsgi_mfa.cli.serve import ServerOptions, serve_wrapped, server_options
from wsgi_mfa.configuration.build import public_url_of
from wsgi_mfa.gateway import Gateway
from wsgi_mfa.web.client_address import ClientAddressReader


@click.command(short_help="Stand as a proxy before a portal that cannot load the middleware.")
@click.option("--upstream", required=True, metavar="URL", help="Where the portal listens: http://HOST:PORT.")
@click.option(
    "--timeout-seconds",
    type=click.IntRange(1, 3600),
    default=60,
    show_default=True,
    help="How long the portal may take for each piece of its answer.",
)
@click.option(
    "--upstream-host", is_flag=True, help="Ask the portal by its own name, not by the one people use."
)
@server_options
def gateway(upstream: str, timeout_seconds: int, upstream_host: bool, listening: ServerOptions) -> None:
    """Serve the portal at URL with multi-factor authentication before it.

    Nobody else may reach the portal: let it listen on a loopback address, or in a network of its own.
    """
    configuration = listening.configuration
    portal = Gateway(
        upstream,
        timeout_seconds=timeout_seconds,
        is_https=public_url_of(configuration, plain_http=listening.plain_http).is_https,
        trusts=ClientAddressReader(configuration.policy.trusted_peers).trusts,
        keeps_host=not upstream_host,
    )
    serve_wrapped(portal, listening)
