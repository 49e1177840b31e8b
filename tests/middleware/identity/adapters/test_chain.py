from __future__ import annotations

from typing import Any

import pytest

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import (
    UNRESOLVED,
    AdapterTraits,
    Anonymous,
    Credentials,
    FirstFactor,
    Identification,
    problems_of,
)
from wsgi_mfa.identity.adapters.chain import Chain, parts_of
from wsgi_mfa.identity.adapters.remote_user import RemoteUser
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer

COOKIES = Credentials(cookies=("sid",))
HEADERS = Credentials(headers=("REMOTE_USER",))


def told_traits(*anonymous_cookies: str, **traits: Any) -> AdapterTraits:
    return AdapterTraits(user_changes_in_response=False, anonymous_cookies=anonymous_cookies, **traits)


@pytest.fixture
def chain_of(recorded):
    """``chain_of(a, b)``: a chain of adapters with these answers, the first by a cookie, the second by a key."""

    def make(by_cookie: Identification, by_key: Identification) -> Chain:
        return Chain(
            recorded(COOKIES, lambda environ: by_cookie),
            recorded(HEADERS, lambda environ: by_key, traits=told_traits()),
        )

    return make


ALICE = FirstFactor(user="alice")


@pytest.mark.parametrize(
    ("by_cookie", "by_key", "expected"),
    [
        (None, None, None),
        (ALICE, None, ALICE),
        (None, ALICE, ALICE),
        (FirstFactor(user="Alice ", login="1"), ALICE, UNRESOLVED),
        (
            FirstFactor(user="alice", login="1"),
            FirstFactor(user="alice", login="2"),
            FirstFactor(user="alice", login="1|2"),
        ),
        (UNRESOLVED, ALICE, FirstFactor(user="alice", unproven=COOKIES)),
        (ALICE, UNRESOLVED, FirstFactor(user="alice", unproven=HEADERS)),
        (UNRESOLVED, None, Anonymous(unproven=COOKIES)),
        (UNRESOLVED, UNRESOLVED, Anonymous(unproven=Credentials(cookies=("sid",), headers=("REMOTE_USER",)))),
        (ALICE, FirstFactor(user="bob"), UNRESOLVED),
        (ALICE, FirstFactor(user="a\x00"), UNRESOLVED),
        (Anonymous(unproven=COOKIES), ALICE, FirstFactor(user="alice", unproven=COOKIES)),
    ],
)
def test_the_user_is_the_one_on_whom_all_agree(chain_of, by_cookie, by_key, expected):
    assert chain_of(by_cookie, by_key).identify({}) == expected


def test_it_declares_what_its_adapters_declare(chain_of, recorded):
    chain = chain_of(None, None)
    assert chain.credentials == Credentials(cookies=("sid",), headers=("REMOTE_USER",))
    assert chain.traits == AdapterTraits(user_changes_in_response=True)
    assert chain.selftest() == []
    told = Chain(
        RemoteUser(anonymous_cookies=["lang"]), RemoteUser(anonymous_cookies=["theme"], aliases=True)
    )
    assert told.traits == told_traits("lang", "theme", aliases=True)
    renewing = AdapterTraits(user_changes_in_response=True, renews_sessions=True)
    asking = told_traits(changing_ids=True, www_authenticate="Basic")
    assert Chain(recorded(COOKIES, traits=renewing), recorded(COOKIES, traits=renewing)).traits == renewing
    assert Chain(
        recorded(COOKIES, traits=renewing), recorded(HEADERS, traits=asking)
    ).traits == AdapterTraits(user_changes_in_response=True, changing_ids=True, www_authenticate="Basic")


def test_the_parts_of_chains_in_a_chain_are_found_at_any_depth(recorded):
    one, two, three = recorded(COOKIES), recorded(HEADERS), recorded(HEADERS)
    assert parts_of(one) == (one,)
    assert parts_of(Chain(one, Chain(two, three))) == (one, two, three)


def test_an_adapter_without_traits_is_no_part_of_a_chain(recorded):
    with pytest.raises(ConfigurationError, match=r"Recorded.traits is None: legal is AdapterTraits"):
        Chain(recorded(COOKIES, traits=None), RemoteUser())


def test_it_asks_the_stores_of_those_that_have_one(chain_of, recorded):
    class Asking(recorded):
        def store_selftest(self):
            return ["the store is down"]

    chain = Chain(recorded(COOKIES), Asking(HEADERS))
    assert problems_of(chain, has_directory=False) == []
    assert problems_of(chain, has_directory=False, ask_store=True) == ["the store is down"]


def test_one_adapter_alone_is_no_chain():
    with pytest.raises(ConfigurationError, match="two adapters or more"):
        Chain(RemoteUser())


def sanitized(chain, **more):
    environ = {"REMOTE_USER": "alice", "HTTP_COOKIE": "sid=1; lang=en", "QUERY_STRING": "", **more}
    identification = RequestSanitizer(chain, own_cookie_names=("own",)).clean(environ).identification
    return identification, environ


def test_a_credential_that_proves_nothing_is_taken_out_from_beside_the_user(chain_of):
    identification, environ = sanitized(chain_of(UNRESOLVED, ALICE))
    assert identification.user == "alice"
    assert environ["HTTP_COOKIE"] == "lang=en"
    assert environ["REMOTE_USER"] == "alice"


def test_a_credential_that_proves_nothing_is_taken_out_from_beside_a_visitor(chain_of):
    _, environ = sanitized(chain_of(None, UNRESOLVED))
    assert environ["HTTP_COOKIE"] == "sid=1; lang=en"
    assert "REMOTE_USER" not in environ


def test_two_users_reach_the_application_as_nobody(chain_of):
    identification, environ = sanitized(chain_of(ALICE, FirstFactor(user="bob")))
    assert identification is UNRESOLVED
    assert environ["HTTP_COOKIE"] == "lang=en"
    assert "REMOTE_USER" not in environ


@pytest.mark.requirement("D5")
def test_adapters_that_vouch_for_no_cookie_let_none_pass_for_a_visitor(recorded):
    told = [
        recorded(HEADERS, lambda environ: UNRESOLVED, traits=told_traits("lang")),
        recorded(Credentials(headers=("portal.user",)), lambda environ: None, traits=told_traits()),
    ]
    _, environ = sanitized(Chain(*told))
    assert environ["HTTP_COOKIE"] == "lang=en"
    assert "REMOTE_USER" not in environ
