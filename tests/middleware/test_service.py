"""Load, decide, save: races, stores that fail, decisions that have grown old."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from wsgi_mfa.core import commands
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.service import PATIENCE_SECONDS, STUBBORN_SECONDS

USER = "user1@example.com"


def nothing():
    """A save that nothing happens to."""


def break_down():
    raise StoreUnavailableError("the store is gone")


@pytest.fixture
def store(troubled_store):
    return troubled_store


# Lost races.


@pytest.mark.requirement("R6", "D10", "D38")
def test_of_two_browsers_that_race_with_one_code_the_loser_decides_again_and_is_refused(
    service, store, visit, enroll
):
    phone, _ = enroll("laptop")
    code, winners = phone.code(), []
    store.before.append(lambda: winners.append(service.verify_code(visit("tablet"), code)))
    lost = service.verify_code(visit("laptop"), code)
    assert [decision.outcome for decision in winners] == [Outcome.SIGNED_IN]
    assert lost.outcome is Outcome.USED_CODE
    assert len(store.load(USER).sessions) == 2  # the enrollment's and the winner's


@pytest.mark.requirement("R28", "D10")
def test_of_two_browsers_that_race_with_one_recovery_code_one_wins_and_one_new_code_is_made(
    service, store, visit, enroll
):
    enroll("laptop")
    code = service.vault.recovery_copy(USER, store.load(USER).recovery_code)
    winners = []
    store.before.append(lambda: winners.append(service.sign_in_by_recovery_code(visit("tablet"), code)))
    lost = service.sign_in_by_recovery_code(visit("desktop"), code)
    assert winners[0].outcome is Outcome.SIGNED_IN
    assert lost.outcome is Outcome.WRONG_CODE
    kinds = [event.kind for event in store.events(USER)]
    assert kinds.count("recovery_code.used") == 1


@pytest.mark.requirement("R16", "R17", "D38")
def test_an_attempt_whose_save_lost_is_still_charged(service, store, visit, enroll):
    phone, _ = enroll("laptop")
    store.before.append(lambda: service.verify_code(visit("tablet"), phone.wrong_code(1)))
    assert service.verify_code(visit("laptop"), phone.wrong_code(2)).outcome is Outcome.WRONG_CODE
    assert store.load(USER).code_failures.consecutive_count == 2


@pytest.mark.requirement("R45", "D12")
def test_a_code_that_races_a_reset_finds_no_phone_any_more(service, store, visit, enroll):
    phone, _ = enroll("laptop")
    reset = commands.ResetBySupport(
        agent="edith", reason="lost", generation=service.vault.new_id(), enrollment_code="-"
    )
    store.before.append(lambda: service.apply(visit(""), reset))
    assert service.verify_code(visit("laptop"), phone.code()).outcome is Outcome.MUST_ENROLL
    assert store.load(USER).sessions == ()


@pytest.mark.requirement("R35", "D16")
def test_of_two_browsers_that_confirm_at_once_the_first_binds_and_the_second_is_told(
    service, store, visit, phone_of
):
    confirmations = []
    for browser in ("laptop", "tablet"):
        pending = service.begin_enrollment(visit(browser)).pending
        phone = phone_of(service.vault.pending_key(USER, pending))
        confirmations.append((browser, phone.code(), pending.id))

    def confirm(browser, code, pending_id):
        return service.confirm_enrollment(visit(browser), code, pending_id=pending_id)

    winners = []
    store.before.append(lambda: winners.append(confirm(*confirmations[1])))
    lost = confirm(*confirmations[0])
    assert winners[0].outcome is Outcome.SIGNED_IN
    assert (lost.outcome, lost.reason) == (Outcome.REFUSED, Reason.ENROLLMENT_EXPIRED)
    assert store.load(USER).authenticator.id == confirmations[1][2]


@pytest.mark.requirement("D26", "R80")
def test_conflicts_without_end_are_given_up_after_five_seconds(service, store, visit, enroll, clock):
    phone, _ = enroll("laptop")
    begun, asked = clock.now(), visit("laptop")
    clock.slept.clear()

    def somebody_else_saves():
        account = store.inner.load(USER)
        moved = service.signer.signed(replace(account, revision=service.vault.new_id()))
        assert store.inner.save(moved, (), expected=account.revision)
        store.before.append(somebody_else_saves)

    store.before.append(somebody_else_saves)
    before = store.load(USER)
    with pytest.raises(StoreUnavailableError):
        service.verify_code(asked, phone.code())
    waited_seconds = (clock.now() - begun) / SECOND
    assert PATIENCE_SECONDS < waited_seconds < PATIENCE_SECONDS + 0.1
    assert store.load(USER).sessions == before.sessions
    assert all(0 <= seconds <= 0.064 for seconds in clock.slept)
    assert len(set(clock.slept)) > len(clock.slept) / 2  # jitter: racing requests part


@pytest.mark.requirement("D26")
def test_a_sign_out_goes_on_against_conflicts_for_half_a_minute(service, store, visit, enroll, clock):
    _, enrolled = enroll("laptop")
    asked = visit("laptop", session_id=enrolled.session_id)

    def somebody_else_saves():
        account = store.inner.load(USER)
        moved = service.signer.signed(replace(account, revision=service.vault.new_id()))
        assert store.inner.save(moved, (), expected=account.revision)
        if clock.now() - asked.now < (STUBBORN_SECONDS - 1) * SECOND:
            store.before.append(somebody_else_saves)

    store.before.append(somebody_else_saves)
    decision = service.sign_out(asked, login_fingerprint="cookie")
    assert decision.outcome is Outcome.SIGNED_OUT
    assert clock.now() - asked.now >= (STUBBORN_SECONDS - 1) * SECOND
    assert store.load(USER).sessions == ()


@pytest.mark.requirement("D24")
def test_each_attempt_to_save_carries_the_same_random_revision(service, store, visit, enroll):
    phone, _ = enroll("laptop")
    store.saves.clear()
    store.before.append(lambda: service.verify_code(visit("tablet"), phone.wrong_code()))
    service.verify_code(visit("laptop"), phone.code())
    revisions = [account.revision for account, _, _ in store.saves]
    assert revisions[0] == revisions[2] != revisions[1]  # laptop, tablet, laptop again
    assert all(len(revision) == 32 for revision in revisions)


# Stores whose answer is lost.


@pytest.mark.requirement("D25", "D10")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_save_whose_outcome_is_unknown_is_sent_again_as_it_was(
    service, store, visit, enroll, notices, moment
):
    enroll("laptop")
    code = service.vault.recovery_copy(USER, store.load(USER).recovery_code)
    notices.clear()
    store.saves.clear()
    getattr(store, moment).append(break_down)
    decision = service.sign_in_by_recovery_code(visit("laptop"), code)
    assert decision.outcome is Outcome.SIGNED_IN
    assert len(store.saves) == 2
    assert store.saves[0] == store.saves[1]
    stored = store.load(USER)
    assert stored == decision.account
    assert [event.kind for event in store.events(USER)].count("recovery_code.used") == 1
    assert [event.kind for event in notices] == ["recovery_code.used"]


@pytest.mark.requirement("D25")
def test_a_save_that_was_applied_unseen_counts_though_others_saved_since(service, store, visit, enroll):
    phone, _ = enroll("laptop")

    def lost_and_overtaken():
        account = store.inner.load(USER)
        other = service.signer.signed(replace(account, revision=service.vault.new_id()))
        store.inner.save(other, (), expected=account.revision)
        break_down()

    store.after.append(lost_and_overtaken)
    decision = service.verify_code(visit("laptop"), phone.code())
    assert decision.outcome is Outcome.SIGNED_IN
    assert store.load(USER).session(decision.session_id) is not None
    assert [event.kind for event in store.events(USER)].count("sign_in.accepted") == 1


@pytest.mark.requirement("D25")
def test_a_save_that_was_not_applied_and_was_overtaken_is_decided_again(service, store, visit, enroll):
    phone, _ = enroll("laptop")
    code, winners = phone.code(), []

    def overtaken_and_lost():
        winners.append(service.verify_code(visit("tablet"), code))
        break_down()

    store.before.append(overtaken_and_lost)
    assert service.verify_code(visit("laptop"), code).outcome is Outcome.USED_CODE
    assert winners[0].outcome is Outcome.SIGNED_IN


@pytest.mark.requirement("R80", "D25")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_store_that_stays_away_is_an_error_and_a_retry_finds_what_was_saved(
    service, store, visit, enroll, moment
):
    phone, _ = enroll("laptop")
    code, sessions = phone.code(), store.load(USER).sessions
    getattr(store, moment).append(break_down)
    store.before += [nothing] * (moment == "after") + [break_down]
    with pytest.raises(StoreUnavailableError):
        service.verify_code(visit("laptop"), code)
    unseen = [session.id for session in store.load(USER).sessions if session not in sessions]
    assert len(unseen) == (1 if moment == "after" else 0)
    again = service.verify_code(visit("laptop"), code)
    assert again.outcome is Outcome.SIGNED_IN
    assert unseen in ([], [again.session_id])  # the lost reply's session, and no second one
    assert len(store.load(USER).sessions) == len(sessions) + 1


# Time.


@pytest.mark.requirement("D21")
def test_a_decision_older_than_five_seconds_is_not_saved(service, store, visit, enroll, clock):
    phone, _ = enroll("laptop")
    asked, before = visit("laptop"), store.load(USER)
    clock.wait(PATIENCE_SECONDS + 0.001)
    store.saves.clear()
    with pytest.raises(StoreUnavailableError):
        service.verify_code(asked, phone.code())
    assert store.saves == []
    assert store.load(USER) == before


@pytest.mark.requirement("D21")
def test_a_decision_of_five_seconds_ago_is_saved_with_its_own_moment(service, visit, enroll, clock):
    phone, _ = enroll("laptop")
    asked, code = visit("laptop"), phone.code()
    clock.wait(PATIENCE_SECONDS)
    decision = service.verify_code(asked, code)
    assert decision.account.saved_at == asked.now
    assert decision.account.session(decision.session_id).verified_at == asked.now


@pytest.mark.requirement("D22")
def test_an_account_saved_far_ahead_of_this_clock_tells_the_operator(service, visit, enroll, clock, caplog):
    phone, _ = enroll("laptop")
    clock.wait(-4)
    with caplog.at_level(logging.ERROR, logger="wsgi_mfa"):
        service.verify_code(visit("laptop"), phone.wrong_code(1))
        assert caplog.messages == []
        clock.wait(-30)
        service.verify_code(visit("laptop"), phone.wrong_code(2))
    assert len(caplog.messages) == 1
    assert "clocks differ" in caplog.messages[0]


@pytest.mark.requirement("R12", "D22")
def test_a_last_step_in_the_future_is_refused_and_told_to_the_operator(
    service, store, visit, enroll, clock, caplog
):
    phone, _ = enroll("laptop")
    clock.wait(-3600)
    before = store.load(USER)
    with caplog.at_level(logging.ERROR, logger="wsgi_mfa"):
        decision = service.verify_code(visit("laptop"), phone.code())
    assert (decision.outcome, decision.reason) == (Outcome.REFUSED, Reason.SERVER_CLOCK)
    assert any("last_step_ahead" in message for message in caplog.messages)
    assert store.load(USER) == before
