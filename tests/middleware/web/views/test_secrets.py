"""All flows at once, and nothing that came out of them holds a secret where none belongs (R37, R38, R83)."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field

import pytest

from wsgi_mfa.core.codec import ACCOUNT_CODEC
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.support.desk import SupportDesk

pytestmark = pytest.mark.any_python

USER = "user1@example.com"
COOKIES = ("__Host-wsgi_mfa_browser_portal", "__Host-wsgi_mfa_session_portal")


@dataclass
class Story:
    """What came out of all flows, and the secrets that they were about."""

    answers: list = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    keys: list[str] = field(default_factory=list)
    recovery_codes: list[str] = field(default_factory=list)
    cookie_values: set[str] = field(default_factory=set)
    stored: list[str] = field(default_factory=list)
    log_lines: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> set[str]:
        spelt = {code.replace("-", "") for code in self.recovery_codes}
        return {*self.keys, *self.recovery_codes, *spelt, *self.cookie_values}


@pytest.fixture
def story(wrapped, portal, new_browser, phone_of, key_on, code_on, clock, troubled_store, notices, caplog):
    """A user's whole life, with every kind of failure in it; logs are taken down to the last detail."""
    caplog.set_level(logging.DEBUG)
    told = Story()

    class RecordingBrowser(new_browser):
        def request(self, method, url, **settings):
            answer = super().request(method, url, **settings)
            told.answers.append(answer)
            told.cookie_values.update(self.cookies.values())
            account = troubled_store.load(USER)
            if account is not None:
                told.stored.append(ACCOUNT_CODEC.encode(account))
            return answer

        def type_code(self, page, action, code):
            told.codes.add(code)
            return self.submit(page, action, code=code)

        def enroll_slowly(self):
            page = self.open("/")
            key = key_on(page)
            told.keys.append(key)
            phone = phone_of(key)
            self.type_code(page, "/enroll", phone.wrong_code())
            manual = self.open("/mfa/enroll/manual")
            saving = self.type_code(manual, "/enroll/manual", phone.code())
            told.recovery_codes.append(code_on(saving))
            self.submit(saving, "/recovery-code", tick=False)
            self.submit(saving, "/recovery-code")
            clock.wait_for_step()
            return phone

    def break_down():
        raise StoreUnavailableError("the store is gone")

    application = wrapped(portal, store=troubled_store, notify=notices.append)
    laptop = RecordingBrowser(application, environ={"REMOTE_USER": USER})
    tablet = RecordingBrowser(application, environ={"REMOTE_USER": USER})
    laptop.get_json("/reports")
    phone = laptop.enroll_slowly()
    page = tablet.open("/reports")
    for code in (phone.wrong_code(5), phone.code(steps=-30), phone.code(steps=-1)):
        tablet.type_code(page, "/verify", code)
    troubled_store.before += [break_down, break_down]
    told.codes.add(phone.code())
    assert tablet.submit(page, "/verify", code=phone.code()).status == 503
    tablet.post_form("/mfa/verify", {"code": phone.code()})
    tablet.post_json("/mfa/verify", {"code": [phone.code()]})
    assert tablet.type_code(page, "/verify", phone.code()).page.outcome == "signed_in"
    tablet.submit(tablet.open("/mfa/recovery-code"), "/sign-out")
    recovering = tablet.open("/mfa/recover")
    tablet.submit(recovering, "/recover", recovery_code="A" * 24)
    saving = tablet.submit(recovering, "/recover", recovery_code=told.recovery_codes[0])
    told.recovery_codes.append(code_on(saving))
    tablet.open("/mfa/recovery-code")
    tablet.submit(saving, "/recovery-code")
    clock.wait_for_step()
    resync = tablet.type_code(tablet.open("/mfa/resync"), "/resync", phone.code())
    clock.wait(30)
    tablet.type_code(resync, "/resync", phone.code())
    for number in range(6):
        laptop.cookies.pop("__Host-wsgi_mfa_session_portal", None)
        laptop.type_code(laptop.open("/"), "/verify", phone.wrong_code(10 + number))
    desk = SupportDesk(application.service)
    desk.reset(USER, email="other@example.com", reason="lost", agent="edith")
    desk.unlock(USER, email=USER, reason="lost", agent="edith")
    enrollment_code = desk.reset(USER, email=USER, reason="lost", agent="edith").enrollment_code
    told.recovery_codes.append(enrollment_code)
    laptop.submit(laptop.open("/"), "/enroll", enrollment_code="AAAA-BBBB-CCCC")
    laptop.submit(laptop.open("/"), "/enroll", enrollment_code=enrollment_code)
    laptop.enroll_slowly()
    for path in (
        "enroll",
        "enroll/manual",
        "verify",
        "methods",
        "recover",
        "recovery-code",
        "resync",
        "help",
        "x",
    ):
        laptop.open(f"/mfa/{path}")
        laptop.get_json(f"/mfa/{path}")
    assert {answer.status for answer in told.answers} >= {200, 303, 400, 401, 403, 404, 422, 429, 503}
    told.log_lines = [logging.Formatter().format(record) for record in caplog.records]
    return told


@pytest.mark.requirement("R83", "R84")
def test_no_log_line_holds_a_code_a_key_a_recovery_code_or_a_cookie(story):
    assert len(story.log_lines) > 30
    assert any("Traceback" in line for line in story.log_lines)
    for line in story.log_lines:
        assert not any(secret in line for secret in story.secrets), line
        assert not story.codes & set(re.findall(r"(?<!\d)\d{6}(?!\d)", line)), line


@pytest.mark.requirement("R32", "R48", "R83")
def test_no_event_and_no_notice_holds_a_secret(story, notices, troubled_store):
    events = troubled_store.events(limit=10_000)
    assert {"enrollment.confirmed", "sign_in.accepted", "recovery_code.used", "lock.started"} <= {
        event.kind for event in events
    }
    for event in (*events, *notices):
        text = " ".join(
            (event.kind, event.user, event.source, *(value for pair in event.details for value in pair))
        )
        assert not any(secret in text for secret in story.secrets), event
        assert not story.codes & set(re.findall(r"\d{6}", text)), event


@pytest.mark.requirement("R27", "R42", "R84")
def test_nothing_that_was_ever_stored_holds_a_secret_in_the_clear(story):
    for text in story.stored:
        assert not any(secret in text for secret in story.secrets)
        assert not story.codes & set(re.findall(r'"(\d{6})"', text))


@pytest.mark.requirement("R38")
def test_no_address_and_no_header_but_the_cookies_own_holds_a_secret(story):
    for answer in story.answers:
        addresses = " ".join((answer.url, *(value for name, value in answer.headers if name != "Set-Cookie")))
        assert not any(secret in addresses for secret in story.secrets), addresses
        title = re.search("<title>(.*?)</title>", answer.text)
        assert title is None or not any(secret in title.group(1) for secret in story.secrets)


@pytest.mark.requirement("R37", "R38")
def test_a_key_is_on_the_two_pages_that_set_it_up_and_nowhere_else(story):
    shown_on = {
        answer.page.name or "json"
        for answer in story.answers
        if any(key in answer.text.replace(" ", "") for key in story.keys)
    }
    assert shown_on == {"enroll", "enroll_manual"}


@pytest.mark.requirement("R26", "R37")
def test_a_recovery_code_is_on_its_page_and_nowhere_else(story):
    shown_on = {
        answer.page.name or "json"
        for answer in story.answers
        if any(code in answer.text for code in story.recovery_codes)
    }
    assert shown_on == {"recovery_code"}


@pytest.mark.requirement("R37", "R38")
def test_after_activation_a_crawl_with_full_rights_finds_no_key(laptop, bind_phone, key_on, application):
    page = laptop.open("/")
    key = key_on(page)
    bind_phone(laptop)
    sealed = application.service.store.load(USER).authenticator.sealed_key
    seen, todo = (
        set(),
        ["/", "/mfa/help", "/mfa/continue", "/mfa/methods", "/mfa/recovery-code", "/mfa/resync"],
    )
    while todo:
        url = todo.pop()
        if url in seen or not url.startswith("/"):
            continue
        seen.add(url)
        answer = laptop.open(url)
        todo += [] if answer.page.name is None else answer.page.links
        assert key not in answer.text.replace(" ", "")
        assert sealed not in answer.text
    assert len(seen) > 6


@pytest.mark.requirement("R38")
def test_no_page_asks_anything_of_another_site(story):
    for answer in story.answers:
        for address in re.findall(r'(?:src|href|action)="([^"]*)"', answer.text):
            assert address.startswith(("/", "#", "data:", "otpauth:")), address


@pytest.mark.requirement("R53", "R38")
def test_cookies_hold_no_personal_data(story):
    for value in story.cookie_values:
        assert "user1" not in value
        assert "example" not in value


@pytest.mark.requirement("R80", "R83")
def test_the_page_of_a_failure_tells_nothing_of_it(wrapped, portal, new_browser, troubled_store):
    class Exploding:
        shared_between_processes = True
        identity = troubled_store.identity
        fenced_at = 0
        document_schema = troubled_store.document_schema

        def key_checks(self):
            return {}

        def load(self, user):
            raise RuntimeError("password=hunter2 at /srv/portal/db.py")

    browser = new_browser(wrapped(portal, store=Exploding()), environ={"REMOTE_USER": USER})
    page, answer = browser.navigate("/"), browser.get_json("/")
    assert page.status == answer.status == 503
    assert "hunter2" not in page.text + json.dumps(answer.json)
    assert "Traceback" not in page.text
    assert portal.calls == []
