"""What is posted to our pages: from this site, this browser and this user alone, within bounds (R70, R73, R79, D36)."""

from __future__ import annotations

import io
import json
from urllib.parse import urlencode

import pytest

BROWSER = "__Host-wsgi_mfa_browser"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def verifying(browser_of, phone_of, clock):
    """``verifying(user)``: a browser on the page that asks for the code, its form, and the phone."""

    def make(user="alice"):
        phone = browser_of(user).enroll("/", phone_of)
        clock.wait_for_step()
        browser = browser_of(user)
        return browser, browser.open("/").page.form("/verify"), phone

    return make


@pytest.fixture
def failures(memory_store):
    """``failures(user)``: how many wrong codes were charged."""
    return lambda user="alice": memory_store.load(user).code_failures.consecutive_count


def sign_in(browser, form, phone, headers=None, **fields):
    return browser.post_form(form.action, form.fields | {"code": phone.code()} | fields, headers)


# Tokens


@pytest.mark.requirement("R73")
def test_a_form_of_this_browser_is_accepted(verifying):
    assert sign_in(*verifying()).location.startswith("/mfa/continue")


@pytest.mark.requirement("R73")
@pytest.mark.parametrize(
    "token", [None, "", "x", "k1.", "k1.AAAA", "é", "k2.AAAA", "k1.{}", "{}x", "x{}", "{}\x00"]
)
def test_a_missing_or_made_up_token_is_refused_and_charges_nothing(verifying, failures, token):
    browser, form, phone = verifying()
    fields = form.fields | {"code": phone.wrong_code()}
    mine = fields.pop("csrf")
    if token is not None:
        fields["csrf"] = token.format(mine)
    answer = browser.post_form(form.action, fields)
    assert answer.status == 403
    assert answer.page.outcome == "forbidden"
    assert failures() == 0
    assert sign_in(browser, form, phone).status == 303


@pytest.mark.requirement("R73")
def test_a_token_of_another_browser_is_refused(verifying, browser_of, failures):
    browser, form, phone = verifying()
    other = browser_of("alice")
    token = other.open("/").page.form("/verify").fields["csrf"]
    assert token != form.fields["csrf"]
    assert sign_in(browser, form, phone, csrf=token).status == 403


@pytest.mark.requirement("R73")
def test_a_token_of_another_user_of_the_same_browser_is_refused(verifying, browser_of):
    browser, form, phone = verifying()
    browser.environ["REMOTE_USER"] = "bob"
    assert sign_in(browser, form, phone).status == 403
    bobs = browser.navigate("/mfa/enroll").page.form("/enroll").fields["csrf"]
    browser.environ["REMOTE_USER"] = "alice"
    assert sign_in(browser, form, phone, csrf=bobs).status == 403


@pytest.mark.requirement("R73")
def test_a_form_without_its_browser_cookie_is_refused(verifying):
    browser, form, phone = verifying()
    del browser.cookies[BROWSER]
    assert sign_in(browser, form, phone).status == 403


@pytest.mark.requirement("R73")
@pytest.mark.parametrize(
    "path", ["enroll", "enroll/manual", "verify", "resync", "recover", "recovery-code", "sign-out"]
)
def test_every_form_of_ours_asks_for_its_token(browser_of, phone_of, memory_store, path):
    alice = browser_of("alice")
    alice.enroll("/", phone_of)
    before = memory_store.load("alice")
    fields = {"code": "123456", "recovery_code": "A" * 24, "saved": "yes", "action": "restart"}
    assert alice.post_form(f"/mfa/{path}", fields).page.outcome == "forbidden"
    assert memory_store.load("alice") == before


@pytest.mark.requirement("R73")
@pytest.mark.parametrize(
    "path",
    ["verify", "resync", "recover", "recovery-code", "sign-out", "methods", "continue", "help"],
)
def test_a_get_changes_nothing_that_counts(browser_of, phone_of, memory_store, path):
    alice = browser_of("alice")
    phone = alice.enroll("/", phone_of)
    before = memory_store.load("alice")
    query = urlencode({"code": phone.code(), "saved": "yes", "action": "replace", "recovery_code": "A" * 24})
    alice.navigate(f"/mfa/{path}?{query}")
    assert memory_store.load("alice") == before


# Other sites


SITES = [
    # Sec-Fetch-Site, Origin, whether it is accepted
    ("same-origin", "https://portal.example", True),
    ("same-origin", None, True),
    ("same-origin", "null", True),
    ("none", None, True),
    ("none", "null", True),
    (None, "https://portal.example", True),
    (None, "https://portal.example:443", False),
    (None, None, True),
    ("cross-site", "https://evil.example", False),
    ("cross-site", "https://portal.example", False),
    ("cross-site", None, False),
    ("cross-site", "null", False),
    ("same-site", "https://other.portal.example", False),
    ("same-site", "https://portal.example", False),
    ("same-site", None, False),
    ("", "https://portal.example", False),
    ("Same-Origin", "https://portal.example", False),
    ("same-origin, same-origin", "https://portal.example", False),
    (None, "https://evil.example", False),
    (None, "null", False),
    (None, "", False),
    (None, "http://portal.example", False),
    (None, "https://portal.example:8443", False),
    (None, "https://portal.example.evil.example", False),
    (None, "https://other.portal.example", False),
    (None, "https://portal.example/", False),
    (None, "https://portal.example, https://evil.example", False),
]


@pytest.mark.requirement("R73", "D36")
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(("site", "origin", "accepted"), SITES)
def test_a_change_is_accepted_from_this_site_alone(verifying, failures, as_json, site, origin, accepted):
    browser, form, phone = verifying()
    headers = {"Accept": "text/html", "Content-Type": "application/json" if as_json else FORM}
    if site is not None:
        headers["Sec-Fetch-Site"] = site
    if origin is not None:
        headers["Origin"] = origin
    fields = form.fields | {"code": phone.code()}
    body = json.dumps({"code": fields["code"]}) if as_json else urlencode(fields)
    answer = browser.request("POST", form.action, headers=headers, body=body.encode())
    if accepted:
        assert answer.status == (200 if as_json else 303)
    else:
        assert answer.status == 403
        assert (answer.problem if as_json else answer.page.outcome) == "forbidden"
    assert failures() == 0


@pytest.mark.requirement("D36")
@pytest.mark.parametrize("host", ["portal.example:443", "PORTAL.EXAMPLE", None])
def test_the_host_may_be_spelt_with_its_port_or_in_capitals(verifying, host):
    browser, form, phone = verifying()
    headers = {"Content-Type": FORM, "Origin": "https://portal.example"}
    body = urlencode(form.fields | {"code": phone.code()}).encode()
    answer = browser.request("POST", form.action, headers=headers, body=body, environ={"HTTP_HOST": host})
    assert answer.status == 303


@pytest.mark.requirement("D36")
def test_over_plain_http_the_origin_is_one_of_http(wrapped, portal, new_browser):
    application = wrapped(portal, plain_http=True)
    browser = new_browser(application, origin="http://127.0.0.1:8000", environ={"REMOTE_USER": "alice"})
    form = browser.open("/").page.form("/enroll")
    for origin, status in (
        ("http://127.0.0.1:8000", 422),
        ("https://127.0.0.1:8000", 403),
        ("http://127.0.0.1", 403),
    ):
        answer = browser.request(
            "POST",
            form.action,
            headers={"Content-Type": FORM, "Accept": "text/html", "Origin": origin},
            body=urlencode(form.fields | {"code": "000000"}).encode(),
        )
        assert answer.status == status


@pytest.mark.requirement("D36")
def test_no_answer_grants_another_site_anything(browser_of):
    alice = browser_of("alice")
    headers = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for path in ("/mfa/verify", "/mfa/enroll", "/reports"):
        answer = alice.request("OPTIONS", path, headers=headers)
        assert answer.status in (401, 405)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


# Bodies


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
