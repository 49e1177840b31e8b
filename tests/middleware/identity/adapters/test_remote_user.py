from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.identity.adapter import FirstFactor
from wsgi_mfa.identity.adapters.remote_user import RemoteUser

ADAPTER = RemoteUser()


def test_the_user_is_the_one_that_the_server_names() -> None:
    assert ADAPTER.identify({"REMOTE_USER": "alice"}) == FirstFactor(user="alice", login=None)


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_user_is_nobody(value: str | None) -> None:
    # Some servers and Trac set the key without a user (PEP 3333 leaves it open).
    assert ADAPTER.identify({"REMOTE_USER": value}) is None
    assert ADAPTER.identify({}) is None


@pytest.mark.requirement("R56")
def test_a_header_of_the_client_is_not_read() -> None:
    assert ADAPTER.identify({"HTTP_REMOTE_USER": "admin", "HTTP_X_REMOTE_USER": "admin"}) is None


@given(st.text(min_size=1).filter(lambda user: user.isprintable()))
def test_a_user_in_utf_8_is_read_as_it_was_written(user: str) -> None:
    as_wsgi_gives_it = user.encode().decode("latin-1")
    assert ADAPTER.identify({"REMOTE_USER": as_wsgi_gives_it}) == FirstFactor(user=user)


@pytest.mark.parametrize("user", ["Ren\xe9", "\u65e5\u672c"])
def test_a_user_that_is_not_utf_8_is_taken_as_it_stands(user: str) -> None:
    assert ADAPTER.identify({"REMOTE_USER": user}) == FirstFactor(user=user)


@pytest.mark.requirement("D5")
def test_it_vouches_for_no_cookie_but_the_named_ones() -> None:
    assert RemoteUser().traits.anonymous_cookies == ()
    assert RemoteUser(anonymous_cookies=["lang"]).traits.anonymous_cookies == ("lang",)
    assert RemoteUser().credentials.cookies == ()


def test_the_selftest_finds_a_user_in_the_environment_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REMOTE_USER", raising=False)
    assert ADAPTER.selftest() == []
    monkeypatch.setenv("REMOTE_USER", "root")
    (problem,) = ADAPTER.selftest()
    assert "unset REMOTE_USER ('root')" in problem
