"""From one key to another: where a rotation stands, what it waits for, and what it seals anew."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.instants import MINUTE
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.re_encryption import sealed_values
from wsgi_mfa.errors import UnknownKeyError
from wsgi_mfa.keys.ring import KeyRing, sealing_id
from wsgi_mfa.operations.key_rotation import (
    LIVE_MINUTES,
    Step,
    Survey,
    number_of,
    re_encrypt_all,
    survey,
    with_new_key,
    with_promoted,
    without_retired,
)
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import WorkerReport

USER = "user1@example.com"


def found(*ids, sealed=None, workers=()):
    reports = tuple(
        WorkerReport(worker_id=f"host/{number}", key_ids=tuple(known.split()), at=0)
        for number, known in enumerate(workers)
    )
    return Survey(ids=ids, sealed_counts=sealed or {}, workers=reports)


def ids_of(text):
    return KeyRing.from_text(text).ids


@pytest.fixture
def with_keys(troubled_store, clock, entropy):
    """``with_keys(ring)``: a worker at the same store with this ring."""

    def make(ring):
        return MfaService(store=troubled_store, keys=ring, policy=Policy(), clock=clock, entropy=entropy)

    return make


# Where it stands


@pytest.mark.requirement("D29")
@pytest.mark.parametrize(
    ("ids", "sealed", "step", "new", "old"),
    [
        (("k1",), {"k1": 3}, Step.ADD, (), ()),
        (("k2", "k1"), {"k1": 3}, Step.PROMOTE, ("k2",), ()),
        (("k1", "k2"), {"k1": 1, "k2": 2}, Step.RETIRE, (), ("k1",)),
        (("k1", "k2"), {"k2": 3}, Step.RETIRE, (), ("k1",)),
        (("k1", "k2"), {}, Step.RETIRE, (), ("k1",)),
        (("first",), {"first": 3}, Step.ADD, (), ()),
        (("first1", "first"), {"first": 3}, Step.PROMOTE, ("first1",), ()),
        (("2025", "2026"), {"2025": 3}, Step.RETIRE, (), ("2025",)),
        (("a", "b"), {"a": 3}, Step.RETIRE, (), ("a",)),  # made by hand: the oldest stands first
        (("k1", "mine"), {"k1": 3}, Step.RETIRE, (), ("k1",)),  # what has sealed has written before
        (("k1", "k3", "k2"), {"k1": 1, "k2": 2}, Step.PROMOTE, ("k3",), ("k1",)),
    ],
)
def test_the_ring_and_the_accounts_say_what_comes_next(ids, sealed, step, new, old):
    survey = found(*ids, sealed=sealed)
    assert (survey.step, survey.new_ids, survey.old_ids) == (step, new, old)


@pytest.mark.requirement("D29")
@pytest.mark.parametrize(
    ("ids", "workers", "waiting"),
    [
        (("k1",), ["k1", "k9"], []),
        (("k2", "k1"), [], []),
        (("k2", "k1"), ["k2 k1", "k1"], ["host/1"]),
        (("k2", "k1"), ["k1", "k1 k2"], ["host/0"]),
        (("k1", "k2"), ["k2 k1", "k1 k2", "k2"], ["host/0"]),
        (("k1", "k2"), [""], ["host/0"]),
    ],
)
def test_a_step_waits_for_the_workers_that_have_not_heard_of_the_last_one(ids, workers, waiting):
    assert [each.worker_id for each in found(*ids, workers=workers).waiting_for] == waiting


@pytest.mark.parametrize(
    ("key_id", "number"), [("k1", 1), ("k", 0), ("a1b22", 22), ("2026", 2026), ("1-", 0)]
)
def test_a_key_is_numbered_by_the_end_of_its_id(key_id, number):
    assert number_of(key_id) == number


@pytest.mark.requirement("D29")
def test_a_survey_counts_accounts_by_key_and_workers_that_live(service, enroll, troubled_store, clock):
    enroll("laptop")
    limit = clock.now() - LIVE_MINUTES * MINUTE
    for worker_id, at in [("dead", limit), ("alive", limit + 1), ("ahead", clock.now() + MINUTE)]:
        troubled_store.report_worker(
            WorkerReport(worker_id=worker_id, key_ids=("k1",), at=at), forget_before=0
        )
    seen = survey(troubled_store, service.keys.ring, now=clock.now())
    assert seen.sealed_counts == {"k1": 1}
    assert seen.lost_ids == ()
    assert {each.worker_id for each in seen.workers} == {"alive", "ahead"}
    other = survey(troubled_store, KeyRing([("k7", bytes(32))]), now=clock.now())
    assert other.lost_ids == ("k1",)


# The ring's text


@pytest.mark.requirement("D29")
def test_three_texts_lead_from_one_key_to_the_next(keys, entropy):
    added = with_new_key(keys, entropy)
    assert ids_of(added) == ("k2", "k1")
    promoted = with_promoted(KeyRing.from_text(added), ("k2",))
    assert ids_of(promoted) == ("k1", "k2")
    retired = without_retired(KeyRing.from_text(promoted), ("k1",))
    assert ids_of(retired) == ("k2",)
    assert ids_of(with_new_key(KeyRing.from_text(retired), entropy)) == ("k3", "k2")
    assert {part for text in (added, promoted) for part in text.split(",")} == {
        keys.text_of("k1"),
        retired,
    }


def test_a_new_id_is_none_that_the_ring_has(entropy):
    ring = KeyRing([("k7", bytes(range(1, 33))), ("k2", bytes(range(32)))])
    assert ids_of(with_new_key(ring, entropy)) == ("k7", "k8", "k2")


# Sealing anew


@pytest.mark.requirement("D29")
def test_accounts_are_sealed_anew_without_anybody_noticing(enroll, with_keys, keys, entropy, visit, clock):
    phone, decision = enroll("laptop")
    before = decision.account
    ring = KeyRing.from_text(with_promoted(KeyRing.from_text(with_new_key(keys, entropy)), ("k2",)))
    worker = with_keys(ring)
    assert re_encrypt_all(worker) == (1, [])
    account = worker.store.load(USER)
    assert {sealing_id(sealed) for sealed in sealed_values(account)} == {"k2"}
    assert (account.sessions, account.generation) == (before.sessions, before.generation)
    alone = with_keys(KeyRing.from_text(without_retired(ring, ("k1",))))
    assert alone.vault.active_key(account) == phone.key
    assert alone.verify_code(visit("tablet"), phone.code()).outcome is Outcome.SIGNED_IN
    assert re_encrypt_all(worker) == (0, [])


@pytest.mark.requirement("D29", "R6")
def test_a_sign_in_that_wins_the_race_is_kept(
    enroll, with_keys, troubled_store, service, keys, entropy, visit
):
    phone, _ = enroll("laptop")
    code = phone.code()
    ring = KeyRing.from_text(with_promoted(KeyRing.from_text(with_new_key(keys, entropy)), ("k2",)))
    troubled_store.before = [lambda: service.verify_code(visit("tablet"), code)]
    assert re_encrypt_all(with_keys(ring)) == (1, [])
    account = troubled_store.load(USER)
    assert len(account.sessions) == 2
    assert with_keys(ring).verify_code(visit("thief"), code).outcome is Outcome.USED_CODE


@pytest.mark.requirement("D29")
def test_an_account_that_cannot_be_opened_is_named_and_left(enroll, with_keys, troubled_store, entropy):
    enroll("laptop")
    before = troubled_store.load(USER)
    stranger = with_keys(KeyRing([("k8", bytes(32)), ("k9", bytes(range(32)))]))
    assert re_encrypt_all(stranger) == (0, [USER])
    assert troubled_store.load(USER) == before


# A worker meets a key that it does not know


@pytest.mark.requirement("D29", "R80")
def test_an_unknown_key_is_looked_for_once_and_then_an_error(enroll, with_keys):
    enroll("laptop")

    class Source:
        def __init__(self, *rings):
            self.rings = list(rings)
            self.ring = self.rings.pop(0)
            self.reads = 0

        def reread(self):
            self.reads += 1
            if not self.rings:
                return False
            self.ring = self.rings.pop(0)
            return True

    stranger, good = KeyRing([("k9", bytes(32))]), KeyRing([("k1", bytes(range(32)))])
    late = Source(stranger, good)
    account = with_keys(late).store.load(USER)
    assert with_keys(late).vault.active_key(account)
    assert late.reads == 1
    for lost in (Source(stranger), Source(stranger, KeyRing([("k8", bytes(32))]))):
        with pytest.raises(UnknownKeyError):
            with_keys(lost).vault.active_key(account)
        assert lost.reads == 1
