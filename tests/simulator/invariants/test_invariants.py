"""Each invariant bites: the middleware is broken in one place, and a story that is in the repository finds it."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main
from mfa_simulator.language.format.invariant_names import INVARIANTS
from mfa_simulator.language.parser import parse, read_file
from mfa_simulator.play.running import play
from mfa_simulator.play.timeline import timeline
from mfa_simulator.world.clocks import frozen_wall_clock
from wsgi_mfa import MemoryStore, notifications, service, transactions
from wsgi_mfa.core import (
    authentication_state,
    commands,
    engine,
    enrollment,
    recovery_codes,
    recovery_sign_in,
    support,
    throttle,
    verification,
)
from wsgi_mfa.keys import vault
from wsgi_mfa.support.agents import SupportAgents
from wsgi_mfa.web import app_response, gate, reply
from wsgi_mfa.web import request as web_request
from wsgi_mfa.web.views import desk as views_desk

pytestmark = pytest.mark.any_python

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").exists())
FOLDER = ROOT / "fixtures" / "scenarios"
SEVERAL_BROWSERS = "attacks/one-code-many-browsers"
GUESSES = "attacks/guesses"
LOCK = "attacks/a-lock-tells-nothing"
HELP_PAGE = "signing_in/the-help-page"


def decided(monkeypatch, command, change):
    """Let ``change(decision, account)`` have the last word about what a command comes to."""
    rule = engine.HANDLERS[command]

    def handler(account, given, context):
        decision = rule(account, given, context)
        return decision if decision.account is None else change(decision, account)

    monkeypatch.setitem(engine.HANDLERS, command, handler)


def replay_allowed(monkeypatch):
    monkeypatch.setattr(verification, "_is_unused", lambda authenticator, step: True)


def session_handed_to_any_browser(monkeypatch):
    def repeated(account, origin, purpose, fingerprint):
        found = [retry for retry in account.retries if retry.fingerprint == fingerprint]
        return found and verification.Decision(
            outcome=verification.Outcome.SIGNED_IN, session_id=found[0].session_id
        )

    monkeypatch.setattr(verification, "repeated", lambda *asked: repeated(*asked) or None)


def steps_forgotten(monkeypatch):
    monkeypatch.setattr(verification, "with_used", lambda authenticator, step: authenticator)


def steps_taken_back(monkeypatch):
    monkeypatch.setattr(
        verification, "with_used", lambda authenticator, step: replace(authenticator, last_step=step - 9)
    )


def recovery_code_kept(monkeypatch):
    monkeypatch.setattr(recovery_sign_in, "_with_code_for", lambda account, session_id, code: account)


def any_recovery_code_right(monkeypatch):
    monkeypatch.setattr(recovery_codes, "matches", lambda code, stored: True)


def right_codes_are_wrong(monkeypatch):
    monkeypatch.setattr(verification, "matching_steps", lambda key, code, steps, parameters: ())


def gate_open(monkeypatch):
    monkeypatch.setattr(gate, "challenge", lambda request: (request, None))


def sign_in_let_out(monkeypatch):
    def judged(request, sanitizer, directory, headers):
        return app_response.Judged(headers, None, None)

    monkeypatch.setattr(app_response, "judged_response", judged)


def sessions_without_end(monkeypatch):
    monkeypatch.setattr(authentication_state, "session_lives", lambda session, context: True)


def sessions_survive_sign_out(monkeypatch):
    decided(
        monkeypatch,
        commands.SignOut,
        lambda decision, account: replace(
            decision, account=replace(decision.account, sessions=account.sessions)
        ),
    )


def sessions_survive_the_portals_sign_out(monkeypatch):
    decided(
        monkeypatch,
        commands.EndSessions,
        lambda decision, account: replace(
            decision, account=replace(decision.account, sessions=account.sessions)
        ),
    )


def sessions_survive_reset(monkeypatch):
    decided(
        monkeypatch,
        commands.ResetBySupport,
        lambda decision, account: replace(
            decision, account=replace(decision.account, sessions=account.sessions)
        ),
    )


def phone_survives_reset(monkeypatch):
    decided(
        monkeypatch,
        commands.ResetBySupport,
        lambda decision, account: replace(
            decision, account=replace(decision.account, authenticator=account.authenticator)
        ),
    )


def sessions_survive_new_phone(monkeypatch):
    decided(
        monkeypatch,
        commands.ConfirmEnrollment,
        lambda decision, account: replace(
            decision,
            account=replace(decision.account, sessions=(*account.sessions, *decision.account.sessions)),
        ),
    )


def any_code_confirms(monkeypatch):
    monkeypatch.setattr(enrollment, "matching_steps", lambda key, code, steps, parameters: tuple(steps))


def wide_window(monkeypatch):
    monkeypatch.setattr(
        verification, "window", lambda authenticator, step, policy: range(step - 9, step + 10)
    )


def drift_without_bound(monkeypatch):
    monkeypatch.setattr(
        verification, "learned_drift", lambda drift_steps, *, seen_steps, policy: drift_steps + 3
    )


def locks_evaluate(monkeypatch):
    monkeypatch.setattr(verification, "locked", lambda account, counters, context: None)


def told_in_a_lock(monkeypatch, tell):
    """Let ``tell(closed, steps, authenticator)`` answer in a lock; ``steps`` are those that the code is right for."""
    verify = engine.HANDLERS[commands.VerifyCode]

    def handler(account, command, context):
        closed = verify(account, command, context)
        authenticator = account.authenticator
        if closed.outcome is not verification.Outcome.LOCKED or command.code is None:
            return closed
        step = verification.step_at(context.now, period_seconds=authenticator.parameters.period_seconds)
        reach = verification.window(authenticator, step, context.policy)
        steps = verification.matching_steps(command.key, command.code, reach, authenticator.parameters)
        return tell(closed, steps, authenticator)

    monkeypatch.setitem(engine.HANDLERS, commands.VerifyCode, handler)


def locks_tell_a_right_code_by_a_hint(monkeypatch):
    hint = verification.Hint.WAIT_FOR_NEXT
    told_in_a_lock(monkeypatch, lambda closed, steps, _: replace(closed, hint=hint) if steps else closed)


def locks_tell_a_right_code_by_the_wait(monkeypatch):
    told_in_a_lock(
        monkeypatch, lambda closed, steps, _: replace(closed, retry_after_seconds=1) if steps else closed
    )


def locks_tell_a_used_code(monkeypatch):
    def tell(closed, steps, authenticator):
        is_used = steps and max(steps) <= authenticator.last_step
        return verification.Decision(outcome=verification.Outcome.USED_CODE) if is_used else closed

    told_in_a_lock(monkeypatch, tell)


def locks_tell_a_used_code_by_the_reason(monkeypatch):
    def tell(closed, steps, authenticator):
        is_used = steps and max(steps) <= authenticator.last_step
        return replace(closed, reason=verification.Reason.BUDGET_SPENT) if is_used else closed

    told_in_a_lock(monkeypatch, tell)


def locks_too_short(monkeypatch):
    charged = throttle.charged
    monkeypatch.setattr(
        throttle,
        "charged",
        lambda failures, context: replace(charged(failures, context), locked_seconds=1),
    )


def nothing_charged(monkeypatch):
    monkeypatch.setattr(throttle, "charged", lambda failures, context: failures)


def success_clears_the_rolling_budget(monkeypatch):
    cleared = throttle.cleared
    monkeypatch.setattr(throttle, "cleared", lambda failures: replace(cleared(failures), days=()))


def last_save_wins(monkeypatch):
    save = MemoryStore.save

    def overwrite(store, account, events, *, expected):
        stored = MemoryStore.load(store, account.user)
        return save(store, account, events, expected=stored.revision if stored else None)

    monkeypatch.setattr(MemoryStore, "save", overwrite)


def key_logged(monkeypatch):
    active_key = vault.Vault.active_key

    def tell(self, account):
        key = active_key(self, account)
        service.logger.info("the key is %s", base64.b32encode(key or b"").decode())
        return key

    monkeypatch.setattr(vault.Vault, "active_key", tell)


def code_logged(monkeypatch):
    verify_code = service.MfaService.verify_code

    def tell(self, visit, typed, **remember):
        notifications.audit_logger.info("typed: %s", typed)
        return verify_code(self, visit, typed, **remember)

    monkeypatch.setattr(service.MfaService, "verify_code", tell)


def recovery_code_in_event(monkeypatch):
    redeem = engine.HANDLERS[commands.SignInByRecoveryCode]

    def tell(account, command, context):
        decision = redeem(account, command, context)
        events = tuple(replace(event, details=(("code", command.code or ""),)) for event in decision.events)
        return replace(decision, events=events)

    monkeypatch.setitem(engine.HANDLERS, commands.SignInByRecoveryCode, tell)


def key_shown_on_the_page_for_codes(monkeypatch):
    show = gate.routes.answer

    def tell(request, path):
        reply = show(request, path)
        account = request.account
        if path != "/verify" or account is None or account.authenticator is None:
            return reply
        key = request.site.service.vault.active_key(account)
        return replace(reply, context={**reply.context, "issuer": base64.b32encode(key).decode()})

    monkeypatch.setattr(gate.routes, "answer", tell)


def right_codes_called_used(monkeypatch):
    monkeypatch.setattr(verification, "_is_unused", lambda authenticator, step: False)


def nothing_recorded(monkeypatch):
    decide = transactions.decide
    monkeypatch.setattr(transactions, "decide", lambda *asked: replace(decide(*asked), events=()))


def used_recovery_code_not_recorded(monkeypatch):
    decided(
        monkeypatch, commands.SignInByRecoveryCode, lambda decision, account: replace(decision, events=())
    )


def events_lost_by_the_store(monkeypatch):
    save = MemoryStore.save
    monkeypatch.setattr(
        MemoryStore,
        "save",
        lambda store, account, events, *, expected: save(store, account, (), expected=expected),
    )


def nobody_enrolls_after_a_reset(monkeypatch):
    younger = enrollment.younger
    monkeypatch.setattr(enrollment, "younger", lambda *asked, **named: younger(*asked, **named) and False)


def stored_recovery_code_spoilt(monkeypatch):
    def spoil(decision, account):
        code = replace(decision.account.recovery_code, sealed_digest=account.authenticator.sealed_key)
        return replace(decision, account=replace(decision.account, recovery_code=code))

    decided(monkeypatch, commands.AcknowledgeRecoveryCode, spoil)


def everybody_an_agent(monkeypatch):
    monkeypatch.setattr(views_desk, "_is_agent", lambda request: True)


def agents_help_agents(monkeypatch):
    monkeypatch.setattr(
        SupportAgents, "has", lambda agents, user, groups: "support" in groups and user == "edith"
    )


def no_step_up_of_agents(monkeypatch):
    monkeypatch.setattr(support, "is_fresh", lambda *asked: True)


def pages_may_be_cached(monkeypatch):
    good = reply._headers
    without = lambda *asked: [header for header in good(*asked) if header[0] != "Cache-Control"]  # noqa: E731
    monkeypatch.setattr(reply, "_headers", without)


def browsers_keep_their_id(monkeypatch):
    good = web_request.Origin
    kept = lambda **given: good(**{**given, "next_browser": given["browser"]})  # noqa: E731
    monkeypatch.setattr(web_request, "Origin", kept)


def whatever_key_is_there_is_bound(monkeypatch):
    good = service.MfaService.confirm_enrollment
    any_key = lambda self, visit, typed, *, pending_id: good(self, visit, typed, pending_id=None)  # noqa: E731
    monkeypatch.setattr(service.MfaService, "confirm_enrollment", any_key)


SABOTAGES = [
    (pages_may_be_cached, SEVERAL_BROWSERS, "replies"),
    (browsers_keep_their_id, SEVERAL_BROWSERS, "renewal"),
    (whatever_key_is_there_is_bound, "signing_in/an-older-page-with-a-key", "seen"),
    (everybody_an_agent, "support/desk-for-agents-alone", "desk"),
    (agents_help_agents, "support/desk-and-its-own-agents", "desk"),
    (no_step_up_of_agents, "support/desk-for-agents-alone", "desk"),
    (replay_allowed, SEVERAL_BROWSERS, "code_once"),
    (session_handed_to_any_browser, SEVERAL_BROWSERS, "code_once"),
    (last_save_wins, SEVERAL_BROWSERS, "code_once"),
    (steps_forgotten, HELP_PAGE, "step_forward"),
    (steps_taken_back, HELP_PAGE, "step_forward"),
    (recovery_code_kept, HELP_PAGE, "recovery_once"),
    (any_recovery_code_right, "network/recovery-reply-lost", "recovery_once"),
    (gate_open, "attacks/password-known", "both_factors"),
    (sign_in_let_out, HELP_PAGE, "both_factors"),
    (right_codes_are_wrong, HELP_PAGE, "answer"),
    (sessions_without_end, "browsers/idle-session", "both_factors"),
    (sessions_survive_sign_out, "browsers/signed-out-on-our-page", "both_factors"),
    (sessions_survive_the_portals_sign_out, HELP_PAGE, "both_factors"),
    (sessions_survive_reset, "support/reset-ends-open-session", "reset_final"),
    (phone_survives_reset, HELP_PAGE, "reset_final"),
    (sessions_survive_new_phone, "signing_in/new-phone-by-oneself", "reset_final"),
    (any_code_confirms, "signing_in/nothing-active-before-a-code", "unconfirmed_key"),
    (wide_window, "clock/edges-of-a-step", "window"),
    (drift_without_bound, HELP_PAGE, "window"),
    (locks_evaluate, GUESSES, "lock"),
    (locks_too_short, GUESSES, "lock"),
    (locks_tell_a_right_code_by_a_hint, LOCK, "lock"),
    (locks_tell_a_right_code_by_the_wait, LOCK, "lock"),
    (locks_tell_a_used_code, LOCK, "lock"),
    (locks_tell_a_used_code_by_the_reason, LOCK, "lock"),
    (nothing_charged, GUESSES, "budget"),
    (last_save_wins, GUESSES, "budget"),
    (success_clears_the_rolling_budget, "support/locked-and-unlocked", "budget"),
    (key_logged, HELP_PAGE, "secrets"),
    (code_logged, HELP_PAGE, "secrets"),
    (recovery_code_in_event, HELP_PAGE, "secrets"),
    (key_shown_on_the_page_for_codes, HELP_PAGE, "secrets"),
    (right_codes_called_used, "clock/slow-typing", "answer"),
    (nothing_recorded, HELP_PAGE, "events"),
    (used_recovery_code_not_recorded, "network/recovery-reply-lost", "events"),
    (events_lost_by_the_store, HELP_PAGE, "events"),
    (nobody_enrolls_after_a_reset, "clock/strict-profile", "liveness"),
    (stored_recovery_code_spoilt, "clock/strict-profile", "liveness"),
]


def broken_in(path):
    """The invariants that a scenario file finds broken, in any of its rows, and the timelines."""
    names, text = set(), []
    for scenario in read_file(path):
        with frozen_wall_clock(scenario.start) as wall:
            played = play(scenario, wall)
        names |= {broken.invariant for moment in played.moments for broken in moment.broken}
        text.append(timeline(played))
    return names, "\n".join(text)


@pytest.mark.requirement("R6", "R17", "R20", "R28", "R35", "R45", "R72", "R83")
@pytest.mark.parametrize(
    ("sabotage", "story", "invariant"),
    SABOTAGES,
    ids=[f"{sabotage.__name__}-{story.rpartition('/')[2]}" for sabotage, story, _ in SABOTAGES],
)
def test_a_broken_rule_breaks_the_invariant_that_it_serves(sabotage, story, invariant, monkeypatch):
    path = FOLDER / f"{story}.mfa.yaml"
    sabotage(monkeypatch)
    found, text = broken_in(path)
    assert invariant in found, text
    line = re.search(rf"    BROKEN {re.escape(str(path))}:(\d+): invariant {invariant} \(", text)
    assert path.read_text(encoding="utf-8").splitlines()[int(line[1]) - 1].lstrip().startswith("- ")


def test_every_invariant_is_proved_by_a_sabotage():
    assert {invariant for _, _, invariant in SABOTAGES} == set(INVARIANTS)


def test_a_broken_invariant_ends_the_command_with_3_and_tells_who_and_what(monkeypatch):
    sessions_survive_reset(monkeypatch)
    path = FOLDER / "support" / "reset-ends-open-session.mfa.yaml"
    result = CliRunner().invoke(main, ["run", str(path)])
    assert result.exit_code == 3
    assert "invariant reset_final (nothing of before is usable after a reset" in result.stdout
    assert "a reset left 2 open sessions" in result.stdout
    assert "      who: user1, at the support desk\n" in result.stdout
    assert re.search(r"^ +before: phone \w+ .*; sessions \w+, \w+;", result.stdout, re.MULTILINE)
    assert re.search(r"^ +after: no phone; no recovery code; sessions \w+, \w+;", result.stdout, re.MULTILINE)
    assert result.stdout.endswith("0 passed, 1 failed (1 broke an invariant)\n")


STORY = """
scenario: A story in which nothing fails that it expects
{top}
users:
  user1: {{password: correct horse, email: user1@example.com, phones: {{pixel: }}}}
steps:
  - enroll: {{user: user1, browser: laptop, phone: pixel}}
"""


@pytest.mark.parametrize(("top", "found"), [("", True), ("always: {liveness: off}", False)])
def test_a_file_may_leave_an_invariant_out(top, found, monkeypatch):
    nobody_enrolls_after_a_reset(monkeypatch)
    (scenario,) = parse(STORY.format(top=top), file="story.mfa.yaml")
    with frozen_wall_clock(scenario.start) as wall:
        played = play(scenario, wall)
    assert (played.failed, played.broken) == (found, found)


def test_liveness_meets_the_page_for_codes_that_no_step_of_the_story_has_met(monkeypatch):
    render_page = reply.render_page

    def without_a_field(name, context, *, nonce):
        page = render_page(name, context, nonce=nonce)
        return page.replace('name="code"', 'name="codes"') if name == "verify" else page

    monkeypatch.setattr(reply, "render_page", without_a_field)
    (scenario,) = parse(STORY.format(top=""), file="story.mfa.yaml")
    with frozen_wall_clock(scenario.start) as wall:
        played = play(scenario, wall)
    (broken,) = (broken for moment in played.moments for broken in moment.broken)
    assert (broken.invariant, broken.user) == ("liveness", "user1")
    assert broken.seen == "the right password and a good phone came to must_verify"


def test_liveness_leaves_no_trace_in_the_story():
    (scenario,) = parse(STORY.format(top=""), file="story.mfa.yaml")
    (without,) = parse(STORY.format(top="always: {liveness: off}"), file="story.mfa.yaml")
    with frozen_wall_clock(scenario.start) as wall:
        assert timeline(play(scenario, wall)) == timeline(play(without, wall))
