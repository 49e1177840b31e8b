"""Scenarios played against the real middleware."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.any_python

ENROLLED = "- enroll: {user: user1, browser: laptop, phone: pixel}\n"


def outcomes(play):
    return [moment.found.outcome for moment in play.moments]


def failures(play):
    return [failure for moment in play.moments for failure in moment.failures]


def test_a_story_that_goes_as_expected_passes(played):
    play = played(
        ENROLLED
        + "- sign_out: {browser: laptop}\n- visit: {browser: laptop}\n  expect: {outcome: sign_in_required}"
    )
    assert failures(play) == []
    assert outcomes(play) == ["signed_in", "signed_out", "sign_in_required"]


def test_a_step_that_comes_to_something_else_ends_the_story(played):
    play = played(ENROLLED + "- visit: {browser: tablet}\n- wait: 1s")
    assert failures(play) == ["outcome: expected welcome, got sign_in_required"]
    assert play.failed
    assert len(play.moments) == 2


def test_the_last_steps_are_played_after_a_failure_too(played):
    play = played("- visit: {browser: laptop}\n- wait: 1s", top="finally:\n- wait: 2s\n")
    assert [moment.step.verb for moment in play.moments] == ["visit", "wait"]
    assert play.failed


def test_the_code_is_read_first_and_sent_when_it_is_typed(played):
    play = played(
        ENROLLED
        + """\
- sign_out: {browser: laptop}
- wait_until: step-3s
- wait: 1m
- sign_in: {user: user1, browser: laptop, phone: pixel, typing: 4s}
""",
        top="policy: {steps_back: 0, steps_ahead: 0}\n",
    )
    assert failures(play) == ["outcome: expected signed_in, got wrong_code"]
    assert play.moments[-1].into_step == 1_000_000


@pytest.mark.parametrize(
    ("first", "moment", "at"),
    [
        ("0s", "step+2s", 32),
        ("1ms", "step-1s", 29),
        ("29500ms", "step-1s", 59),
        ("30s", "step+0s", 60),
        ("30s", "2026-01-01T00:01:40Z", 100),
    ],
)
def test_a_moment_lies_in_the_next_step_never_in_the_one_that_runs(played, first, moment, at):
    play = played(
        f"- wait: {first}\n- wait_until: {moment}\n- visit: {{browser: a}}\n  expect: {{status: 200}}"
    )
    assert failures(play) == []
    assert play.moments[-1].at - play.moments[0].at == at * 1_000_000


def test_a_moment_that_has_passed_is_a_failure_and_time_stays(played):
    play = played(ENROLLED + "- wait_until: 2026-01-01T00:00:03Z")  # typing took until 00:00:05
    (failure,) = failures(play)
    assert "has passed" in failure


def test_a_lock_is_waited_for_by_its_end(played):
    play = played(
        ENROLLED
        + """\
- wait: 1m
- guess: {user: user1, browser: thief, times: 5}
- sign_in: {user: user1, browser: laptop2, phone: pixel, typing: 0s}
  expect: {outcome: locked}
- wait_until: lockout_end-1s
- sign_in: {user: user1, browser: laptop2, phone: pixel, typing: 0s}
  expect: {outcome: locked, retry_after: 1}
- wait_until: lockout_end+0s
- sign_in: {user: user1, browser: laptop2, phone: pixel, typing: 0s}
"""
    )
    assert failures(play) == []


def test_without_a_lock_or_session_there_is_no_end_of_it(played):
    assert failures(played(ENROLLED + "- wait_until: lockout_end+1s")) == [
        "user1 is not locked, so there is no lockout_end"
    ]
    (failure,) = failures(played("- wait_until: session_end-1s"))
    assert "no user" in failure


def test_the_app_counts_as_called_from_the_deciding_request_on(played):
    play = played(
        ENROLLED
        + """\
- wait: 1m
- sign_in: {user: user1, browser: tablet, code: "000000"}
  expect: {outcome: wrong_code, app_called: no}
- password: {user: user1, browser: kiosk}
  expect: {outcome: must_verify, app_called: yes}
"""
    )
    assert failures(play) == []


def test_a_browser_that_is_signed_in_is_not_asked_for_the_password_again(played):
    play = played(
        ENROLLED + "- wait: 61m\n- wait: 1m\n- sign_in: {user: user1, browser: laptop, phone: pixel}"
    )
    assert failures(play) == []
    assert not any("POST /sign-in" in exchange.summary for exchange in play.moments[-1].exchanges)


def test_another_user_at_the_same_browser_signs_the_first_one_out(played):
    play = played(
        ENROLLED + "- enroll: {user: user2, browser: laptop, phone: nokia}\n- visit: {browser: laptop}"
    )
    assert failures(play) == []


def test_a_retry_carries_the_verb_to_its_end_and_must_end_as_the_verb(played):
    lost = ENROLLED + "  network: {lose: response}\n  expect: {outcome: timeout}\n"
    assert outcomes(played(lost + "- retry: {browser: laptop}\n- visit: {browser: laptop}")) == [
        "timeout",
        "signed_in",
        "welcome",
    ]
    late = (
        lost
        + "- support_reset: {user: user1, email: user1@example.com, reason: x}\n- retry: {browser: laptop}"
    )
    (failure,) = failures(played(late))
    assert failure.startswith("outcome: expected signed_in, got ")


@pytest.mark.parametrize("named", ["/mfa/continue", "/mfa/recovery-code"])
def test_a_retry_of_another_request_that_was_lost_carries_the_verb_to_its_end_too(played, named):
    play = played(
        ENROLLED
        + f"  network: {{lose: response, request: {named}}}\n"
        + "  expect: {outcome: timeout}\n- retry: {browser: laptop}"
    )
    assert failures(play) == []


def test_a_lost_password_is_sent_again_and_the_sign_in_goes_on(played):
    play = played(
        """\
        - password: {user: user1, browser: laptop}
          network: {lose: response}
          expect: {outcome: timeout}
        - retry: {browser: laptop}
        - visit: {browser: laptop}
          network: {lose: request}
          expect: {outcome: timeout}
        - retry: {browser: laptop}
          expect: {outcome: must_enroll}
        """
    )
    assert failures(play) == []


def test_a_double_click_of_every_deciding_request_changes_nothing(played):
    play = played(
        """\
        - start_enrollment: {user: user1, browser: laptop, phone: pixel}
        - confirm_enrollment: {user: user1, browser: laptop, phone: pixel}
        - double_click: {browser: laptop}
        - save_recovery_code: {browser: laptop}
        - double_click: {browser: laptop}
        """
    )
    assert failures(play) == []
    assert outcomes(play)[2:] == ["must_save_recovery_code", "signed_in", "signed_in"]


def test_a_recovery_code_is_written_down_whenever_a_page_shows_one(played):
    play = played(
        ENROLLED
        + """\
- recover: {user: user1, browser: tablet}
- recover: {user: user1, browser: kiosk}
- recover: {user: user1, browser: cafe, code: previous}
  expect: {outcome: wrong_code, recovery_code: none}
"""
    )
    assert failures(play) == []
    assert [moment.found.recovery_code_shown for moment in play.moments] == [True, True, True, False]


def test_a_user_who_wrote_nothing_down_has_no_code_to_type(played):
    (failure,) = failures(played("- recover: {user: user1, browser: laptop}"))
    assert failure == "user1 has written down 0 recovery codes, so there is no current one"


def test_a_code_that_was_read_is_typed_by_its_name(played):
    play = played(
        ENROLLED
        + """\
- wait: 1m
- read_code: {phone: pixel, as: seen}
- sign_in: {user: user1, browser: tablet, code: seen}
- enter_code: {user: user1, browser: kiosk, code: seen}
  expect: {outcome: sign_in_required}
"""
    )
    assert failures(play) == []


def test_events_of_a_step_can_be_expected(played):
    play = played(
        ENROLLED
        + "- wait: 1m\n- sign_in: {user: user1, browser: tablet, phone: pixel}\n  expect: {events: sign_in.accepted}"
    )
    assert failures(play) == []


def test_an_error_inside_the_server_is_a_reply_with_status_500(played, monkeypatch):
    def crash(self, environ, start_response):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("wsgi_mfa.MfaMiddleware.__call__", crash)
    play = played("- visit: {browser: laptop}")
    assert failures(play) == ["outcome: expected welcome, got error"]
    assert any("broken on purpose" in remark for remark in play.moments[0].found.remarks)


def test_whoever_cannot_be_signed_out_is_told_so(played):
    play = played(
        ENROLLED
        + "- store_fails: {calls: 2}\n- sign_out: {browser: laptop}\n  expect: {outcome: unavailable}"
    )
    assert failures(play) == []


def test_network_settings_that_touch_no_request_are_a_mistake(played):
    play = played(ENROLLED + "- visit: {browser: laptop}\n  network: {lose: response, request: /nowhere}")
    assert failures(play) == ["network: no request of this step is /nowhere"]


def test_a_step_up_leads_on_to_the_page_that_asked_for_it(played):
    play = played(
        ENROLLED
        + """\
- wait: 10m
- enroll: {user: user1, browser: laptop, phone: spare}
  expect: {outcome: step_up_required}
- enter_code: {user: user1, browser: laptop, phone: pixel}
- enroll: {user: user1, browser: laptop, phone: spare}
"""
    )
    assert failures(play) == []


def test_a_user_types_the_code_that_the_desk_gave_out(played):
    play = played(
        ENROLLED
        + """\
- wait: 1m
- guess: {user: user1, browser: thief, times: 2}
- support_reset: {user: user1, email: user1@example.com, reason: new phone}
- enroll: {user: user1, browser: laptop, phone: spare}
"""
    )
    assert failures(play) == []
    assert [sent for sent in play.moments[-1].exchanges if "POST /mfa/enroll" in sent.summary][1:]


def test_workers_take_turns_and_share_the_store(played):
    play = played(
        ENROLLED
        + "- visit: {browser: laptop}\n" * 3
        + "- restart: {worker: 2}\n"
        + "- visit: {browser: laptop}\n" * 3,
        top="workers: 3\n",
    )
    assert failures(play) == []


def test_one_code_at_the_same_moment_lets_one_browser_in_whatever_the_seed(played):
    seen = set()
    for seed in range(6):
        play = played(
            ENROLLED
            + """\
- wait: 1m
- read_code: {phone: pixel, as: seen}
- together:
    - sign_in: {user: user1, browser: a, code: seen}
      expect: {outcome: [signed_in, used_code]}
    - sign_in: {user: user1, browser: b, code: seen}
      expect: {outcome: [signed_in, used_code]}
    - sign_in: {user: user1, browser: c, code: seen}
      expect: {outcome: [signed_in, used_code]}
""",
            top=f"seed: {seed}\n",
        )
        assert failures(play) == []
        assert sorted(outcomes(play)[-3:]) == ["signed_in", "used_code", "used_code"]
        seen.add(tuple(outcomes(play)[-3:]))
    assert len(seen) > 1


def test_a_failure_among_steps_at_the_same_time_ends_the_story(played):
    play = played(
        """\
        - together:
            - visit: {browser: a}
            - visit: {browser: b}
              expect: {outcome: sign_in_required}
        - wait: 1s
        """
    )
    assert failures(play) == ["outcome: expected welcome, got sign_in_required"]
    assert [moment.step.verb for moment in play.moments] == ["visit", "visit"]


def test_two_windows_of_one_browser_can_act_at_once(played):
    play = played(
        ENROLLED
        + """\
- together:
    - visit: {browser: laptop, path: /reports}
    - visit: {browser: laptop}
"""
    )
    assert failures(play) == []


def test_guesses_at_once_are_looked_at_no_more_often_than_one_by_one(played):
    play = played(
        ENROLLED
        + """\
- wait: 1m
- read_code: {phone: pixel, as: right}
- guess: {user: user1, browser: thief, times: 40, parallel: 40, among: right}
  expect: {outcome: locked, evaluated: 5, app_called: no}
"""
    )
    assert failures(play) == []
