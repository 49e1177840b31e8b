"""Frozen values with some of their fields changed."""

from __future__ import annotations

import dataclasses

import pytest

from wsgi_mfa.core.account import Account, Failures
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.core.events import Event

ACCOUNT = Account(user="user1", generation="g", code_failures=Failures(consecutive_count=2), hints=(1, 2))
EVENT = Event(at=1, user="user1", kind="sign_out")


def test_what_is_changed_is_changed_and_all_else_is_the_same():
    for changes in ({}, {"revision": "r"}, {"hints": (), "address": None, "generation": "h"}):
        assert replace(ACCOUNT, **changes) == dataclasses.replace(ACCOUNT, **changes)
    assert replace(ACCOUNT, revision="r").code_failures is ACCOUNT.code_failures


def test_the_value_itself_stays_as_it_was_and_its_copy_is_as_frozen():
    copy = replace(ACCOUNT, revision="r")
    assert ACCOUNT.revision == ""
    with pytest.raises(dataclasses.FrozenInstanceError):
        copy.revision = "s"


def test_a_value_that_its_class_refuses_is_refused():
    decision = Decision(outcome=Outcome.SIGNED_IN, account=ACCOUNT, events=(EVENT,))
    with pytest.raises(ValueError, match="an event needs the change that it tells of"):
        replace(decision, account=None)


def test_a_field_that_is_not_there_is_refused():
    with pytest.raises(KeyError, match="revisoin"):
        replace(ACCOUNT, revisoin="r")  # type: ignore[call-arg]
