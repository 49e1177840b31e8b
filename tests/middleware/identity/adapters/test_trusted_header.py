from __future__ import annotations

from typing import Any

import pytest

from wsgi_mfa.errors import AmbiguousCredentialError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor
from wsgi_mfa.identity.adapters.trusted_header import TrustedHeader

SECRET = "a secret of the proxy alone"


def environ(user: str | None = "alice", *, peer: str | None = "10.0.0.5", **more: Any) -> dict[str, Any]:
    made = {"HTTP_X_USER": user, "REMOTE_ADDR": peer, **more}
    return {key: value for key, value in made.items() if value is not None}


@pytest.mark.requirement("R57")
@pytest.mark.parametrize("spelt", ["X-User", "x-user", "X_User", "HTTP_X_USER"])
def test_the_user_is_the_one_that_a_listed_peer_names(spelt: str) -> None:
    adapter = TrustedHeader(spelt, peers=["10.0.0.0/24"])
    assert adapter.credentials.headers == ("HTTP_X_USER",)
    assert adapter.identify(environ()) == FirstFactor(user="alice")
    assert adapter.identify(environ("Ren\xc3\xa9")) == FirstFactor(user="René")
    assert adapter.identify(environ(None)) is None
    assert adapter.identify(environ("")) is None


@pytest.mark.requirement("R57")
@pytest.mark.parametrize("peer", ["10.0.1.5", "::1", "", None, "10.0.0.5, 10.0.0.6", "localhost", "unix"])
def test_the_header_of_any_other_peer_proves_nothing(peer: str | None) -> None:
    assert TrustedHeader("X-User", peers=["10.0.0.0/24"]).identify(environ(peer=peer)) is UNRESOLVED


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.5", "10.0.0.5"])
def test_an_address_of_the_old_kind_counts_on_a_socket_of_both_kinds_too(peer: str) -> None:
    assert TrustedHeader("X-User", peers=["10.0.0.5"]).identify(environ(peer=peer)) == FirstFactor(
        user="alice"
    )


@pytest.mark.parametrize("peer", ["", None])
def test_a_socket_without_an_address_is_listed_by_a_word(peer: str | None) -> None:
    assert TrustedHeader("X-User", peers=["unix"]).identify(environ(peer=peer)) == FirstFactor(user="alice")


@pytest.mark.requirement("R57")
@pytest.mark.parametrize(
    "peers", [[], (), "10.0.0.5", ["*"], ["0.0.0.0/0"], ["::/0"], ["proxy.example"], ["10.0.0.5/24"], [""]]
)
def test_everybody_and_nobody_are_no_peers(peers: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"peers .*legal|which is everybody"):
        TrustedHeader("X-User", peers=peers)


@pytest.mark.requirement("R57", "R58")
@pytest.mark.parametrize("user", ["alice,bob", "evil, evil2", "alice\n", "a\x00b", "\x7f"])
def test_two_values_and_control_characters_are_refused(user: str) -> None:
    with pytest.raises(AmbiguousCredentialError, match="X_USER"):
        TrustedHeader("X-User", peers=["10.0.0.5"]).identify(environ(user))


@pytest.mark.requirement("R58")
def test_the_secret_of_the_proxy_is_asked_for_where_one_is_set() -> None:
    adapter = TrustedHeader("X-User", peers=["10.0.0.5"], secret=SECRET)
    assert adapter.identify(environ(HTTP_X_PROXY_SECRET=SECRET)) == FirstFactor(user="alice")
    for wrong in (None, "", SECRET + "x", SECRET.upper(), "\u0101"):
        assert adapter.identify(environ(HTTP_X_PROXY_SECRET=wrong)) is UNRESOLVED
    assert "HTTP_X_PROXY_SECRET" in adapter.credentials.headers


def test_the_second_factor_is_bound_to_the_session_of_the_proxy() -> None:
    adapter = TrustedHeader("X-User", peers=["10.0.0.5"], session_header="X-Session")
    assert adapter.identify(environ(HTTP_X_SESSION="s1")) == FirstFactor(user="alice", login="s1")
    assert adapter.identify(environ()) is UNRESOLVED
    assert adapter.identify(environ(None, HTTP_X_SESSION="s1")) is UNRESOLVED
    with pytest.raises(AmbiguousCredentialError):
        adapter.identify(environ(HTTP_X_SESSION="s1,s2"))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"header": "Authorization"}, "header is 'Authorization'"),
        ({"header": "X User"}, "header is 'X User'"),
        ({"header": ""}, "header is ''"),
        ({"session_header": "X-User"}, "each header needs its own name"),
        ({"secret": "short"}, "secret must have at least 16 characters"),
    ],
)
def test_a_setting_without_a_legal_value_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        TrustedHeader(**{"header": "X-User", "peers": ["10.0.0.5"], **settings})
