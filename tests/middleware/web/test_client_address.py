"""Where requests come from, and what a worker makes of one who fails everywhere (R25, D37)."""

from __future__ import annotations

import logging

import pytest

from wsgi_mfa.metrics import Meter
from wsgi_mfa.web.client_address import (
    FAILURES_OF_A_CLIENT,
    FAILURES_OF_ALL,
    WINDOW,
    ClientAddressReader,
    SprayWatch,
)

SECOND = 1_000_000


class SleepingClock:
    def __init__(self):
        self.slept = []

    def now(self):
        return 0

    def sleep(self, seconds):
        self.slept.append(seconds)


@pytest.mark.requirement("R25", "D37")
@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("192.0.2.5", "203.0.113.9", "192.0.2.5"),
        ("", "203.0.113.9", ""),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_a_forwarded_address_counts_as_far_as_listed_proxies_vouch_for_it(peer, forwarded, source):
    reader = ClientAddressReader(("10.0.0.0/8", "fd00::/8"))
    assert reader.client_address_of({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}) == source


@pytest.mark.requirement("D37")
def test_without_listed_proxies_the_header_is_nobodys_word():
    environ = {"REMOTE_ADDR": "192.0.2.5", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    assert ClientAddressReader(()).client_address_of(environ) == "192.0.2.5"


@pytest.mark.requirement("R25")
def test_one_host_that_fails_at_many_accounts_is_slowed_down_and_alerts_once(caplog):
    clock = SleepingClock()
    watch = SprayWatch(clock, Meter())
    with caplog.at_level(logging.ERROR, logger="wsgi_mfa"):
        for number in range(FAILURES_OF_A_CLIENT + 5):
            watch.wrong_answer("203.0.113.9", number * SECOND)
    assert len(clock.slept) == 6
    assert [record.getMessage() for record in caplog.records] == [
        "spray: 20 wrong codes from '203.0.113.9' within 10 minutes"
    ]


@pytest.mark.requirement("R25")
def test_a_few_wrong_codes_an_hour_from_one_office_alert_nobody(caplog):
    clock = SleepingClock()
    watch = SprayWatch(clock, Meter())
    with caplog.at_level(logging.ERROR, logger="wsgi_mfa"):
        for number in range(FAILURES_OF_A_CLIENT * 3):
            watch.wrong_answer("203.0.113.9", number * WINDOW // (FAILURES_OF_A_CLIENT - 1))
    assert clock.slept == []
    assert caplog.records == []


@pytest.mark.requirement("R25")
def test_many_hosts_that_fail_at_once_alert_too(caplog):
    watch = SprayWatch(SleepingClock(), Meter())
    with caplog.at_level(logging.ERROR, logger="wsgi_mfa"):
        for number in range(FAILURES_OF_ALL):
            watch.wrong_answer(f"host {number}", number)
    assert [record.getMessage() for record in caplog.records] == ["spray: 200 wrong codes within 10 minutes"]


@pytest.mark.requirement("R25")
def test_a_sprayer_who_stays_within_every_budget_is_seen_and_slowed(
    wrapped, portal, new_browser, monkeypatch, caplog
):
    application = wrapped(portal)
    slept = []
    monkeypatch.setattr(application.service.clock, "sleep", slept.append, raising=False)
    for number in range(FAILURES_OF_A_CLIENT + 1):
        browser = new_browser(application, environ={"REMOTE_USER": f"user{number}"})
        page = browser.open("/")
        assert browser.submit_only(page, "/enroll", code="000000").status == 422
    assert slept == [1.0, 1.0]
    assert "spray: 20 wrong codes from '192.0.2.1'" in caplog.text
