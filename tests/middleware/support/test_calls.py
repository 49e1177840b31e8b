"""What an agent does from a screen: the form that is sent twice, the ticket, sessions, and other agents' accounts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.support.agents import SupportAgents
from wsgi_mfa.support.desk import Call, SupportDesk

USER = "user1@example.com"
AGENT = "edith@example.com"


@pytest.fixture
def call(account):
    """``call()``: what a form of this moment says."""

    def make(**given):
        seen = account().generation if account() is not None else None
        said = {"user": USER, "email": USER, "reason": "lost", "agent": AGENT, "source": "192.0.2.9"}
        return Call(**{**said, "seen_generation": seen, "once": "a word", **given})

    return make


@pytest.mark.requirement("D10", "D12", "R44")
def test_a_form_that_is_sent_twice_resets_once_and_shows_the_same_code(
    desk, call, enroll, guess, service, visit, troubled_store
):
    phone, _ = enroll("laptop")
    guess(phone, 1)
    form = call()
    first = desk.reset_for(form)
    events = troubled_store.events()
    assert desk.reset_for(form) == first
    assert troubled_store.events() == events
    assert first.enrollment_code is not None
    presented = service.present_enrollment_code(visit("laptop"), first.enrollment_code)
    assert presented.outcome is Outcome.MUST_ENROLL


@pytest.mark.requirement("D10", "D12")
def test_a_double_click_that_loses_the_race_gets_the_answer_of_the_one_that_won(
    desk, call, enroll, guess, troubled_store
):
    phone, _ = enroll("laptop")
    guess(phone, 1)
    form, answers = call(), []
    troubled_store.before.append(lambda: answers.append(desk.reset_for(form)))
    assert [desk.reset_for(form)] == answers
    assert [event.kind for event in troubled_store.events(USER)].count("support.reset") == 1


@pytest.mark.requirement("D12")
@pytest.mark.parametrize("other", [{"once": "another"}, {"agent": "farid@example.com"}, {"once": None}])
def test_another_form_about_what_has_gone_changes_nothing(desk, call, enroll, account, other):
    enroll("laptop")
    form = call()
    desk.reset_for(form)
    left = account()
    rejected = desk.reset_for(replace(form, **other))
    assert (rejected.outcome, rejected.reason) == (Outcome.REFUSED, Reason.CHANGED_MEANWHILE)
    assert account() == left


@pytest.mark.requirement("D10", "D12")
def test_a_form_is_too_old_after_a_minute_and_after_the_next_enrollment(desk, call, enroll, clock):
    enroll("laptop")
    form = call()
    desk.reset_for(form)
    clock.wait(61)
    assert desk.reset_for(form).reason is Reason.CHANGED_MEANWHILE
    enroll("tablet")
    assert desk.reset_for(form).reason is Reason.CHANGED_MEANWHILE


@pytest.mark.requirement("D15")
def test_a_code_that_was_used_meanwhile_is_not_shown_again(desk, call, enroll, guess, service, visit):
    phone, _ = enroll("laptop")
    guess(phone, 1)
    form = call()
    code = desk.reset_for(form).enrollment_code
    service.present_enrollment_code(visit("laptop"), code)
    again = desk.reset_for(form)
    assert (again.outcome, again.enrollment_code) == (Outcome.RESET, None)


@pytest.mark.requirement("R44", "R48", "R32")
def test_ticket_agent_and_source_are_on_record_and_the_user_is_told(
    desk, call, enroll, troubled_store, notices
):
    enroll("laptop")
    desk.unlock_for(call(ticket="4711"), clock=True)
    desk.end_sessions_for(call(ticket="4711"))
    desk.reset_for(call(ticket="4711"))
    ended, reset, _ = troubled_store.events(USER)[-3:]
    assert notices[-2:] == [ended, reset]
    said = {"agent": AGENT, "reason": "lost", "ticket": "4711"}
    assert (ended.kind, ended.source) == ("session.ended", "192.0.2.9")
    assert dict(ended.details) == {"cause": "support", "count": "1", **said}
    assert (reset.kind, reset.source) == ("support.reset", "192.0.2.9")
    assert dict(reset.details) == {**said, "code_needed": "false"}


@pytest.mark.requirement("R44", "R83")
@pytest.mark.parametrize("ticket", ["a\nb", "  ", "\x1b[2J"])
def test_a_ticket_is_one_line_of_printable_text(desk, call, enroll, ticket):
    enroll("laptop")
    rejected = desk.reset_for(call(ticket=ticket))
    assert (rejected.outcome, rejected.reason) == (Outcome.REFUSED, Reason.UNPRINTABLE)


@pytest.mark.requirement("D47")
def test_an_unlock_gives_a_code_also_where_nothing_is_locked(desk, call, enroll, account):
    enroll("laptop")
    before = account()
    answer = desk.unlock_for(call())
    assert (answer.outcome, account().code_failures) == (Outcome.UNLOCKED, before.code_failures)
    assert answer.unlock_code is not None


@pytest.mark.requirement("D47")
def test_an_unlock_that_is_sent_twice_gives_the_same_code(desk, call, enroll, guess):
    phone, _ = enroll("laptop")
    guess(phone, 6)
    form = call()
    first = desk.unlock_for(form)
    assert desk.unlock_for(form) == first


@pytest.mark.requirement("R47")
def test_one_session_or_all_are_ended_and_no_session_of_another_user(
    desk, call, enroll, account, clock, service, visit
):
    phone, enrolled = enroll("laptop")
    service.verify_code(visit("tablet"), phone.code())
    for strange in ("", "0123abc", enrolled.session_id[:7], "f" * 32):
        rejected = desk.end_sessions_for(call(), session=strange)
        assert (rejected.outcome, rejected.reason) == (Outcome.REFUSED, Reason.WRONG_PAIR)
    assert len(account().sessions) == 2
    one = desk.end_sessions_for(call(), session=enrolled.session_id[:8])
    assert (one.outcome, one.message) == (Outcome.SIGNED_OUT, f"{USER}: 1 session ended")
    assert desk.end_sessions_for(call()).message == f"{USER}: 1 session ended"
    assert desk.end_sessions_for(call()).message == f"{USER}: no session was open"
    assert account().sessions == ()


@pytest.mark.requirement("R47")
def test_an_agents_account_is_not_for_other_agents(service, call, enroll, account):
    enroll("laptop")
    before = account()
    desk = SupportDesk(service, protected=SupportAgents(users=frozenset({USER})))
    for answer in (
        desk.reset_for(call()),
        desk.unlock_for(call()),
        desk.forget_drift_for(call()),
        desk.end_sessions_for(call()),
    ):
        assert (answer.outcome, answer.reason) == (Outcome.REFUSED, Reason.AGENTS_ACCOUNT)
    newcomer = call(user="farid@example.com", email="farid@example.com")
    protected = SupportDesk(service, protected=SupportAgents(users=frozenset({"farid@example.com"})))
    assert protected.invite_for(newcomer).reason is Reason.AGENTS_ACCOUNT
    assert account() == before


@pytest.mark.requirement("R41")
def test_an_invitation_that_is_sent_twice_has_one_code(desk, call, clock):
    form = call(seen_generation=None)
    first = desk.invite_for(form)
    assert first.enrollment_code is not None
    assert desk.invite_for(form).enrollment_code == first.enrollment_code
    assert desk.invite_for(replace(form, once="another")).enrollment_code != first.enrollment_code
    clock.wait(600)
    assert desk.invite_for(form).enrollment_code != first.enrollment_code


@pytest.mark.requirement("D24")
def test_a_word_without_a_screen_names_no_form_and_no_generation_comes_twice(desk, call, enroll, account):
    enroll("laptop")
    wish = call(seen_generation=None)
    generations = set()
    for _ in range(3):
        assert desk.reset_for(wish).outcome is Outcome.RESET
        generations.add(account().generation)
    assert len(generations) == 3
