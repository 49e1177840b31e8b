"""What programs and proxies send stands in no log, no event and no answer, whatever fails meanwhile (R83, D31)."""

from __future__ import annotations

import base64
import logging
import re

import pytest

from wsgi_mfa import Chain, FlaskSession, HttpBasic, Policy, StoreUnavailableError

PASSWORD = "correct horse battery"
USER = "alice@example.com"
SECRET_KEY = "the secret of a portal in tests"
PROXY = "10.0.0.5"


def break_down():
    raise StoreUnavailableError("the store is gone")


@pytest.fixture
def told(wrapped, portal, new_browser, phone_of, clock, troubled_store, notices, caplog):
    """A user's life in JSON, by appended codes and through a proxy: secrets, codes, log lines, answers."""
    caplog.set_level(logging.DEBUG)
    answers, codes, secrets = [], set(), {PASSWORD}

    class Recording(new_browser):
        def request(self, method, url, **settings):
            answer = super().request(method, url, **settings)
            answers.append(answer)
            secrets.update(self.cookies.values())
            return answer

    def basic(password):
        secrets.add(base64.b64encode(f"{USER}:{password}".encode()).decode())
        return {"Authorization": "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()}

    adapter = HttpBasic(lambda name, password: password == PASSWORD, clock=clock)
    application = wrapped(portal, identity=adapter, store=troubled_store, notify=notices.append)
    proxied = wrapped(
        portal,
        identity=FlaskSession(SECRET_KEY, user_key="_user_id"),
        store=troubled_store,
        forward_auth=True,
        policy=Policy(trusted_peers=(PROXY,)),
    )
    program, other = Recording(application), Recording(application)
    for each in (program, other):
        each.environ["HTTP_AUTHORIZATION"] = basic(PASSWORD)["Authorization"]

    def post(browser, path, **members):
        codes.update(str(value) for name, value in members.items() if name == "code")
        return browser.post_json(f"/mfa/{path}", members)

    enroll = program.get_json("/mfa/enroll").json
    secrets |= {enroll["key"], enroll["otpauth_uri"]}
    phone = phone_of(base64.b32decode(enroll["key"] + "=" * (-len(enroll["key"]) % 8)))
    post(program, "enroll", code=phone.wrong_code())
    post(program, "enroll", code=phone.code())
    shown = program.get_json("/mfa/recovery-code").json["recovery_code"]
    secrets.add(shown)
    post(program, "recovery-code", saved=True)
    clock.wait_for_step()
    other.get_json("/mfa/verify")
    troubled_store.before += [break_down, break_down]
    assert post(other, "verify", code=phone.code()).status == 503
    for typed in (phone.wrong_code(1), phone.code(steps=-1), phone.code()):
        post(other, "verify", code=typed)
    troubled_store.before += [break_down, break_down]
    assert post(other, "recover", recovery_code=shown).status == 503
    post(other, "recover", recovery_code=shown[::-1])
    post(other, "recover", recovery_code=shown)
    secrets.add(other.get_json("/mfa/recovery-code").json["recovery_code"])
    post(other, "recovery-code", saved=True)
    clock.wait_for_step()
    post(other, "resync", code=phone.code())
    clock.wait(30)
    post(other, "resync", code=phone.code())
    clock.wait(60)
    bare = Recording(application)
    for code in (phone.wrong_code(2), phone.code(), phone.code(), "12"):
        codes.add(code)
        headers = basic(PASSWORD + code)
        bare.cookies.clear()
        bare.request("PUT", "/files", headers=headers)
    assert [call["wsgi_mfa.user"] for call in portal.calls if "wsgi_mfa.user" in call] == [USER] * 2
    clock.wait(60)
    codes.add(phone.code())
    troubled_store.before += [break_down, break_down]
    bare.request("PUT", "/files", headers=basic(PASSWORD + phone.code()))
    asked = Recording(proxied, environ={"REMOTE_ADDR": PROXY})
    asked.cookies["session"] = portal.cookie("alice")
    uri = {"X-Forwarded-Uri": f"/files?code={phone.code()}", "X-Forwarded-Method": "GET"}
    for headers in (uri, {**uri, "Authorization": basic(PASSWORD)["Authorization"]}):
        asked.request("GET", "/mfa/forward-auth", headers=headers)
    lines = [logging.Formatter().format(record) for record in caplog.records]
    return secrets, codes - {"12"}, lines, answers


def holds_none(text, secrets, codes):
    assert not any(secret in text for secret in secrets), text
    assert not codes & set(re.findall(r"(?<!\d)\d{6}(?!\d)", text)), text
    return True


@pytest.mark.requirement("R83", "R84")
def test_no_log_line_of_a_program_or_a_proxy_holds_a_secret(told):
    secrets, codes, lines, answers = told
    assert {answer.status for answer in answers} >= {200, 401, 422, 503}
    assert any("Traceback" in line for line in lines)
    assert all(holds_none(line, secrets, codes) for line in lines)


@pytest.mark.requirement("R48", "R83")
def test_no_event_and_no_notice_of_a_program_holds_a_secret(told, troubled_store, notices):
    secrets, codes, _, _ = told
    events = troubled_store.events(limit=10_000)
    assert {"sign_in.accepted", "recovery_code.used", "clock.relearned", "code.wrong"} <= {
        event.kind for event in events
    }
    assert all(
        holds_none(repr((event.kind, event.source, event.details)), secrets, codes)
        for event in (*events, *notices)
    )


@pytest.mark.requirement("R37", "R38")
def test_no_refusal_of_a_program_repeats_what_it_sent(told):
    secrets, codes, _, answers = told
    rejections = [answer for answer in answers if answer.status >= 400]
    assert len(rejections) > 8
    assert all(holds_none(answer.text, secrets, codes) for answer in rejections)


@pytest.mark.requirement("R83")
def test_a_chain_and_its_parts_show_no_secret_when_they_are_printed():
    adapter = Chain(FlaskSession(SECRET_KEY, user_key="_user_id"), HttpBasic(lambda name, password: True))
    assert SECRET_KEY not in repr(adapter) + repr(FlaskSession(SECRET_KEY, user_key="_user_id")) + repr(
        vars(adapter)
    )
