"""The emulated browser, against a small application."""

from __future__ import annotations

import re

import pytest

from mfa_simulator.errors import StepError
from mfa_simulator.language.scenario import NetworkSpec
from mfa_simulator.world.browser import Browser
from mfa_simulator.world.entropy import SeededEntropy
from mfa_simulator.world.http import ORIGIN, Response
from mfa_simulator.world.network import Network
from mfa_simulator.world.network_conditions import NetworkConditions

HTML = ("Content-Type", "text/html")
FORM = '<form method="post" action="/check"><input name="code"><input type="hidden" name="csrf" value="t"></form>'
PAGES = {
    "/form": f'<body data-page="verify" data-outcome="must_verify">{FORM}',
    "/wait": '<body data-page="continue" data-outcome="signed_in"><meta http-equiv="refresh" content="0; url=/home">',
    "/home": '<body data-page="home" data-outcome="welcome"><p>Hello</p>',
}


@pytest.fixture
def requests():
    """What the server got."""
    return []


@pytest.fixture
def browser(true_time, requests, recorder, record):
    def deliver(request):
        requests.append(request)
        if request.path in PAGES:
            return Response(status=200, headers=(HTML,), body=PAGES[request.path].encode())
        targets = {"/check": "/wait", "/loop": "/loop", "/away": "https://evil.example/"}
        cookie = ("Set-Cookie", "session=1; Max-Age=60")
        return Response(status=303, headers=(("Location", targets[request.path]), cookie))

    network = Network(true_time, deliver=deliver, entropy=SeededEntropy(0, "network"), recorder=recorder)
    return Browser(name="laptop", network=network, time=true_time, recorder=recorder)


def header(request, name):
    return dict(request.headers).get(name)


def form_of(browser):
    browser.open("/form")
    return browser.page_state.page.form_with("code")


def test_a_form_is_sent_as_a_browser_sends_it(browser, requests):
    browser.submit(form_of(browser), {"code": "123456"}, about="code")
    sent = requests[1]
    assert (sent.method, sent.path, sent.body) == ("POST", "/check", b"code=123456&csrf=t")
    assert header(sent, "Origin") == ORIGIN
    assert header(sent, "Sec-Fetch-Site") == "same-origin"
    assert header(sent, "Sec-Fetch-Mode") == "navigate"
    assert header(sent, "Referer") == f"{ORIGIN}/form"


def test_redirects_and_refreshes_are_followed_to_the_page_that_stays(browser, requests, record):
    assert browser.submit(form_of(browser), {"code": "1"}, about="code") == "welcome"
    assert [request.path for request in requests] == ["/form", "/check", "/wait", "/home"]
    assert [request.method for request in requests[2:]] == ["GET", "GET"]
    assert "signed_in" in [page_state.outcome for page_state in record.page_states]


def test_cookies_are_kept_and_sent_until_they_expire(browser, requests, true_time):
    browser.post("/check", [("code", "1")], about="code")
    assert header(requests[0], "Cookie") is None
    assert header(requests[-1], "Cookie") == "session=1"
    true_time.wait(61_000_000)
    browser.open("/home")
    assert header(requests[-1], "Cookie") is None


def test_the_last_deciding_request_is_sent_again_as_it_was(browser, requests):
    browser.post("/check", [("code", "1")], about="code")
    browser.open("/home")
    browser.resend()
    assert requests[-3] == requests[0]
    assert header(requests[-3], "Cookie") is None


def test_a_browser_that_decided_nothing_has_nothing_to_send_again(browser):
    browser.open("/home")
    with pytest.raises(StepError, match="laptop"):
        browser.resend()


def test_a_step_changes_the_network_for_its_deciding_request_only(browser, true_time):
    browser.network_conditions = NetworkConditions(base=NetworkSpec(), changes={"lose": "response"})
    assert browser.open("/home") == "welcome"
    assert browser.post("/check", [("code", "1")], about="code") == "timeout"
    assert browser.post("/check", [("code", "2")], about="code") == "welcome"


@pytest.mark.parametrize("named", ["/home", "GET /home"])
def test_a_step_can_name_another_request(browser, named):
    browser.network_conditions = NetworkConditions(
        base=NetworkSpec(), changes={"lose": "response", "request": named}
    )
    assert browser.open("/form") == "must_verify"
    assert browser.open("/home") == "timeout"


def test_a_redirect_loop_and_a_foreign_target_end_in_an_error(browser, record):
    assert browser.open("/loop") == "error"
    assert "20 redirects" in record.remarks[-1]
    assert browser.open("/away") == "error"
    assert "leads away" in record.remarks[-1]


def test_back_loads_the_page_before_again(browser, requests):
    browser.open("/form")
    browser.open("/home")
    assert browser.back() == "must_verify"
    assert requests[-1].path == "/form"
    with pytest.raises(StepError, match="go back"):
        browser.back()


def test_a_raw_request_is_sent_as_written_and_followed_nowhere(browser, requests):
    browser.post("/check", [("code", "1")])
    outcome = browser.send_raw("PUT", "/check?x=1", {"X-Thing": "2"}, "body")
    assert outcome == "error"
    sent = requests[-1]
    assert (sent.method, sent.url, sent.body) == ("PUT", f"{ORIGIN}/check?x=1", b"body")
    assert sent.headers == (("X-Thing", "2"), ("Cookie", "session=1"))


def test_a_raw_request_keeps_its_dots_and_its_own_cookies(browser, requests):
    browser.post("/check", [("code", "1")])
    browser.send_raw("GET", "/check", {"cookie": "other=2"}, "")
    assert requests[-1].headers == (("cookie", "other=2"),)
    with pytest.raises(KeyError, match=re.escape("/a/../b")):
        browser.send_raw("GET", "/a/../b", {}, "")


def test_closing_the_browser_forgets_the_page_and_its_session(browser, requests):
    browser.jar.store("short=1", now=0)
    browser.open("/home")
    browser.close()
    assert browser.page_state is None
    browser.open("/home")
    assert header(requests[-1], "Cookie") is None


def test_another_window_shares_the_cookies_and_not_the_page(browser):
    browser.open("/form")
    tab = browser.new_tab()
    tab.open("/home")
    assert browser.outcome == "must_verify"
    browser.jar.store("new=1", now=0)
    assert tab.jar.header("/", now=0) == "new=1"


def test_a_page_of_the_portal_that_tells_nothing_of_its_user_is_remarked_on(played):
    play = played("- visit: {browser: laptop, path: /static/portal.css}\n")
    assert "shows neither a signed-in user nor a form for a password" in " ".join(
        play.moments[-1].found.remarks
    )
