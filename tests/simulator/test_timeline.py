"""The timeline."""

from __future__ import annotations

from mfa_simulator.timeline import timeline, verdict


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
