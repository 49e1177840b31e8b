"""What an agent finds and sees of an account."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from wsgi_mfa.core.events import Event
from wsgi_mfa.directory import Person
from wsgi_mfa.support import event_text
from wsgi_mfa.support.account_view import AccountFinder

USER = "user1@example.com"


@pytest.fixture
def finder(service, troubled_store, memory_store):
    troubled_store.find_by_address = memory_store.find_by_address
    return AccountFinder(service, directory=None)


def found(finder, text):
    return [view.user for view in finder.find(text)]


@pytest.mark.requirement("D30", "R23")
def test_an_account_is_found_by_name_and_by_address_in_every_spelling(finder, enroll):
    enroll("laptop", address="ann@example.org")
    for text in (USER, " USER1@Example.com ", "ann@example.org", " Ann@Example.org"):
        assert found(finder, text) == [USER], text
    for text in ("", "nobody@example.com", "user1", "a\nb", "x" * 300, "%"):
        assert found(finder, text) == []


@pytest.mark.requirement("D30")
def test_what_the_index_says_is_compared_with_the_directory_of_this_moment(finder, service, enroll):
    enroll("laptop", address="old@example.org")
    people = {USER: Person(name=USER, email="new@example.org"), "ann": Person(name=USER)}
    directed = AccountFinder(service, directory=people.get)
    assert found(directed, "old@example.org") == []
    assert found(directed, "Ann") == [USER]  # what somebody typed is another name of the same person
    people[USER] = Person(name=USER, email="old@example.org")
    assert found(directed, "old@example.org") == [USER]


@pytest.mark.requirement("D30")
def test_one_address_may_lead_to_several_accounts_and_none_is_taken_first(finder, enroll, service, account):
    enroll("laptop", address="office@example.org")
    other = replace(account(), user="user2", revision="another")
    service.save(other, (), expected=None)
    assert found(finder, "office@example.org") == [USER, "user2"]


@pytest.mark.requirement("R44")
def test_what_an_agent_sees_has_no_secret(finder, service, enroll, guess, account):
    phone, _ = enroll("laptop")
    guess(phone, 5)
    view = finder.look(USER)
    assert view.state == "locked"
    assert view.guessed
    assert (view.codes.in_a_row_count, view.codes.rolling_count, view.codes.spent) == (5, 5, False)
    assert view.codes.wait_seconds == 30
    assert view.wrong_recovery_codes_count == 0
    assert view.has_address
    assert [event.kind for event in view.events][:2] == ["lock.started", "code.wrong"]


def test_a_new_user_is_found_only_where_an_invitation_is_needed(finder, troubled_store, service):
    assert found(finder, "user2@example.com") == []
    troubled_store.set_invited_only(True)
    assert [(view.user, view.state) for view in finder.find("user2@example.com")] == [
        ("user2@example.com", "new")
    ]
    directed = AccountFinder(service, directory={}.get)
    assert found(directed, "user2@example.com") == []


def test_every_event_has_words_for_agents(root):
    package = root / "middleware" / "wsgi_mfa"
    told = "".join(path.read_text(encoding="utf-8") for path in package.glob("core/*.py"))
    kinds = set(re.findall(r'kind="([a-z_.]+)"', told)) | set(
        re.findall(r'"(lock[.][a-z]+|budget[.][a-z]+)"', told)
    )
    assert kinds
    assert kinds <= set(event_text.WORDS)


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ((), ""),
        ((("counters", "code_failures"), ("seconds", "30")), "of the app, for 30 seconds"),
        ((("counters", "recovery_failures"), ("count", "3")), "recovery code, 3 in all"),
        ((("method", "recovery_code"), ("steps_off", "1")), "by recovery code"),
        ((("count", "1"), ("agent", "edith"), ("key_id", "k2")), "agent edith, key id k2"),
    ],
)
def test_details_are_told_as_people_say_them(details, said):
    assert event_text.details_of(Event(at=0, user=USER, kind="code.wrong", details=details)) == said
