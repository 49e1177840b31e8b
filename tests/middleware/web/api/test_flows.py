"""What a program with the right codes is told is in the OpenAPI document too: made-up codes never get so far."""

from __future__ import annotations

from importlib.resources import files

import pytest
import yaml

schemathesis = pytest.importorskip("schemathesis")

import requests  # noqa: E402 - Schemathesis brings it
from schemathesis.core.failures import Failure, FailureGroup  # noqa: E402 - as above
from schemathesis.core.transport import Response  # noqa: E402 - as above

USER = "user1@example.com"


@pytest.fixture(scope="module")
def document():
    text = (files("wsgi_mfa.web") / "openapi.yaml").read_text(encoding="utf-8")
    return schemathesis.openapi.from_dict(yaml.safe_load(text))


@pytest.fixture
def program(document, browser_of):
    """``program(method, page, members)``: send it, hold the answer to the document, and give its outcome."""
    client = browser_of(USER)

    def send(method, page, members=None):
        url = f"/mfa{page}"
        answer = client.get_json(url) if method == "GET" else client.post_json(url, members)
        operation = document[page][method]
        assert str(answer.status) in operation.definition.raw["responses"]
        assert document_accepts(operation, method, answer)
        return answer

    def document_accepts(operation, method, answer):
        headers = {}
        for name, value in answer.headers:
            headers.setdefault(name.lower(), []).append(value)
        response = Response(
            status_code=answer.status,
            headers=headers,
            content=answer.body,
            request=requests.Request(method, f"https://portal.example{answer.url}").prepare(),
            elapsed=0.0,
            verify=True,
        )
        operation.validate_response(response)
        return True

    send.client = client
    return send


def outcome(answer):
    return answer.json["outcome"] if answer.status == 200 else answer.problem


@pytest.mark.requirement("R77")
def test_a_program_enrolls_signs_in_recovers_and_signs_out(program, phone_of, clock):
    key = program("GET", "/enroll")
    phone = phone_of(key.json["key"])
    assert outcome(program("POST", "/enroll", {"code": phone.wrong_code()})) == "wrong_code"
    saving = program("POST", "/enroll", {"code": phone.code()})
    assert outcome(saving) == "must_save_recovery_code"
    assert program("GET", "/recovery-code").json["recovery_code"] == saving.json["recovery_code"]
    assert outcome(program("POST", "/recovery-code", {"saved": False})) == "must_save_recovery_code"
    assert outcome(program("POST", "/recovery-code", {"saved": True})) == "signed_in"
    for page in ("/continue", "/verify", "/recover", "/recovery-code", "/methods", "/resync"):
        assert outcome(program("GET", page)) == "signed_in"
    assert outcome(program("POST", "/sign-out", {})) == "signed_out"
    assert outcome(program("POST", "/verify", {"code": phone.code()})) == "used_code"
    clock.wait_for_step()
    assert outcome(program("POST", "/verify", {"code": phone.code()})) == "signed_in"
    replaced = program("POST", "/recovery-code", {"action": "replace"})
    assert outcome(replaced) == "must_save_recovery_code"
    assert outcome(program("POST", "/recovery-code", {"saved": True})) == "signed_in"
    program("POST", "/sign-out", {})
    recovered = program("POST", "/recover", {"recovery_code": replaced.json["recovery_code"]})
    assert outcome(recovered) == "must_save_recovery_code"
    assert outcome(program("GET", "/continue")) == "must_save_recovery_code"
    assert outcome(program("POST", "/enroll", {"action": "restart"})) == "must_enroll"


@pytest.mark.requirement("R77")
def test_a_program_re_learns_a_clock_and_is_locked_out(program, phone_of, clock):
    phone = phone_of(program("GET", "/enroll").json["key"])
    program("POST", "/enroll", {"code": phone.code()})
    program("POST", "/recovery-code", {"saved": True})
    clock.wait(3600)
    phone.offset_seconds = -180
    assert outcome(program("GET", "/verify")) == "step_up_required"
    late = program("POST", "/verify", {"code": phone.code()})
    assert (outcome(late), late.json["hint"]) == ("wrong_code", "clock_slow")
    clock.wait_for_step()
    assert outcome(program("POST", "/resync", {"code": phone.code()})) == "must_verify"
    clock.wait_for_step()
    assert outcome(program("POST", "/resync", {"code": phone.code()})) == "resynced"
    for number in range(5):
        assert outcome(program("POST", "/verify", {"code": phone.wrong_code(number)})) == "wrong_code"
    assert outcome(program("POST", "/verify", {"code": phone.code()})) == "locked"


def test_an_answer_that_is_not_in_the_document_is_noticed(program, monkeypatch):
    told = program.client.get_json
    monkeypatch.setattr(program.client, "get_json", lambda url: told("/mfa/methods"))
    with pytest.raises((Failure, FailureGroup)):
        program("GET", "/enroll")
