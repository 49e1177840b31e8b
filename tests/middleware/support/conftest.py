"""A desk, what it is asked, and somebody who guesses."""

from __future__ import annotations

import pytest

from wsgi_mfa.support.desk import SupportDesk

USER = "user1@example.com"
AGENT = "edith@example.com"


@pytest.fixture
def desk(service):
    return SupportDesk(service)


@pytest.fixture
def reset(desk):
    """``reset()``: a proper reset of the user; each argument by its name."""

    def ask(user=USER, **given):
        return desk.reset(user, **{"email": USER, "reason": "lost the phone", "agent": AGENT, **given})

    return ask


@pytest.fixture
def unlock(desk):
    def ask(user=USER, **given):
        return desk.unlock(user, **{"email": USER, "reason": "called back", "agent": AGENT, **given})

    return ask


@pytest.fixture
def account(troubled_store):
    return lambda: troubled_store.load(USER)


@pytest.fixture
def guess(service, visit, clock):
    """``guess(phone, 5)``: wrong codes from a browser that knows the password."""

    def send(phone, times):
        for number in range(times):
            service.verify_code(visit("thief"), phone.wrong_code(number))

    return send
