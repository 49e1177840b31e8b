"""``wsgi-mfa demo``: a legacy portal, wrapped, on this machine."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wsgi_mfa.cli import server
from wsgi_mfa.cli.context import made_database
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.adapters.auth_tkt import AuthTkt
from wsgi_mfa.identity.adapters.flask_session import FlaskSession
from wsgi_mfa.web.middleware import MfaMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

PORTAL_NAME = "Client Portal"
THREADS = 8
TICKET_SECONDS = 30 * 60
TICKET_REISSUE_SECONDS = 3 * 60


def _werkzeug_portal(secret: str) -> tuple[WSGIApplication, Adapter]:
    """The portal on Werkzeug, with a session cookie as Flask signs it."""
    from legacy_portals import DEMO_USERS, make_portal

    return make_portal(DEMO_USERS, secret), FlaskSession(secret, user_key="_user_id")


def _webob_portal(secret: str) -> tuple[WSGIApplication, Adapter]:
    """The portal on WebOb, with auth_tkt tickets that it issues anew while they are used."""
    from legacy_portals import DEMO_USERS, make_ticket_portal

    portal = make_ticket_portal(
        DEMO_USERS, secret, timeout_seconds=TICKET_SECONDS, reissue_seconds=TICKET_REISSUE_SECONDS
    )
    return portal, AuthTkt(secret, timeout_seconds=TICKET_SECONDS)


PORTALS = {"webob": _webob_portal, "werkzeug": _werkzeug_portal}


@click.command(short_help="Serve a legacy portal with a second factor around it.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--database",
    type=click.Path(path_type=Path),
    default=Path("wsgi-mfa-demo.db"),
    show_default=True,
    metavar="PATH",
    help="The SQLite file of the store; it is made where it is missing, and its key in PATH.keys.",
)
@click.option("--portal", type=click.Choice(sorted(PORTALS)), default="werkzeug", show_default=True)
def demo(host: str, port: int, database: Path, portal: str) -> None:
    """Serve a reference legacy portal with multi-factor authentication around it.

    Its pages are served over plain http, so that no certificate is needed; keep it on a loopback address.
    """
    server.end_on_signals()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if not server.is_loopback(host):
        click.echo(f"warning: {host} is no loopback address, and the demo speaks plain http", err=True)
    click.echo(f"database: {database}")
    sys.stdout.flush()
    application = _wrapped(portal, database)
    with server.listening_socket(host, port) as listener:
        _print_accounts()
        click.echo(f"{PORTAL_NAME}: http://{server.in_url(host)}:{port}/")
        sys.stdout.flush()
        server.run(application, listener, threads=THREADS)


def _wrapped(portal: str, database: Path) -> WSGIApplication:
    """The portal of that kind with the middleware around it."""
    from legacy_portals import DEMO_USERS

    store, keys = made_database(database)
    # The same secret at each start, so that a restart signs nobody out.
    secret = keys.ring.sign("demo/portal", portal.encode()).hex()
    try:
        application, identity = PORTALS[portal](secret)
    except ImportError as error:
        raise ConfigurationError(
            f"the portal needs the package {error.name}: pip install 'wsgi-mfa[demo]'", setting="portal"
        ) from None
    return MfaMiddleware(
        application,
        issuer=PORTAL_NAME,
        identity=identity,
        store=store,
        keys=keys,
        support_contact="the support desk (in this demo: a support account, at /mfa/support)",
        support_agents=[user.name for user in DEMO_USERS.values() if user.role == "support"],
        plain_http=True,
    )


def _print_accounts() -> None:
    from legacy_portals import DEMO_USERS

    for user in DEMO_USERS.values():
        click.echo(f"account: {user.name} {user.password} {user.role}")
