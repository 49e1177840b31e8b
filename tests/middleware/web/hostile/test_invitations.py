"""The field for the desk's enrollment code, against values of every wrong kind: no phone, no charge, no error."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from wsgi_mfa import Policy
from wsgi_mfa.support import SupportDesk

pytestmark = pytest.mark.any_python

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
USER = "dave@example.com"
WRONG_KINDS = (
    *("null", "true", "false", "0", "-1", "1e400", "NaN", "123456", "[]", "{}", '["{}"]', '["{}", "{}"]'),
    *("[[]]", "[null]", '{"enrollment_code": "{}"}', '{"$ne": ""}', '{"$gt": ""}', '{"0": "{}"}', "9" * 400),
    *('[{"enrollment_code": "{}"}]', '{"constructor": "{}"}'),
)
#: ``{}`` stands for the right code.
WRONG_TEXTS = (
    *(
        "",
        " ",
        "-",
        "----",
        "{}A",
        "A{}",
        "{}{}",
        "{}\x00",
        "\x00{}",
        "{},{}",
        "{}\n{}",
        "{};",
        "'{}'",
        '"{}"',
    ),
    *("AAAA-BBBB-CCC", "AAAA-BBBB-CCCCC", "%00", "*", "____-____-____", "' OR '1'='1", "{{7*7}}", "../{}"),
    *(
        "\u0661\u0662\u0663\u0664",
        "\uff21" * 12,
        "\u24b6" * 12,
        "\U0001d400" * 12,
        "\ufeff{}",
        "\u202e{}",
        "0" * 4000,
    ),
)
SURROGATES = ("\ud800", "\udfff\ud800", "{}\ud800", "\udc00{}")


@pytest.fixture
def invited(wrapped, portal, browser_of):
    """A user whom the desk has given an enrollment code, the code, and the token of the form."""
    application = wrapped(portal, policy=Policy(enrollment="invited"))
    browser = browser_of(USER, application)
    desk = SupportDesk(application.service)
    code = desk.invite(USER, email=USER, reason="new here", agent="edith").enrollment_code
    page = browser.follow(browser.navigate("/mfa/enroll"))
    return browser, code, page.page.forms[0].fields["csrf"]


@pytest.fixture
def post(invited, portal, memory_store):
    """``post(body, media_type)``: the answer, after which the account is as it was."""
    browser = invited[0]

    def send(body, media_type):
        before, cookies = memory_store.load(USER), dict(browser.cookies)
        headers = {"Accept": JSON, "Content-Type": media_type}
        answer = browser.request("POST", "/mfa/enroll", headers=headers, body=body)
        browser.cookies = cookies
        assert memory_store.load(USER) == before, body
        assert portal.calls == []
        return answer.status, answer.problem

    return send


def with_code(text, code):
    return text.replace("{}", code) if text not in ("{}", "{{7*7}}") else text


@pytest.mark.requirement("R79")
def test_an_enrollment_code_of_the_wrong_kind_is_refused(invited, post):
    for kind in WRONG_KINDS:
        body = f'{{"enrollment_code": {with_code(kind, invited[1])}}}'
        assert post(body.encode(), JSON) == (400, "bad_request"), body


@pytest.mark.requirement("R8", "R30")
def test_text_that_is_no_enrollment_code_is_wrong_and_costs_nothing(invited, post):
    _, code, token = invited
    for text in (*WRONG_TEXTS, *SURROGATES):
        typed = with_code(text, code)
        body = json.dumps({"enrollment_code": typed}).encode()
        assert post(body, JSON) == (422, "wrong_code"), ascii(text)
        if text not in SURROGATES:
            form = urlencode({"csrf": token, "enrollment_code": typed}).encode()
            assert post(form, FORM) == (422, "wrong_code"), ascii(text)


@pytest.mark.requirement("R79")
def test_an_enrollment_code_that_is_given_twice_is_refused(invited, post):
    _, code, token = invited
    for other in (code, "", "AAAA-BBBB-CCCC"):
        form = f"csrf={token}&enrollment_code={code}&enrollment_code={other}"
        assert post(form.encode(), FORM) == (400, "bad_request")
        body = f'{{"enrollment_code": "{code}", "enrollment_code": "{other}"}}'
        assert post(body.encode(), JSON) == (400, "bad_request")


@pytest.mark.requirement("R41")
def test_the_code_itself_is_accepted_after_all_of_that(invited, portal):
    browser, code, token = invited
    answer = browser.request(
        "POST",
        "/mfa/enroll",
        headers={"Accept": JSON, "Content-Type": FORM},
        body=urlencode({"csrf": token, "enrollment_code": code}).encode(),
    )
    assert answer.json["outcome"] == "must_enroll"
    assert portal.calls == []
