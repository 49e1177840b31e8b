"""From a backup to the day on which it is needed, by commands, with a worker that runs all the time (D28)."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.engine import decide
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.stores import sqlite_connections

USER, OTHER = "user1@example.com", "user2@example.com"


@pytest.fixture(autouse=True)
def _a_hundredth_of_a_second_later(monkeypatch):
    monkeypatch.setattr(sqlite_connections, "LOOK_SECONDS", 0)


@pytest.fixture
def worker(enrolled, service_at):
    """A worker that has served the user."""
    with service_at(enrolled) as service:
        assert service.load(USER) is not None
        yield service


@pytest.fixture
def store(run, enrolled):
    """``store("close")``: what a command printed that had to succeed."""

    def call(*arguments, group="store"):
        done = run(group, *arguments, "--database", enrolled)
        assert (done.code, done.err) == (0, "")
        return done.out

    return call


@pytest.fixture
def copy(enrolled):
    """``copy(source, target)``: by the engine's own means."""

    def to(source, target):
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
            read.backup(written)

    return to


@pytest.fixture
def export(store, tmp_path):
    """``export()``: the path of what is on record now."""

    def write(*arguments):
        path = tmp_path / "export.jsonl"
        path.write_text(store("export", *arguments, group="audit"))
        return path

    return write


def refuses(worker):
    with pytest.raises(StoreUnavailableError):
        worker.load(USER)
    return True


@pytest.mark.requirement("D28", "R13")
def test_a_reset_of_after_the_backup_outlives_the_restore(
    run, store, copy, export, enrolled, worker, visit_of, tmp_path
):
    copy(enrolled, tmp_path / "backup.db")
    recovery_code = worker.vault.recovery_copy(USER, worker.load(USER).recovery_code)
    assert run("support", "reset", USER, "--email", USER, "--reason", "x", "--database", enrolled).code == 0
    assert worker.begin_enrollment(visit_of(worker, OTHER)).outcome is Outcome.MUST_ENROLL
    assert store("close") == "store: closed\n"
    assert refuses(worker)
    assert USER in store("list", group="accounts")
    assert run("support", "reset", USER, "--email", USER, "--reason", "x", "--database", enrolled).code == 1
    known = export()
    copy(tmp_path / "backup.db", enrolled)
    assert refuses(worker)
    told = store("fence", "--audit", known).splitlines()
    assert told[:3] == [
        "fenced: 2 accounts",
        "put back on record: 4 events",
        f"needs an invitation: {USER}, whose phone is not the one of the backup",
    ]
    assert told[3].startswith("known: all until ")
    assert told[4:] == ["store: open"]
    assert worker.load(USER).authenticator is None
    assert worker.sign_in_by_recovery_code(visit_of(worker), recovery_code).outcome is Outcome.MUST_ENROLL
    assert worker.begin_enrollment(visit_of(worker)).outcome is Outcome.MUST_ENROLL
    assert store("enrollment").startswith("enrollment: open")
    assert store("verify", "--against", known, group="audit").startswith("verified: ")


@pytest.mark.requirement("D28")
def test_a_backup_of_ours_stays_closed_until_its_fence_and_then_until_it_is_opened(
    run, store, copy, enrolled, worker, tmp_path
):
    assert store("backup", tmp_path / "backup.db") == f"backup: {tmp_path / 'backup.db'}\n"
    copy(tmp_path / "backup.db", enrolled)
    assert refuses(worker)
    opened = run("store", "open", "--database", enrolled)
    assert opened.code == 2
    assert "store fence" in opened.err
    told = store("fence").splitlines()
    assert told[0] == "fenced: 1 account"
    assert told[1].startswith("not known: what happened after ")
    assert told[-1] == "store: closed; next: wsgi-mfa store open"
    assert refuses(worker)
    assert store("open") == "store: open\n"
    assert worker.load(USER).authenticator is not None


@pytest.mark.requirement("D28", "D33")
def test_without_a_record_nobody_new_enrolls_without_an_invitation(
    store, copy, enrolled, worker, visit_of, tmp_path
):
    copy(enrolled, tmp_path / "backup.db")
    worker.begin_enrollment(visit_of(worker, OTHER))
    copy(tmp_path / "backup.db", enrolled)
    store("fence")
    assert store("enrollment") == "enrollment: invited, for every new user\n"
    rejected = worker.begin_enrollment(visit_of(worker, OTHER))
    assert rejected.reason is Reason.ENROLLMENT_CODE_NEEDED


@pytest.mark.requirement("D28", "D33")
def test_a_record_of_before_the_close_is_followed_and_said_to_be_too_short(
    store, copy, export, enrolled, worker, tmp_path
):
    copy(enrolled, tmp_path / "backup.db")
    store("remove", USER, "--reason", "left", group="accounts")
    store("enrollment", "invited")
    store("enrollment", "policy")
    known = export()
    copy(tmp_path / "backup.db", enrolled)
    told = store("fence", "--audit", known)
    assert f"removed again: {USER}\n" in told
    assert "not known: what happened after" in told
    assert worker.load(USER).removed_at is not None
    assert store("enrollment") == "enrollment: open, as the policy says\n"


@pytest.mark.requirement("D28", "D31")
@pytest.mark.parametrize("fault", ["changed", "cut", "another store's", "one user's"])
def test_a_record_that_is_not_the_stores_is_refused_and_nothing_is_done(
    run, store, export, enrolled, worker, fault, tmp_path
):
    store("enrollment", "invited")
    before = worker.load(USER)
    known = export(*([USER] if fault == "one user's" else []))
    text = known.read_text()
    if fault == "changed":
        text = text.replace("enrollment.confirmed", "support.reset")
    elif fault == "cut":
        text = "".join(line for line in text.splitlines(keepends=True) if "enrollment.confirmed" not in line)
    elif fault == "another store's":
        run("store", "init", "--database", tmp_path / "other.db")
        run("store", "enrollment", "policy", "--database", tmp_path / "other.db")
        text = run("audit", "export", "--database", tmp_path / "other.db").out
    known.write_text(text)
    done = run("store", "fence", "--audit", known, "--database", enrolled)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("wsgi-mfa: not a whole record of this store: ")
    assert worker.load(USER) == before


@pytest.mark.requirement("D28")
def test_a_fence_that_was_cut_off_is_brought_to_its_end_by_another(
    run, store, copy, export, enrolled, worker, visit_of, service_at, monkeypatch, tmp_path
):
    copy(enrolled, tmp_path / "backup.db")
    for user in (USER, OTHER):
        worker.begin_enrollment(visit_of(worker, user), restart=True)
    store("close")
    known = export()
    copy(tmp_path / "backup.db", enrolled)
    with monkeypatch.context() as patch:
        patch.setattr(
            "wsgi_mfa.operations.restore.decide",
            lambda account, *_: 1 / 0 if account.user == OTHER else decide(account, *_),
        )
        with pytest.raises(ZeroDivisionError):
            run("store", "fence", "--audit", known, "--database", enrolled)
    assert refuses(worker)
    assert run("store", "open", "--database", enrolled).code == 2
    told = store("fence", "--audit", known)
    assert "store: closed; next" in told
    store("open")
    assert store("verify", "--against", known, group="audit").startswith("verified: ")


def test_closing_and_opening_twice_is_closing_and_opening_once(store, worker):
    assert store("close") == store("close")
    assert refuses(worker)
    assert store("open") == store("open")
    assert worker.load(USER) is not None
