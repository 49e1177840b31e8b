"""Commands in this process, and a database with an account in it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import pytest

from wsgi_mfa.cli import main
from wsgi_mfa.cli.context import made_database
from wsgi_mfa.clock import SystemClock
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.totp import code_at, step_at
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.service import MfaService, Visit

USER = "user1@example.com"


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capsys):
    """``run("accounts", "list", ...)``: a command on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("WSGI_MFA_KEYS", raising=False)

    def call(*arguments) -> Done:
        monkeypatch.setattr("sys.argv", ["wsgi-mfa", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Done(ended.value.code or 0, told.out, told.err)

    return call


@pytest.fixture
def database(tmp_path, monkeypatch):
    """The path of a store that is there, with its keys beside it."""
    monkeypatch.delenv("WSGI_MFA_KEYS", raising=False)
    path = tmp_path / "mfa.db"
    store, _ = made_database(path)
    store.close()
    return path


@pytest.fixture
def service_at():
    """``with service_at(path) as service``: what a server of this database works with."""

    @contextlib.contextmanager
    def opened(path):
        store, keys = made_database(path)
        with contextlib.closing(store):
            yield MfaService(
                store=store, keys=keys, policy=Policy(), clock=SystemClock(), entropy=SystemEntropy()
            )

    return opened


@pytest.fixture
def visit_of():
    """``visit_of(service, user=USER)``: a request of that user's one browser."""

    def make(service, user=USER, **fields):
        origin = Origin(browser="laptop", next_browser=service.vault.new_id(), source="192.0.2.7", **fields)
        return Visit(user=user, origin=origin, now=service.clock.now(), address=user if "@" in user else None)

    return make


@pytest.fixture
def enrolled(database, service_at, visit_of):
    """The database, with a phone bound for the user."""
    with service_at(database) as service:
        visit = visit_of(service)
        pending = service.begin_enrollment(visit).pending
        key = service.vault.pending_key(USER, pending)
        code = code_at(key, step_at(visit.now, period_seconds=30), pending.parameters)
        assert service.confirm_enrollment(visit, code, pending_id=pending.id).account is not None
    return database


@pytest.fixture
def guess(service_at, visit_of):
    """``guess(database, times)``: wrong codes of the user, each another one; none happens to be right."""

    def send(path, times):
        with service_at(path) as service:
            account = service.store.load(USER)
            key, parameters = service.vault.active_key(account), account.authenticator.parameters
            step = step_at(service.clock.now(), period_seconds=30)
            near = {code_at(key, each, parameters) for each in range(step - 45, step + 45)}
            wrong = (text for text in (f"{value:06d}" for value in range(1000)) if text not in near)
            for _ in range(times):
                service.verify_code(visit_of(service), next(wrong))

    return send
