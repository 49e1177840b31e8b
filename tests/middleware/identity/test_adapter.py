"""The traits of an adapter: the fixed properties that decide which of the middleware's checks apply."""

from __future__ import annotations

import dataclasses

import pytest

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import AdapterTraits, Credentials, problems_of
from wsgi_mfa.identity.adapters.remote_user import RemoteUser


@pytest.mark.parametrize(
    ("traits", "message"),
    [
        ({"user_changes_in_response": "no"}, "user_changes_in_response is 'no': legal are True and False"),
        ({"aliases": 1}, "aliases is 1: legal are True and False"),
        ({"changing_ids": None}, "changing_ids is None"),
        ({"renews_sessions": "yes"}, "renews_sessions is 'yes'"),
        (
            {"anonymous_cookies": "lang"},
            "anonymous_cookies is 'lang': legal are a tuple of cookie names, and None",
        ),
        ({"anonymous_cookies": ["lang"]}, "anonymous_cookies is \\['lang'\\]"),
        ({"anonymous_cookies": ("",)}, "anonymous_cookies is"),
        ({"www_authenticate": True}, "www_authenticate is True: legal are"),
        ({"www_authenticate": "Basic\r\nSet-Cookie: a=b"}, "www_authenticate is"),
    ],
)
def test_a_trait_of_another_type_is_an_error_that_names_it(traits, message):
    with pytest.raises(ConfigurationError, match=f"AdapterTraits: {message}"):
        AdapterTraits(**{"user_changes_in_response": True, **traits})


@pytest.mark.parametrize("misspelled", ["alias", "changing_id", "renew_sessions", "authenticate"])
def test_a_misspelled_trait_is_an_error(misspelled):
    with pytest.raises(TypeError, match=misspelled):
        AdapterTraits(user_changes_in_response=True, **{misspelled: True})


def test_an_adapter_must_say_whether_responses_change_the_user():
    with pytest.raises(TypeError, match="user_changes_in_response"):
        AdapterTraits()


def test_traits_stay_as_they_are():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RemoteUser().traits.aliases = True


def test_a_trait_switches_its_check_on(recorded):
    for trait, problem in (
        ("aliases", "aliases are accepted"),
        ("changing_ids", "changes with the password"),
    ):
        traits = AdapterTraits(user_changes_in_response=True, **{trait: True})
        (found,) = problems_of(recorded(Credentials(), traits=traits), has_directory=False)
        assert problem in found
        assert problems_of(recorded(Credentials(), traits=traits), has_directory=True) == []


@pytest.mark.parametrize("member", ["credentials", "traits", "identify", "selftest", "store_selftest"])
def test_an_object_without_a_member_of_an_adapter_is_refused(member):
    members = dict.fromkeys(("credentials", "traits", "identify", "selftest", "store_selftest"))
    del members[member]
    with pytest.raises(ConfigurationError, match=f"identity: Mine lacks {member}: legal is an adapter"):
        problems_of(type("Mine", (), members)(), has_directory=True)


def test_a_class_in_the_place_of_an_adapter_is_named():
    with pytest.raises(ConfigurationError, match="the class RemoteUser lacks traits"):
        problems_of(RemoteUser, has_directory=True)


def test_traits_of_another_kind_are_refused(recorded):
    adapter = recorded(Credentials(), traits={"user_changes_in_response": True})
    with pytest.raises(ConfigurationError, match=r"Recorded.traits is .*: legal is AdapterTraits"):
        problems_of(adapter, has_directory=True)
