"""What is told of: activity, events, notices, addresses, and keys that do not open."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from wsgi_mfa.core import commands
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.errors import AlteredAccountError, StoreUnavailableError, UnknownKeyError
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.service import MfaService, Visit

USER = "user1@example.com"


def break_down():
    raise StoreUnavailableError("the store is gone")


@pytest.fixture
def store(troubled_store):
    return troubled_store


# Activity.


@pytest.fixture
def signed_in(enroll, visit):
    """``signed_in()``: a visit in the session that the enrollment has opened."""

    def make() -> Visit:
        return visit("laptop", session_id=session_id)

    session_id = enroll("laptop")[1].session_id
    return make


def seen_at(store, visit):
    return store.load(USER).session(visit.origin.session_id).seen_at


@pytest.mark.requirement("D23", "R52")
def test_activity_is_noted_once_a_minute_without_an_event(service, store, signed_in, clock):
    first = seen_at(store, signed_in())
    event_count = len(store.events(USER))
    service.note_activity(signed_in(), signed_in().origin.session_id)
    assert seen_at(store, signed_in()) == first
    clock.wait(61)
    revision = store.load(USER).revision
    service.note_activity(signed_in(), signed_in().origin.session_id)
    assert seen_at(store, signed_in()) == clock.now()
    assert store.load(USER).revision != revision
    assert len(store.events(USER)) == event_count


@pytest.mark.requirement("D23")
def test_a_note_of_activity_is_tried_once_and_dropped_when_it_fails(service, store, signed_in, clock):
    clock.wait(61)
    before = seen_at(store, signed_in())
    store.saves.clear()
    store.before.append(break_down)
    service.note_activity(signed_in(), signed_in().origin.session_id)
    assert len(store.saves) == 1
    assert seen_at(store, signed_in()) == before


@pytest.mark.requirement("D23")
def test_a_note_of_activity_that_loses_a_race_is_dropped(service, store, signed_in, visit, clock):
    clock.wait(61)
    noting = signed_in()
    before = seen_at(store, noting)
    store.saves.clear()
    store.before.append(lambda: service.verify_code(visit("tablet"), "000000"))
    service.note_activity(noting, noting.origin.session_id)
    assert len(store.saves) == 2
    assert seen_at(store, noting) == before


def test_activity_of_a_session_that_has_ended_or_of_a_user_without_account_changes_nothing(
    service, store, signed_in, visit, clock
):
    clock.wait(61)
    revision = store.load(USER).revision
    service.note_activity(signed_in(), "f" * 32)
    service.note_activity(visit("laptop", user="nobody"), "f" * 32)
    assert store.load(USER).revision == revision
    assert store.load("nobody") is None


# Events and notices.


@pytest.mark.requirement("R32")
def test_the_user_is_told_once_of_each_thing_that_matters(service, store, visit, enroll, clock, notices):
    phone, _ = enroll("laptop")
    code = service.vault.recovery_copy(USER, store.load(USER).recovery_code)
    recovered = service.sign_in_by_recovery_code(visit("laptop"), code)
    in_session = visit("laptop", session_id=recovered.session_id)
    service.replace_recovery_code(in_session)
    service.verify_code(visit("tablet"), phone.wrong_code())
    assert [event.kind for event in notices] == [
        "enrollment.confirmed",
        "recovery_code.used",
        "recovery_code.replaced",
    ]
    assert {event.user for event in notices} == {USER}


@pytest.mark.requirement("R25", "R32")
def test_the_user_is_told_when_wrong_codes_have_locked_the_account(service, visit, enroll, clock, notices):
    phone, _ = enroll("laptop")
    notices.clear()
    for number in range(Policy().free_tries):
        clock.wait(6)
        service.verify_code(visit("tablet"), phone.wrong_code(number))
    assert [event.kind for event in notices] == ["lock.started"]


@pytest.mark.requirement("D13", "R32")
def test_the_user_is_told_of_a_recovery_code_that_is_shown_a_second_time(service, visit, enroll, notices):
    _, enrolled = enroll("laptop")
    notices.clear()
    service.show_recovery_code(visit("laptop", session_id=enrolled.session_id))
    assert notices == []
    service.show_recovery_code(visit("laptop", session_id=enrolled.session_id))
    assert [event.kind for event in notices] == ["recovery_code.shown"]


@pytest.mark.requirement("R32")
def test_a_notice_that_cannot_be_sent_undoes_nothing(store, keys, clock, entropy, visit, enroll, caplog):
    def mail_server_is_down(event):
        raise OSError("no route to the mail server")

    enroll("laptop")
    service = MfaService(
        store=store,
        keys=keys,
        policy=Policy(),
        clock=clock,
        entropy=entropy,
        notify=mail_server_is_down,
    )
    code = service.vault.recovery_copy(USER, store.load(USER).recovery_code)
    decision = service.sign_in_by_recovery_code(visit("laptop"), code)
    assert decision.outcome is Outcome.SIGNED_IN
    assert store.load(USER) == decision.account
    event = decision.events[0]
    assert f"the notice of event {event.id} failed" in caplog.messages


@pytest.mark.requirement("D25", "D31", "R48")
def test_every_event_has_an_id_of_its_own_that_names_its_save(service, store, visit, enroll, clock):
    phone, _ = enroll("laptop")
    for number in range(Policy().free_tries):
        decision = service.verify_code(visit("tablet"), phone.wrong_code(number))
    kinds = [event.kind for event in decision.events]
    assert kinds == ["code.wrong", "lock.started"]
    assert [event.id for event in decision.events] == [
        f"{decision.account.revision}.{index}" for index in (0, 1)
    ]
    ids = [event.id for event in store.events(USER)]
    assert len(ids) == len(set(ids))


@pytest.mark.requirement("R83")
def test_each_event_is_one_line_of_the_audit_log(service, visit, enroll, caplog):
    enroll("laptop")
    with caplog.at_level(logging.INFO, logger="wsgi_mfa.audit"):
        service.apply(
            visit(""),
            commands.ResetBySupport(
                agent="edith\r\nsupport.reset user='mallory'",
                reason="line one\nline two",
                generation=service.vault.new_id(),
                enrollment_code="-",
            ),
        )
    lines = caplog.messages
    assert [line.split()[0] for line in lines] == ["support.reset", "known_browser.ended"]
    assert all(line.split()[1] == f"user='{USER}'" for line in lines)
    assert not any(character in line for line in lines for character in "\n\r")


# Addresses and keys.


def test_the_address_is_refreshed_at_each_sign_in_and_kept_when_none_is_known(
    service, store, visit, enroll, clock
):
    phone, _ = enroll("laptop", address="old@example.com")
    assert store.load(USER).address == "old@example.com"
    service.verify_code(visit("laptop", address="new@example.com"), phone.code())
    assert store.load(USER).address == "new@example.com"
    clock.wait_for_step()
    service.verify_code(visit("laptop"), phone.code())
    assert store.load(USER).address == "new@example.com"


@pytest.mark.requirement("D29")
def test_an_account_sealed_by_a_key_that_is_not_in_the_ring_is_an_error_and_never_unenrolled(
    service, store, visit, enroll, clock, entropy
):
    phone, _ = enroll("laptop")
    other = MfaService(
        store=store, keys=KeyRing([("k2", b"2" * 32)]), policy=Policy(), clock=clock, entropy=entropy
    )
    before = store.load(USER)
    with pytest.raises(UnknownKeyError):
        other.verify_code(visit("laptop"), phone.code())
    assert store.load(USER) == before


@pytest.mark.requirement("R42")
def test_a_key_that_was_moved_to_another_user_opens_nothing(service, store, visit, enroll):
    phone, _ = enroll("laptop")
    stolen = replace(store.load(USER), user="mallory", revision=service.vault.new_id())
    store.inner.save(stolen, (), expected=None)
    with pytest.raises(AlteredAccountError, match="its MAC does not verify"):
        service.verify_code(visit("laptop", user="mallory"), phone.code())
