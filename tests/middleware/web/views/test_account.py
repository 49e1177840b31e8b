"""The page on which users see the state of their own second factor."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.instants import SECOND


@pytest.mark.requirement("R55")
def test_the_page_tells_phone_recovery_code_and_sign_ins(laptop, tablet, bind_phone, clock, application):
    phone = bind_phone(laptop)
    clock.wait_for_step()
    tablet.enter_code("/", phone)
    shown = laptop.open("/mfa/account").page.words
    assert "Phone set up 20" in shown
    assert ", stored" in shown
    assert "in 2 browsers" in shown
    members = laptop.get_json("/mfa/account").json
    account = application.service.store.load("user1@example.com")
    assert members["authenticator"] == {"confirmed_at": account.authenticator.confirmed_at // SECOND}
    assert members["recovery_code"] == {"made_at": account.recovery_code.made_at // SECOND, "stored": True}
    assert members["sessions"] == {"count": 2}


@pytest.mark.requirement("R55")
def test_pages_after_the_second_factor_lead_to_the_account_page(laptop, tablet, bind_phone, pressed):
    bind_phone(laptop)
    page = laptop.open("/mfa/recovery-code")
    assert laptop.open(pressed(page, "Your sign-in")).page.name == "account"
    before = tablet.open("/")
    assert "Signing in as" in before.page.words
    assert "Your sign-in" not in before.page.words


def test_one_browser_of_each_kind_at_once_is_a_bad_request(laptop, bind_phone):
    bind_phone(laptop)
    rejected = laptop.post_json("/mfa/account", {"known": "all", "browser": ""})
    assert (rejected.status, rejected.problem) == (400, "bad_request")
