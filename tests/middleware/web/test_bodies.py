"""How the body of a POST is read: within bounds, each field once (R8, R70, R79)."""

from __future__ import annotations

import io
import json
from urllib.parse import urlencode

import pytest

pytestmark = pytest.mark.any_python

FORM = "application/x-www-form-urlencoded"


def sign_in(browser, form, phone, headers=None, **fields):
    return browser.post_form(form.action, form.fields | {"code": phone.code()} | fields, headers)


@pytest.mark.requirement("R70")
def test_a_body_over_the_bound_is_refused_unread(verifying):
    browser, form, _ = verifying()
    stream = Counted(b"x" * 8193)
    extra = {"wsgi.input": stream, "CONTENT_LENGTH": "8193"}
    answer = browser.request(
        "POST", form.action, headers={"Content-Type": FORM, "Accept": "text/html"}, environ=extra
    )
    assert answer.status == 413
    assert answer.page.outcome == "too_large"
    assert stream.bytes_read == 0


class Counted(io.BytesIO):
    bytes_read = 0

    def read(self, size=-1):
        assert size >= 0, "a read without a bound"
        chunk = super().read(size)
        self.bytes_read += len(chunk)
        return chunk


class Gone(io.BytesIO):
    def read(self, size=-1):
        raise ConnectionResetError("the client has gone")


@pytest.mark.requirement("R70", "R80")
def test_a_client_that_leaves_in_the_middle_of_its_form_is_no_failure_of_ours(verifying, caplog):
    browser, form, _ = verifying()
    extra = {"wsgi.input": Gone(), "CONTENT_LENGTH": "100"}
    headers = {"Content-Type": FORM, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    answer = browser.request("POST", form.action, headers=headers, environ=extra)
    assert (answer.status, answer.page.outcome) == (400, "bad_request")
    assert caplog.records == []


@pytest.mark.requirement("R70")
@pytest.mark.parametrize("length", ["99999999999999999999999999", "8193", "1" * 5000])
def test_a_length_over_the_bound_is_refused_however_long_it_is(verifying, length):
    browser, form, _ = verifying()
    browser.validated = False  # the validator turns the length into a number itself
    answer = browser.request(
        "POST", form.action, headers={"Content-Type": FORM}, environ={"CONTENT_LENGTH": length}
    )
    assert answer.status == 413


@pytest.mark.requirement("R70")
def test_exactly_the_bound_is_read(verifying):
    browser, form, phone = verifying()
    fields = form.fields | {"code": phone.code(), "padding": ""}
    fields["padding"] = "x" * (8192 - len(urlencode(fields)))
    stream = Counted(urlencode(fields).encode() + b"&of=another+request")
    extra = {"wsgi.input": stream, "CONTENT_LENGTH": "8192"}
    headers = {"Content-Type": FORM, "Sec-Fetch-Site": "same-origin"}
    assert browser.request("POST", form.action, headers=headers, environ=extra).status == 303
    assert stream.bytes_read == 8192
    assert not stream.closed


@pytest.mark.requirement("R70")
@pytest.mark.parametrize("length", ["-1", "+5", "1e3", "0x10", "٣", "5 5", "5,5"])
def test_a_length_that_is_no_number_is_refused(verifying, length):
    browser, form, _ = verifying()
    browser.validated = False  # the validator refuses some of them itself
    answer = browser.request(
        "POST", form.action, headers={"Content-Type": FORM}, environ={"CONTENT_LENGTH": length}
    )
    assert answer.status == 400


@pytest.mark.requirement("R70")
def test_a_body_that_is_cut_off_is_refused(verifying, failures):
    browser, form, phone = verifying()
    body = urlencode(form.fields | {"code": phone.code()}).encode()
    answer = browser.request(
        "POST",
        form.action,
        headers={"Content-Type": FORM},
        body=body,
        environ={"CONTENT_LENGTH": str(len(body) + 1)},
    )
    assert answer.status == 400
    assert failures() == 0


@pytest.mark.requirement("R70")
@pytest.mark.parametrize(("terminated", "status"), [(True, 303), (False, 403), (None, 403)])
def test_without_a_length_only_a_body_that_ends_by_itself_is_read(verifying, terminated, status):
    browser, form, phone = verifying()
    stream = Counted(urlencode(form.fields | {"code": phone.code()}).encode())
    extra = {"wsgi.input": stream, "CONTENT_LENGTH": None, "wsgi.input_terminated": terminated}
    headers = {"Content-Type": FORM, "Sec-Fetch-Site": "same-origin"}
    assert browser.request("POST", form.action, headers=headers, environ=extra).status == status
    assert (stream.bytes_read > 0) == bool(terminated)


@pytest.mark.requirement("R70")
def test_a_body_without_an_end_is_read_no_further_than_the_bound(verifying):
    browser, form, _ = verifying()
    stream = Counted(b"x" * 100_000)
    extra = {"wsgi.input": stream, "CONTENT_LENGTH": None, "wsgi.input_terminated": True}
    answer = browser.request("POST", form.action, headers={"Content-Type": FORM}, environ=extra)
    assert answer.status == 413
    assert stream.bytes_read == 8193


# Fields


@pytest.mark.requirement("R79")
@pytest.mark.parametrize("name", ["code", "csrf", "next", "pending", "anything"])
@pytest.mark.parametrize("second", ["same", "other", ""])
def test_a_field_that_is_given_twice_is_refused_and_charges_nothing(verifying, failures, name, second):
    browser, form, phone = verifying()
    fields = {"pending": "p", "anything": "a"} | form.fields | {"code": phone.wrong_code()}
    doubled = {"same": fields[name], "other": "123456", "": ""}[second]
    body = f"{urlencode(fields)}&{urlencode({name: doubled})}"
    headers = {"Content-Type": FORM, "Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    answer = browser.request("POST", form.action, headers=headers, body=body.encode())
    assert answer.status == 400
    assert answer.page.outcome == "bad_request"
    assert failures() == 0


@pytest.mark.requirement("R79")
@pytest.mark.parametrize(
    "body",
    [
        '{"code": ["{code}"]}',
        '{"code": ["{code}", "123456"]}',
        '{"code": "{code}", "code": "123456"}',
        '{"code": "123456", "code": "{code}"}',
        '{"code": {"code": "{code}"}}',
        '{"code": 123456}',
        '{"code": null}',
        '{"code": 1.5}',
        '["{code}"]',
        '[["code", "{code}"]]',
        '"{code}"',
        "123456",
        "null",
        "true",
        "",
        "{",
        '{"code": "{code}"',
        '{"code": "{code}"} {}',
        "{'code': '{code}'}",
        '{"code": "{code}", "x": NaN}',
        "[" * 4000,
        "1" * 5000,
    ],
)
def test_json_that_is_no_object_of_texts_is_refused_and_charges_nothing(verifying, failures, body):
    browser, form, phone = verifying()
    sent = body.replace("{code}", phone.code()).encode()
    answer = browser.request("POST", form.action, headers={"Content-Type": "application/json"}, body=sent)
    assert answer.status == 400
    assert answer.problem == "bad_request"
    assert failures() == 0
    assert browser.post_json(form.action, {"code": phone.code()}).json["outcome"] == "signed_in"


@pytest.mark.requirement("R73")
@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "multipart/form-data; boundary=x", "application/xml", "text/json", "application/json5"],
)
def test_a_body_of_another_type_is_refused(verifying, failures, media_type):
    browser, form, phone = verifying()
    for body in (json.dumps({"code": phone.code()}), urlencode(form.fields | {"code": phone.code()})):
        answer = browser.request(
            "POST", form.action, headers={"Content-Type": media_type}, body=body.encode()
        )
        assert answer.status == 400
    assert failures() == 0


@pytest.mark.parametrize("media_type", [f"{FORM}; charset=utf-8", FORM.upper(), f" {FORM} ", ""])
def test_the_type_of_a_form_may_have_parameters_and_capitals(verifying, media_type):
    browser, form, phone = verifying()
    assert sign_in(browser, form, phone, {"Content-Type": media_type}).status == 303


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_type_of_json_may_have_parameters_and_capitals(verifying, media_type):
    browser, form, phone = verifying()
    answer = browser.post_json(form.action, {"code": phone.code()}, {"Content-Type": media_type})
    assert answer.json["outcome"] == "signed_in"


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", "code=日本".encode(), b"&".join(b"a%d=" % number for number in range(21))]
)
def test_a_form_that_cannot_be_read_is_refused(verifying, body):
    browser, form, _ = verifying()
    headers = {"Content-Type": FORM, "Sec-Fetch-Site": "same-origin"}
    assert browser.request("POST", form.action, headers=headers, body=body).status == 400


@pytest.mark.requirement("R8")
@pytest.mark.parametrize("spelling", ["{}{}", " {} {} ", "{}-{}", "{} - {}"])
def test_a_code_may_be_typed_with_spaces_and_hyphens(verifying, spelling):
    browser, form, phone = verifying()
    code = phone.code()
    assert sign_in(browser, form, phone, code=spelling.format(code[:3], code[3:])).status == 303


@pytest.mark.requirement("R8")
@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1",
        "1234567",
        "１２３４５６",
        "١٢٣٤٥٦",
        "1_2_3_4_5_6",
        "12345a",
        "+12345",
        "1.3456",
        "\x00",
        "é" * 900,
    ],
)
def test_what_is_no_code_is_wrong_and_costs_nothing(verifying, failures, typed):
    browser, form, phone = verifying()
    answer = sign_in(browser, form, phone, code=typed)
    assert answer.status == 422
    assert answer.page.outcome == "wrong_code"
    assert failures() == 0


def test_a_post_without_the_field_is_a_wrong_code(verifying):
    browser, form, _ = verifying()
    fields = {name: value for name, value in form.fields.items() if name != "code"}
    assert browser.post_form(form.action, fields).status == 422
    assert browser.post_json(form.action, {}).problem == "wrong_code"
