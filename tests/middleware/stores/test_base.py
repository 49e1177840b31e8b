"""A new store is six methods and a small table; in the contract suite it stands beside the others."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.errors import StoreError, StoreUnavailableError
from wsgi_mfa.stores.base import StoreBase
from wsgi_mfa.stores.protocol import StoreIdentity, StoreState, StoreStatus

METHODS = {"transaction", "read_account", "write_account", "read_users", "read_events", "drop_events"}
MakeAccount = Callable[..., Account]
MakeEvent = Callable[..., Event]


@pytest.fixture
def json_store(json_store_type: Callable[..., StoreBase], path: Path, identity: StoreIdentity) -> StoreBase:
    return json_store_type(path.with_suffix(".json"), identity=identity)


def test_a_new_store_is_six_methods(json_store: StoreBase) -> None:
    written = {name for name, _ in inspect.getmembers(type(json_store), inspect.isfunction)}
    written &= set(vars(type(json_store)))
    assert written == {"__init__", *METHODS}
    assert StoreBase.__abstractmethods__ >= METHODS


def test_what_a_new_store_keeps_is_there_for_the_next_process(
    json_store_type: Callable[..., StoreBase], json_store: StoreBase, path: Path, account: MakeAccount
) -> None:
    json_store.save(account(1), [], expected=None)
    json_store.set_status(StoreStatus(state=StoreState.CLOSED, changed_at=1))
    other = json_store_type(path.with_suffix(".json"), identity=json_store.identity)
    with pytest.raises(StoreUnavailableError, match="closed"):
        other.load(account(1).user)
    assert other.for_operator().load(account(1).user) == account(1)


def test_a_transaction_that_fails_has_changed_nothing(
    json_store: StoreBase, account: MakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    json_store.save(account(1), [], expected=None)

    def full(self: Path, text: str) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        json_store.save(account(2), [], expected=account(1).revision)
    assert json_store.load(account(1).user) == account(1)


def test_the_store_of_an_operator_is_closed_by_itself(json_store: StoreBase, account: MakeAccount) -> None:
    operator = json_store.for_operator()
    operator.close()
    with pytest.raises(StoreUnavailableError, match="the store is closed"):
        operator.load(account(1).user)
    assert json_store.load(account(1).user) is None


@pytest.mark.parametrize(
    "text", ["", "open", '{"schema":1,"value":{"state":"ajar"}}', '{"schema":2,"value":{}}']
)
def test_a_corrupt_status_serves_no_request(json_store: StoreBase, account: MakeAccount, text: str) -> None:
    json_store.save(account(1), [], expected=None)
    with json_store.transaction():
        json_store.table["status"] = text
    for call in (lambda: json_store.load(account(1).user), json_store.status, json_store.users):
        with pytest.raises(StoreError, match="the status of the store is corrupt"):
            call()


def test_a_corrupt_report_is_an_error(json_store: StoreBase) -> None:
    with json_store.transaction():
        json_store.table["worker/host/1.1"] = "{}"
    with pytest.raises(StoreError, match="a worker's report in the store is corrupt"):
        json_store.workers()


@pytest.mark.requirement("R80")
@pytest.mark.parametrize(("old", "new"), [('"schema":3', '"schema":4'), ('"user":', '"name":'), ("{", "")])
def test_an_account_that_cannot_be_read_is_an_error_and_no_new_user(
    json_store: StoreBase, path: Path, account: MakeAccount, event: MakeEvent, old: str, new: str
) -> None:
    json_store.save(account(1), [event("a")], expected=None)
    file = path.with_suffix(".json")
    accounts, events, table = json.loads(file.read_text())
    accounts = {user: text.replace(old, new) for user, text in accounts.items()}
    events = [(user, text.replace("{", "", 1)) for user, text in events]
    file.write_text(json.dumps([accounts, events, table]))
    calls: list[Callable[[], object]] = [
        lambda: json_store.load(account(1).user),
        lambda: json_store.save(account(2), [], expected=account(1).revision),
        lambda: json_store.find_by_address("x"),
        json_store.events,
    ]
    for call in calls:
        with pytest.raises(StoreError, match="in the store cannot be read"):
            call()


@pytest.mark.requirement("R42")
def test_an_account_under_the_name_of_another_user_is_an_error(
    json_store: StoreBase, path: Path, account: MakeAccount
) -> None:
    json_store.save(account(1), [], expected=None)
    file = path.with_suffix(".json")
    file.write_text(file.read_text().replace(account(1).user, "user2", 1))
    with pytest.raises(StoreError, match="it is another one's"):
        json_store.load("user2")
