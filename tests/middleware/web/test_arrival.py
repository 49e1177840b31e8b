"""What arrived is told to a holder of the keys alone, and for a minute (D48)."""

from __future__ import annotations

import pytest

from wsgi_mfa import KeyRing
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.web.arrival import proof

pytestmark = pytest.mark.requirement("D48")


@pytest.fixture
def ask(wrapped, portal, new_browser):
    browser = new_browser(
        wrapped(portal, url="https://portal.example"), environ={"HTTP_HOST": "10.0.0.5:8000"}
    )

    def send(given, **arguments):
        query = "".join(f"&{name}={value}" for name, value in arguments.items())
        return browser.request("GET", f"/mfa/check?proof={given}{query}")

    return send


def test_a_proof_of_this_minute_is_answered_whatever_the_host(ask, keys, clock):
    answer = ask(proof(keys, clock.now()), padding=100)
    assert answer.status == 200
    assert answer.json["headers"]["HTTP_HOST"] == "10.0.0.5:8000"
    assert answer.json["takes_host"] is False
    assert answer.header("Cache-Control") == "no-store"
    assert len(answer.header("X-Padding")) == 100


@pytest.mark.parametrize("seconds", [-61, 61, 3600])
def test_a_proof_of_another_time_is_none(ask, keys, clock, seconds):
    assert ask(proof(keys, clock.now() + seconds * SECOND)).status == 421


def test_a_proof_by_other_keys_is_none(ask, clock):
    assert ask(proof(KeyRing([("k1", bytes(32))]), clock.now())).status == 421


@pytest.mark.parametrize("given", ["", ".", "1.2.3", "x.k1.abc", "²." + "a" * 43, "9" * 5000])
def test_what_is_no_proof_is_none(ask, given):
    assert ask(given.encode().decode("latin-1")).status in (404, 421)


@pytest.mark.parametrize("padding", ["", "-1", "x", "²", "99999999999"])
def test_a_padding_of_any_text_is_harmless(ask, keys, clock, padding):
    answer = ask(proof(keys, clock.now()), padding=padding)
    assert answer.status == 200
    assert len(answer.header("X-Padding") or "") <= 16384


def test_without_a_proof_there_is_no_such_page(wrapped, portal, new_browser):
    assert new_browser(wrapped(portal)).request("GET", "/mfa/check").status == 404
