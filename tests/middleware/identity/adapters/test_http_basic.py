from __future__ import annotations

import base64
from typing import Any

import pytest

from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor
from wsgi_mfa.identity.adapters.http_basic import REMEMBERED_SECONDS, HttpBasic

PASSWORDS = {"alice": "correct horse", "bob": "hunter123456", "rené": "pässwörd"}

APP = "mfa-0000-0000-0000-0000-0000-0000-0"


def check(name: str, password: str) -> bool:
    return PASSWORDS.get(name) == password


def environ(name: str, password: str, *, encoding: str = "utf-8", scheme: str = "Basic") -> dict[str, Any]:
    sent = base64.b64encode(f"{name}:{password}".encode(encoding)).decode()
    return {"HTTP_AUTHORIZATION": f"{scheme} {sent}"}


def test_a_right_password_is_the_user_and_a_wrong_one_proves_nothing() -> None:
    adapter = HttpBasic(check)
    assert adapter.identify({}) is None
    assert adapter.identify(environ("alice", "correct horse")) == FirstFactor(user="alice")
    assert adapter.identify(environ("rené", "pässwörd")) == FirstFactor(user="rené")
    assert adapter.identify(environ("alice", "correct horse", scheme="basic")) == FirstFactor(user="alice")
    for wrong in (("alice", "hunter2"), ("mallory", "correct horse"), ("Alice", "correct horse")):
        assert adapter.identify(environ(*wrong)) is UNRESOLVED


@pytest.mark.parametrize(
    "header",
    [
        "Bearer abc",
        "Digest username=alice",
        "Basic",
        "Basic !",
        "Basic YWxpY2U",
        "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==, Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==",
        "Basic YWxpY2U6Y29ycmVjdCBob3JzZR==",  # other bits behind the end
        "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ",
        "Basic\tYWxpY2U6Y29ycmVjdCBob3JzZQ==",
        " Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==",
        "Basic " + base64.b64encode(b"alice").decode(),
        "Basic " + base64.b64encode(b":correct horse").decode(),
        "Basic " + base64.b64encode(b"alice:").decode(),
        "Basic " + base64.b64encode(b"alice\n:correct horse").decode(),
        "Basic " + base64.b64encode("rené:pässwörd".encode("latin-1")).decode(),
    ],
)
def test_what_is_not_one_pair_of_name_and_password_in_one_spelling_proves_nothing(header: str) -> None:
    assert HttpBasic(lambda name, password: True).identify({"HTTP_AUTHORIZATION": header}) is UNRESOLVED


def test_a_code_behind_the_password_is_split_off_and_the_application_gets_the_password() -> None:
    found = HttpBasic(check).identify(environ("alice", "correct horse123456"))
    assert isinstance(found, FirstFactor)
    assert (found.user, found.code) == ("alice", "123456")
    assert found.replaced == (
        ("HTTP_AUTHORIZATION", environ("alice", "correct horse")["HTTP_AUTHORIZATION"]),
    )
    assert "correct horse" not in repr(found)
    assert "123456" not in repr(found)


def test_a_password_that_ends_in_digits_is_a_password_first() -> None:
    adapter = HttpBasic(check)
    assert adapter.identify(environ("bob", "hunter123456")) == FirstFactor(user="bob")
    found = adapter.identify(environ("bob", "hunter123456654321"))
    assert isinstance(found, FirstFactor)
    assert found.code == "654321"


@pytest.mark.requirement("D52")
@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("hunter", ["hunter"]),
        ("hunter654321", ["hunter"]),
        ("hunter65432", ["hunter65432"]),
        ("digits123456", ["digits", "digits123456"]),
        ("wrong654321", ["wrong", "wrong654321"]),
        ("hunter" + APP, ["hunter"]),
    ],
)
def test_the_checker_is_asked_for_what_is_before_the_code_and_at_most_once_more(typed, asked) -> None:
    found: list[str] = []

    def checking(name: str, password: str) -> bool:
        found.append(password)
        return password in ("hunter", "digits123456")

    HttpBasic(checking).identify(environ("bob", typed))
    assert found == asked


@pytest.mark.requirement("D52")
def test_a_program_with_a_code_fails_no_sign_in_at_the_portal(clock) -> None:
    refused: list[str] = []

    def checking(name: str, password: str) -> bool:
        if password != "hunter":
            refused.append(password)
        return password == "hunter"

    adapter = HttpBasic(checking, clock=clock)
    for _ in range(60):
        assert isinstance(adapter.identify(environ("bob", "hunter654321")), FirstFactor)
        clock.wait(30)
    assert refused == []


@pytest.mark.parametrize("typed", ["123456", "correct horse12345", "correct horse１２３４５６"])
def test_other_endings_are_no_codes(typed: str) -> None:
    assert HttpBasic(check).identify(environ("alice", typed)) is UNRESOLVED


def test_the_checker_may_name_the_user() -> None:
    ids = {("alice", "correct horse"): "7", ("bob", "x"): ""}
    adapter = HttpBasic(lambda name, password: ids.get((name, password)))
    assert adapter.identify(environ("alice", "correct horse")) == FirstFactor(user="7")
    assert adapter.identify(environ("bob", "x")) is UNRESOLVED


@pytest.mark.parametrize("answer", [1, object(), b"alice", ["alice"]])
def test_only_a_clear_yes_counts(answer: Any) -> None:
    assert HttpBasic(lambda name, password: answer).identify(environ("alice", "x")) is UNRESOLVED


@pytest.mark.requirement("D3")
def test_a_right_answer_is_remembered_for_a_minute_and_a_wrong_one_never(clock) -> None:
    asked: list[str] = []
    passwords = {"alice": "old"}

    def changing(name: str, password: str) -> bool:
        asked.append(password)
        return passwords.get(name) == password

    adapter = HttpBasic(changing, clock=clock)
    for _ in range(2):
        assert adapter.identify(environ("alice", "old")) == FirstFactor(user="alice")
        assert adapter.identify(environ("alice", "wrong")) is UNRESOLVED
    assert asked == ["old", "wrong", "wrong"]
    passwords["alice"] = "new"
    clock.wait(REMEMBERED_SECONDS)
    assert adapter.identify(environ("alice", "old")) is UNRESOLVED


@pytest.mark.requirement("D7")
def test_a_checker_that_fails_is_not_a_wrong_password() -> None:
    def down(name: str, password: str) -> bool:
        raise OSError("no route to host")

    with pytest.raises(AdapterUnavailableError, match="no route to host"):
        HttpBasic(down).identify(environ("alice", "x"))
    (problem,) = HttpBasic(down).selftest()
    assert "no route to host" in problem


def test_the_selftest_finds_a_checker_that_checks_nothing() -> None:
    assert HttpBasic(check).selftest() == []
    (problem,) = HttpBasic(lambda name, password: True).selftest()
    assert "it must check them" in problem


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"checker": "htpasswd"}, "checker must be callable"),
        ({"realm": 'a "quoted" one'}, "realm is"),
        ({"realm": "a\nb"}, "realm is"),
        ({"code_digits": 4}, "code_digits is 4: legal is 6 to 8"),
    ],
)
def test_a_setting_without_a_legal_value_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        HttpBasic(**{"checker": check, **settings})
