"""A stored account that was edited by access to the database alone is closed, in every store (D48a)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.codec import ACCOUNT_CODEC, CodecError
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.errors import AlteredAccountError, CorruptAccountError, UnknownKeyError
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import StoreIdentity
from wsgi_mfa.stores.sqlite import SqliteStore
from wsgi_mfa.transactions import AccountSigner

pytestmark = pytest.mark.requirement("D48a")

USER = "user1@example.com"
KEYS = KeyRing([("k1", bytes(range(32)))])
IDENTITY = StoreIdentity(store_id="0123456789abcdef" * 2, made_at=0)
SIGNER = AccountSigner(keys=KEYS, store=MemoryStore(identity=IDENTITY))


@pytest.fixture
def enrolled(enroll, service, visit):
    """The account of a user with a phone, two known browsers and a wrong code, as the store holds it."""
    phone, _ = enroll("laptop")
    service.verify_code(visit("tablet"), phone.code())
    service.verify_code(visit("tablet"), phone.wrong_code())
    return service.load(USER)


@pytest.fixture(params=["memory", "sqlite"])
def database(request, memory_store, tmp_path):
    """A store, and ``edit(account)``, by which somebody without keys writes an account into it."""
    if request.param == "memory":

        def edit(account: Account) -> None:
            memory_store._accounts[account.user] = account

        yield SimpleNamespace(store=memory_store, edit=edit)
        return
    path = tmp_path / "mfa.db"
    with closing(SqliteStore(path, create=True, new_identity=IDENTITY)) as store:

        def edit(account: Account) -> None:
            with closing(sqlite3.connect(path)) as connection:
                row = (account.user, account.revision, account.saved_at, ACCOUNT_CODEC.encode(account))
                connection.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, NULL, ?)", row)
                connection.commit()

        yield SimpleNamespace(store=store, edit=edit)


def fresh(service: MfaService, store, **changed) -> MfaService:
    """A worker that has seen no account yet."""
    made = {"keys": service.keys, "clock": service.clock, "entropy": service.entropy, **changed}
    return MfaService(store=store, policy=Policy(), **made)


def emptied(account: Account) -> list[Account]:
    """The account with one of its fields deleted, in each way that leaves an account of it."""
    found = []
    for field in fields(Account):
        if field.init and field.name not in ("user", "generation", "revision", "mac"):
            default = Account.__dataclass_fields__[field.name].default
            if getattr(account, field.name) != default:
                found.append(replace(account, **{field.name: default}))
    return found


def test_an_account_that_was_saved_is_loaded_by_every_worker(enrolled, service, database):
    database.edit(enrolled)
    assert fresh(service, database.store).load(USER) == enrolled


def test_a_field_that_was_deleted_or_changed_closes_the_account(enrolled, service, database):
    edits = [
        *emptied(enrolled),
        replace(enrolled, generation="f" * 32),
        replace(enrolled, event_count=enrolled.event_count + 1),
        replace(enrolled, known_browsers=enrolled.known_browsers[:1]),
        replace(enrolled, mac=""),
        replace(enrolled, mac=enrolled.mac[:-1]),
    ]
    assert len(edits) > 12
    for edited in edits:
        database.edit(edited)
        with pytest.raises(AlteredAccountError, match=r"user1@example\.com.*accounts rebuild"):
            fresh(service, database.store).load(USER)


def test_a_row_that_was_copied_to_another_user_is_closed(enrolled, service, database):
    database.edit(replace(enrolled, user="mallory"))
    with pytest.raises(AlteredAccountError, match="'mallory'"):
        fresh(service, database.store).load("mallory")


def test_a_row_of_another_store_is_closed(enrolled, service, memory_store):
    other = MemoryStore(identity=StoreIdentity(store_id="f" * 32, made_at=0))
    other._accounts[USER] = enrolled
    with pytest.raises(AlteredAccountError):
        fresh(service, other).load(USER)


def test_a_mac_of_a_key_that_the_ring_lacks_is_an_outage(enrolled, service, memory_store):
    with pytest.raises(UnknownKeyError):
        fresh(service, memory_store, keys=KeyRing([("k2", bytes(32))])).load(USER)


def test_a_worker_that_has_seen_the_account_notices_an_edit_too(enrolled, service, memory_store):
    memory_store._accounts[USER] = replace(enrolled, code_failures=type(enrolled.code_failures)())
    with pytest.raises(AlteredAccountError):
        service.load(USER)


def test_a_row_that_was_deleted_lets_nobody_enroll_while_its_events_are_there(
    enrolled, service, memory_store, visit
):
    del memory_store._accounts[USER]
    worker = fresh(service, memory_store)
    assert worker.load(USER) is None
    with pytest.raises(AlteredAccountError, match="was deleted from the store"):
        worker.begin_enrollment(visit("laptop"))


def test_what_nobody_has_signed_cannot_be_brought_in_as_the_form_of_the_release_before(
    enrolled, service, tmp_path
):
    path = tmp_path / "mfa.db"
    with closing(SqliteStore(path, create=True, new_identity=IDENTITY)) as store:
        assert store.save(service.signer.signed(enrolled), (), expected=None)
        with closing(sqlite3.connect(path)) as connection:
            older = ACCOUNT_CODEC.encode(enrolled, schema=ACCOUNT_CODEC.schema - 1)
            connection.execute("UPDATE accounts SET body = ?", (older,))
            connection.commit()
        with pytest.raises(AlteredAccountError, match="it has no MAC"):
            fresh(service, SqliteStore(path, create=False, new_identity=IDENTITY)).load(USER)


def test_workers_of_two_neighboring_releases_serve_side_by_side(enrolled, service, tmp_path):
    path = tmp_path / "mfa.db"
    window = SqliteStore(path, create=True, new_identity=IDENTITY, document_schema=ACCOUNT_CODEC.schema - 1)
    newest = SqliteStore(path, create=False, new_identity=IDENTITY)
    with closing(window), closing(newest):
        assert fresh(service, window).save(enrolled, (), expected=None)
        assert fresh(service, window).load(USER) == enrolled
        loaded = newest.load(USER)
        assert loaded is not None
        assert loaded.mac == ""  # as the release before reads and writes it
        # What a worker of the new form has saved is checked, also by one that writes the form before.
        later = replace(enrolled, revision="1" * 32)
        assert fresh(service, newest).save(later, (), expected=enrolled.revision)
        assert fresh(service, window).load(USER) == later
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("""UPDATE accounts SET body = replace(body, '"mac":"k1.', '"mac":"k1.A')""")
            connection.commit()
        again = window.for_operator()  # without the accounts that this one remembers by their revision
        with closing(again), pytest.raises(AlteredAccountError, match="does not verify"):
            fresh(service, again).load(USER)


def test_an_edit_is_an_incident_in_the_log_and_in_the_numbers(enrolled, service, memory_store, caplog):
    counted = []

    class Counting:
        def count(self, name: str, label: str) -> None:
            counted.append((name, label))

        def measure(self, name: str, value: float) -> None: ...

    memory_store._accounts[USER] = replace(enrolled, hints=())
    memory_store._accounts[USER] = replace(enrolled, sessions=())
    with pytest.raises(AlteredAccountError):
        fresh(service, memory_store, metrics=Counting()).load(USER)
    assert ("incidents", "altered") in counted
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert caplog.messages[0].startswith(f"incident: the account of {USER!r} was changed in the store")


@cache
def stored(number: int) -> str:
    """The text of one of two accounts, as a store keeps it."""
    dump = Path(__file__).parent / "stores" / "files" / "layout-1.sql"
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(dump.read_text())
        bodies = [body for (body,) in connection.execute("SELECT body FROM accounts ORDER BY length(body)")]
    account = ACCOUNT_CODEC.decode(bodies[-1 - number])
    return ACCOUNT_CODEC.encode(SIGNER.signed(replace(account, revision="e" * 32)))


def accepted(text: str, user: str) -> bool:
    """Return whether a worker would go on with this text as the account of the user."""
    try:
        account = ACCOUNT_CODEC.decode(text)
        if account.user != user:
            return False
        SIGNER.check(account)
    except (CodecError, CorruptAccountError, UnknownKeyError):
        return False
    return True


@given(number=st.integers(0, 1), data=st.data())
@settings(max_examples=400)
def test_any_byte_of_a_stored_account_that_is_edited_closes_it(number: int, data: st.DataObject) -> None:
    text = stored(number)
    user = ACCOUNT_CODEC.decode(text).user
    assert accepted(text, user)
    at = data.draw(st.integers(0, len(text) - 1), label="at")
    other = data.draw(st.characters(max_codepoint=127).filter(lambda each: each != text[at]), label="other")
    edit = data.draw(st.sampled_from(["change", "insert", "delete", "cut"]), label="edit")
    edited = {
        "change": text[:at] + other + text[at + 1 :],
        "insert": text[:at] + other + text[at:],
        "delete": text[:at] + text[at + 1 :],
        "cut": text[:at],
    }[edit]
    assert not accepted(edited, user)


def test_every_single_byte_that_is_edited_closes_a_stored_account() -> None:
    text = stored(1)
    user = ACCOUNT_CODEC.decode(text).user
    for at, old in enumerate(text):
        for other in {chr(ord(old) ^ 1), "0", " "} - {old}:
            assert not accepted(text[:at] + other + text[at + 1 :], user), (at, old, other)


def test_a_copy_of_an_account_with_a_change_has_no_text_of_before() -> None:
    account = ACCOUNT_CODEC.decode(stored(0))
    assert account.text is not None
    assert replace(account, hints=()).text is None
    changed = SIGNER.signed(replace(account, hints=(1,)))
    assert ACCOUNT_CODEC.decode(ACCOUNT_CODEC.encode(changed)).hints == (1,)
    assert ACCOUNT_CODEC.encode(changed) != stored(0)
