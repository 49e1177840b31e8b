"""Programs that send name and password with each request, and a code behind it (R62)."""

from __future__ import annotations

import base64

import pytest

from wsgi_mfa import Chain, FlaskSession, HttpBasic
from wsgi_mfa.support import SupportDesk

PASSWORD = "correct horse"
USER = "alice@example.com"


def basic(password, name=USER):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def basic_portal(wrapped, portal, clock):
    adapter = HttpBasic(lambda name, password: password == PASSWORD, clock=clock)
    return wrapped(portal, identity=adapter)


@pytest.fixture
def phone(basic_portal, new_browser, phone_of, clock):
    """The phone of alice, which she has set up in a browser."""
    browser = new_browser(basic_portal, environ={"HTTP_AUTHORIZATION": basic(PASSWORD)})
    phone = browser.enroll("/", phone_of)
    clock.wait_for_step()
    return phone


@pytest.fixture
def client(basic_portal, new_browser):
    """A program without cookies."""
    return new_browser(basic_portal)


@pytest.fixture
def ask(client):
    """``ask(password)``: one request of the program."""

    def send(password, method="PUT", path="/files", **settings):
        client.cookies.clear()
        headers = {"Authorization": basic(password), **settings.pop("headers", {})}
        return client.request(method, path, headers=headers, **settings)

    return send


@pytest.mark.requirement("R62")
def test_a_right_password_alone_does_not_reach_the_application(ask, phone, portal):
    portal.calls.clear()
    answer = ask(PASSWORD)
    assert answer.problem == "must_verify"
    assert answer.header("WWW-Authenticate").startswith('Basic realm="')
    assert portal.calls == []


@pytest.mark.requirement("R62", "R22")
def test_a_wrong_password_gets_no_word_about_codes_and_spends_no_try(ask, phone, portal, memory_store):
    before = memory_store.load(USER)
    answer = ask("wrong" + phone.code())
    assert answer.status == 200
    assert "HTTP_AUTHORIZATION" not in portal.calls[-1]
    assert memory_store.load(USER) == before


@pytest.mark.requirement("R62")
def test_a_code_behind_the_password_signs_a_program_in_for_the_length_of_a_session(
    ask, phone, portal, clock, memory_store
):
    credentials = PASSWORD + phone.code()
    for _ in range(20):
        answer = ask(credentials)
        assert answer.status == 200
        assert answer.all("Set-Cookie") == []
        clock.wait(600)
    assert portal.calls[-1]["wsgi_mfa.user"] == USER
    assert portal.calls[-1]["HTTP_AUTHORIZATION"] == basic(PASSWORD)
    assert len(memory_store.load(USER).sessions) == 1
    clock.wait(3700)
    assert ask(credentials).status == 401
    assert ask(PASSWORD + phone.code()).status == 200


@pytest.mark.requirement("R6", "R62")
def test_the_credentials_are_good_for_one_address_alone(ask, phone, client):
    credentials = PASSWORD + phone.code()
    assert ask(credentials).status == 200
    client.environ["REMOTE_ADDR"] = "198.51.100.9"
    answer = ask(credentials)
    assert (answer.status, answer.problem) == (401, "used_code")


@pytest.mark.requirement("R21", "R62")
def test_a_wrong_code_is_charged_once_however_often_a_program_repeats_it(ask, phone, memory_store, clock):
    wrong = PASSWORD + phone.wrong_code()
    for _ in range(10):
        answer = ask(wrong)
        assert answer.status == 401
        assert answer.header("WWW-Authenticate") is not None
        clock.wait(60)
    assert memory_store.load(USER).code_failures.consecutive_count == 1
    assert ask(PASSWORD + phone.code()).status == 200


@pytest.mark.requirement("R17", "R20", "R62")
def test_guesses_lock_the_account_as_on_the_page(ask, phone, clock):
    answers = [ask(PASSWORD + phone.wrong_code(number)) for number in range(8)]
    assert [answer.status for answer in answers[:3]] == [401] * 3
    assert answers[-1].status == 429
    assert int(answers[-1].header("Retry-After")) > 0
    assert ask(PASSWORD + phone.code()).problem == "locked"
    clock.wait(30)
    assert ask(PASSWORD + phone.code()).status == 200


@pytest.mark.requirement("R45")
def test_a_reset_ends_the_session_of_a_program_at_once(ask, phone, basic_portal, memory_store):
    credentials = PASSWORD + phone.code()
    assert ask(credentials).status == 200
    SupportDesk(basic_portal.service).reset(USER, email=USER, reason="a test", agent="edith")
    assert ask(credentials).problem == "must_enroll"


def test_a_browser_with_a_refused_code_is_led_to_the_page(ask, phone):
    navigation = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    answer = ask(PASSWORD + phone.wrong_code(), method="GET", headers=navigation)
    assert answer.status == 303
    assert "/mfa/verify" in answer.location
    assert answer.header("WWW-Authenticate") is None


def test_a_script_in_a_page_is_not_asked_by_a_dialog(ask, phone):
    answer = ask(PASSWORD, method="GET", headers={"Sec-Fetch-Mode": "cors"})
    assert answer.status == 401
    assert answer.header("WWW-Authenticate") is None


@pytest.mark.requirement("R14")
def test_no_code_is_taken_over_plain_http(ask, phone, client, portal):
    client.origin = "http://portal.example"
    portal.calls.clear()
    assert ask(PASSWORD + phone.code()).status == 401
    assert portal.calls == []
    client.origin = "https://portal.example"
    assert ask(PASSWORD + phone.code()).status == 200


def test_a_chain_hands_the_code_on(wrapped, portal, new_browser, phone_of, clock):
    chain = Chain(
        HttpBasic(lambda name, password: password == PASSWORD, clock=clock),
        FlaskSession("the secret of a portal in tests", user_key="_user_id"),
    )
    application = wrapped(portal, identity=chain)
    browser = new_browser(application, environ={"HTTP_AUTHORIZATION": basic(PASSWORD)})
    phone = browser.enroll("/", phone_of)
    clock.wait_for_step()
    program = new_browser(application, environ={"HTTP_AUTHORIZATION": basic(PASSWORD + phone.code())})
    for _ in range(2):
        assert program.request("GET", "/").status == 200
        clock.wait(90)
    assert portal.calls[-1]["HTTP_AUTHORIZATION"] == basic(PASSWORD)
