"""The bank account of the reference portal, which wants a fresh second factor and says so by RFC 9470."""

from __future__ import annotations

import time

import pytest

from legacy_portals.client_portal.bank import CHALLENGE, BankAccounts, BankRefusedError, is_fresh

pytestmark = pytest.mark.any_python


def test_a_second_factor_is_fresh_for_five_minutes():
    assert not is_fresh({})
    assert not is_fresh({"wsgi_mfa.verified_at": int(time.time()) - 301})
    assert is_fresh({"wsgi_mfa.verified_at": int(time.time()) - 200})


def test_a_number_is_kept_in_one_spelling_and_anything_else_refused():
    accounts = BankAccounts()
    assert accounts.of("alice") == "none yet"
    accounts.change("alice", "de89 3704 0044 0532 0130 00")
    assert accounts.of("alice") == "DE89370400440532013000"
    for wrong in ("", "DE89", "<b>", "89DE370400440532013000"):
        with pytest.raises(BankRefusedError, match="such as"):
            accounts.change("alice", wrong)
    assert accounts.of("alice") == "DE89370400440532013000"
    assert accounts.of("bruno") == "none yet"


def test_without_a_fresh_second_factor_nothing_is_shown_or_changed(signed_in):
    for answer in (
        signed_in.get("/bank-account", buffered=True),
        signed_in.post("/bank-account", data={"number": "x"}, buffered=True),
    ):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == CHALLENGE


def test_with_one_the_number_is_shown_and_changed(signed_in):
    told = {"wsgi_mfa.verified_at": int(time.time())}
    assert "none yet" in signed_in.get("/bank-account", environ_overrides=told, buffered=True).text
    number = "DE89370400440532013000"
    changed = signed_in.post("/bank-account", data={"number": number}, environ_overrides=told, buffered=True)
    assert changed.headers["Location"] == "/bank-account"
    assert number in signed_in.get("/bank-account", environ_overrides=told, buffered=True).text
    rejected = signed_in.post("/bank-account", data={"number": "1"}, environ_overrides=told, buffered=True)
    assert "such as" in signed_in.get(rejected.location, environ_overrides=told, buffered=True).text
