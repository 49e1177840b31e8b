"""Accounts that are closed since they were edited: found, rebuilt by the operator, and never signed unseen (D48a)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsgi_mfa.audit import hash_chain
from wsgi_mfa.core.account import Failures
from wsgi_mfa.core.decision import Reason
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.errors import AccountError, AlteredAccountError, StoreUnavailableError
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.operations import integrity
from wsgi_mfa.operations.key_rotation import re_encrypt_all, survey
from wsgi_mfa.operations.restore import close_store, fence
from wsgi_mfa.service import MfaService

pytestmark = pytest.mark.requirement("D48a")

USER = "user1@example.com"
GUESSED = Failures(days=((20_514, 7),))


@pytest.fixture
def edited(enroll, memory_store):
    """Edit the stored account of an enrolled user as one who has no key."""
    enroll("laptop")

    def edit(**changes):
        account = memory_store.load(USER)
        memory_store._accounts[USER] = replace(account, **changes)

    return edit


@pytest.fixture
def worker(memory_store, keys, clock, entropy):
    """``worker()``: an operator's service that has seen no account; ``worker(ring)`` has other keys."""

    def make(ring=keys):
        store = memory_store.for_operator()
        return MfaService(store=store, keys=ring, policy=Policy(), clock=clock, entropy=entropy)

    return make


def rebuild(service):
    return integrity.rebuild(service, USER, agent="anna", reason="the disk was stolen")


def test_each_account_that_is_closed_is_found(edited, worker):
    assert list(integrity.problems(worker())) == []
    edited(hints=(1,))
    (problem,) = integrity.problems(worker())
    assert isinstance(problem, AlteredAccountError)
    assert problem.user == USER


def test_a_rebuilt_account_needs_an_invitation_and_keeps_its_wrong_codes_and_its_record(
    edited, worker, visit, memory_store, keys
):
    edited(code_failures=GUESSED, known_failures=((20_514, 3),))
    service = worker()
    assert rebuild(service) == USER
    account = service.load(USER)
    assert account.authenticator is None
    assert account.enrollment_code_needed
    assert (account.code_failures.days, account.known_failures) == (GUESSED.days, ((20_514, 3),))
    begun = service.begin_enrollment(visit("laptop"))
    assert begun.reason is Reason.ENROLLMENT_CODE_NEEDED
    assert hash_chain.verify(memory_store, keys).problems == ()
    event = memory_store.events(USER)[-1]
    assert (event.kind, dict(event.details)) == (
        "account.rebuilt",
        {"agent": "anna", "reason": "the disk was stolen", "found": "edited"},
    )


def test_an_account_that_was_deleted_is_rebuilt_behind_its_events(edited, worker, memory_store, keys):
    edited()
    del memory_store._accounts[USER]
    rebuild(worker())
    assert hash_chain.verify(memory_store, keys).problems == ()
    assert dict(memory_store.events(USER)[-1].details)["found"] == "deleted"


def test_an_event_head_that_was_edited_does_not_reach_the_rebuilt_account(edited, worker, memory_store, keys):
    edited(event_count=99, event_link="f" * 64)
    rebuild(worker())
    assert hash_chain.verify(memory_store, keys).problems == ()


def test_an_account_that_is_as_it_was_saved_is_not_rebuilt(edited, worker):
    edited()
    with pytest.raises(AccountError, match="is as it was saved"):
        rebuild(worker())
    with pytest.raises(AccountError, match="there is no account 'nobody'"):
        integrity.rebuild(worker(), "nobody", agent="anna", reason="")


def test_an_account_whose_key_was_lost_is_rebuilt_by_another_ring(edited, worker):
    edited()
    service = worker(KeyRing([("k2", bytes(32))]))
    rebuild(service)
    assert service.load(USER).authenticator is None


def test_a_rebuild_gives_way_to_a_save_that_was_first(edited, worker, monkeypatch):
    edited(hints=(1,))
    service = worker()
    monkeypatch.setattr(service.store, "save", lambda *_, **__: False)
    with pytest.raises(StoreUnavailableError, match="was saved meanwhile"):
        rebuild(service)


@pytest.mark.requirement("D28")
def test_a_fence_signs_no_account_that_was_edited(edited, worker):
    edited(hints=(1,))
    with pytest.raises(AccountError, match="1 accounts are closed"):
        fence(worker(), None)


@pytest.mark.requirement("D28")
def test_a_fence_signs_what_it_saves(edited, worker, visit, phone_of):
    edited()
    service = worker()
    fence(service, None)
    assert list(integrity.problems(service)) == []


@pytest.mark.requirement("D29")
def test_a_rotation_signs_every_account_again_also_one_that_seals_nothing(edited, worker, keys, visit):
    edited()
    service = worker()
    service.begin_enrollment(visit("laptop", user="user2@example.com"))
    close_store(service)  # an event of the store itself, whose account seals nothing
    both = KeyRing([("k1", bytes(range(32))), ("k2", bytes(range(1, 33)))])
    rotated = worker(both)
    assert re_encrypt_all(rotated) == (3, [])
    assert set(survey(rotated.store, both, now=0).sealed_counts) == {"k2"}
    assert list(integrity.problems(worker(KeyRing([("k2", bytes(range(1, 33)))])))) == []


@pytest.mark.requirement("D29")
def test_a_rotation_signs_no_account_that_was_edited(edited, worker):
    edited(hints=(1,))
    both = KeyRing([("k1", bytes(range(32))), ("k2", bytes(range(1, 33)))])
    assert re_encrypt_all(worker(both)) == (0, [USER])


def test_accounts_of_the_release_before_are_signed_once(edited, worker, memory_store, visit, phone_of, clock):
    edited(mac="")
    service = worker()
    assert integrity.sign_all(service) == integrity.Signed(accounts_count=1, closed=())
    assert service.load(USER).authenticator is not None
    assert memory_store.events("")[-1].kind == "store.signed"
    # Without its MAC it was edited since.
    edited(mac="")
    with pytest.raises(AccountError, match=r"the store was signed before, and 'user1@example\.com'"):
        integrity.sign_all(worker())
    assert integrity.sign_all(worker(), again=True).accounts_count == 1


def test_signing_takes_no_account_whose_keys_or_mac_fail(edited, worker, memory_store):
    edited(mac="", authenticator=replace(memory_store.load(USER).authenticator, sealed_key="k1.AAAA"))
    assert integrity.sign_all(worker()) == integrity.Signed(accounts_count=0, closed=(USER,))
    edited(mac="k1.AAAA")
    assert integrity.sign_all(worker()).closed == (USER,)
