"""Numbers for the operator: counted once, and never in the way of a request."""

from __future__ import annotations

import builtins

import pytest

from wsgi_mfa import ConfigurationError, PrometheusMetrics
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.instants import HOUR
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.metrics import COUNTERS, GAUGES, Meter
from wsgi_mfa.service import MfaService
from wsgi_mfa.web.client_address import FAILURES_OF_A_CLIENT, SprayWatch

USER = "user1@example.com"


class Counted:
    """A hook that keeps what it was told."""

    def __init__(self):
        self.counts, self.values = {}, {}

    def count(self, name, label):
        assert name in COUNTERS
        self.counts[name, label] = self.counts.get((name, label), 0) + 1

    def measure(self, name, value):
        assert name in GAUGES
        self.values[name] = value


class Failing:
    def count(self, name, label):
        raise OSError("the collector is down")

    def measure(self, name, value):
        raise OSError("the collector is down")


@pytest.fixture
def hook():
    return Counted()


@pytest.fixture
def service(memory_store, keys, clock, entropy, hook):
    return MfaService(
        store=memory_store, keys=keys, policy=Policy(), clock=clock, entropy=entropy, metrics=hook
    )


@pytest.mark.requirement("D26")
def test_events_are_counted_and_so_is_what_was_not_judged(service, enroll, visit, hook, clock):
    phone, _ = enroll("laptop")
    for number in range(8):
        service.verify_code(visit("tablet"), phone.wrong_code(number))
    assert hook.counts["events", "code.wrong"] == 5
    assert hook.counts["events", "lock.started"] == 1
    assert hook.counts["unjudged", "locked"] == 3
    clock.wait(3600)
    code = phone.code()
    service.verify_code(visit("tablet"), code)
    service.verify_code(visit("mobile"), code)
    assert hook.counts["events", "sign_in.accepted"] == 1
    assert hook.counts["unjudged", "used_code"] == 1
    assert hook.values == {"code_steps_off": 0}


def test_a_hook_that_fails_fails_no_request(memory_store, keys, clock, entropy, visit, caplog):
    service = MfaService(
        store=memory_store, keys=keys, policy=Policy(), clock=clock, entropy=entropy, metrics=Failing()
    )
    assert service.begin_enrollment(visit("laptop")).outcome is Outcome.MUST_ENROLL
    assert "metrics: events could not be counted" in caplog.text


def accepted(user, steps, at=0):
    return Event(at=at, user=user, kind="sign_in.accepted", details=(("steps_off", str(steps)),))


@pytest.mark.requirement("D22")
def test_a_server_whose_clock_is_wrong_for_most_users_says_so_once_an_hour(hook, caplog):
    meter = Meter(hook)
    for number in range(10):
        meter.happened(accepted(f"user{number}", -1))
    assert (hook.values["code_steps_off"], caplog.text) == (-1, "")
    for number in range(10, 14):
        meter.happened(accepted(f"user{number}", -1))
    (said,) = caplog.messages
    assert said == "the codes of 11 users are -1 steps off in the median: is this server's clock right?"
    meter.happened(accepted("user1", -1, at=HOUR))
    assert len(caplog.messages) == 2


@pytest.mark.requirement("D22")
def test_a_few_phones_that_are_wrong_do_not_make_the_server_wrong(hook, caplog):
    meter = Meter(hook)
    for number in range(30):
        meter.happened(accepted(f"user{number}", 0))
    for _ in range(100):
        meter.happened(accepted("user1", 1))
    assert (hook.values["code_steps_off"], caplog.text) == (0, "")


@pytest.mark.requirement("D37", "R25")
def test_alerts_of_a_spray_are_counted(hook, clock):
    watch = SprayWatch(clock, Meter(hook))
    for _ in range(FAILURES_OF_A_CLIENT + 1):
        watch.wrong_answer("192.0.2.9", clock.now())
    assert hook.counts == {("spray_alerts", "source"): 1}


@pytest.mark.requirement("D26")
def test_prometheus_is_told_by_the_names_that_the_documentation_gives(missing):
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ImportError:
        missing("prometheus-client")
    registry = CollectorRegistry()
    meter = Meter(PrometheusMetrics(registry))
    meter.happened(accepted(USER, 1))
    meter.answered(Outcome.LOCKED)
    meter.answered(Outcome.MUST_VERIFY)
    meter.alerted("all")
    told = generate_latest(registry).decode()
    for line in (
        'wsgi_mfa_events_total{kind="sign_in.accepted"} 1.0',
        'wsgi_mfa_unjudged_total{outcome="locked"} 1.0',
        'wsgi_mfa_spray_alerts_total{scope="all"} 1.0',
        "wsgi_mfa_code_steps_off 1.0",
    ):
        assert line in told.splitlines()
    assert "must_verify" not in told


def test_a_missing_client_library_is_named(monkeypatch):
    imported = builtins.__import__

    def without(name, *arguments, **options):
        if name == "prometheus_client":
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"install wsgi-mfa\[metrics\]"):
        PrometheusMetrics()
