"""What replies mean."""

from __future__ import annotations

import json

import pytest

from mfa_simulator.world.http import Response
from mfa_simulator.world.reply_reader import page_name, read_reply

HTML = (("Content-Type", "text/html; charset=utf-8"),)


def page(marks, *, status=200, from_app=False, user=None, body=""):
    text = f"<body {marks}>{body}"
    return Response(status=status, headers=HTML, body=text.encode(), from_app=from_app, user_seen=user)


def test_a_page_of_ours_says_its_outcome_hint_and_wait():
    marks = 'data-page="verify" data-outcome="locked" data-hint="clock_slow" data-retry-after-seconds="30"'
    page_state = read_reply(page(marks, status=429))
    assert (page_state.outcome, page_state.hint, page_state.retry_after_seconds, page_state.name) == (
        "locked",
        "clock_slow",
        30,
        "verify",
    )


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("enroll", "must_enroll"),
        ("enroll_manual", "must_enroll"),
        ("verify", "must_verify"),
        ("recover", "must_verify"),
        ("recovery_code", "must_save_recovery_code"),
    ],
)
def test_a_page_of_ours_that_only_asks_says_so_by_its_name(name, outcome):
    assert read_reply(page(f'data-page="{name}"')).outcome == outcome


def test_pages_are_named_by_their_address():
    assert page_name("enroll_manual") == page_name("enroll-manual") == "enroll/manual"
    assert page_name("recovery_code") == "recovery-code"


def test_the_app_greets_whom_it_takes_for_signed_in():
    assert read_reply(page("", from_app=True, user="user1")).outcome == "welcome"


def test_a_sign_out_link_is_a_welcome_even_if_nobody_told_the_app_of_a_second_factor():
    assert read_reply(page("", from_app=True, body='<a href="/sign-out">Sign out</a>')).outcome == "welcome"


def test_the_apps_own_sign_in_page_is_known_by_its_password_field():
    form = '<form action="/sign-in"><input type="password" name="p"></form>'
    assert read_reply(page("", from_app=True, body=form)).outcome == "sign_in_required"
    assert read_reply(Response(status=401, from_app=True)).outcome == "sign_in_required"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, "sign_in_required"),
        (403, "error"),
        (404, "error"),
        (429, "locked"),
        (500, "error"),
        (503, "unavailable"),
    ],
)
def test_a_reply_without_words_is_read_by_its_status(status, outcome):
    assert read_reply(Response(status=status)).outcome == outcome


def test_an_error_of_the_app_is_an_error_whoever_is_signed_in():
    assert read_reply(page("", status=500, from_app=True, user="user1")).outcome == "error"


def test_a_redirect_that_is_not_followed_is_read_by_where_it_leads():
    assert (
        read_reply(Response(status=303, headers=(("Location", "/mfa/verify?next=x"),))).outcome
        == "must_verify"
    )
    assert read_reply(Response(status=303, headers=(("Location", "/mfa/enroll"),))).outcome == "must_enroll"
    assert read_reply(Response(status=303, headers=(("Location", "/elsewhere"),))).outcome == "error"


def test_problems_and_outcomes_in_json_are_read():
    kind = (("Content-Type", "application/problem+json"),)
    body = {"type": "urn:wsgi-mfa:wrong_code", "status": 422, "hint": "clock_slow", "retry_after_seconds": 7}
    page_state = read_reply(Response(status=422, headers=kind, body=json.dumps(body).encode()))
    assert (page_state.outcome, page_state.hint, page_state.retry_after_seconds) == (
        "wrong_code",
        "clock_slow",
        7,
    )
    kind = (("Content-Type", "application/json"),)
    assert (
        read_reply(Response(status=200, headers=kind, body=b'{"outcome": "signed_in"}')).outcome
        == "signed_in"
    )
    assert read_reply(Response(status=200, headers=kind, body=b"[1, 2")).outcome == ""
    assert (
        read_reply(Response(status=200, headers=kind, body=b"[1, 2]", from_app=True, user_seen="u")).outcome
        == "welcome"
    )


def test_a_reply_that_was_cut_off_is_an_error():
    assert (
        read_reply(
            Response(status=200, headers=HTML, body=b'<body data-outcome="signed_in">', cut=True)
        ).outcome
        == "error"
    )


def test_a_sign_in_that_was_held_came_to_what_the_middleware_leads_to():
    held = Response(status=303, headers=(("Location", "/mfa/verify?next=x"),), from_app=True)
    assert read_reply(held).outcome == "must_verify"


@pytest.mark.parametrize(
    ("word", "status", "outcome"), [("not_found", 404, "error"), ("out_of_order", 503, "unavailable")]
)
def test_a_word_that_nobody_can_expect_is_read_by_its_status(word, status, outcome):
    problem = (("Content-Type", "application/problem+json"),)
    body = json.dumps({"type": f"urn:wsgi-mfa:{word}"}).encode()
    assert read_reply(Response(status=status, headers=problem, body=body)).outcome == outcome
    assert read_reply(page(f'data-outcome="{word}"', status=status)).outcome == outcome
