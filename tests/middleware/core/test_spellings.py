"""Which account a spelling of a user name leads to, and what binds one (D44)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core import spellings
from wsgi_mfa.core.account import Account, Authenticator, KeyParameters
from wsgi_mfa.core.commands import (
    BindSpelling,
    ForgetSpelling,
    Origin,
    RefuseSpelling,
    SeparateSpelling,
    VerifyCode,
)
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.spellings import OtherSpellingError, account_name, find
from wsgi_mfa.core.usernames import UserNames, canonical, is_named, may_name

pytestmark = pytest.mark.requirement("D44")

CONTEXT = Context(now=1_772_442_000_000_000, policy=Policy())
PHONE = Authenticator(
    id="p",
    sealed_key="s",
    parameters=KeyParameters(algorithm="SHA1", digits=6, period_seconds=30),
    confirmed_at=1,
    last_step=1,
)
ASK, EXACT, FOLDED = UserNames.ASK, UserNames.EXACT, UserNames.FOLDED


def account(user: str, *bound: str, phone: bool = True) -> Account:
    return Account(
        user=user, generation="g", revision="r", spellings=bound, authenticator=PHONE if phone else None
    )


def found(spelling: str, mode: UserNames, *accounts: Account) -> str:
    """The name of the account that a spelling leads to, with a ``+`` where it would be a new one."""
    stored = {each.user: each for each in accounts}
    user, there, _ = find(spelling, mode, stored.get)
    return user if there is not None else f"+{user}"


@pytest.mark.parametrize(
    ("mode", "spelling", "expected"),
    [
        (ASK, "bob", "bob"),
        (ASK, "BOB", "error"),
        (ASK, " bob", "error"),
        (ASK, "Bob", "Bob"),
        (ASK, "ann", "+ann"),
        (ASK, "Ann", "+ann"),
        (EXACT, "bob", "bob"),
        (EXACT, "Bob", "Bob"),
        (EXACT, "BOB", "+BOB"),
        (FOLDED, "BOB", "bob"),
        (FOLDED, " bob ", "bob"),
    ],
)
def test_a_spelling_leads_to_its_account(mode: UserNames, spelling: str, expected: str) -> None:
    accounts = (account("bob", "bob"), account("Bob", "Bob"))
    if expected == "error":
        with pytest.raises(OtherSpellingError, match="another spelling of 'bob'"):
            found(spelling, mode, *accounts)
    else:
        assert found(spelling, mode, *accounts) == expected


@pytest.mark.parametrize("mode", [ASK, EXACT])
def test_an_account_of_before_is_found_by_each_spelling_until_one_is_bound(mode: UserNames) -> None:
    before = account("bob@example.com")
    for spelling in ("bob@example.com", "Bob@Example.com"):
        assert found(spelling, mode, before) == "bob@example.com"
    bound = replace(before, spellings=("Bob@Example.com",))
    assert found("Bob@Example.com", mode, bound) == "bob@example.com"
    with pytest.raises(OtherSpellingError):
        found("bob@example.com", mode, bound)


@pytest.mark.parametrize("past", [{"reset_at": 5}, {"removed_at": 5}])
def test_a_reset_or_removed_account_of_before_makes_no_spelling_a_new_user(past: dict[str, int]) -> None:
    before = replace(account("bob", phone=False), **past)
    assert found("Bob", EXACT, before) == "bob"
    assert found("Bob", ASK, before) == "bob"


def test_an_exact_name_does_not_wait_for_another_one_that_only_begins() -> None:
    assert found("Bob", EXACT, account("bob", phone=False)) == "+Bob"


@given(
    spelling=st.sampled_from(["bob", "Bob", "BOB", " bob", "B\uff4fb"]),
    bound=st.lists(st.sampled_from(["bob", "Bob", "BOB"]), min_size=1, unique=True),
)
def test_a_bound_spelling_is_never_rejected_and_no_other_one_reaches_the_account(
    spelling: str, bound: list[str]
) -> None:
    try:
        user = found(spelling, ASK, account("bob", *bound))
    except OtherSpellingError:
        assert spelling not in bound
    else:
        assert spelling in bound
        assert user == "bob"


@given(st.text(max_size=8))
def test_folded_names_lead_where_the_fold_says(name: str) -> None:
    try:
        folded = canonical(name)
    except spellings.InvalidUserError:
        return
    assert found(name, FOLDED) == f"+{folded}"


def test_an_operator_means_the_exact_name_first() -> None:
    stored = {each.user: each for each in (account("bob"), account("Bob"))}
    assert account_name("Bob", stored.get) == "Bob"
    assert account_name("BOB", stored.get) == "bob"


def test_a_success_binds_and_the_name_itself_makes_no_event() -> None:
    origin = Origin(browser="b", next_browser="n", spelling="Bob")
    bound, events = spellings.bound(account("bob"), origin, CONTEXT)
    assert bound.spellings == ("Bob",)
    assert [(event.kind, event.details) for event in events] == [("spelling.bound", (("spelling", "Bob"),))]
    again, none = spellings.bound(bound, origin, CONTEXT)
    assert (again, none) == (bound, ())
    _, none = spellings.bound(account("bob"), replace(origin, spelling="bob"), CONTEXT)
    assert none == ()


def test_a_command_under_another_spelling_is_rejected_whatever_it_is() -> None:
    origin = Origin(browser="b", next_browser="n", spelling="Bob")
    command = VerifyCode(origin=origin, code="123456", key=b"k" * 20, fingerprint="f", session_id="s")
    decision = decide(account("bob", "bob"), command, CONTEXT)
    assert (decision.outcome, decision.reason) == (Outcome.REFUSED, Reason.OTHER_SPELLING)
    assert decision.account is None


def test_rejected_spellings_are_kept_once_and_not_without_end() -> None:
    held = account("bob", "bob")
    for number in range(20):
        for _ in range(2):
            command = RefuseSpelling(spelling="B" * (number + 2), source="192.0.2.1")
            held = decide(held, command, CONTEXT).account or held
    assert len(held.refused_spellings) == len(set(held.refused_spellings)) == spellings.REFUSED_MAX
    assert decide(held, RefuseSpelling(spelling="bob"), CONTEXT).account is None
    nobody = Account(user="bob", generation="g")
    assert decide(nobody, RefuseSpelling(spelling="Bob"), CONTEXT).account is None


def test_an_operator_binds_separates_and_forgets() -> None:
    held = replace(account("bob", "bob"), refused_spellings=("Bob", "BOB"))
    said = {"agent": "console:root", "reason": "one person"}
    both = decide(held, BindSpelling(spelling="Bob", **said), CONTEXT).account
    assert both is not None
    assert (both.spellings, both.refused_spellings) == (("bob", "Bob"), ("BOB",))
    alone = decide(both, ForgetSpelling(spelling="Bob", **said), CONTEXT).account
    assert alone is not None
    assert (alone.spellings, alone.refused_spellings) == (("bob",), ("BOB",))
    assert decide(alone, ForgetSpelling(spelling="bob", **said), CONTEXT).outcome is Outcome.REFUSED
    apart = decide(Account(user="BOB", generation="g"), SeparateSpelling(spelling="BOB", **said), CONTEXT)
    assert apart.account is not None
    assert apart.account.spellings == ("BOB",)
    assert apart.events[0].details == (
        ("spelling", "BOB"),
        ("agent", "console:root"),
        ("reason", "one person"),
    )


def test_a_right_is_for_one_spelling_and_a_duty_for_all() -> None:
    assert is_named("Bob", "bob", "Bob")
    assert not is_named("bob", "bob", "Bob")
    assert is_named(" BOB", "bob", None)
    assert may_name("BOB", "bob")
    assert may_name("bob", "Bob")
    assert not may_name("bob", "ann")
