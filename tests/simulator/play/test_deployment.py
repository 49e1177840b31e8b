"""Stories against a deployed portal, in real time; the deployment is a server of this test's own."""

from __future__ import annotations

import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from click.testing import CliRunner

from legacy_portals import PortalUser, make_portal
from mfa_simulator.cli import main
from mfa_simulator.language.format.verbs import BY_NAME, TOGETHER
from mfa_simulator.language.parser import parse
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.play.deployment import INSIDE, RealTime, origin_of, unplayable_parts
from wsgi_mfa import FlaskSession, KeyRing, MfaMiddleware

pytestmark = pytest.mark.any_python

HEAD = """\
scenario: A smoke test
users:
  ann: {password: in the story, email: ann@example.com, phones: {pixel: }}
steps:
"""
SMOKE = (
    HEAD
    + """\
  - visit: {browser: laptop}
    expect: {outcome: sign_in_required, app_called: yes}
  - enroll: {user: ann, browser: laptop, phone: pixel, typing: 0s}
    expect: {outcome: signed_in, recovery_code: new}
  - sign_in: {user: ann, browser: tablet, phone: pixel, typing: 0s}
    expect: {outcome: [used_code, signed_in], page: verify}
  - recover: {user: ann, browser: tablet, typing: 0s}
  - sign_out: {browser: laptop}
  - visit: {browser: laptop}
    expect: {outcome: sign_in_required}
"""
)
ACCOUNTS = "ann: {login: ann@example.com, password: correct horse}\n"


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def deployed():
    """The address of a portal with the middleware around it."""
    secret = "for this test"
    user = PortalUser(name="ann@example.com", password="correct horse", email="ann@example.com")
    application = MfaMiddleware(
        make_portal({user.name: user}, secret),
        issuer="Client Portal",
        identity=FlaskSession(secret, user_key="_user_id"),
        store="memory://",
        keys=KeyRing.from_text("demo:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
        plain_http=True,
    )
    with make_server("127.0.0.1", 0, application, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def mfa_sim(tmp_path, monkeypatch):
    """``mfa_sim(files, *arguments)``: write files and run ``mfa-sim run`` on their folder."""
    monkeypatch.chdir(tmp_path)

    def run(files, *arguments):
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return CliRunner().invoke(main, ["run", *arguments, "."])

    return run


def test_a_smoke_test_passes_at_a_deployment_and_what_cannot_be_played_is_named(deployed, mfa_sim):
    inside = HEAD + "  - restart: {}\n  - wait: 1h\n"
    files = {"a.mfa.yaml": SMOKE, "b.mfa.yaml": inside, "accounts.yaml": ACCOUNTS}
    result = mfa_sim(files, "--against", deployed, "--accounts", "accounts.yaml", "--html", "report.html")
    assert result.exit_code == 0, result.output
    assert "passed  a.mfa.yaml  A smoke test" in result.stdout
    reason = (
        "skipped  b.mfa.yaml  it needs virtual time or the server's inside: line 5: restart, line 6: wait 1h"
    )
    assert reason in result.stdout
    assert result.stdout.endswith("1 passed, 0 failed, 1 skipped\n")


def test_what_a_deployment_answers_is_judged(deployed, mfa_sim):
    files = {"a.mfa.yaml": HEAD + "  - password: {user: ann, browser: laptop}\n"}
    result = mfa_sim(files, "--against", deployed)
    assert result.exit_code == 1
    assert "a.mfa.yaml:5: outcome: expected must_enroll or must_verify, got sign_in_required" in result.stdout


def test_a_deployment_that_does_not_answer_fails_in_one_line(mfa_sim):
    result = mfa_sim({"a.mfa.yaml": SMOKE}, "--against", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "http://127.0.0.1:1 does not answer: " in result.stdout


@pytest.mark.parametrize(
    ("top", "step", "reason"),
    [
        ("policy: {steps_back: 0}\n", "wait: 1s", "policy"),
        ("workers: 2\n", "wait: 1s", "workers"),
        ("start: 2030-01-01T00:00:00Z\n", "wait: 1s", "start"),
        ("", "wait: 121s", "line 5: wait 2m1s, and no wait is longer than 2m"),
        ("", "wait_until: lockout_end+1s", "line 5: wait_until lockout_end"),
        ("", "support_reset: {user: ann, email: a, reason: b}", "line 5: support_reset"),
        ("", "guess: {user: ann, browser: a, times: 100, every: 2s}", "line 5: guess for 3m20s"),
    ],
)
def test_what_needs_more_than_a_browser_and_a_phone_is_named(top, step, reason):
    (scenario,) = parse(
        f"{HEAD.replace('users', top + 'users') if top else HEAD}  - {step}\n", file="a.mfa.yaml"
    )
    assert [found.replace("line 6", "line 5") for found in unplayable_parts(scenario)] == [reason]


class _Clock:
    """Moves by what is slept, and by a little more."""

    def __init__(self):
        self.moment = 1_000 * SECOND

    def now(self):
        return self.moment

    def sleep(self, seconds):
        self.moment += round(seconds * SECOND) + 1


def test_waiting_takes_as_long_as_it_takes_from_now_on():
    clock = _Clock()
    time = RealTime(clock)
    clock.moment += 7 * SECOND
    time.wait(5 * SECOND)
    assert time.now() == 1_012 * SECOND + 1
    time.wait_until(1_010 * SECOND)
    assert time.now() == 1_012 * SECOND + 1


def test_of_every_verb_it_is_known_whether_a_browser_and_a_phone_are_all_it_needs():
    outside = "wait wait_until set_clock new_phone lose_phone clone_phone read_code password enroll start_enrollment"
    outside += " confirm_enrollment postpone sign_in enter_code recover save_recovery_code resync sign_out visit post"
    outside += (
        " retry double_click back close_browser guess replay_code steal_cookie phish_relay stuff_recovery"
    )
    outside += " request forget_browser copy_known_browser"
    outside += " start_resync finish_resync clear_cookies keep_page show_page"
    outside += " password_elsewhere slow_upload keep_cookies restore_cookies"
    assert {*outside.split(), *INSIDE, TOGETHER} == set(BY_NAME)


def test_what_can_be_played_has_no_reason_against_it():
    (scenario,) = parse(SMOKE + "  - wait_until: step+2s\n  - wait: 1m\n", file="a.mfa.yaml")
    assert list(unplayable_parts(scenario)) == []


@pytest.mark.parametrize(
    "url", ["portal.example.com", "ftp://a", "https://a/path", "https://a?b", "http://u:p@a"]
)
def test_an_address_is_scheme_host_and_port(url, mfa_sim):
    with pytest.raises(ValueError, match="such as http"):
        origin_of(url)
    assert origin_of("https://a:8443/") == "https://a:8443"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--against", "nowhere"), "--against nowhere is not the address of a site"),
        (("--against", "http://a", "--accounts", "none.yaml"), "--accounts none.yaml cannot be read"),
        (("--against", "http://a", "--accounts", "bad.yaml"), "--accounts bad.yaml: legal is USER: {login"),
        (("--against", "http://a", "--twice"), "--against plays once"),
        (("--against", "http://a"), "nothing of this can be played at a deployment"),
    ],
)
def test_mistakes_end_with_2_and_say_what_is_legal(mfa_sim, arguments, message):
    result = mfa_sim({"a.mfa.yaml": HEAD + "  - restart: {}\n", "bad.yaml": "ann: [a]\n"}, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
