"""Fixtures for the tests of the simulator."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.explore.life import Stage
from mfa_simulator.language.parser import parse
from mfa_simulator.language.quantities import instant
from mfa_simulator.language.scenario import START
from mfa_simulator.play.running import play
from mfa_simulator.world.clocks import TrueTime, frozen_wall_clock
from mfa_simulator.world.recorder import Recorder
from wsgi_mfa.core import commands, engine, enrollment, throttle, verification
from wsgi_mfa.core.account import Authenticator

USERS = """
scenario: A story
users:
  user1: {password: correct horse, email: user1@example.com, phones: {pixel: , spare: }}
  user2: {password: battery staple, email: user2@example.com, phones: {nokia: }}
"""


@pytest.fixture
def true_time():
    """A true time that begins at a step boundary, 2026-01-01T00:00:00Z."""
    return TrueTime(instant("2026-01-01T00:00:00Z"))


@pytest.fixture
def recorder():
    """A recorder, as the parts of one world share it."""
    return Recorder()


@pytest.fixture
def record(recorder):
    """The record of the step that is played now."""
    with recorder.recording() as record:
        yield record


@pytest.fixture
def problems_of():
    """``problems_of(text)``: what is wrong in a file, as ``line:column: message``."""

    def read(text):
        with pytest.raises(ScenarioFileError) as caught:
            parse(textwrap.dedent(text), file="story.mfa.yaml")
        return [str(problem).removeprefix("story.mfa.yaml:") for problem in caught.value.problems]

    return read


@pytest.fixture
def scenario_of():
    """``scenario_of(steps, top="")``: a scenario of two users with these steps and other keys of the file."""

    def read(steps, top=""):
        text = USERS + textwrap.dedent(top) + "steps:\n" + textwrap.indent(textwrap.dedent(steps), "  ")
        (scenario,) = parse(text, file="story.mfa.yaml")
        return scenario

    return read


@pytest.fixture
def played(scenario_of):
    """``played(steps, top="")``: the same scenario, played against the real middleware."""

    def run(steps, top=""):
        scenario = scenario_of(steps, top)
        with frozen_wall_clock(scenario.start) as wall:
            return play(scenario, wall)

    return run


def _changed(monkeypatch, command, change):
    """Let ``change(decision, account)`` have the last word about what a command comes to."""
    rule = engine.HANDLERS[command]

    def handler(account, given, context):
        decision = rule(account, given, context)
        return decision if decision.account is None else change(decision, account)

    monkeypatch.setitem(engine.HANDLERS, command, handler)


def _phone_kept(decision, account):
    kept = {"authenticator": account.authenticator}
    return replace(decision, account=replace(decision.account, **kept))


def _code_kept(decision, account):
    kept = {"recovery_code": account.recovery_code}
    return replace(decision, account=replace(decision.account, **kept))


def _confirming_code_good_twice(monkeypatch):
    def forgetful(**fields):
        return Authenticator(**{**fields, "last_step": fields["last_step"] - 9, "used_steps": ()})

    monkeypatch.setattr(enrollment, "Authenticator", forgetful)


HOLES = {
    "a code is good twice": lambda patch: patch.setattr(verification, "_is_unused", lambda phone, step: True),
    "a reset keeps the phone": lambda patch: _changed(patch, commands.ResetBySupport, _phone_kept),
    "a recovery code is kept": lambda patch: _changed(patch, commands.SignInByRecoveryCode, _code_kept),
    "codes are judged in a lock": lambda patch: patch.setattr(
        verification, "locked", lambda account, counters, context: None
    ),
    "the confirming code is good twice": _confirming_code_good_twice,
    "wrong codes are charged to nobody": lambda patch: patch.setattr(
        throttle, "charged", lambda failures, context: failures
    ),
}


@pytest.fixture(params=list(HOLES))
def hole(request, monkeypatch):
    """A classical hole of the middleware, by its name; ``hole.mend()`` closes it."""
    with monkeypatch.context() as patch:
        HOLES[request.param](patch)
        yield SimpleNamespace(name=request.param, mend=patch.undo)


@pytest.fixture
def stage():
    """What lives are played on, around the reference portal."""
    with frozen_wall_clock(START) as wall:
        yield Stage(wall)
