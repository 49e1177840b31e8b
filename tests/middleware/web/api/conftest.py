"""Wrapped reference portals, each as it is for a browser of one state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from legacy_portals.client_portal import make_portal
from legacy_portals.people import DEMO_USERS
from wsgi_mfa import FlaskSession
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.rollback import RollbackDetector

SECRET_KEY = "the secret of a portal in tests"
USER = "alice@example.com"
WRONG_TRIES = 5  # the first lock begins with the fifth


@dataclass
class World:
    """An application to which each request is the first one: the account is put back before it.

    ``cookies`` are those of the browser, and ``token`` is what its forms carry.
    """

    middleware: Any
    account: Any
    cookies: dict[str, str]
    token: str

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ.update({"wsgi.url_scheme": "https", "HTTP_HOST": "portal.example", "SERVER_PORT": "443"})
        service = self.middleware.service
        service.store = MemoryStore(identity=service.store.identity)
        # A worker that has seen none of the accounts yet, and so misses nothing (D28).
        service._accounts = RollbackDetector(
            service.store, check=service.signer.check, incident=service._incident
        )
        service.load = service._accounts.load
        if self.account is not None:
            assert service.store.save(self.account, (), expected=None)
        return self.middleware(environ, start_response)


def _token_on(answer) -> str:
    return answer.page.forms[0].fields["csrf"]


@pytest.fixture
def world_of(wrapped, new_browser, phone_of, clock):
    """``world_of("must_verify")``: the wrapped Client Portal for a browser of that state."""

    def make(state: str) -> World:
        portal = make_portal(DEMO_USERS, SECRET_KEY)
        agents = [USER] if state == "agent" else []
        middleware = wrapped(
            portal,
            identity=FlaskSession(SECRET_KEY, user_key="_user_id"),
            support_agents=agents,
            validated=False,
        )
        browser, other = new_browser(middleware), new_browser(middleware)
        if state == "nobody":
            return World(middleware, None, {}, "")

        def sign_in(who):
            typed = {"username": USER, "password": DEMO_USERS[USER].password, "next": "/"}
            return who.follow(who.post_form("/sign-in", typed))

        if state not in ("must_enroll", "must_save"):
            sign_in(other)
            phone = other.enroll("/", phone_of)
            clock.wait_for_step()
        page = sign_in(browser)
        if state == "must_save":
            manual = browser.navigate("/mfa/enroll/manual")
            page = browser.submit(manual, "/enroll/manual", code=phone_of(manual.page.by_id["key"]).code())
        elif state in ("signed_in", "agent"):
            browser.submit(page, "/verify", code=phone.code())
            page = browser.navigate("/mfa/recovery-code")
        elif state == "locked":
            for number in range(WRONG_TRIES):
                rejected = browser.submit_only(page, "/verify", code=phone.wrong_code(number))
                assert rejected.status == 422
            # The lock took the portal's login out (D19); another sign-in at the portal is as good as the first.
            clock.wait(1)
            browser.cookies.pop("session")
            page = sign_in(browser)
        account = middleware.service.store.load(USER)
        return World(middleware, account, dict(browser.cookies), _token_on(page))

    return make
