"""A store that was put back under a running worker is noticed, and nothing is answered before the fence (D28)."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from wsgi_mfa.core.commands import Origin, ResetBySupport
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.operations import restore as operations_restore
from wsgi_mfa.operations.accounts import AccountKeeper
from wsgi_mfa.service import MfaService, Visit
from wsgi_mfa.stores import sqlite_connections
from wsgi_mfa.stores.protocol import StoreIdentity, load_for_operator
from wsgi_mfa.stores.sqlite import SqliteStore
from wsgi_mfa.support.account_view import AccountFinder
from wsgi_mfa.support.desk import SupportDesk
from wsgi_mfa.support.results import Rejected

USER = "user1@example.com"


@pytest.fixture(autouse=True)
def _a_hundredth_of_a_second_later(monkeypatch):
    monkeypatch.setattr(sqlite_connections, "LOOK_SECONDS", 0)


@pytest.fixture
def store(tmp_path):
    identity = StoreIdentity(store_id="0123456789abcdef" * 2, made_at=0)
    made = SqliteStore(tmp_path / "mfa.db", create=True, new_identity=identity)
    yield made
    made.close()


@pytest.fixture
def new_service(store, keys, clock, entropy):
    """``new_service()``: a worker over the store, or a service over one that is given."""
    return lambda store=store: MfaService(
        store=store, keys=keys, policy=Policy(), clock=clock, entropy=entropy
    )


@pytest.fixture
def worker(new_service):
    return new_service()


def visit(worker, browser="laptop"):
    origin = Origin(browser=browser, next_browser=worker.vault.new_id())
    return Visit(user=USER, origin=origin, now=worker.clock.now(), address=USER)


def backup(store, path):
    """By the engine's own means."""
    with closing(sqlite3.connect(store.path)) as live, closing(sqlite3.connect(path)) as copy:
        live.backup(copy)


def restore(store, path):
    with closing(sqlite3.connect(path)) as copy, closing(sqlite3.connect(store.path)) as live:
        copy.backup(live)


def enroll(worker, phone_of, clock):
    pending = worker.begin_enrollment(visit(worker)).pending
    phone = phone_of(worker.vault.pending_key(USER, pending))
    assert worker.confirm_enrollment(visit(worker), phone.code(), pending_id=pending.id).session_id
    clock.wait_for_step()
    return phone


def reset(worker):
    command = ResetBySupport(
        agent="desk", reason="lost", generation=worker.vault.new_id(), enrollment_code=None
    )
    worker.apply(visit(worker), command)


def fence(new_service, store):
    with closing(store.for_operator()) as closed_store:
        operations_restore.fence(new_service(closed_store), None)


@pytest.mark.requirement("D28", "R13")
@pytest.mark.parametrize("lost", ["a sign-in", "a reset"])
def test_a_restore_under_a_running_worker_is_answered_by_nothing_until_the_fence(
    worker, new_service, store, phone_of, clock, tmp_path, lost
):
    phone = enroll(worker, phone_of, clock)
    backup(store, tmp_path / "backup.db")
    code = phone.code()
    if lost == "a reset":
        reset(worker)
    else:
        assert worker.verify_code(visit(worker, "tablet"), code).outcome is Outcome.SIGNED_IN
    restore(store, tmp_path / "backup.db")
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="was the store restored"):
            worker.verify_code(visit(worker, "thief"), code)
    fence(new_service, store)
    assert worker.verify_code(visit(worker, "thief"), code).outcome is Outcome.USED_CODE
    clock.wait(60)
    assert worker.verify_code(visit(worker, "tablet"), phone.code()).outcome is Outcome.SIGNED_IN


def test_the_desk_too_helps_nobody_before_the_fence(worker, store, phone_of, clock, tmp_path):
    backup(store, tmp_path / "backup.db")
    enroll(worker, phone_of, clock)
    restore(store, tmp_path / "backup.db")
    desk = SupportDesk(worker)
    for ask in (desk.reset, desk.unlock, desk.forget_drift, desk.invite):
        result = ask(USER, email=USER, reason="lost", agent="edith@example.com")
        assert isinstance(result, Rejected)
        assert (result.outcome, result.reason) == (Outcome.UNAVAILABLE, None)
        assert "was the store restored" in result.message
    with pytest.raises(StoreUnavailableError, match="was the store restored"):
        AccountFinder(worker, directory=None).look(USER)
    with pytest.raises(StoreUnavailableError, match="was the store restored"):
        AccountKeeper(worker, agent="edith@example.com").remove(USER)


def test_an_operator_reads_an_account_as_the_store_holds_it(worker, store, phone_of, clock, tmp_path):
    backup(store, tmp_path / "backup.db")
    enroll(worker, phone_of, clock)
    assert load_for_operator(store, USER) == worker.load(USER)
    restore(store, tmp_path / "backup.db")
    assert load_for_operator(store, USER) is None


@pytest.mark.requirement("D28")
def test_an_account_that_has_gone_is_no_new_user_and_needs_an_invitation_after_the_fence(
    worker, new_service, store, phone_of, clock, tmp_path
):
    backup(store, tmp_path / "backup.db")
    enroll(worker, phone_of, clock)
    restore(store, tmp_path / "backup.db")
    with pytest.raises(StoreUnavailableError, match="was the store restored"):
        worker.begin_enrollment(visit(worker, "thief"))
    fence(new_service, store)
    assert worker.begin_enrollment(visit(worker, "thief")).reason is Reason.ENROLLMENT_CODE_NEEDED


@pytest.mark.requirement("D28", "R13")
def test_a_second_restore_is_noticed_though_the_backup_was_never_fenced(
    worker, new_service, store, phone_of, clock, tmp_path
):
    phone = enroll(worker, phone_of, clock)
    backup(store, tmp_path / "backup.db")
    restore(store, tmp_path / "backup.db")
    fence(new_service, store)
    clock.wait(60)
    code = phone.code()
    assert worker.verify_code(visit(worker, "tablet"), code).outcome is Outcome.SIGNED_IN
    restore(store, tmp_path / "backup.db")
    with pytest.raises(StoreUnavailableError, match="restored"):
        worker.verify_code(visit(worker, "thief"), code)


@pytest.mark.requirement("D28", "D22")
def test_clocks_resets_and_other_workers_are_no_restore(worker, new_service, phone_of, clock):
    other = new_service()
    enroll(worker, phone_of, clock)
    clock.wait(-365 * 86400)
    for each in (other, worker, other, worker):
        reset(each)
        assert each.begin_enrollment(visit(each)).outcome is not None
    clock.wait(365 * 86400)
    reset(other)
    assert worker.load(USER) == other.load(USER)
