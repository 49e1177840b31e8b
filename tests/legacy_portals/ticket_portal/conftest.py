"""The Ticket Portal in the place of the other one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from wsgiref.validate import validator

import pytest
from werkzeug.test import Client, TestResponse

from legacy_portals import PortalUser, make_ticket_portal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SECRET = "a secret for tests"
USERS = {
    "Ann@example.com": PortalUser("Ann@example.com", "correct horse"),
    "Zoë": PortalUser("Zoë", "battery staple", role="support"),
}


class BufferedClient(Client):
    """A browser that reads every answer to its end."""

    def open(self, *arguments: Any, **settings: Any) -> TestResponse:
        return super().open(*arguments, **{"buffered": True, **settings})


@pytest.fixture
def portal() -> WSGIApplication:
    return make_ticket_portal(USERS, SECRET)


@pytest.fixture
def new_browser(portal: WSGIApplication) -> Callable[[], Client]:
    """Each call gives a browser with an empty cookie jar."""
    return partial(BufferedClient, validator(portal))
