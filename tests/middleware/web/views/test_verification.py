"""The code at each sign-in: right, wrong, used, late, and what the page then says."""

from __future__ import annotations

import pytest

USER = "user1@example.com"


@pytest.fixture
def phone(laptop, bind_phone):
    """The phone of the user, bound on the laptop."""
    return bind_phone(laptop)


def failures_of(application):
    return application.service.store.load(USER).code_failures


@pytest.mark.requirement("R50", "R59")
def test_a_right_code_leads_to_the_page_first_asked_for(tablet, phone, portal, clock):
    page = tablet.open("/reports/3?as=text")
    assert (page.status, page.page.name, page.page.outcome) == (200, "verify", "must_verify")
    done = tablet.submit(page, "/verify", code=phone.code())
    assert (done.page.name, done.page.outcome) == ("continue", "signed_in")
    assert done.page.refresh == "0;url=/reports/3?as=text"
    assert tablet.navigate("/reports/3?as=text").text == "welcome to /reports/3"
    call = portal.calls[-1]
    assert call["wsgi_mfa.user"] == USER
    assert call["wsgi_mfa.method"] == "code"
    assert call["wsgi_mfa.verified_at"] == clock.now() // 1_000_000


def test_the_page_says_how_many_seconds_the_servers_step_has_left(tablet, phone, clock):
    assert "a new code was due in 28 seconds." in tablet.open("/").page.words
    clock.wait(24)
    page = tablet.open("/")
    assert "a new code was due in 4 seconds. Better wait for it." in page.page.words


@pytest.mark.requirement("R8")
@pytest.mark.parametrize("spelling", ["{0}{1}", "{0} {1}", " {0}-{1} ", "{0}  {1}"])
def test_a_code_may_be_typed_with_spaces_and_hyphens(tablet, phone, spelling):
    page, code = tablet.open("/"), phone.code()
    typed = spelling.format(code[:3], code[3:])
    assert tablet.submit(page, "/verify", code=typed).page.outcome == "signed_in"


@pytest.mark.requirement("R2", "R8")
@pytest.mark.parametrize(
    "typed", ["", " ", "12345", "1234567", "１２３４５６", "١٢٣٤٥٦", "1_2_3_4_5_6", "+12345", "0x1234"]
)
def test_what_is_no_code_is_refused_without_being_charged(tablet, phone, application, typed):
    rejected = tablet.submit(tablet.open("/"), "/verify", code=typed)
    assert (rejected.status, rejected.page.outcome) == (422, "wrong_code")
    assert failures_of(application).consecutive_count == 0


def test_a_wrong_code_is_refused_in_words(tablet, phone, application, portal):
    page = tablet.open("/")
    called = len(portal.calls)
    rejected = tablet.submit(page, "/verify", code=phone.wrong_code())
    assert (rejected.status, rejected.page.name, rejected.page.outcome) == (422, "verify", "wrong_code")
    assert "That code is not right" in rejected.page.words
    assert "hint" not in rejected.page.data
    assert tablet.open("/").page.outcome == "must_verify"
    assert failures_of(application).consecutive_count == 1
    assert len(portal.calls) == called


@pytest.mark.requirement("R6", "R7")
def test_a_used_code_is_refused_with_the_time_to_the_next_one(
    laptop, tablet, phone, application, new_browser
):
    page, code = tablet.open("/"), phone.code()
    tablet.submit(page, "/verify", code=code)
    other = new_browser(application, environ={"REMOTE_USER": USER})
    rejected = other.submit(other.open("/"), "/verify", code=code)
    assert (rejected.status, rejected.page.outcome) == (422, "used_code")
    assert rejected.page.data["hint"] == "wait_for_next"
    assert rejected.page.data["retry-after-seconds"] == "28"
    assert "This code was already used" in rejected.page.words
    assert "28 seconds" in rejected.page.words
    assert failures_of(application).consecutive_count == 0  # no guess


@pytest.mark.requirement("D11")
def test_the_same_wrong_code_sent_twice_at_once_is_charged_once(tablet, phone, application, clock):
    page = tablet.open("/")
    first = tablet.submit(page, "/verify", code=phone.wrong_code())
    clock.wait(4)
    second = tablet.submit(page, "/verify", code=phone.wrong_code())
    assert (first.status, second.status) == (422, 422)
    assert failures_of(application).consecutive_count == 1
    clock.wait(2)
    tablet.submit(page, "/verify", code=phone.wrong_code())
    assert failures_of(application).consecutive_count == 2


# Retries.


@pytest.mark.requirement("D10", "R29")
def test_a_sign_in_whose_reply_was_lost_can_be_sent_again(tablet, phone, application, clock):
    page = tablet.open("/reports")
    before, code = dict(tablet.cookies), phone.code()
    first = tablet.submit_only(page, "/verify", code=code)
    tablet.cookies = dict(before)
    clock.wait(59)
    again = tablet.submit_only(page, "/verify", code=code)
    assert (again.status, again.location) == (first.status, first.location)
    assert again.set_cookies == first.set_cookies
    assert len(application.service.store.load(USER).sessions) == 2
    assert tablet.follow(again).page.outcome == "signed_in"


@pytest.mark.requirement("D10")
def test_after_a_minute_the_same_request_is_a_used_code(tablet, phone, clock):
    page = tablet.open("/")
    before, code = dict(tablet.cookies), phone.code()
    tablet.submit_only(page, "/verify", code=code)
    tablet.cookies = dict(before)
    clock.wait(30)
    assert tablet.submit_only(page, "/verify", code=code).status == 303
    tablet.cookies = dict(before)
    clock.wait(30)
    assert tablet.submit_only(page, "/verify", code=code).status == 422


@pytest.mark.requirement("D10", "R49")
def test_a_stolen_form_gives_another_browser_nothing(tablet, phone, application, new_browser):
    page, code = tablet.open("/"), phone.code()
    tablet.submit_only(page, "/verify", code=code)
    thief = new_browser(application, environ={"REMOTE_USER": USER})
    thief.open("/")
    rejected = thief.submit_only(page, "/verify", code=code)
    assert (rejected.status, rejected.page.name) == (403, "forbidden")


# Other methods, step-up, JSON.


def test_another_method_is_the_recovery_code(tablet, phone, pressed):
    methods = tablet.open(pressed(tablet.open("/reports"), "Try another method"))
    assert methods.page.name == "methods"
    assert tablet.open(pressed(methods, "Authenticator app")).page.name == "verify"
    recover = tablet.open(pressed(methods, "Recovery code"))
    assert recover.page.name == "recover"
    assert recover.page.form("/recover").fields["next"]  # still on the way to /reports


@pytest.mark.requirement("R40", "R50")
def test_a_step_up_gives_a_new_session_in_place_of_the_old_one(laptop, phone, application, clock):
    old_cookie = laptop.cookies["__Host-wsgi_mfa_session_portal"]
    clock.wait(301)
    asked = laptop.open("/mfa/verify")
    assert asked.page.outcome == "step_up_required"
    assert "Confirm that it is you" in asked.page.words
    laptop.submit(asked, "/verify", code=phone.code())
    assert laptop.cookies["__Host-wsgi_mfa_session_portal"] != old_cookie
    assert len(application.service.store.load(USER).sessions) == 1


def test_whoever_is_signed_in_just_now_is_not_asked_for_a_code_again(laptop, phone):
    assert laptop.open("/mfa/verify").page.outcome == "signed_in"


@pytest.mark.requirement("R77")
def test_a_json_client_signs_in(tablet, phone):
    challenge = tablet.get_json("/reports")
    assert (challenge.status, challenge.problem) == (401, "must_verify")
    assert challenge.location is None
    wrong = tablet.post_json("/mfa/verify", {"code": phone.wrong_code()})
    assert (wrong.status, wrong.problem) == (422, "wrong_code")
    answer = tablet.post_json("/mfa/verify", {"code": phone.code()})
    assert (answer.status, answer.json) == (200, {"outcome": "signed_in", "next": "/"})
    assert tablet.get_json("/reports").text == "welcome to /reports"


@pytest.mark.requirement("R77", "R82")
def test_a_json_client_is_told_what_a_page_would_say(tablet, phone, application, new_browser, clock):
    code = phone.code()
    tablet.open("/")
    tablet.post_json("/mfa/verify", {"code": code})
    other = new_browser(application, environ={"REMOTE_USER": USER})
    used = other.post_json("/mfa/verify", {"code": code})
    assert (used.status, used.problem, used.json["hint"]) == (422, "used_code", "wait_for_next")
    assert used.json["retry_after_seconds"] == 28
    clock.wait(300)
    late = other.post_json("/mfa/verify", {"code": phone.code(steps=-4)})
    assert (late.status, late.problem, late.json["hint"]) == (422, "wrong_code", "clock_slow")


@pytest.mark.requirement("R79")
@pytest.mark.parametrize(
    "body", [{"code": ["123456"]}, {"code": 123456}, ["123456"], "123456", {"code": None}]
)
def test_json_that_holds_anything_but_one_text_is_refused_uncharged(tablet, phone, application, body):
    answer = tablet.post_json("/mfa/verify", body)
    assert (answer.status, answer.problem) == (400, "bad_request")
    assert failures_of(application).consecutive_count == 0


# Sessions.


@pytest.mark.requirement("R52", "D23")
def test_a_session_that_lies_idle_ends_after_an_hour_and_a_minute(laptop, phone, clock):
    clock.wait(3600)
    assert laptop.navigate("/").text == "welcome to /"
    clock.wait(3661)
    assert laptop.open("/").page.outcome == "must_verify"


@pytest.mark.requirement("R52")
def test_a_busy_session_ends_after_a_day(laptop, phone, clock):
    begun = clock.now() - 32_000_000  # the enrollment was a step ago
    while clock.now() < begun + (86_400 - 1800) * 1_000_000:
        clock.wait(1800)
        assert laptop.navigate("/").text == "welcome to /"
    clock.wait(1800)
    assert laptop.open("/").page.outcome == "must_verify"


@pytest.mark.requirement("R12", "D22")
def test_a_server_whose_clock_stepped_back_says_so(tablet, phone, clock):
    clock.wait(-3600)
    rejected = tablet.submit(tablet.open("/"), "/verify", code=phone.code())
    assert (rejected.status, rejected.page.outcome) == (403, "refused")
    assert "Codes cannot be checked right now" in rejected.page.words


@pytest.mark.requirement("R73", "D20")
def test_who_goes_back_after_a_success_and_presses_continue_once_more_is_led_on(tablet, phone, application):
    page = tablet.open("/reports/3")
    tablet.submit(page, "/verify", code=phone.code())
    sessions = application.service.store.load(USER).sessions
    again = tablet.submit(page, "/verify", code=phone.wrong_code())
    assert (again.page.name, again.page.outcome) == ("continue", "signed_in")
    assert again.page.refresh == "0;url=/reports/3"
    assert failures_of(application).consecutive_count == 0
    assert application.service.store.load(USER).sessions == sessions


@pytest.mark.requirement("R73", "D19")
def test_the_sign_out_of_a_page_from_before_the_code_signs_out(tablet, phone, application):
    page = tablet.open("/reports/3")
    tablet.submit(page, "/verify", code=phone.code())
    sessions = application.service.store.load(USER).sessions
    assert tablet.submit_only(page, "/sign-out").status == 303
    assert application.service.store.load(USER).sessions == sessions[:-1]


@pytest.mark.requirement("R73")
def test_a_form_of_another_browser_of_the_user_is_refused_as_before(tablet, laptop, phone, clock):
    clock.wait_for_step()
    page = tablet.open("/")
    assert laptop.submit_only(page, "/verify", code=phone.code()).status == 403


@pytest.mark.requirement("D22")
def test_workers_whose_clocks_differ_by_an_hour_do_not_send_a_browser_to_and_fro(
    wrapped, portal, browser_of, phone_of, clock
):
    ahead = wrapped(portal)
    behind = wrapped(portal, clock=Behind(clock, seconds=3600))
    browser = browser_of(USER, ahead)
    browser.enroll("/", phone_of)
    browser.application = behind
    asked = browser.navigate("/mfa/continue")
    assert (asked.status, asked.location) == (303, "/mfa/verify?asked=1")
    browser.application = ahead
    assert browser.navigate(asked.location).page.name == "verify"


class Behind:
    """The clock of a worker that is some seconds behind another's."""

    def __init__(self, clock, *, seconds):
        self.clock, self.seconds = clock, seconds

    def now(self):
        return self.clock.now() - self.seconds * 1_000_000

    def sleep(self, seconds):
        self.clock.sleep(seconds)
