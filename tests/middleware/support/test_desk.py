"""The support desk: who is helped, what a reset leaves, and what an unlock opens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.instants import DAY
from wsgi_mfa.directory import Person
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.support.desk import SupportDesk
from wsgi_mfa.support.results import Done, Rejected

USER = "user1@example.com"
AGENT = "edith@example.com"


# Who is helped.


@pytest.mark.requirement("R44")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"email": "other@example.com"}, "does not match"),
        ({"email": ""}, "does not match"),
        ({"email": "user1@example.com\n"}, "does not match"),
        ({"email": "x" * 300}, "does not match"),
        ({"user": "nobody@example.com"}, "nobody has signed in as 'nobody@example.com' yet"),
        ({"user": ""}, "cannot name an account"),
        ({"user": "a\r\nb"}, "cannot name an account"),
        ({"reason": " "}, "reason must be one line"),
        ({"reason": "a\x1b[2Jb"}, "reason must be one line"),
        ({"agent": ""}, "agent must be one line"),
        ({"agent": USER}, "nobody resets or unlocks their own account"),
        ({"agent": "USER1@Example.com "}, "nobody resets or unlocks their own account"),
    ],
)
def test_who_may_not_be_helped_is_refused_and_nothing_changes(
    reset, unlock, enroll, account, troubled_store, given, said
):
    enroll("laptop")
    before, events = account(), troubled_store.events()
    for answer in (reset(**given), unlock(**given)):
        assert isinstance(answer, Rejected)
        assert answer.outcome is Outcome.REFUSED
        assert said in answer.message
    assert account() == before
    assert troubled_store.events() == events


@pytest.mark.requirement("D1", "R23")
def test_user_and_address_are_known_in_every_spelling(reset, enroll):
    enroll("laptop")
    assert reset(" USER1@Example.COM", email="User1@example.com ").outcome is Outcome.RESET


@pytest.mark.requirement("D30")
def test_the_address_is_the_one_of_the_last_sign_in(reset, enroll):
    enroll("laptop", address="ann@example.org")
    assert reset().outcome is Outcome.REFUSED
    assert reset(email="ann@example.org").outcome is Outcome.RESET


def test_an_account_without_an_address_is_told_with_the_setting_that_gives_one(service, desk, visit):
    service.begin_enrollment(visit("laptop", user="user2"))
    answer = desk.reset("user2", email="user2", reason="lost", agent=AGENT)
    assert answer.outcome is Outcome.REFUSED
    assert "directory=" in answer.message


@pytest.mark.requirement("D30")
def test_a_directory_is_asked_at_that_moment(service, enroll, account):
    enroll("laptop", address="old@example.org")
    people = {USER: Person(name=USER, email="new@example.org")}
    desk = SupportDesk(service, directory=people.get)

    def reset(email):
        return desk.reset(USER, email=email, reason="lost", agent=AGENT)

    assert reset("old@example.org").outcome is Outcome.REFUSED
    people[USER] = Person(name=USER, email=None)
    assert "has no e-mail address" in reset("new@example.org").message
    people.clear()
    assert reset("new@example.org").outcome is Outcome.REFUSED
    people[USER] = Person(name=USER, email="new@example.org")
    assert reset("new@example.org").outcome is Outcome.RESET


# What a reset leaves.


@pytest.mark.requirement("R45", "D16")
def test_after_a_reset_nothing_of_before_opens_the_account(reset, service, visit, enroll, account, clock):
    phone, enrolled = enroll("laptop")
    code = service.vault.recovery_copy(USER, account().recovery_code)
    service.begin_enrollment(visit("laptop", session_id=enrolled.session_id))
    answer = reset()
    assert (answer.outcome, answer.message, answer.enrollment_code) == (
        Outcome.RESET,
        f"reset: {USER} must enroll anew",
        None,
    )
    left = account()
    assert (left.authenticator, left.recovery_code, left.sessions) == (None, None, ())
    assert (left.pending, left.retries) == ((), ())
    assert service.verify_code(visit("laptop"), phone.code()).outcome is Outcome.MUST_ENROLL
    assert service.sign_in_by_recovery_code(visit("laptop"), code).outcome is Outcome.MUST_ENROLL
    new_phone, _ = enroll("tablet")
    assert new_phone.key != phone.key
    assert service.verify_code(visit("laptop"), phone.code()).outcome is Outcome.WRONG_CODE
    assert service.sign_in_by_recovery_code(visit("laptop"), code).outcome is Outcome.WRONG_CODE


@pytest.mark.requirement("R44", "R48")
def test_a_reset_is_on_record_with_who_and_why(reset, enroll, troubled_store, notices):
    enroll("laptop")
    reset(reason="ticket 4711", agent="edith@example.com")
    event, _ = troubled_store.events(USER)[-2:]
    assert event.kind == "support.reset"
    assert dict(event.details) == {
        "agent": "edith@example.com",
        "reason": "ticket 4711",
        "code_needed": "false",
    }
    assert notices[-1] == event


@pytest.mark.requirement("D15")
def test_after_a_reset_the_user_has_seven_days(reset, service, visit, enroll, clock):
    enroll("laptop")
    reset()
    clock.instant += 7 * DAY - 1
    assert service.begin_enrollment(visit("laptop")).outcome is Outcome.MUST_ENROLL
    clock.instant += 1
    rejected = service.begin_enrollment(visit("laptop"))
    assert (rejected.outcome, rejected.reason) == (Outcome.REFUSED, Reason.RESET_EXPIRED)
    reset()
    assert service.begin_enrollment(visit("laptop")).pending is not None


# Races and failures.


@pytest.mark.requirement("R45", "D26")
def test_a_reset_that_races_a_sign_in_wins_in_the_end(reset, service, visit, enroll, account, troubled_store):
    phone, _ = enroll("laptop")
    signed_in = []
    troubled_store.before.append(lambda: signed_in.append(service.verify_code(visit("tablet"), phone.code())))
    assert reset().outcome is Outcome.RESET
    assert signed_in[0].outcome is Outcome.SIGNED_IN
    assert (account().authenticator, account().sessions) == (None, ())


@pytest.mark.requirement("R45", "D16")
def test_a_reset_that_races_a_confirmation_leaves_no_phone(
    reset, service, visit, enroll, account, troubled_store, phone_of
):
    enroll("laptop")
    reset()
    pending = service.begin_enrollment(visit("laptop")).pending
    phone = phone_of(service.vault.pending_key(USER, pending))
    troubled_store.before.append(reset)
    lost = service.confirm_enrollment(visit("laptop"), phone.code(), pending_id=pending.id)
    assert (lost.outcome, lost.reason) == (Outcome.REFUSED, Reason.ENROLLMENT_EXPIRED)
    assert account().authenticator is None


@pytest.mark.requirement("D15", "D26")
def test_the_code_that_is_told_is_the_one_that_was_saved_also_after_a_lost_race(
    reset, service, visit, enroll, guess, troubled_store
):
    phone, _ = enroll("laptop")
    troubled_store.before.append(lambda: guess(phone, 1))
    code = reset().enrollment_code
    assert service.present_enrollment_code(visit("laptop"), code).outcome is Outcome.MUST_ENROLL


@pytest.mark.requirement("R80")
def test_a_store_that_is_away_is_told_and_nothing_is_promised(reset, enroll, account, troubled_store):
    def break_down():
        raise StoreUnavailableError("the store is gone")

    enroll("laptop")
    before = account()
    troubled_store.before += [break_down, break_down]
    answer = reset()
    assert answer == Rejected(message="the store is gone", reason=None, outcome=Outcome.UNAVAILABLE)
    assert account() == before


def test_a_result_names_the_account_in_its_canonical_spelling(reset, unlock, enroll):
    enroll("laptop")
    for result in (unlock(" USER1@Example.COM"), reset(" USER1@Example.COM")):
        assert isinstance(result, Done)
        assert result.user == USER


@pytest.mark.requirement("R42")
def test_the_desk_needs_no_key_to_reset_what_it_cannot_open(reset, enroll, account, troubled_store, service):
    enroll("laptop")
    broken = replace(
        account(),
        authenticator=replace(account().authenticator, sealed_key="gone.AAAA"),
        revision=service.vault.new_id(),
    )
    troubled_store.inner.save(service.signer.signed(broken), (), expected=account().revision)
    assert reset().outcome is Outcome.RESET
