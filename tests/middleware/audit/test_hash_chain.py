"""The chain of events: what it shows of changes that nobody with a key has made (D31)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsgi_mfa.audit import hash_chain
from wsgi_mfa.core.commands import EndSessions, InviteBySupport, Origin
from wsgi_mfa.core.instants import DAY
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.operations.audit_retention import note, prune
from wsgi_mfa.service import MfaService, Visit
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import StoreIdentity
from wsgi_mfa.stores.sqlite import SqliteStore

USERS = ("user1", "user2")
OTHER_KEYS = KeyRing([("k9", bytes(32))])


@pytest.fixture
def identity():
    return StoreIdentity(store_id="0123456789abcdef" * 2, made_at=0)


@pytest.fixture(params=["memory", "sqlite"])
def store(request, identity, tmp_path):
    if request.param == "memory":
        made = MemoryStore(identity=identity)
    else:
        made = SqliteStore(tmp_path / "mfa.db", create=True, new_identity=identity)
    yield made
    made.close()


@pytest.fixture
def service(store, keys, clock, entropy):
    """A service whose two users have five events each."""
    made = MfaService(store=store, keys=keys, policy=Policy(), clock=clock, entropy=entropy)
    for _ in range(5):
        for user in USERS:
            invite(made, user)
        clock.wait(86400)
    return made


def invite(service, user):
    origin = Origin(browser="", next_browser="", source="desk")
    command = InviteBySupport(agent="desk", reason="new", enrollment_code="sealed")
    service.apply(Visit(user=user, origin=origin, now=service.clock.now()), command)


def verified(service, **options):
    return hash_chain.verify(service.store, service.keys.ring, **options)


def forged(service, user, change):
    """The store as somebody leaves it who may write to it and has no key: other events, the same account."""
    events = change(service.store.events(user, limit=100))
    service.store.forget_events(user, 100)
    account = service.store.load(user)
    head = (account.event_count, account.event_link)
    saved = replace(account, revision="f" * 32)
    assert service.store.save(saved, events, expected=account.revision)
    assert (saved.event_count, saved.event_link) == head


@pytest.mark.requirement("D31", "R48")
def test_each_event_has_the_next_number_of_its_users_chain(service):
    for user in USERS:
        assert [event.number for event in service.store.events(user)] == [1, 2, 3, 4, 5]
    found = verified(service)
    assert (found.problems, found.events_count, found.retired_count) == ((), 10, 0)
    assert [(head.user, head.number) for head in found.heads] == [("user1", 5), ("user2", 5)]


@pytest.mark.requirement("D31")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda events: [
                replace(each, source="elsewhere") if each.number == 3 else each for each in events
            ],
            "event 3 (support.invited) or one before it is not what was signed",
        ),
        (lambda events: [each for each in events if each.number != 2], "event 2 is missing, and event 3"),
        (lambda events: events[1:], "event 1 is missing, and event 2"),
        (lambda events: events[:-1], "the account counts 5 events, and 4 are there"),
        (lambda events: [*events, events[-1]], "event 6 is missing, and event 5"),
        (lambda events: [events[1], events[0], *events[2:]], "event 1 is missing, and event 2"),
        (lambda events: [], "the account counts 5 events, and 0 are there"),
        (
            lambda events: [*events, replace(events[-1], number=6)],
            "event 6 (support.invited) or one before it is not what was signed",
        ),
    ],
)
def test_an_event_that_was_changed_added_or_removed_is_seen(service, change, said):
    forged(service, "user1", change)
    (problem,) = verified(service).problems
    assert problem.startswith(f"'user1': {said}")


@pytest.mark.requirement("D31")
def test_events_of_nobody_are_seen(service):
    stranger = replace(service.store.events("user1")[0], user="nobody")
    account = service.store.load("user1")
    service.store.save(replace(account, revision="e" * 32), [stranger], expected=account.revision)
    assert "'nobody': there are events, and no account" in verified(service).problems


@pytest.mark.requirement("D31")
def test_a_store_that_was_put_back_whole_is_seen_against_an_earlier_export(
    service, keys, clock, entropy, identity
):
    backup = {user: (service.store.load(user), service.store.events(user)) for user in USERS}
    invite(service, "user1")
    exported = verified(service).heads
    restored = MemoryStore(identity=identity)
    for account, events in backup.values():
        restored.save(account, events, expected=None)
    assert hash_chain.verify(restored, keys.ring).problems == ()
    assert hash_chain.verify(restored, keys.ring, against=exported).problems == (
        "'user1': event 6 is not the one of the export, or has gone",
    )
    # The same number of events, and another last one.
    clock.wait(1)
    invite(MfaService(store=restored, keys=keys, policy=Policy(), clock=clock, entropy=entropy), "user1")
    assert len(hash_chain.verify(restored, keys.ring, against=exported).problems) == 1
    invite(service, "user1")
    assert verified(service, against=exported).problems == ()


@pytest.mark.requirement("D31")
def test_an_account_that_was_taken_away_is_seen_against_an_earlier_export(service, keys, identity):
    exported = verified(service).heads
    emptied = MemoryStore(identity=identity)
    assert len(hash_chain.verify(emptied, keys.ring, against=exported).problems) == 2


@pytest.mark.requirement("D31", "D29")
def test_a_later_event_vouches_for_those_that_a_retired_key_has_signed(service, store, keys, clock, entropy):
    both = KeyRing([("k1", bytes(range(32))), ("k9", bytes(32))])
    later = MfaService(store=store, keys=both, policy=Policy(), clock=clock, entropy=entropy)
    for user in USERS:
        invite(later, user)
    found = hash_chain.verify(store, OTHER_KEYS)
    assert (found.problems, found.retired_count) == ((), 10)
    forged(service, "user1", lambda events: [replace(events[0], source="elsewhere"), *events[1:]])
    assert len(hash_chain.verify(store, OTHER_KEYS).problems) == 1


@pytest.mark.requirement("D31")
def test_a_chain_whose_end_only_an_unknown_key_has_signed_is_not_whole(service):
    assert all(
        "none vouches for it" in problem for problem in hash_chain.verify(service.store, OTHER_KEYS).problems
    )
    assert len(hash_chain.verify(service.store, OTHER_KEYS).problems) == 2


@pytest.mark.requirement("D31")
def test_old_events_can_be_dropped_behind_a_signed_checkpoint(service, clock):
    exported = verified(service).heads
    assert prune(service, before=clock.now() - 3 * DAY, agent="console") == 4
    assert [event.number for event in service.store.events("user1")] == [3, 4, 5]
    assert verified(service, against=exported).problems == ()
    invite(service, "user1")
    assert prune(service, before=clock.now() + 1, agent="console") == 5
    assert [event.number for event in service.store.events("user1")] == [6]
    assert [event.number for event in service.store.events("user2")] == [5]
    found = verified(service, against=exported)
    assert found.problems == ()
    assert [head.user for head in found.heads] == ["", "user1", "user2"]


@pytest.mark.requirement("D31")
def test_what_is_dropped_without_a_checkpoint_is_missing(service):
    service.store.forget_events("user1", 2)
    assert verified(service).problems == ("'user1': event 1 is missing, and event 3 stands in its place",)


@pytest.mark.requirement("D31")
def test_a_checkpoint_that_nobody_with_a_key_has_made_is_seen(service):
    note(service, "store.enrollment", ("rule", "invited"))
    forged(
        service,
        hash_chain.STORE,
        lambda events: [replace(events[0], details=(("rule", "policy"),))],
    )
    assert verified(service).problems == (
        "the store: event 1 (store.enrollment) or one before it is not what was signed",
    )


@pytest.mark.requirement("D31", "R83")
def test_the_stores_own_chain_is_no_user(service):
    note(service, "store.enrollment", ("rule", "invited"))
    assert service.store.users() == list(USERS)


def test_a_change_without_an_event_leaves_the_chain_as_it_is(service):
    origin = Origin(browser="", next_browser="")
    visit = Visit(user="user1", origin=origin, now=service.clock.now())
    service.apply(visit, EndSessions(session_id=None, cause="operator"))
    assert verified(service).problems == ()
