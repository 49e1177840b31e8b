"""The contract of a store's administration: each test runs over every store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.stores import sqlite_connections
from wsgi_mfa.stores.protocol import Store, StoreIdentity, StoreState, StoreStatus, WorkerReport

MakeAccount = Callable[..., Account]
USER = "user1@example.com"


@pytest.fixture(autouse=True)
def _a_hundredth_of_a_second_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_connections, "LOOK_SECONDS", 0)


def contents(store: Store) -> tuple[object, ...]:
    return [store.load(user) for user in store.users()], store.events()


def test_a_store_tells_which_one_it_is(store: Store, identity: StoreIdentity) -> None:
    assert store.identity == identity


def report(worker_id: str, *key_ids: str, at: int) -> WorkerReport:
    return WorkerReport(worker_id=worker_id, key_ids=key_ids, at=at)


@pytest.mark.requirement("D29")
def test_of_each_worker_the_latest_report_is_kept_with_its_keys_in_their_order(store: Store) -> None:
    assert store.workers() == []
    store.report_worker(report("host/2.1", "k1", at=10), forget_before=0)
    store.report_worker(report("host/1.1", "k2", "k1", at=11), forget_before=0)
    store.report_worker(report("host/2.1", "k1", "k2", at=12), forget_before=0)
    assert store.workers() == [
        report("host/1.1", "k2", "k1", at=11),
        report("host/2.1", "k1", "k2", at=12),
    ]


@pytest.mark.requirement("D29")
def test_reports_from_before_the_given_instant_are_forgotten(store: Store) -> None:
    store.report_worker(report("old", "k1", at=9), forget_before=0)
    store.report_worker(report("just", "k1", at=10), forget_before=0)
    store.report_worker(report("new", "k1", at=20), forget_before=10)
    assert [each.worker_id for each in store.workers()] == ["just", "new"]


@pytest.mark.requirement("D33")
def test_a_store_asks_new_users_for_an_invitation_when_it_is_told_to(store: Store) -> None:
    answers = [store.invited_only()]
    for rule in (True, True, False, False, True):
        store.set_invited_only(rule)
        answers.append(store.invited_only())
    assert answers == [False, True, True, False, False, True]


def test_what_stands_beside_the_store_id_is_no_account_and_no_event(store: Store) -> None:
    store.report_worker(report("host/1.1", "k1", at=1), forget_before=0)
    store.set_invited_only(True)
    assert contents(store) == ([], [])


def test_a_new_store_is_open(store: Store) -> None:
    assert store.status() == StoreStatus(state=StoreState.OPEN, changed_at=0, fenced_at=0)
    assert store.fenced_at == 0


@pytest.mark.requirement("D28")
@pytest.mark.parametrize("state", [StoreState.CLOSED, StoreState.UNFENCED])
def test_a_store_that_is_not_open_answers_nobody_but_its_operator(
    store: Store, account: MakeAccount, state: StoreState
) -> None:
    store.save(account(1), [], expected=None)
    store.load(USER)
    store.set_status(StoreStatus(state=state, changed_at=1))
    calls: list[Callable[[], object]] = [
        lambda: store.load(USER),
        lambda: store.save(account(2), [], expected=account(1).revision),
        store.users,
        store.events,
        store.invited_only,
    ]
    for call in calls:
        with pytest.raises(StoreUnavailableError, match="closed"):
            call()
    operator = store.for_operator()
    assert operator.load(USER) == account(1)
    assert operator.save(account(2), [], expected=account(1).revision)
    store.set_status(StoreStatus(state=StoreState.OPEN, changed_at=2))
    assert store.load(USER) == account(2)


def test_a_store_that_was_let_go_of_has_no_status(store: Store) -> None:
    store.close()
    for call in (store.status, lambda: store.set_status(StoreStatus())):
        with pytest.raises(StoreUnavailableError):
            call()
