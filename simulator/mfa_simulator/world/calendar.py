"""A calendar beside a portal: what programs with app passwords ask for, and the browsers of people do not."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mfa_simulator.language.scenario import Scenario
from mfa_simulator.world.portal import Portal, PortalFactory, PortalUsers, portal_of
from wsgi_mfa import Chain, HttpBasic

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The header of an answer that names the user whose calendar it is.
CALENDAR_OF = "X-Calendar-Of"
#: The method by which programs ask for calendars (RFC 4918).
PROPFIND = "PROPFIND"
_COOKIE = ("Set-Cookie", "calendar=of-the-portal; Path=/; HttpOnly")


def portal_for(scenario: Scenario, factory: PortalFactory, users: PortalUsers, secret_key: str) -> Portal:
    """Return the portal of a scenario, with a calendar beside it if the scenario has programs."""
    portal = portal_of(factory, users, secret_key)
    return with_calendar(portal, users) if scenario.programs else portal


def with_calendar(portal: Portal, users: PortalUsers) -> Portal:
    """Return the portal with a calendar beside it, for requests with user name and password in a header."""

    def check(name: str, password: str) -> bool:
        user = users.get(name)
        return user is not None and user.password == password

    return replace(
        portal,
        application=_calendar_beside(portal.application, check),
        identity=Chain(portal.identity, HttpBasic(check)),
    )


def credentials_in(header: str | None) -> tuple[str, str] | None:
    """Return user name and password of an ``Authorization`` header; None if it holds none."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, password) if colon else None


def header_of(name: str, password: str) -> str:
    """Return the ``Authorization`` header that a program sends."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode("ascii")


def _calendar_beside(application: WSGIApplication, check: Callable[[str, str], bool]) -> WSGIApplication:
    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        credentials = credentials_in(environ.get("HTTP_AUTHORIZATION"))
        if credentials is None or not check(*credentials):
            if environ["REQUEST_METHOD"] != PROPFIND:
                return application(environ, start_response)
            start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="Calendars"')])
            return [b"user name and password are needed"]
        headers = [("Content-Type", "application/xml"), (CALENDAR_OF, credentials[0]), _COOKIE]
        start_response("207 Multi-Status", headers)
        return [b"<multistatus xmlns='DAV:'/>"]

    return serve
