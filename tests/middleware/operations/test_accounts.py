"""What an operator does to accounts: sessions, removals, renames, and everybody's reset."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.removal import is_there
from wsgi_mfa.errors import AccountError, InvalidUserError, StoreUnavailableError
from wsgi_mfa.operations.accounts import COPIES_MAX, AccountKeeper

USER = "user1@example.com"
NEW = "user2@example.com"


@pytest.fixture
def keeper(service):
    return AccountKeeper(service, agent="console:root", reason="married")


def sign_in(service, visit, phone, browser, user=USER):
    return service.verify_code(visit(browser, user=user), phone.code())


# Sessions


@pytest.fixture
def two_sessions(service, enroll, visit, clock):
    phone, first = enroll("laptop")
    second = sign_in(service, visit, phone, "tablet")
    clock.wait_for_step()
    return first.session_id, second.session_id


def test_one_session_is_ended_by_the_beginning_of_its_id(keeper, service, two_sessions):
    first, second = two_sessions
    assert keeper.end_sessions(" User1@example.com", second[:8]) == (1, 0)
    assert [session.id for session in service.store.load(USER).sessions] == [first]
    event = service.store.events(USER)[-1]
    assert (event.kind, event.source) == ("session.ended", "console:root")
    assert ("cause", "operator") in event.details


def test_all_sessions_are_ended(keeper, service, two_sessions):
    assert keeper.end_sessions(USER, None) == (2, 0)
    assert service.store.load(USER).sessions == ()
    assert keeper.end_sessions(USER, None) == (0, 0)


@pytest.mark.parametrize("beginning", ["", "x", "0" * 33])
def test_a_beginning_that_names_no_session_or_several_ends_none(keeper, service, two_sessions, beginning):
    with pytest.raises(AccountError, match="0 open sessions"):
        keeper.end_sessions(USER, beginning)
    assert len(service.store.load(USER).sessions) == 2


def test_a_session_that_has_run_out_is_not_counted(keeper, two_sessions, clock):
    clock.wait(86_400)
    with pytest.raises(AccountError, match="0 open sessions"):
        keeper.end_sessions(USER, two_sessions[0])


# Removing


@pytest.mark.requirement("D33", "R45")
def test_nothing_of_a_removed_account_is_usable(keeper, service, enroll, visit):
    phone, _ = enroll("laptop")
    assert keeper.remove("USER1@example.com") == USER
    assert sign_in(service, visit, phone, "tablet").outcome is Outcome.MUST_ENROLL
    assert service.begin_enrollment(visit("laptop")).reason is Reason.ENROLLMENT_CODE_NEEDED
    assert service.store.load(USER).address is None
    removed, known = service.store.events(USER)[-2:]
    assert (removed.kind, removed.source) == ("support.removed", "console")
    assert (known.kind, known.source) == ("known_browser.ended", "console")


@pytest.mark.requirement("D33")
def test_a_removal_tells_the_user(keeper, enroll, notices):
    enroll("laptop")
    keeper.remove(USER)
    assert notices[-1].kind == "support.removed"


def test_nobody_is_removed_twice(keeper, service, enroll):
    with pytest.raises(AccountError, match="there is no account"):
        keeper.remove(USER)
    enroll("laptop")
    keeper.remove(USER)
    left = service.store.load(USER)
    with pytest.raises(AccountError, match="there is no account"):
        keeper.remove(USER)
    assert service.store.load(USER) == left


@pytest.mark.requirement("D33", "D24")
def test_a_sign_in_that_was_under_way_does_not_bring_a_removed_account_back(
    keeper, service, troubled_store, enroll, visit
):
    phone, _ = enroll("laptop")
    troubled_store.before = [lambda: keeper.remove(USER)]
    assert sign_in(service, visit, phone, "tablet").outcome is Outcome.MUST_ENROLL
    assert not is_there(service.store.load(USER))


# Renaming


@pytest.mark.requirement("D33", "R42")
def test_an_account_moves_with_its_secrets_sealed_for_the_new_name(keeper, service, enroll, visit, clock):
    phone, decision = enroll("laptop", address=USER)
    code = service.vault.recovery_copy(USER, decision.account.recovery_code)
    assert keeper.rename(USER, " User2@example.com ") == (USER, NEW)
    moved = service.store.load(NEW)
    assert service.vault.active_key(moved) == phone.key
    assert service.vault.recovery_copy(NEW, moved.recovery_code) == code
    assert moved.authenticator.sealed_key != decision.account.authenticator.sealed_key
    assert moved.address == NEW
    assert not is_there(service.store.load(USER))
    clock.wait(60)
    assert sign_in(service, visit, phone, "tablet", user=NEW).outcome is Outcome.SIGNED_IN
    for name in (USER, NEW):
        event = [event for event in service.store.events(name) if event.kind == "support.renamed"][-1]
        assert ("old", USER) in event.details
        assert ("new", NEW) in event.details


@pytest.mark.requirement("D33")
@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        (USER, "USER1@Example.com", AccountError, "are one name"),
        (USER, NEW, AccountError, "there is an account 'user2@example.com' already"),
        ("nobody", "somebody", AccountError, "there is no account 'nobody'"),
        (USER, "a\nb", InvalidUserError, r"U\+000A"),
    ],
)
def test_a_rename_to_what_cannot_be_is_refused(keeper, service, enroll, visit, old, new, error, said):
    enroll("laptop")
    service.begin_enrollment(visit("tablet", user=NEW))
    before = [service.store.load(name) for name in (USER, NEW)]
    with pytest.raises(error, match=said):
        keeper.rename(old, new)
    assert [service.store.load(name) for name in (USER, NEW)] == before


@pytest.mark.requirement("D33")
def test_a_rename_may_be_taken_back(keeper, service, enroll):
    phone, _ = enroll("laptop")
    keeper.rename(USER, NEW)
    keeper.rename(NEW, USER)
    assert service.vault.active_key(service.store.load(USER)) == phone.key
    assert not is_there(service.store.load(NEW))


@pytest.mark.requirement("D33", "R28")
def test_what_the_user_does_during_a_rename_moves_along(keeper, service, troubled_store, enroll, visit):
    phone, _ = enroll("laptop")
    code = phone.code()
    troubled_store.after = [lambda: sign_in(service, visit, phone, "tablet")]
    keeper.rename(USER, NEW)
    moved = service.store.load(NEW)
    assert moved.sessions == ()
    assert not is_there(service.store.load(USER))
    answer = service.verify_code(visit("thief", user=NEW), code)
    assert answer.outcome is Outcome.USED_CODE


@pytest.mark.requirement("D33")
def test_a_rename_gives_up_where_the_user_never_rests(keeper, service, troubled_store, enroll, visit):
    enroll("laptop")

    def act():
        troubled_store.after.extend([act] * 2)
        account = troubled_store.inner.load(USER)
        touched = replace(account, revision=service.vault.new_id())
        troubled_store.inner.save(service.signer.signed(touched), [], expected=account.revision)

    troubled_store.after = [act]
    with pytest.raises(StoreUnavailableError, match="ask for the rename again"):
        keeper.rename(USER, NEW)
    assert len([save for save in troubled_store.saves if save[0].user == NEW]) == COPIES_MAX
    troubled_store.after = []
    keeper.rename(USER, NEW)
    assert not is_there(service.store.load(USER))


class CutOffError(Exception):
    pass


@pytest.mark.requirement("D33")
@pytest.mark.parametrize("used", [None, "old", "new"])
def test_a_rename_that_was_cut_off_is_brought_to_its_end(
    keeper, service, troubled_store, enroll, visit, clock, used
):
    phone, _ = enroll("laptop")

    def cut_off():
        raise CutOffError

    troubled_store.after = [cut_off]
    with pytest.raises(CutOffError):
        keeper.rename(USER, NEW)
    assert is_there(service.store.load(USER))
    assert service.vault.active_key(service.store.load(NEW)) == phone.key
    clock.wait(60)
    code = phone.code()
    if used is not None:
        signed_in = sign_in(service, visit, phone, "tablet", user={"old": USER, "new": NEW}[used])
        assert signed_in.outcome is Outcome.SIGNED_IN
    keeper.rename(USER, NEW)
    assert not is_there(service.store.load(USER))
    assert len(service.store.load(NEW).sessions) == (used == "new")
    again = service.verify_code(visit("thief", user=NEW), code)
    assert again.outcome is (Outcome.SIGNED_IN if used is None else Outcome.USED_CODE)


# Everybody


@pytest.mark.requirement("D33", "R45")
def test_after_a_reset_of_all_nobody_enrolls_without_the_desk(keeper, service, enroll, visit):
    phone, _ = enroll("laptop")
    service.begin_enrollment(visit("tablet", user=NEW))
    assert keeper.reset_all() == 2
    assert service.store.load(USER).authenticator is None
    for user in (USER, NEW, "fresh@example.com"):
        answer = service.begin_enrollment(visit("laptop", user=user))
        assert answer.reason is Reason.ENROLLMENT_CODE_NEEDED
    assert sign_in(service, visit, phone, "laptop").outcome is Outcome.MUST_ENROLL
    event = [event for event in service.store.events(USER) if event.kind == "support.reset"][-1]
    assert dict(event.details) == {"agent": "console:root", "reason": "married", "code_needed": "true"}


@pytest.mark.requirement("D33", "D21")
def test_who_began_to_enroll_while_all_were_reset_is_reset_too(keeper, service, troubled_store, visit):
    def arrive():
        with_old_rule = troubled_store.inner.invited_only
        troubled_store.inner.invited_only = lambda: False
        service.begin_enrollment(visit("phone", user="a-late-comer"))
        troubled_store.inner.invited_only = with_old_rule

    service.begin_enrollment(visit("tablet", user=NEW))
    troubled_store.before = [arrive]
    assert keeper.reset_all() == 2
    late = service.store.load("a-late-comer")
    assert (late.pending, late.enrollment_code_needed) == ((), True)


@pytest.mark.requirement("D33")
def test_a_reset_of_all_leaves_removed_accounts_removed(keeper, service, enroll):
    enroll("laptop")
    keeper.remove(USER)
    left = service.store.load(USER)
    assert keeper.reset_all() == 0
    assert service.store.load(USER) == left


@pytest.mark.requirement("D33")
def test_the_rule_of_the_policy_can_hold_again(keeper, service, visit):
    keeper.reset_all()
    service.store.set_invited_only(False)
    answer = service.begin_enrollment(visit("laptop"))
    assert (answer.outcome, answer.reason) == (Outcome.MUST_ENROLL, None)


@pytest.mark.requirement("R83")
@pytest.mark.parametrize("word", ["agent", "reason"])
def test_the_record_keeps_its_lines(service, word):
    with pytest.raises(AccountError, match=f"{word} must be one line"):
        AccountKeeper(service, **{"agent": "root", word: "two\nlines"})
