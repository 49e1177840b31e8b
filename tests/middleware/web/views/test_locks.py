"""Too many wrong codes: what is answered while nothing is evaluated, and when it ends."""

from __future__ import annotations

import re

import pytest

from wsgi_mfa.core.policy import Policy

USER = "user1@example.com"


@pytest.fixture
def phone(laptop, bind_phone):
    """The phone of the user, bound on the laptop."""
    return bind_phone(laptop)


def failures_of(application):
    return application.service.store.load(USER).code_failures


def lock(browser, phone):
    page = browser.open("/")
    for number in range(Policy().free_tries):
        rejected = browser.submit(page, "/verify", code=phone.wrong_code(number))
        assert rejected.status == 422
    return page


def without_chance(answer):
    """An answer without its nonces, the only thing in it that chance decides."""
    found = re.search(r"'nonce-([^']+)'", answer.header("Content-Security-Policy"))
    chance = found.group(1)
    headers = [(name, value.replace(chance, "NONCE")) for name, value in answer.headers]
    return (
        answer.status,
        headers,
        answer.text.replace(chance.replace("+", "&#43;"), "NONCE").replace(chance, "NONCE"),
    )


@pytest.mark.requirement("R18", "R20", "D14")
def test_while_locked_right_and_wrong_codes_get_the_same_bytes(tablet, phone, application):
    page = lock(tablet, phone)
    before = application.service.store.load(USER)
    right = tablet.submit(page, "/verify", code=phone.code())
    wrong = tablet.submit(page, "/verify", code=phone.wrong_code(20))
    neither = tablet.submit(page, "/verify", code="abc")
    assert (right.status, right.page.outcome) == (429, "locked")
    assert right.header("Retry-After") == right.page.data["retry-after-seconds"] == "30"
    assert "Please wait 30 seconds" in right.page.words
    assert without_chance(right) == without_chance(wrong) == without_chance(neither)
    assert application.service.store.load(USER) == before  # nothing was evaluated, charged or saved


@pytest.mark.requirement("R20", "R77")
def test_while_locked_json_clients_get_the_same_bytes_too(tablet, phone):
    lock(tablet, phone)
    right = tablet.post_json("/mfa/verify", {"code": phone.code()})
    wrong = tablet.post_json("/mfa/verify", {"code": phone.wrong_code(20)})
    assert (right.status, right.problem, right.json["retry_after_seconds"]) == (429, "locked", 30)
    assert right.header("Retry-After") == "30"
    assert (right.headers, right.body) == (wrong.headers, wrong.body)


@pytest.mark.requirement("R18")
def test_a_lock_ends_and_the_next_one_is_longer(tablet, phone, clock):
    page = lock(tablet, phone)
    clock.wait(29)
    assert tablet.submit(page, "/verify", code=phone.code()).header("Retry-After") == "1"
    clock.wait(1)
    assert tablet.submit(page, "/verify", code=phone.wrong_code(30)).status == 422
    assert tablet.submit(page, "/verify", code=phone.code()).header("Retry-After") == "60"
    clock.wait(60)
    assert tablet.submit(page, "/verify", code=phone.code()).page.outcome == "signed_in"


@pytest.mark.requirement("D14", "R22")
def test_a_lock_leaves_open_sessions_and_other_users_alone(laptop, tablet, phone, application, browser_of):
    lock(tablet, phone)
    assert laptop.navigate("/").text == "welcome to /"
    other = browser_of("user2@example.com", application)
    assert other.open("/").page.outcome == "must_enroll"


@pytest.mark.requirement("R16", "R17")
def test_guesses_from_many_browsers_share_one_counter(phone, application, new_browser):
    browsers = [new_browser(application, environ={"REMOTE_USER": USER}) for _ in range(10)]
    pages = [browser.open("/") for browser in browsers]
    statuses = [
        browser.submit(page, "/verify", code=phone.wrong_code(number)).status
        for number, (browser, page) in enumerate(zip(browsers, pages, strict=True))
    ]
    assert statuses == [422] * Policy().free_tries + [429] * 5
    assert failures_of(application).consecutive_count == Policy().free_tries


@pytest.mark.requirement("R22")
def test_without_a_first_factor_nobody_spends_attempts(phone, application, new_browser):
    stranger = new_browser(application)
    answer = stranger.post_json("/mfa/verify", {"code": phone.wrong_code()})
    assert (answer.status, answer.problem) == (401, "sign_in_required")
    assert failures_of(application).consecutive_count == 0


@pytest.mark.requirement("R15", "D14")
def test_a_spent_budget_is_told_with_the_way_that_is_left(
    tablet, wrapped, portal, browser_of, phone_of, clock, pressed
):
    application = wrapped(portal, policy=Policy(failures_max=3))
    browser = browser_of("user9@example.com", application)
    phone = browser.enroll("/", phone_of)
    other = browser_of("user9@example.com", application)
    clock.wait_for_step()
    page = other.open("/")
    for number in range(3):
        other.submit(page, "/verify", code=phone.wrong_code(number))
    closed = other.submit(page, "/verify", code=phone.code())
    assert (closed.status, closed.page.outcome) == (429, "locked")
    assert "Codes are closed for now" in closed.page.words
    assert pressed(closed, "recovery code").startswith("/mfa/recover")
