"""A portal between the two ends of `wsgiref.validate`, and a browser in front of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from wsgiref.validate import validator

import pytest
from werkzeug.test import Client

from legacy_portals import PortalUser, make_portal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SECRET_KEY = "a secret key for tests"
USERS = {
    "Ann@example.com": PortalUser("Ann@example.com", "correct horse"),
    "desk": PortalUser("desk", "battery staple", role="support", email="desk@example.com"),
}

NewBrowser = Callable[[], Client]


@pytest.fixture
def portal() -> WSGIApplication:
    return make_portal(USERS, SECRET_KEY)


@pytest.fixture
def new_browser(portal: WSGIApplication) -> NewBrowser:
    """Each call gives a browser with an empty cookie jar."""
    return lambda: Client(validator(portal))


@pytest.fixture
def anonymous(new_browser: NewBrowser) -> Client:
    return new_browser()


@pytest.fixture
def signed_in(new_browser: NewBrowser) -> Client:
    browser = new_browser()
    form = {"username": "Ann@example.com", "password": "correct horse"}
    browser.post("/sign-in", data=form, buffered=True)
    return browser
