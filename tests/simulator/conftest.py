"""Fixtures for the tests of the simulator."""

from __future__ import annotations

import textwrap

import pytest

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.language.parser import parse
from mfa_simulator.language.quantities import instant
from mfa_simulator.play.running import play
from mfa_simulator.world.clocks import TrueTime, frozen_wall_clock
from mfa_simulator.world.recorder import Recorder

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
