from __future__ import annotations

from typing import Any

import pytest

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor
from wsgi_mfa.identity.adapters.environ_key import EnvironKey

WHO = "repoze.who.identity"


def identity(user: object) -> dict[str, object]:
    return {"repoze.who.userid": user, "timestamp": 1}


@pytest.mark.parametrize(
    ("found", "user"), [("alice", "alice"), (7, "7"), ("René".encode(), "René"), ("日本", "日本")]
)
def test_the_user_is_the_one_that_the_middleware_outside_has_found(found: object, user: str) -> None:
    adapter = EnvironKey(WHO)
    assert adapter.identify({WHO: identity(found)}) == FirstFactor(user=user)
    assert EnvironKey("portal.user").identify({"portal.user": found}) == FirstFactor(user=user)


@pytest.mark.parametrize("environ", [{}, {WHO: None}, {WHO: {}}, {"HTTP_REPOZE.WHO.IDENTITY": "alice"}])
def test_without_an_identity_there_is_nobody(environ: dict[str, Any]) -> None:
    assert EnvironKey(WHO).identify(environ) is None


@pytest.mark.parametrize(
    "found", [{"other": "alice"}, "alice", identity(""), identity(b"\xff"), identity(True)]
)
def test_an_identity_without_a_user_proves_nothing(found: object) -> None:
    assert EnvironKey(WHO).identify({WHO: found}) is UNRESOLVED


def test_the_user_of_the_server_must_be_the_same_one() -> None:
    adapter = EnvironKey(WHO)
    found = {WHO: identity("René")}
    assert adapter.identify({**found, "REMOTE_USER": "René"}) == FirstFactor(user="René")
    assert adapter.identify({**found, "REMOTE_USER": "Ren\xc3\xa9"}) == FirstFactor(user="René")
    assert adapter.identify({**found, "REMOTE_USER": "admin"}) is UNRESOLVED
    assert adapter.identify({"REMOTE_USER": "admin"}) is UNRESOLVED
    assert "REMOTE_USER" in adapter.credentials.headers


@pytest.mark.requirement("R56")
@pytest.mark.parametrize("key", ["HTTP_X_USER", "REMOTE_USER", ""])
def test_a_key_that_a_client_or_the_server_fills_is_refused(key: str) -> None:
    with pytest.raises(ConfigurationError, match="TrustedHeader, for REMOTE_USER RemoteUser"):
        EnvironKey(key)


def test_the_selftest_finds_the_key_in_the_environment_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REMOTE_USER", raising=False)
    assert EnvironKey("portal.user").selftest() == []
    monkeypatch.setenv("portal.user", "root")
    (problem,) = EnvironKey("portal.user").selftest()
    assert "unset portal.user" in problem
