"""The timeline."""

from __future__ import annotations

import pytest

from mfa_simulator.play.timeline import timeline, verdict

pytestmark = pytest.mark.any_python


def test_a_timeline_tells_time_phone_actor_verb_and_outcome(played):
    play = played(
        """\
        - password: {user: user1, browser: laptop}
        - set_clock: {phone: pixel, offset: -45s}
        - wait_until: step+2s
        - support_reset: {user: user1, email: someone@example.com, reason: x}
          expect: {outcome: refused}
        """
    )
    assert (
        timeline(play)
        == """\
A story
  story.mfa.yaml, seed 0
  time (UTC)               in step  phone  who           what                               outcome
  2026-01-01 00:00:00.000  00.000s         user1/laptop  password                           must_enroll
  2026-01-01 00:00:00.000  00.000s  -45s   pixel         set_clock offset -45s              -
  2026-01-01 00:00:00.000  00.000s                       wait_until step+2s                 -
  2026-01-01 00:00:32.000  02.000s         user1         support_reset someone@example.com  refused"""
    )
    assert verdict(play) == "passed  story.mfa.yaml  A story"


def test_a_failure_names_file_and_line_and_what_was_sent(played):
    play = played(
        "- wait: 1s\n- visit: {browser: laptop}\n  expect: {outcome: welcome, status: 200}", top="seed: 3\n"
    )
    lines = timeline(play).splitlines()
    assert lines[-2:] == [
        "    FAILED story.mfa.yaml:10: outcome: expected welcome, got sign_in_required",
        "      GET / 200 OK",
    ]
    assert verdict(play) == "FAILED  story.mfa.yaml  A story"


def test_a_step_without_an_expectation_is_named_by_its_own_line(played):
    lines = timeline(played("- visit: {browser: laptop}")).splitlines()
    assert "    FAILED story.mfa.yaml:7: outcome: expected welcome, got sign_in_required" in lines


def test_what_the_network_did_and_what_was_lost_is_told(played):
    play = played(
        """\
        - enroll: {user: user1, browser: laptop, phone: pixel}
          network: {lose: response, latency: 1s}
          expect: {outcome: signed_in}
        """
    )
    text = timeline(play)
    assert "enroll (network: lose response, latency 1s)" in text
    assert "POST /mfa/enroll no reply (the server had answered 303 See Other -> " in text


def test_no_code_key_or_cookie_is_in_a_timeline(played):
    play = played(
        "- enroll: {user: user1, browser: laptop, phone: pixel}\n"
        "- visit: {browser: laptop}\n  expect: {outcome: locked}"
    )
    text = timeline(play)
    assert "?" not in text
    assert "csrf" not in text


def cells(line):
    return [cell.strip() for cell in line.split("  ")]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("set_clock: {phone: pixel, synchronise: yes}", "set_clock synchronise"),
        ("set_clock: {phone: pixel, wrong_zone: 0s}", "set_clock wrong_zone 0s"),
        ("set_clock: {phone: pixel, drift_ppm: -12.5}", "set_clock drift -25/2 ppm"),
        ("server_clock: {worker: 1, jump: -2m}", "server_clock worker 1 jump -2m"),
        ("restart: {worker: 1}", "restart worker 1"),
        (
            "change_policy: {steps_back: 2, enrollment: closed}",
            "change_policy steps_back 2, enrollment closed",
        ),
        ("store_fails: {calls: 3, when: after}", "store_fails 3 calls after the commit"),
        ("store_fails: {for: 1m}", "store_fails for 1m before the commit"),
        ("password: {user: user1, browser: a, wrong: yes}", "password wrong"),
        ("wait_until: 2026-01-01T00:00:01Z", "wait_until 2026-01-01 00:00:01.000"),
    ],
)
def test_a_step_is_told_by_what_it_is_about(played, step, words):
    line = timeline(played(f"- {step}\n")).splitlines()[3]
    assert words in cells(line)


def test_a_code_is_told_by_its_name_and_never_by_its_digits(played):
    play = played(
        """\
- enroll: {user: user1, browser: laptop, phone: pixel, manual: yes, save: no}
  expect: {outcome: must_save_recovery_code}
- read_code: {phone: pixel, as: seen}
- replay_code: {user: user1, browser: a, code: seen, times: 2}
- replay_code: {user: user1, browser: a, code: 123456}
  expect: {outcome: wrong_code}
- guess: {user: user1, browser: a, times: 3, parallel: 2, among: seen}
  expect: {}
- recover: {user: user1, browser: b}
  expect: {}
"""
    )
    words = [cells(line) for line in timeline(play).splitlines()[3:]]
    told = ["enroll manual without saving", "read_code seen", "replay_code code seen 2 times", "replay_code"]
    told += ["guess among seen 3 times 2 at once", "recover"]
    assert [text in line for text, line in zip(told, words, strict=True)] == [True] * 6


def test_the_desk_is_told_at_the_moment_at_which_it_acts(played):
    play = played(
        """\
- enroll: {user: user1, browser: laptop, phone: pixel}
- support_reset: {user: user1, email: user1@example.com, reason: lost, delay: 2m}
"""
    )
    assert "  2026-01-01 00:02:05.000  05.000s" in timeline(play)
