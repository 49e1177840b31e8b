"""A session that names its user under another key than was set lets nobody in, and is told of once."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor
from wsgi_mfa.identity.adapters.session_user import USUAL_KEYS, SessionUser

pytestmark = pytest.mark.requirement("D43")


def found(session: dict[str, Any], key: str = "person", **settings: Any) -> object:
    return SessionUser("FlaskSession", key, **settings).first_factor_in(session)


def test_the_user_is_the_one_under_the_key() -> None:
    assert found({"person": "alice", "user": "bob"}) == FirstFactor(user="alice")
    assert found({"person": 17}) == FirstFactor(user="17")
    assert found({}) is None
    assert found({"csrf": "x", "flashes": []}) is None


@pytest.mark.parametrize("key", sorted(USUAL_KEYS))
def test_a_user_under_another_usual_key_is_no_visitor(key: str) -> None:
    assert found({key: "alice"}) is UNRESOLVED
    assert found({key: 17}) is UNRESOLVED
    assert found({key: ""}) is None
    assert found({key: None}) is None
    assert found({key: {"name": "alice"}}) is UNRESOLVED
    assert found({key: {}}) is None
    assert found({key: True}) is None
    assert found({key: "alice"}, key=key) == FirstFactor(user="alice")
    assert found({key: "x"}, anonymous_keys=[key]) is None


def test_a_weak_key_counts_beside_another_one() -> None:
    assert found({"login": "2026-01-01"}) is None
    assert found({"identity": "x"}) is None
    assert found({"login": "x", "identity": "y"}) is UNRESOLVED
    assert found({"login": "x", "user_id": "y"}) is UNRESOLVED


def test_each_kind_of_such_a_session_is_told_of_once_with_what_to_change(caplog) -> None:
    reader = SessionUser("FlaskSession", "_user_id")
    with caplog.at_level(logging.ERROR, logger="wsgi_mfa"):
        for _ in range(3):
            reader.first_factor_in({"user": "alice", "cart": 3})
    [told] = caplog.messages
    assert told == (
        "FlaskSession: a session without '_user_id' has 'user' and was left out: set user_key to the key of the"
        " portal's users, perhaps 'user', or name the key in anonymous_keys, if visitors have it (all keys: 'cart',"
        " 'user')"
    )
    assert "alice" not in caplog.text


def test_a_value_that_is_neither_text_nor_a_number_names_the_setting(caplog) -> None:
    with caplog.at_level(logging.ERROR, logger="wsgi_mfa"):
        assert found({"person": {"user_id": 7}}) is UNRESOLVED
        assert found({"person": True}) is UNRESOLVED
        assert found({"person": ""}) is UNRESOLVED
    assert "user=" in caplog.messages[0]
    assert "dict" in caplog.messages[0]


def test_a_function_makes_an_id_of_another_value() -> None:
    settings: dict[str, Any] = {"user": lambda value: value.get("user_id")}
    assert found({"person": {"user_id": 7}}, **settings) == FirstFactor(user="7")
    assert found({"person": {"user_id": None}}, **settings) is None
    assert found({"person": {}, "username": "alice"}, **settings) is UNRESOLVED
    with pytest.raises(AdapterUnavailableError, match="user failed"):
        found({"person": "text"}, **settings)


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"key": ""}, "user_key"),
        ({"key": None}, "user_key"),
        ({"user": "name"}, "user"),
        ({"anonymous_keys": "user"}, "anonymous_keys"),
        ({"anonymous_keys": [1]}, "anonymous_keys"),
    ],
)
def test_a_setting_that_is_not_legal_is_an_error_with_what_is(settings, setting) -> None:
    with pytest.raises(ConfigurationError, match="legal") as raised:
        found({}, **settings)
    assert raised.value.setting == setting
