"""The rule book as a whole: complete, pure, and the same however often it is asked."""

from __future__ import annotations

import ast
import inspect
from typing import get_args

import pytest

from wsgi_mfa.core import (
    enrollment,
    expiry,
    recovery_sign_in,
    rejections,
    sessions,
    support,
    throttle,
    verification,
)
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import Command
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.core.engine import HANDLERS, decide
from wsgi_mfa.core.events import Event

MODULES = [expiry, enrollment, recovery_sign_in, rejections, sessions, support, throttle, verification]


def test_every_command_has_one_handler():
    assert set(HANDLERS) == set(get_args(Command))
    assert len(set(HANDLERS.values())) == len(HANDLERS)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_rules_import_nothing_that_could_tell_the_time_or_draw_lots(module):
    imported = {
        name
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        )
    }
    allowed = {"__future__", "bisect", "collections.abc", "dataclasses", "typing"}
    assert {name for name in imported if not name.startswith("wsgi_mfa.core")} <= allowed


@pytest.mark.requirement("D38", "R17")
def test_a_command_is_decided_the_same_however_often_it_is_decided(home):
    browser, code = home.browser(), home.mobile.code()
    wishes = [browser.entering(code), browser.entering(home.mobile.wrong_code()), browser.redeeming("0" * 24)]
    origin = browser.origin()
    for wish in wishes:
        command = wish(home.account, origin)
        decisions = {decide(home.account, command, home.context) for _ in range(3)}
        assert len(decisions) == 1


@pytest.mark.requirement("R17", "D38")
def test_a_decision_leaves_the_account_that_it_was_made_on_as_it_was(home):
    loaded = home.account
    copy = Account(
        **{name: getattr(loaded, name) for name, field in Account.__dataclass_fields__.items() if field.init}
    )
    home.browser().enter(home.mobile.code())
    assert loaded == copy


@pytest.mark.requirement("R16", "R17")
def test_of_two_hundred_guesses_at_once_no_more_than_the_limit_are_evaluated(home):
    browsers = [home.browser() for _ in range(200)]
    outcomes = [browser.guess(home.mobile).outcome for browser in browsers[:-1]]
    outcomes.append(browsers[-1].enter(home.mobile.code()).outcome)
    assert outcomes.count(Outcome.WRONG_CODE) == home.policy.free_tries
    assert outcomes[-1] is Outcome.LOCKED


@pytest.mark.requirement("R83")
def test_no_event_and_no_log_line_of_a_command_holds_a_secret(home):
    code, recovery_code = home.mobile.code(), home.recovery_code()
    home.browser().guess(home.mobile)
    home.laptop.enter(code)
    home.laptop.resync(home.mobile.code(1))
    home.browser().recover(recovery_code)
    home.laptop.begin()
    home.browser().guess(home.mobile)
    home.reset()
    secrets = [code, recovery_code, home.enrollment_code(), home.mobile.key.hex(), "sealed-"]
    told = repr(home.events)
    assert not [secret for secret in secrets if secret in told]
    command = home.laptop.entering(code)(home.account, home.laptop.origin())
    assert str(home.mobile.key) not in repr(command)


@pytest.mark.requirement("R48")
def test_every_event_says_when_who_and_what(home):
    home.browser().guess(home.mobile)
    home.laptop.sign_out("print")
    home.unlock()
    for event in home.events:
        assert (event.at, event.user) == (home.now, "user1")
        assert event.kind.replace(".", "").replace("_", "").isalpha()


def test_an_event_needs_a_change_that_it_tells_of(home):
    event = Event(at=home.now, user="user1", kind="sign_out")
    with pytest.raises(ValueError, match="needs the change"):
        Decision(outcome=Outcome.SIGNED_OUT, events=(event,))


@pytest.mark.requirement("D22")
def test_a_closed_account_that_counts_from_now_is_saved_once(home):
    home.wait(365 * 86400)
    for _ in range(5):
        home.browser().guess(home.mobile)
    home.wait(-365 * 86400)
    tablet = home.browser()
    first, second = tablet.enter(home.mobile.code()), tablet.enter(home.mobile.code())
    assert [event.kind for event in first.events] == ["lock.restarted"]
    assert (first.outcome, second.outcome) == (Outcome.LOCKED, Outcome.LOCKED)
    assert second.account is None


@pytest.mark.requirement("R51", "D22")
def test_a_session_that_only_seemed_to_have_expired_does_not_outlive_its_sign_out(home):
    home.wait(365 * 86400)  # the clock is wrong ...
    session_id = home.laptop.session_id
    home.laptop.sign_out()
    home.wait(-365 * 86400)  # ... and right again
    home.laptop.session_id = session_id
    assert home.laptop.state() is Outcome.MUST_VERIFY
    assert home.kinds() == ["session.expired"]
