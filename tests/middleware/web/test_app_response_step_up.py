"""An application that asks for a fresher second factor itself, by RFC 9470 and without an import of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa import FlaskSession, Policy, RemoteUser
from wsgi_mfa.web.app_response import asked_in

USER = "user1@example.com"
JSON = {"Accept": "application/json"}
ASKED = 'Bearer error="insufficient_user_authentication", max_age="{}"'


class Bank:
    """An application whose /transfer wants a second factor of the last ``age`` seconds, by its own clock."""

    def __init__(self, clock, *, age=120, challenge=ASKED):
        self.clock, self.age, self.challenge = clock, age, challenge
        self.transfers: list[str] = []

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        since = self.clock.now() // 1_000_000 - environ.get("wsgi_mfa.verified_at", 0)
        environ["PATH_INFO"] = "/changed by the application"
        if path == "/transfer" and since >= self.age:
            headers = [
                ("Content-Type", "text/plain"),
                ("WWW-Authenticate", self.challenge.format(self.age)),
                ("Set-Cookie", "draft=7; Path=/"),
            ]
            start_response("401 Unauthorized", headers)
            return [b"a fresh code is needed"]
        if path == "/transfer":
            self.transfers.append(environ["REQUEST_METHOD"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"welcome to " + path.encode()]


@pytest.fixture
def bank(clock):
    return Bank(clock)


@pytest.fixture(params=["REMOTE_USER", "session cookie"])
def browser_at(request, wrapped, portal, new_browser):
    """``browser_at(application)``: a browser whose user can, or cannot, change in a response."""

    def make(application, **settings):
        identity = (
            RemoteUser()
            if request.param == "REMOTE_USER"
            else FlaskSession(portal.secret_key, user_key="_user_id")
        )
        browser = new_browser(wrapped(application, identity=identity, **settings))
        if request.param == "REMOTE_USER":
            browser.environ["REMOTE_USER"] = USER
        else:
            browser.cookies["session"] = portal.cookie(USER)
        return browser

    return make


@pytest.fixture
def laptop(browser_at, bank):
    return browser_at(bank)


@pytest.fixture
def phone(laptop, phone_of, clock):
    phone = laptop.enroll("/", phone_of)
    clock.wait_for_step()
    return phone


@pytest.mark.requirement("R78")
def test_a_browser_is_led_to_the_code_and_back_to_the_page(laptop, phone, bank, clock):
    assert laptop.navigate("/transfer").status == 200
    clock.wait(120)
    asked = laptop.open("/transfer?to=7")
    assert (asked.page.name, asked.page.outcome) == ("verify", "step_up_required")
    assert "not carried out" not in asked.text
    assert laptop.cookies["draft"] == "7", "what the application noted goes out"
    done = laptop.submit(asked, "/verify", code=phone.code())
    assert done.page.refresh == "0;url=/transfer?to=7"
    assert laptop.navigate("/transfer?to=7").text == "welcome to /transfer"
    assert bank.transfers == ["GET", "GET"]


@pytest.mark.requirement("R78")
def test_a_form_is_neither_lost_silently_nor_sent_again(laptop, phone, bank, clock):
    clock.wait(120)
    asked = laptop.follow(laptop.post_form("/transfer", {"amount": "5"}))
    assert asked.page.outcome == "step_up_required"
    assert "What you just sent was not carried out" in asked.text
    assert laptop.submit(asked, "/verify", code=phone.code()).page.refresh == "0;url=/"
    assert bank.transfers == []
    assert laptop.post_form("/transfer", {"amount": "5"}).status == 200
    assert bank.transfers == ["POST"]


@pytest.mark.requirement("R77", "R78")
@pytest.mark.parametrize("headers", [JSON, {"Sec-Fetch-Mode": "cors"}], ids=["a program", "a script"])
def test_a_program_gets_the_applications_own_answer(laptop, phone, clock, headers):
    clock.wait(120)
    answer = laptop.request("GET", "/transfer", headers=headers)
    assert (answer.status, answer.text) == (401, "a fresh code is needed")
    assert answer.header("WWW-Authenticate") == ASKED.format(120)
    assert laptop.post_json("/mfa/verify", {"code": phone.code()}).json["outcome"] == "signed_in"
    assert laptop.request("GET", "/transfer", headers=headers).status == 200


@pytest.mark.requirement("R78")
def test_a_challenge_without_an_age_means_that_of_the_policy_and_is_completed(browser_at, clock, phone_of):
    bank = Bank(clock, age=300, challenge='Bearer error="insufficient_user_authentication"')
    laptop = browser_at(bank, policy=Policy(step_up_seconds=200))
    laptop.enroll("/", phone_of)
    clock.wait(300)
    answer = laptop.request("GET", "/transfer", headers=JSON)
    assert answer.header("WWW-Authenticate") == ASKED.format(200)
    assert laptop.open("/transfer").page.name == "verify"


def test_an_application_that_is_never_content_does_not_send_a_browser_round_and_round(
    browser_at, clock, phone_of, caplog
):
    laptop = browser_at(Bank(clock, age=0))
    phone = laptop.enroll("/", phone_of)
    clock.wait(40)
    laptop.submit(laptop.open("/transfer"), "/verify", code=phone.code())
    answer = laptop.navigate("/transfer")
    assert (answer.status, answer.text) == (401, "a fresh code is needed")
    assert "and was told of one that is younger" in caplog.text
    clock.wait(30)
    assert laptop.open("/transfer").page.name == "verify"


def test_an_application_whose_clock_is_wrong_does_not_either(browser_at, phone_of, clock):
    class Ahead:
        def now(self):
            return clock.now() + 3600 * 1_000_000

    laptop = browser_at(Bank(Ahead()))
    laptop.enroll("/", phone_of)
    clock.wait(100)
    assert laptop.navigate("/transfer").status == 401


@pytest.mark.requirement("R41", "R78")
def test_who_needs_no_second_factor_yet_is_led_to_one_by_an_application_that_asks(browser_at, bank):
    laptop = browser_at(bank, policy=Policy(required_from="never", reminder_seconds=0))
    assert laptop.navigate("/").status == 200
    assert laptop.open("/transfer").page.name == "enroll"
    assert laptop.request("GET", "/transfer", headers=JSON).text == "a fresh code is needed"


@pytest.mark.parametrize(
    "challenge",
    [
        'Basic realm="bank"',
        'Bearer error="invalid_token"',
        'Bearer realm="insufficient_user_authentication"',
        "Bearer",
        "insufficient_user_authentication",
        "",
    ],
)
def test_any_other_answer_of_status_401_is_passed_on_as_it_is(browser_at, phone_of, clock, challenge):
    laptop = browser_at(Bank(clock, challenge=challenge))
    laptop.enroll("/", phone_of)
    clock.wait(130)
    answer = laptop.navigate("/transfer")
    assert (answer.status, answer.text) == (401, "a fresh code is needed")
    assert answer.header("WWW-Authenticate") == challenge


def test_nobody_is_led_anywhere_who_is_not_signed_in(wrapped, bank, new_browser):
    answer = new_browser(wrapped(bank)).navigate("/transfer")
    assert (answer.status, answer.text) == (401, "a fresh code is needed")


def test_an_application_that_starts_late_is_passed_on_where_its_answers_cannot_change_the_user(
    wrapped, new_browser, phone_of, clock
):
    closed = []

    class Late:
        """An iterable that starts its response with its first chunk, and is to be handed on as it is."""

        def __init__(self, environ, start_response):
            self._start, self._path, self._chunks = start_response, environ["PATH_INFO"], [b"late"]

        def __iter__(self):
            return self

        def __next__(self):
            if not self._chunks:
                raise StopIteration
            headers = [("Content-Type", "text/plain"), ("WWW-Authenticate", ASKED.format(1))]
            self._start("401 Unauthorized" if self._path == "/transfer" else "200 OK", headers)
            return self._chunks.pop()

        def close(self):
            closed.append(self)

    laptop = new_browser(wrapped(Late, validated=False), validated=False, environ={"REMOTE_USER": USER})
    laptop.enroll("/", phone_of)
    clock.wait(100)
    answer = laptop.navigate("/transfer")
    assert (answer.status, answer.text, answer.closes) == (401, "late", 1)
    assert len(closed) == 1


@given(st.lists(st.tuples(st.sampled_from(["WWW-Authenticate", "X"]), st.text()), max_size=3))
def test_no_header_of_an_application_breaks_it(headers):
    assert asked_in(headers, otherwise=300) in (None, 300) or "insufficient" in str(headers)


@pytest.mark.parametrize(
    ("challenge", "age"),
    [
        ('bearer error="insufficient_user_authentication", max_age=60', 60),
        ('Bearer max_age="0", error="insufficient_user_authentication"', 0),
        ('Bearer error="insufficient_user_authentication", max_age="-1"', 300),
        ('Bearer error="insufficient_user_authentication", max_age="١"', 300),
        ('Bearer error="insufficient_user_authentication", max_age="9999999999"', 300),
    ],
)
def test_the_age_is_a_plain_number_or_that_of_the_policy(challenge, age):
    assert asked_in([("www-authenticate", challenge)], otherwise=300) == age
