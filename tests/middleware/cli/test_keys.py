"""``wsgi-mfa keys``: a line that the ring reads, and the way from one key to the next."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from wsgi_mfa.cli.context import keys_path
from wsgi_mfa.clock import SystemClock
from wsgi_mfa.core.re_encryption import sealed_values
from wsgi_mfa.identity.sealing.expiry_record import ExpiryRecord, expiries_in
from wsgi_mfa.keys.key_file import KeyFile
from wsgi_mfa.keys.ring import KeyRing, sealing_id
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import WorkerReport


def test_a_generated_key_is_one_line_that_the_ring_reads(run):
    done = run("keys", "generate")
    assert (done.code, done.err) == (0, "")
    assert done.out.count("\n") == 1
    assert KeyRing.from_text(done.out.strip()).ids == ("k1",)


@pytest.mark.requirement("R42")
def test_each_key_is_another_one_and_can_be_added_behind_the_first(run):
    first, second = run("keys", "generate").out.strip(), run("keys", "generate", "--id", "2027").out.strip()
    assert first.partition(":")[2] != second.partition(":")[2]
    assert KeyRing.from_text(f"{first},{second}").writing_id == "2027"


# Rotating


@pytest.fixture
def rotate(run, enrolled):
    return lambda: run("keys", "rotate", "--database", enrolled)


@pytest.fixture
def beat(service_at):
    """``beat(path)``: a worker of this database has a request now."""

    def report(path, *key_ids):
        with service_at(path) as service:
            now = service.clock.now()
            keys = key_ids or service.keys.ring.ids
            told = WorkerReport(worker_id="host/7.1", key_ids=keys, at=now)
            service.store.report_worker(told, forget_before=0)

    return report


@pytest.fixture
def no_wait(monkeypatch):
    """The seconds for which a retirement waits are slept by nobody."""
    slept = []
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: slept.append(seconds))
    return slept


def ring_of(database):
    return KeyFile(keys_path(database)).ring


def sealing_ids(service):
    account = service.store.load("user1@example.com")
    return {sealing_id(sealed) for sealed in sealed_values(account)}


@pytest.mark.requirement("D29")
def test_three_steps_make_a_rotation(rotate, enrolled, service_at, beat, no_wait):
    beat(enrolled)
    first = rotate()
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("step 1 of 3: k2 is new and only opens; k1 seals\n")
    assert ring_of(enrolled).ids == ("k2", "k1")

    beat(enrolled)
    second = rotate()
    assert (second.code, second.err) == (0, "")
    assert second.out.startswith("step 2 of 3: k2 seals; k1 opens what it has sealed\n")
    assert "sealed anew: 1 account\n" in second.out
    assert ring_of(enrolled).ids == ("k1", "k2")
    with service_at(enrolled) as service:
        assert sealing_ids(service) == {"k2"}

    beat(enrolled)
    third = rotate()
    assert (third.code, third.err) == (0, "")
    assert third.out.startswith("step 3 of 3: k1 is retired; k2 seals\n")
    assert ring_of(enrolled).ids == ("k2",)
    assert no_wait == [5]
    with service_at(enrolled) as service:
        assert service.vault.active_key(service.store.load("user1@example.com"))
    for done in (first, second, third):
        assert all(len(line) <= 80 for line in done.out.splitlines() if not line.startswith("keys: "))


@pytest.mark.requirement("D29")
def test_a_step_that_a_worker_has_not_heard_of_is_waited_for(rotate, enrolled, beat, no_wait):
    beat(enrolled)
    rotate()
    second = rotate()
    assert (second.code, second.out) == (1, "")
    assert second.err.startswith("not yet\nworker host/7.1 does not know k2 (told ")
    assert ring_of(enrolled).ids == ("k2", "k1")
    beat(enrolled)
    assert rotate().code == 0
    third = rotate()
    assert third.code == 1
    assert "worker host/7.1 does not seal with k2" in third.err
    assert ring_of(enrolled).ids == ("k1", "k2")
    assert all(len(line) <= 80 for line in third.err.splitlines())


@pytest.mark.requirement("D29")
def test_what_a_worker_has_sealed_with_the_old_key_meanwhile_is_sealed_anew(
    rotate, enrolled, service_at, visit_of
):
    rotate()
    before = ring_of(enrolled)
    rotate()
    with service_at(enrolled) as service:
        late = MfaService(
            store=service.store,
            keys=before,
            policy=service.policy,
            clock=service.clock,
            entropy=service.entropy,
        )
        late.begin_enrollment(visit_of(late, "user2"))
        assert late.keys.ring.writing_id == "k1"
    done = rotate()
    assert done.out.startswith("sealed anew: 1 account\nstep 3 of 3")
    with service_at(enrolled) as service:
        account = service.store.load("user2")
        assert service.vault.pending_key("user2", account.pending[0])


@pytest.mark.requirement("D29", "R42")
def test_an_account_that_no_key_opens_keeps_the_old_key_in_the_ring(rotate, enrolled):
    rotate()
    with contextlib.closing(sqlite3.connect(enrolled)) as connection:
        connection.execute("UPDATE accounts SET body = replace(body, 'k1.', 'k1.A')")
        connection.commit()
    done = rotate()
    assert done.code == 1
    assert "1 account could not be opened: 'user1@example.com'" in done.err
    done = rotate()
    assert done.code == 1
    assert ring_of(enrolled).ids == ("k1", "k2")


@pytest.mark.requirement("D29")
def test_a_key_that_has_sealed_and_is_not_in_the_ring_stops_a_rotation(run, rotate, enrolled):
    keys_path(enrolled).write_text(run("keys", "generate", "--id", "k9").out, encoding="ascii")
    done = rotate()
    assert (done.code, done.out) == (1, "")
    assert done.err == "the ring lacks k1, by which accounts are sealed: add it first\n"
    shown = run("keys", "check", "--database", enrolled)
    assert shown.code == 1
    assert shown.out.splitlines()[2].split()[:4] == ["k1", "missing", "1", "account"]


@pytest.mark.requirement("D29")
def test_keys_of_the_environment_are_printed_and_set_by_the_operator(run, enrolled, monkeypatch, no_wait):
    ring = ring_of(enrolled)
    value = ring.text_of("k1")
    for ids in (("k2", "k1"), ("k1", "k2"), ("k2",)):
        monkeypatch.setenv("WSGI_MFA_KEYS", value)
        done = run("keys", "rotate", "--database", enrolled)
        assert done.code == 0
        assert done.out.count("\n") == 1
        assert "set WSGI_MFA_KEYS to the line below, and start every worker anew" in done.err
        value = done.out.strip()
        assert KeyRing.from_text(value).ids == ids
    assert ring_of(enrolled).ids == ("k1",)


@pytest.mark.requirement("D29")
def test_a_check_shows_keys_workers_and_the_next_step(run, enrolled, beat, rotate):
    empty = run("keys", "check", "--database", enrolled)
    assert (empty.code, empty.err) == (0, "")
    assert "no worker has had a request in the last 5 minutes" in empty.out
    assert "next: keys rotate adds a new key" in empty.out
    beat(enrolled)
    rotate()
    waiting = run("keys", "check", "--database", enrolled).out
    lines = [line.split() for line in waiting.splitlines()]
    assert ["k2", "new,", "opens", "0", "accounts", "0", "of", "1", "worker"] in lines
    assert ["k1", "seals", "1", "account", "1", "of", "1", "worker"] in lines
    assert "worker host/7.1 does not know k2" in waiting
    beat(enrolled)
    assert "next: keys rotate lets k2 seal" in run("keys", "check", "--database", enrolled).out
    rotate()
    beat(enrolled)
    shown = run("keys", "check", "--database", enrolled).out
    assert "next: keys rotate retires k1" in shown
    assert all(len(line) <= 80 for line in (waiting + shown).splitlines())


@pytest.mark.requirement("R37", "R42")
def test_no_key_is_shown_where_it_is_kept_in_a_file(run, enrolled, rotate):
    kept, told = [], []
    for _ in range(3):
        kept += keys_path(enrolled).read_text(encoding="ascii").strip().split(",")
        for done in (rotate(), run("keys", "check", "--database", enrolled)):
            told += [done.out, done.err]
    keys = {entry.partition(":")[2] for entry in kept}
    assert len(keys) == 2
    assert not any(key in text for key in keys for text in told)


# A key that has another's id.


@pytest.fixture
def checked(run, enrolled, tmp_path):
    """``checked()``: what `check` prints about the enrolled database."""
    config = tmp_path / "mfa.toml"
    config.write_text(
        f'issuer = "Client Portal"\nstore = "sqlite:///{enrolled}"\nkeys_file = "{keys_path(enrolled)}"\n'
        '[identity]\nkind = "remote-user"\n',
        encoding="utf-8",
    )
    return lambda: run("check", "--config", config)


@pytest.mark.requirement("D29", "R80")
def test_another_key_under_the_same_id_is_a_problem_and_not_a_moments_failure(checked, run, enrolled):
    assert "each sealed and signed by a key of the ring" in checked().out
    keys_path(enrolled).write_text(run("keys", "generate", "--id", "k1").out, encoding="ascii")
    done = checked()
    assert done.code == 1
    assert "problem  accounts: keys: 'k1' is another key than the one by which this store" in done.out


def test_a_key_file_that_others_may_read_is_warned_of(checked, enrolled):
    keys_path(enrolled).chmod(0o644)
    done = checked()
    assert "warning  keys:" in done.out
    assert "has mode 0644" in done.out
    assert "ok       keys: k1" in done.out


@pytest.mark.requirement("D47")
def test_the_odds_of_the_policy_are_printed_and_a_lax_one_is_a_problem(checked, tmp_path):
    assert "ok       guessing: at most 1,560 wrong codes a year are judged" in checked().out
    config = tmp_path / "mfa.toml"
    config.write_text(config.read_text() + "[policy]\nfailures_rolling_max = 1000\n", encoding="utf-8")
    done = checked()
    assert done.code == 1
    assert "problem  guessing:" in done.out
    assert "lower policy.failures_rolling_max" in done.out


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("", "ok       apps: codes are of the kind that every authenticator app makes\n"),
        (
            '[policy]\nalgorithm = "SHA256"\ndigits = 8\n',
            "policy.algorithm = SHA256, policy.digits = 8: Microsoft",
        ),
        (
            "[policy]\nperiod_seconds = 60\n",
            "policy.period_seconds = 60: Microsoft Authenticator and versions of",
        ),
    ],
)
def test_settings_that_apps_ignore_are_told(checked, tmp_path, settings, told):
    config = tmp_path / "mfa.toml"
    config.write_text(config.read_text() + settings, encoding="utf-8")
    assert told in checked().out


# The portal's cookies that a key has sealed


@pytest.fixture
def sealed_until(service_at):
    """``sealed_until(path, key_id, days)``: this key has sealed a cookie that lasts so many days from now."""

    def note(path, key_id, days):
        with service_at(path) as service:
            now = service.clock.now() // 1_000_000
            ExpiryRecord(service.store).note(key_id, now + days * 86_400, now_seconds=now)

    return note


@pytest.fixture
def rotated(rotate, enrolled):
    """A store whose accounts the new key has sealed, while the old one opens."""
    rotate()
    rotate()
    assert ring_of(enrolled).ids == ("k1", "k2")
    return enrolled


@pytest.mark.requirement("D39")
def test_a_key_whose_cookies_last_is_not_retired(run, rotate, rotated, sealed_until):
    sealed_until(rotated, "k1", 30)
    for done in (rotate(), run("keys", "retire", "--database", rotated)):
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("not yet\nk1 has sealed cookies of the portal until ")
        assert "keys retire --sign-out" in done.err
        assert all(len(line) <= 80 for line in done.err.splitlines())
    assert ring_of(rotated).ids == ("k1", "k2")
    shown = run("keys", "check", "--database", rotated)
    assert "k1 has sealed cookies of the portal until " in shown.out
    assert "next: keys rotate retires" not in shown.out


@pytest.mark.requirement("D39")
def test_sign_out_retires_it_and_what_is_noted_of_it_goes(run, rotated, sealed_until, service_at):
    sealed_until(rotated, "k1", 30)
    sealed_until(rotated, "k2", 30)
    done = run("keys", "retire", "--sign-out", "--database", rotated)
    assert (done.code, done.err) == (0, "")
    assert "step 3 of 3: k1 is retired; k2 seals\n" in done.out
    assert ring_of(rotated).ids == ("k2",)
    with service_at(rotated) as service:
        assert list(expiries_in(service.store)) == ["k2"]


@pytest.mark.requirement("D39")
@pytest.mark.parametrize("days", [-3, None])
def test_a_key_whose_cookies_have_expired_is_retired_as_the_third_step(run, rotated, sealed_until, days):
    if days is not None:
        sealed_until(rotated, "k1", days)
    sealed_until(rotated, "k2", 30)
    assert run("keys", "retire", "--database", rotated).code == 0
    assert ring_of(rotated).ids == ("k2",)


def test_there_is_nothing_to_retire_before_a_rotation(run, enrolled):
    done = run("keys", "retire", "--sign-out", "--database", enrolled)
    assert (done.code, done.out) == (1, "")
    assert done.err == "there is no old key to retire; next: keys rotate adds a new key\n"


@pytest.mark.requirement("D29")
def test_a_step_that_could_not_be_written_is_not_told_of(rotate, enrolled):
    draft = enrolled.with_name(f"{enrolled.name}.keys.new")
    (enrolled.parent / "precious").write_text("precious")
    draft.symlink_to(enrolled.parent / "precious")
    before = ring_of(enrolled).ids
    done = rotate()
    assert (done.code, done.out) == (2, "")
    assert "exists" in done.err
    assert ring_of(enrolled).ids == before
    assert (enrolled.parent / "precious").read_text() == "precious"
